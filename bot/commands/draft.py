"""`draft`: candidates in the terminal, or in bulk into a file, without Discord and Mastodon.

Writes and refuses the same as /draft: bot/writing/composing.py.
"""

import argparse
import contextlib
import json
import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.arguments import add_voice, chosen, whole
from bot.errors import UserError
from bot.voice.files import writing_whole

if TYPE_CHECKING:
    from bot.draft import Candidate

MAX_COUNT = 64  # more would only take long
MIN_CHARS = 20  # of a status: a thread's parts need some for their numbers
DESCRIPTION = """\
Writes candidates on a topic in the terminal; with --topics on many topics,
into a file. Nothing is posted or kept, and neither Discord nor Mastodon is
needed. Which voice and whose server: the settings VOICE, VOICES and LLM_…
in the environment or .env."""
EXAMPLES = """\
examples:
  python -m bot draft "the first snow" --voice me --count 2
  python -m bot draft --topics topics.txt --out drafts.jsonl"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("topic", nargs="?", metavar="TOPIC", help="what the post is about, in quotes")
    option(
        "--count",
        type=whole(1, MAX_COUNT, f"no count: give a whole number from 1 to {MAX_COUNT}"),
        default=4,
        metavar="N",
        help=f"candidates to write on a topic, 1 to {MAX_COUNT} (default: %(default)s)",
    )
    option(
        "--topics",
        type=Path,
        metavar="FILE",
        help="instead of TOPIC: a text file of topics, one a line; it goes together with --out",
    )
    option(
        "--out",
        type=_file,
        metavar="FILE",
        help='for --topics: file to write, {"topic", "candidates": [{"text"}]} a line; an old one'
        " is replaced",
    )
    option(
        "--max-chars",
        type=whole(MIN_CHARS, math.inf, f"no limit: give a whole number from {MIN_CHARS}"),
        default=500,  # Mastodon's own
        metavar="N",
        help="characters a status may have; a longer text becomes a thread (default: %(default)s)",
    )
    add_voice(parser)


def _file(text: str) -> Path:
    """A flag's type: said before hours of drafting, not after them."""
    if (file := Path(text)).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder: name a file")
    return file


async def run(args: argparse.Namespace) -> int:
    """Write about one topic, or about each line of a file."""
    from bot.writing.composing import OpenVoice, Request, compose
    from bot.writing.llm import LLM
    from bot.writing.screen import Rules, WordList
    from bot.writing.thread import status_length

    if bool(args.topic) == bool(args.topics):
        raise UserError("Give either a TOPIC or --topics FILE.")
    if args.topics and not args.out:
        raise UserError("--topics needs --out FILE.jsonl, where the candidates go.")
    settings = chosen(args)
    opened = OpenVoice.load(settings.voice_folder())
    blocked = WordList(settings.blocked_lines())
    rules = Rules(args.max_chars, status_length, opened.known_posts, blocked)
    async with LLM.open(settings) as llm:

        async def ask(topic: str) -> Sequence["Candidate"]:
            return await compose(llm, opened, Request(topic, args.count), rules)

        if args.topic:
            _show(await ask(args.topic), args.max_chars)
        else:
            await _in_bulk(ask, args.topics, args.out)
    return 0


def _show(candidates: Sequence["Candidate"], max_chars: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for i, candidate in enumerate(candidates, 1):
        console.print(Text(f"{i}  ", "bold") + Text(f"{candidate.length}/{max_chars}", "dim"))
        console.print(Text(candidate.text + "\n"), soft_wrap=True)


async def _in_bulk(
    ask: Callable[[str], Awaitable[Sequence["Candidate"]]], topics_file: Path, out_file: Path
) -> None:
    """Draft about each line of a file; a topic whose texts all fail gets an empty row."""
    from rich.console import Console
    from rich.progress import track

    topics = [line.strip() for line in _lines(topics_file) if line.strip()]
    try:
        with writing_whole(out_file) as out:
            for topic in track(topics, "Drafting", console=Console(stderr=True)):
                texts: list[dict[str, str]] = []
                with contextlib.suppress(UserError):
                    texts = [{"text": c.text} for c in await ask(topic)]
                row = {"topic": topic, "candidates": texts}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=out_file,
            reason=e.strerror,
        ) from e


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UserError(
            "The topics in {file} cannot be read ({reason}). Write one a line.", file=file, reason=e
        ) from e
