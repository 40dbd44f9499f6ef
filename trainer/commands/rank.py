"""`rank VOICE`."""

import argparse

from trainer.commands.arguments import add_voices

DESCRIPTION = """\
Learns again which drafts of a voice to show first, as train does at its end,
from the differences between 120 drafts of the voice and its author's posts.
Keeps a taste. Useful after a training whose last step failed."""
EXAMPLES = """\
example:
  python -m trainer rank me"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("voice", metavar="VOICE", help="name of the voice")
    add_voices(parser)


def run(args: argparse.Namespace) -> None:
    """Fit the ranker and write it into the voice's folder."""
    from rich.console import Console

    from trainer.drawing.ranking import rank
    from trainer.training.voice_folder import VoiceFolder

    rank(VoiceFolder.named(args.voices, args.voice).place, Console(soft_wrap=True))
