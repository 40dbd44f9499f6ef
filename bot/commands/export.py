"""`export`: everything stored about a person, which they may request."""

import argparse
from pathlib import Path

from bot.commands.arguments import whole
from bot.errors import UserError

DESCRIPTION = """\
Prints everything the database (the setting DATABASE) holds about a person, as
JSON, also while the bot runs. Tokens are left out: it is a document to hand
over. In Discord a person gets their own with /export-me."""
EXAMPLES = """\
examples:
  python -m bot export 80351110224678912
  python -m bot export 80351110224678912 --out alice.json"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "user_id",
        type=whole(0, 2**63 - 1, "no Discord id: that is a whole number of up to 19 digits"),
        metavar="USER_ID",
        help="the person's Discord id: 17 to 19 digits, from “Copy User ID” in Discord",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write it to this new file, readable by you alone (default: print it)",
    )


async def run(args: argparse.Namespace) -> int:
    """Print what is stored, or write it to a file."""
    from bot.config import DatabaseSettings, read_settings
    from bot.store.database import Database
    from bot.store.dossier import dossier

    async with Database.reading(read_settings(DatabaseSettings).database) as database:
        content = await dossier(database, args.user_id)
    if args.out is None:
        print(content, end="")
        return 0
    try:
        args.out.touch(mode=0o600, exist_ok=False)
        args.out.write_text(content, "utf-8")
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=args.out,
            reason=e.strerror,
        ) from e
    print(f"{args.out} holds everything about {args.user_id}, but for the tokens.")
    return 0
