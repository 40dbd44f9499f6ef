"""`posts`: everything a connected account has posted, as a file for the trainer."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.arguments import whole
from bot.errors import UserError
from bot.voice.files import writing_whole

if TYPE_CHECKING:
    from bot.posting.target import Target

DESCRIPTION = """\
Asks the server of a connected account for everything it has posted, and
writes it to a file that `python -m trainer prepare` reads as it reads an
archive. Only an account of one's own can be asked for: the operators', or
the one that a person connected in Discord. `prepare --account` does this by
itself."""
EXAMPLES = """\
examples:
  python -m bot posts mastodon posts.jsonl
  python -m bot posts bluesky posts.jsonl --of 80351110224678912"""


_SETTINGS = {
    "mastodon": "MASTODON_BASE_URL and MASTODON_ACCESS_TOKEN",
    "bluesky": "BLUESKY_HANDLE and BLUESKY_APP_PASSWORD",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("network", choices=("mastodon", "bluesky"), help="where the account is")
    option("file", type=Path, metavar="FILE", help="file to write; an old one is replaced")
    option(
        "--of",
        type=whole(0, 2**63 - 1, "no Discord id: that is a whole number of up to 19 digits"),
        metavar="USER_ID",
        help="whose account: a person's Discord id (default: the only operator)",
    )


async def run(args: argparse.Namespace) -> int:
    """Write the file, whole or not at all."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn

    columns = SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn()
    try:
        async with _account(args.network, args.of) as account:
            with (
                Progress(*columns, console=Console(stderr=True), transient=True) as bar,
                writing_whole(args.file) as out,
            ):
                task = bar.add_task(f"Reading {await account.identify()}", total=None)
                async for piece in account.posts():
                    out.write(piece)
                    bar.advance(task, len(piece))
            print(f"{args.file} holds what {account.name} has posted.")
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=args.file,
            reason=e.strerror,
        ) from e
    return 0


@asynccontextmanager
async def _account(network: str, user_id: int | None) -> AsyncIterator["Target"]:
    """The account a person posts to. Raises a BotError."""
    from bot.config import Settings, read_settings
    from bot.posting.accounts import Accounts
    from bot.posting.bluesky import Bluesky
    from bot.posting.mastodon import Mastodon
    from bot.store import Store
    from bot.store.database import Database

    settings = read_settings(Settings)
    if user_id is None:
        if len(settings.owner_ids) > 1:
            raise UserError("There are several operators. Say whose account with --of USER_ID.")
        (user_id,) = settings.owner_ids
    async with Database.reading(settings.database) as database:
        accounts = Accounts.from_settings(settings, Store(database))
        (asked,) = (kind.network for kind in (Mastodon, Bluesky) if kind.network == network)
        if asked not in await accounts.connected(user_id):
            raise UserError(
                "You have not connected a {network} account yet. Do it in Discord with /{command}"
                " connect. An operator may set {names} in .env instead: that needs no running bot.",
                network=asked.proper,
                command=network,
                names=_SETTINGS[network],
            )
        yield await accounts.of(user_id, asked)
