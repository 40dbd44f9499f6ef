"""`report VOICE`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from trainer.commands.arguments import add_voices

DESCRIPTION = """\
Writes one page about a voice, which needs no network: where every post of the
archive went, your topics, words and hours, how the training went, ten
unchosen drafts beside ten real posts that the voice has never seen, what
evaluate found, and with --db, week by week, what you approved and edited. It
holds posts of yours, so keep it as you keep the archive."""
EXAMPLES = """\
examples:
  python -m trainer report me --db state/bot.db
  python -m trainer report me --no-drafts --timezone Asia/Tokyo --out me.html"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    add_voices(parser)
    option(
        "--db",
        type=Path,
        metavar="FILE",
        help="the bot's database (its setting DATABASE), which is only read, also while the bot"
        " runs: show what people say of the voice (default: that is left out)",
    )
    option(
        "--out",
        type=Path,
        metavar="FILE",
        help="the page; its pictures go to a folder of the same name beside it (default:"
        " report.html in the voice's folder)",
    )
    option(
        "--timezone",
        default="UTC",
        metavar="ZONE",
        help="time zone of the hours, such as Asia/Tokyo (default: %(default)s)",
    )
    option("--no-drafts", action="store_true", help="write no drafts, and ask no server")
    option(
        "--data",
        type=Path,
        metavar="DATA",
        help="folder that prepare wrote, for voices trained before they held what became of the"
        " posts",
    )


def run(args: argparse.Namespace) -> None:
    """Write the page."""
    from trainer.report.page import ReportOptions, write_report
    from trainer.training.voice_folder import VoiceFolder

    folder = VoiceFolder.named(args.voices, args.voice).place
    options = ReportOptions(args.data, args.out, args.timezone, not args.no_drafts, args.db)
    write_report(folder, options, now=datetime.now(UTC))
