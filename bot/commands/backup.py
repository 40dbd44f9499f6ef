"""`backup`: a complete copy of the database."""

import argparse
import asyncio
from pathlib import Path

DESCRIPTION = """\
Copies the bot's database (the setting DATABASE) into a new file, also while
the bot runs. The key that opens the stored tokens is not in it: keep that
too. How to go back to a copy: docs/operating.md."""
EXAMPLES = """\
example:
  python -m bot backup drafts-2027-01-31.db"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its argument."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")


async def run(args: argparse.Namespace) -> int:
    """Copy, and show the progress."""
    from rich.console import Console
    from rich.progress import Progress

    from bot.config import DatabaseSettings, read_settings
    from bot.store.backup import back_up

    database = read_settings(DatabaseSettings).database
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Copying")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        await asyncio.to_thread(back_up, database, args.file, show)
    print(
        f"{args.file} is a copy of {database}. The key of the tokens is not in it: keep that too."
    )
    return 0
