"""`feedback --db FILE --out DATA`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from trainer.commands.arguments import add_voices

DESCRIPTION = """\
Turns what was decided on a voice's drafts into training data, written as
prepare writes it, and into pairs of a preferred and another text
(preferences.jsonl), from which taste learns. Drafts that were ignored or
deleted again teach nothing, nor do the decisions of guests.

More: docs/voice.md."""
EXAMPLES = """\
examples:
  python -m trainer feedback --db state/bot.db --out liked --voice me
  python -m trainer taste me --learn liked"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option(
        "--db",
        type=Path,
        metavar="FILE",
        required=True,
        help="the bot's database (its setting DATABASE), which is only read, also while the bot"
        " runs",
    )
    option("--out", type=Path, metavar="DATA", required=True, help="folder to write")
    option(
        "--voice",
        metavar="NAME",
        help="the voice that drafted (default: the only one that did)",
    )
    add_voices(parser)


def run(args: argparse.Namespace) -> None:
    """Write the folder."""
    from rich.console import Console

    from trainer.taste.feedback import feedback

    console = Console(soft_wrap=True)
    feedback(args.db, args.out, args.voice, args.voices, now=datetime.now(UTC), console=console)
