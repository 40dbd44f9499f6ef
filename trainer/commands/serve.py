"""`serve [VOICE ...]`: hands over to the bot's command of that name."""

import argparse
import os
import sys

FLAGS = {"--voices": "FOLDER", "--host": "ADDRESS", "--port": "N"}
FLAGS |= {"--base-gguf": "FILE", "--threads": "N"}
DESCRIPTION = """\
Serves local voices to any client of OpenAI's API. It is `python -m bot serve`,
with the same flags, under its older name: `python -m bot serve --help`
explains them."""
EXAMPLES = """\
examples:
  python -m trainer serve me
  python -m trainer serve me her --port 8081"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the bot's command, which checks them itself."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("voice", metavar="VOICE", nargs="*", help="as for `python -m bot serve`")
    for flag, metavar in FLAGS.items():
        parser.add_argument(flag, metavar=metavar, help="as for `python -m bot serve`")


def run(args: argparse.Namespace) -> None:
    """Become the bot's command: the same process, so a signal to it ends the server."""
    given = ((flag, getattr(args, flag[2:].replace("-", "_"))) for flag in FLAGS)
    flags = [f"{flag}={value}" for flag, value in given if value is not None]
    command = [sys.executable, "-m", "bot", "serve", *flags, "--", *args.voice]
    os.execv(sys.executable, command)  # noqa: S606 - without a shell, on purpose
