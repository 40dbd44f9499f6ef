"""`refresh VOICE ACCOUNT`: keeps a voice fresh by one command, without another archive."""

import argparse
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.commands import train
from trainer.commands.arguments import add_voices
from trainer.commands.prepare import account
from trainer.errors import DataError

if TYPE_CHECKING:
    from trainer.data.folder import About
    from trainer.data.options import PrepareOptions

DESCRIPTION = """\
Trains a voice anew on the posts it knows and on what its account has posted
since, with the choices of its last `prepare` and the defaults of `train`.
What the bot wrote is left out. The voice stays in use until the new one is
complete; after an interruption run the same command again."""
EXAMPLES = """\
examples:
  python -m trainer refresh me mastodon
  python -m trainer refresh me mastodon bluesky:80351110224678912"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("voice", metavar="VOICE", help="name of the voice")
    option(
        "accounts",
        type=account,
        nargs="+",
        metavar="NETWORK[:USER_ID]",
        help="connected accounts: mastodon or bluesky, the only operator's, or with a Discord id"
        " that person's",
    )
    add_voices(parser)
    option(
        "--db",
        type=Path,
        metavar="FILE",
        help="the bot's database (default: state/bot.db, if it is there)",
    )
    option("--base", metavar="MODEL", help="as of train (default: as train chooses)")


def run(args: argparse.Namespace) -> None:
    """Prepare the voice's own posts and the account's, and train."""
    from bot.voice import HELD_OUT_FILE, POSTS_FILE, Voice
    from bot.voice.others import Others
    from trainer.archives.account import fetched
    from trainer.bot_database import USUAL
    from trainer.data.folder import read_about
    from trainer.data.prepare import prepare
    from trainer.training.voice_folder import VoiceFolder

    folder = VoiceFolder.named(args.voices, args.voice)
    voice, about = Voice.load(folder.place), read_about(folder.place)
    if voice.backend != "local":
        raise DataError(
            f"The voice {voice.name} is at a provider, which is asked and paid by `train`. Use"
            " `prepare --account` and `train --backend openai`."
        )
    known = [folder.place / name for name in (POSTS_FILE, HELD_OUT_FILE)]
    db = args.db or (USUAL if USUAL.is_file() else None)
    data = folder.voices / f".{folder.name}.data"
    with fetched(args.accounts) as files:
        prepare(
            [*filter(Path.exists, known), *files],
            data,
            _options(about, voice.seed),
            now=datetime.now(UTC),
            db=db,
        )
    others = Others.load(folder.place)
    others.join(Others.load(data))
    others.save(data)
    parser = argparse.ArgumentParser()
    train.add(parser)
    base = ["--base", args.base] if args.base else []
    asked = [str(data), "--voice", folder.name, "--voices", str(folder.voices), *base]
    train.run(parser.parse_args(asked))
    shutil.rmtree(data)


def _options(about: "About", seed: int) -> "PrepareOptions":
    """The choices of the last `prepare`, as far as it noted them. Raises DataError."""
    import msgspec

    from trainer.data.options import PrepareOptions

    try:
        return msgspec.convert({**(about.options or {}), "seed": seed}, PrepareOptions)
    except msgspec.ValidationError as e:
        raise DataError(
            f"The voice's dataset.json is damaged ({e}). Use `prepare` and `train`."
        ) from e
