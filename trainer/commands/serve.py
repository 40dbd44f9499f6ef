"""`serve [VOICE ...]`."""

import argparse
from pathlib import Path

from trainer.commands.arguments import COUNT, add_voices, number

DESCRIPTION = """\
Serves local voices to any client of OpenAI's API, and prints the address and
a call to try. The voice's name is the model to ask for. It asks for no key.
The bot does not need it: it starts the same server by itself.

More, and larger servers: docs/elsewhere.md."""
EXAMPLES = """\
examples:
  python -m trainer serve me
  python -m trainer serve me her --port 8081"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option(
        "voice",
        metavar="VOICE",
        nargs="*",
        help="voices to serve, all on one base model (default: every one that can be served)",
    )
    add_voices(parser)
    option("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    option(
        "--port",
        type=number(int, 0, 65535, "no port: give a whole number from 0 to 65535"),
        default=8080,
        help="port to listen on; 0 takes a free one (default: %(default)s)",
    )
    option(
        "--base-gguf",
        type=Path,
        metavar="FILE",
        help="GGUF file of the base model, for voices trained with another --base",
    )
    option(
        "--threads",
        type=COUNT,
        default=0,
        metavar="N",
        help="CPU threads (default: one for every core)",
    )


def run(args: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    from trainer.serve import serve

    serve(args.voices, args.voice, args.base_gguf, args.threads, args.host, args.port)
