"""`prepare SOURCE [SOURCE ...] --out DATA`; options.py has the reasons for the defaults."""

import argparse
import math
from datetime import UTC, datetime
from pathlib import Path

from trainer.commands.arguments import SEED, Group, number
from trainer.errors import DataError

DESCRIPTION = """\
Turns archives of posts into training data: cleans the posts, finds their
topics, puts the newest 20% aside to judge by, and accounts for every post.
Reads archives of X, Mastodon, Bluesky and Threads as they were downloaded,
the lists of posts of other services, and any CSV, JSON lines or JSON file with
a column "text", and if you like "id" and "created_at".

What becomes of your posts: docs/archives.md. Look at DATA/posts.jsonl before
you go on."""
EXAMPLES = """\
examples:
  python -m trainer prepare twitter-archive.zip --out data
  python -m trainer prepare twitter.zip mastodon.tar.gz --out data --language en
  python -m trainer prepare --account mastodon --out data
  python -m trainer prepare --out data --explain 1488472846284857344"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.usage = "%(prog)s SOURCE [SOURCE ...] --out DATA [flags]"
    option = parser.add_argument
    option(
        "sources",
        type=Path,
        nargs="*",
        metavar="SOURCE",
        help="an archive, the folder it was unpacked to, or the file with the posts; several"
        " become one archive, in the order of time",
    )
    option(
        "--account",
        type=account,
        action="append",
        default=[],
        metavar="NETWORK[:USER_ID]",
        help="also what a connected account has posted until now: mastodon or bluesky, the only"
        " operator's, or with a Discord id that person's; it needs the bot's settings, and leaves"
        " out what the bot wrote",
    )
    option("--out", type=Path, metavar="DATA", required=True, help="folder to write")
    option(
        "--explain",
        metavar="ID",
        help="say what became of a post of DATA, by its id; needs no archive",
    )
    _add_choices(parser.add_argument_group("which posts to learn from"))
    _add_treatment(parser.add_argument_group("what to do with them"))


def _add_choices(group: Group) -> None:
    option = group.add_argument
    option(
        "--with-replies",
        action="store_true",
        help="replies to other people too; replies to yourself are always learnt from",
    )
    option("--with-quotes", action="store_true", help="quotes of other people's posts too")
    option("--with-retweets", action="store_true", help="retweets and boosts too")
    option(
        "--with-private",
        action="store_true",
        help="posts for followers only too; never those for X's Circle",
    )
    option("--with-direct", action="store_true", help="posts to those they mention too")
    option(
        "--language",
        type=_language,
        nargs="+",
        default=(),
        metavar="CODE",
        help="posts in these languages only, such as en de (default: all)",
    )
    option(
        "--db",
        type=Path,
        metavar="FILE",
        help="the bot's database (its setting DATABASE), which is only read, also while the bot"
        " runs: leave out what the bot wrote (default: posts of the bot count as yours)",
    )


def _add_treatment(group: Group) -> None:
    option = group.add_argument
    option(
        "--encoding",
        type=_encoding,
        metavar="NAME",
        help="encoding of plain files that are not UTF-8, such as cp1251 or shift_jis (default:"
        " cp1252, that of Western Windows, if it fits)",
    )
    option(
        "--threads",
        choices=("keep", "join"),
        default="keep",
        help="keep your threads as single posts, or join each to one post (default: %(default)s: a"
        " draft has to fit into one post, and a joined thread would not)",
    )
    option(
        "--personal",
        choices=("mask", "drop", "keep"),
        default="mask",
        help="mask e-mail addresses, phone numbers, bank accounts, cards and keys, drop the posts"
        " that hold any, or keep them as they are (default: %(default)s)",
    )
    option(
        "--ner",
        metavar="tweetnlp[:MODEL]",
        help="find names with tweetnlp (https://tweetnlp.org) too: its default model, a model's id"
        " or a folder; `make install-dev` first: 1 GB, and"
        " the model about as much (default: names are not looked for)",
    )
    option(
        "--validation",
        type=number(float, 0, math.nextafter(1, 0), "not a share: give a number from 0 to below 1"),
        default=0.2,
        metavar="SHARE",
        help="newest share of the posts that is kept for judging; 0 keeps none"
        " (default: %(default)s)",
    )
    option(
        "--seed",
        type=SEED,
        default=0,
        metavar="N",
        help="seed of the training, noted in DATA: the same seed on the same data gives the same"
        " voice (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> None:
    """Prepare, or explain a post, or both."""
    from trainer.archives.account import fetched
    from trainer.bot_database import USUAL
    from trainer.data.explain import explain
    from trainer.data.options import PrepareOptions
    from trainer.data.prepare import prepare

    if not args.sources and not args.account and args.explain is None:
        raise DataError("Name the archives to prepare: a zip, a folder or a file, or several.")
    options = PrepareOptions(
        ner=args.ner,
        validation=args.validation,
        seed=args.seed,
        with_replies=args.with_replies,
        with_quotes=args.with_quotes,
        with_retweets=args.with_retweets,
        with_private=args.with_private,
        with_direct=args.with_direct,
        threads=args.threads,
        languages=tuple(args.language),
        personal=args.personal,
    )
    if args.sources or args.account:
        is_own = args.db is None and args.account and USUAL.is_file()
        with fetched(args.account) as files:
            prepare(
                [*args.sources, *files],
                args.out,
                options,
                now=datetime.now(UTC),
                db=USUAL if is_own else args.db,
                encoding=args.encoding,
            )
        if args.db is None and not is_own and USUAL.is_file():
            print(f"A bot's database is here: --db {USUAL} leaves out what the bot wrote.")
    if args.explain is not None:
        print("\n".join(explain(args.out, args.explain)))


def account(text: str) -> str:
    """A flag's type: a network, and whose account if not the only operator's."""
    network, colon, user_id = text.partition(":")
    if network not in ("mastodon", "bluesky") or (colon and not user_id.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text} is no account: give mastodon or bluesky, or with a Discord id, such as"
            " bluesky:80351110224678912"
        )
    return text


def _encoding(text: str) -> str:
    from trainer.archives.encoding import is_encoding

    if not is_encoding(text):
        raise argparse.ArgumentTypeError(f"{text} is no encoding: give its name, such as cp1251")
    return text


def _language(text: str) -> str:
    from bot.voice.tongues import normal_code
    from trainer.data.languages import is_code

    if not is_code(text):
        raise argparse.ArgumentTypeError(f"{text} is no language: give its code, such as en")
    return normal_code(text)
