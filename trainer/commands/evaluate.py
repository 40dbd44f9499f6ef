"""`evaluate VOICE`."""

import argparse
from pathlib import Path

from trainer.commands.arguments import WHOLE_NUMBER, add_voices, number

DESCRIPTION = """\
Measures whether a voice sounds like its author: draws drafts on the topics of
posts it has never seen, as the bot does in Discord, and compares them with
those posts. Says in one sentence what to think of the voice, names its
weakest point, and prints the figures, beside those of your own posts and of
the base model without training. On two free cores it takes up to an hour if
the voice knows notes, else twenty minutes; after an interruption it goes on
at the last draft.

How to read it: docs/voice.md."""
EXAMPLES = """\
examples:
  python -m trainer evaluate me
  python -m trainer evaluate me --drafts 100 --no-floors"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    add_voices(parser)
    option(
        "--drafts",
        type=WHOLE_NUMBER,
        default=300,
        metavar="N",
        help="held-out posts to judge by, at most (default: %(default)s): fewer are faster, and"
        " less sure",
    )
    option(
        "--no-floors",
        action="store_true",
        help="do not compare with the base model without training: about a quarter faster",
    )
    option("--fresh", action="store_true", help="draw every draft anew")
    option(
        "--seed",
        type=number(int, 0, 2**32 - 1, "not a whole number from 0 to 4294967295"),
        default=0,
        metavar="N",
        help="seed of the random choices: the same seed on the same drafts gives the same result"
        " (default: %(default)s)",
    )
    option(
        "--data",
        type=Path,
        metavar="DATA",
        help="folder that prepare wrote, for old voices whose folder lacks the held-out posts",
    )


def run(args: argparse.Namespace) -> None:
    """Judge the voice and print the findings."""
    from rich.console import Console

    from trainer.judging.evaluate import EvaluationOptions, evaluate
    from trainer.training.voice_folder import VoiceFolder

    with_floors = not args.no_floors
    options = EvaluationOptions(args.data, args.drafts, args.seed, with_floors, is_fresh=args.fresh)
    evaluate(VoiceFolder.named(args.voices, args.voice), options, Console())
