"""The commands, in the order of the work. One command is one module, named as the command is.

`add(parser)` gives a command its flags, its description and its examples; `run(args)` carries it
out. A module is imported when its command runs, and the libraries it needs when `run` is called. So
`prepare` never waits for torch, and `--help` for no library.
"""

COMMANDS = {
    "prepare": "turn archives of posts into training data",
    "train": "fine-tune a voice on prepared data",
    "refresh": "train a voice anew with what its account has posted since",
    "evaluate": "measure whether a voice sounds like its author",
    "report": "show a voice on one page, with drafts",
    "feedback": "turn what was decided on drafts into training data and preference pairs",
    "taste": "learn what its owner likes from their decisions",
    "rank": "learn which drafts of a voice to show, as train does",
    "import-openai": "turn an earlier OpenAI fine-tune's files into data for a local voice",
    "serve": "the same as `python -m bot serve`",
}
