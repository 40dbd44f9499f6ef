"""The command lines of `report`, `rank`, `feedback` and `taste`."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

Subparsers = argparse._SubParsersAction  # argparse names the type of add_subparsers() only so
DATABASE = "the bot's database"


def add_report(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `report VOICE`."""
    parser = commands.add_parser("report", help="show a voice on one page, with drafts")
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    option("--data", type=Path, metavar="DATA", help="folder that prepare wrote, for older voices")
    option("--db", type=Path, metavar="FILE", help=f"{DATABASE}, to show what people say of it")
    option("--out", type=Path, metavar="FILE", help="the page (report.html in the voice's folder)")
    option("--timezone", default="UTC", metavar="ZONE", help="of the hours, as Asia/Tokyo (UTC)")
    option("--no-drafts", action="store_true", help="write none, and ask no server")
    parser.set_defaults(run=_run_report)


def _run_report(args: argparse.Namespace) -> None:
    from trainer.report.page import Options, report  # noqa: PLC0415 - matplotlib, for this command only
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

    folder = VoiceFolder.named(args.voices, args.voice).place
    options = Options(args.data, args.out, args.timezone, not args.no_drafts, args.db)
    report(folder, options, now=datetime.now(UTC))


def add_rank(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `rank VOICE`."""
    parser = commands.add_parser(
        "rank", help="learn which drafts of a voice to show, as train does"
    )
    parser.add_argument("voice", metavar="VOICE", help="name of the voice")
    parser.add_argument(
        "--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)"
    )
    parser.set_defaults(run=_run_rank)


def _run_rank(args: argparse.Namespace) -> None:
    from trainer.drawing.ranking import rank  # noqa: PLC0415 - scikit-learn, for this command only
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

    rank(VoiceFolder.named(args.voices, args.voice).place, Console(soft_wrap=True))


def add_feedback(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `feedback --db FILE --out DATA`."""
    parser = commands.add_parser(
        "feedback", help="turn what was decided on drafts into training data and preference pairs"
    )
    option = parser.add_argument
    option("--db", type=Path, metavar="FILE", required=True, help=f"{DATABASE}; it is only read")
    option("--out", type=Path, metavar="DATA", required=True, help="folder to write")
    option("--voice", metavar="NAME", help="the voice that drafted (the only one there is)")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    parser.set_defaults(run=_run_feedback)


def _run_feedback(args: argparse.Namespace) -> None:
    from trainer.taste.feedback import feedback  # noqa: PLC0415 - libraries, for this command only

    console = Console(soft_wrap=True)
    feedback(args.db, args.out, args.voice, args.voices, now=datetime.now(UTC), console=console)


def add_taste(commands: "Subparsers[argparse.ArgumentParser]") -> None:
    """Add `taste VOICE --learn DATA` and `--forget`."""
    parser = commands.add_parser("taste", help="learn what its owner likes from their decisions")
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    either = parser.add_mutually_exclusive_group(required=True).add_argument
    either("--learn", type=Path, metavar="DATA", help="from the folder that feedback wrote")
    either("--forget", action="store_true", help="take the taste back")
    option("--voices", type=Path, metavar="FOLDER", default=Path("voices"), help="(voices)")
    train = "train the voice by it, too, with the posts of the folder that prepare wrote"
    option("--train", type=Path, metavar="POSTS", help=train)
    option("--base", metavar="FOLDER", help="of the base model, for a voice trained on a folder")
    option("--anyway", action="store_true", help="train by it whatever it costs")
    parser.set_defaults(run=_run_taste)


def _run_taste(args: argparse.Namespace) -> None:
    from trainer.taste.taste import forget, taste  # noqa: PLC0415 - scikit-learn, for this command only
    from trainer.training.voice_folder import VoiceFolder  # noqa: PLC0415

    folder, console = VoiceFolder.named(args.voices, args.voice), Console(soft_wrap=True)
    if args.forget:
        forget(folder, console)
    else:
        taste(folder, args.learn, console, posts=args.train, base=args.base, anyway=args.anyway)
