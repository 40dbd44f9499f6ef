"""`taste VOICE --learn DATA` and `taste VOICE --forget`."""

import argparse
from pathlib import Path

from trainer.commands.arguments import add_voices

DESCRIPTION = """\
Learns from its owner's decisions which drafts of a voice to show, and says
what the owner likes in words, such as "fewer hashtags, shorter texts". From
then on the bot draws twice as many texts a draft: the first one shown is
chosen to be like the author's posts, as before, the others are those its
owner likes most. A handful of decisions, or decisions without a pattern,
change nothing.

What that brings: docs/voice.md."""
EXAMPLES = """\
examples:
  python -m trainer feedback --db state/bot.db --out liked --voice me
  python -m trainer taste me --learn liked
  python -m trainer taste me --forget"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    either = parser.add_mutually_exclusive_group(required=True).add_argument
    either("--learn", type=Path, metavar="DATA", help="learn from the folder that feedback wrote")
    either("--forget", action="store_true", help="make the voice what it was before")
    add_voices(parser)


def run(args: argparse.Namespace) -> None:
    """Learn a taste, or forget it."""
    from rich.console import Console

    from trainer.taste.taste import forget_taste, taste
    from trainer.training.voice_folder import VoiceFolder

    folder, console = VoiceFolder.named(args.voices, args.voice), Console(soft_wrap=True)
    if args.forget:
        forget_taste(folder, console)
    else:
        taste(folder, args.learn, console)
