"""The commands of `python -m bot`: a module each, with `add(parser)` and `run(args)`.

`add` sets the flags and the text of `--help`. `run` returns the exit code. Only `run` imports what
the command needs, so `--help` never waits for Discord's or OpenAI's library.
"""

import argparse

from bot.errors import BotError

COMMANDS = {  # the module is named as the command is
    "run": "serve Discord until stopped",
    "doctor": "check everything the bot needs, a sentence for each",
    "draft": "write drafts in the terminal, without Discord",
    "sandbox": "try the bot on this machine, without any account",
    "serve": "serve local voices to any client of OpenAI's API",
    "install-gemma": "install a second base model, for voices in other languages than English",
    "posts": "fetch what a connected account has posted, for the trainer",
    "backup": "copy the database to a file, also while the bot runs",
    "export": "give everything stored about a person, as JSON",
}


def carry_out(args: argparse.Namespace) -> int:
    """Run the chosen command; a mistake of ours is logged and gives exit code 1."""
    import asyncio

    import structlog

    from bot import logs

    logs.configure("WARNING")
    try:
        code: int = asyncio.run(args.run(args))
    except (BotError, ModuleNotFoundError):
        raise
    except Exception:  # goes to the log, which hides secrets
        log = structlog.stdlib.get_logger(__name__)
        log.critical("an unexpected error ended the bot", exc_info=True)
        return 1
    return code
