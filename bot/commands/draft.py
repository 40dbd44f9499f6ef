"""`draft`: candidates in the terminal, or in bulk into a file, without Discord or an account.

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
from bot.errors import Refused, Unavailable, UserError

if TYPE_CHECKING:
    from bot.draft import Candidate

MAX_COUNT = 64  # more would only take long
MIN_CHARS = 20  # of a status: a thread's parts need some for their numbers
DESCRIPTION = """\
Writes candidates on a topic, from notes, or from both, in the terminal; with
--topics on many, into a file. Below each stands what became of the facts in
the notes. Nothing is posted or kept, and neither Discord nor an account is
needed. Which voice and whose server: the settings VOICE, VOICES and LLM_…
in the environment or .env."""
EXAMPLES = """\
examples:
  python -m bot draft "the first snow" --voice me --count 2
  python -m bot draft --notes "took dog to vet in New Hartford; he is 11; all fine"
  python -m bot draft --topics topics.txt --out drafts.jsonl"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option("topic", nargs="?", metavar="TOPIC", help="what the post is about, in quotes")
    option(
        "--notes",
        metavar="TEXT",
        help="what the post is to say, in any rough form: facts, figures, names, an opinion",
    )
    option("--notes-file", type=Path, metavar="FILE", help="the same, from a text file")
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
        help='instead of TOPIC: a text file of topics, one a line, or of {"topic", "notes"} as'
        " JSON, either alone is enough; it goes together with --out",
    )
    option(
        "--out",
        type=_file,
        metavar="FILE",
        help='for --topics: file to write, {"topic", "candidates": [{"text"}]} a line, with "notes"'
        " where there were some; an old one is replaced, and a run that broke off goes on",
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
    """Write about one topic or from notes, or about each line of a file."""
    from bot.writing.composing import OpenVoice, Request, compose
    from bot.writing.llm import LLM
    from bot.writing.screen import Rules, WordList
    from bot.writing.thread import status_length

    notes = _notes(args)
    if bool(args.topic or notes) == bool(args.topics):
        raise UserError("Give a TOPIC, --notes or both, or else --topics FILE.")
    if args.topics and not args.out:
        raise UserError("--topics needs --out FILE.jsonl, where the candidates go.")
    settings = chosen(args)
    opened = OpenVoice.load(settings.voice_folder())
    blocked = WordList(settings.blocked_lines())
    rules = Rules(args.max_chars, status_length, opened.known_posts, blocked)
    async with LLM.open(settings) as llm:

        async def ask(topic: str | None, notes: str | None) -> Sequence["Candidate"]:
            return await compose(llm, opened, Request(topic, args.count, notes=notes), rules)

        if args.topics:
            await _in_bulk(ask, args.topics, args.out)
        else:
            given = "\n".join(filter(None, (args.topic, notes)))
            _show(await ask(args.topic, notes), args.max_chars, given, notes)
    return 0


def _notes(args: argparse.Namespace) -> str | None:
    """The notes of the command line. Raises UserError if they are given twice, or are no text."""
    if args.notes and args.notes_file:
        raise UserError("Give either --notes or --notes-file.")
    if not args.notes_file:
        return args.notes or None
    return "\n".join(_lines(args.notes_file)).strip() or None


def _show(candidates: Sequence["Candidate"], max_chars: int, given: str, notes: str | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from bot.voice.facts import check

    console = Console()
    for i, candidate in enumerate(candidates, 1):
        console.print(Text(f"{i}  ", "bold") + Text(f"{candidate.length}/{max_chars}", "dim"))
        console.print(Text(candidate.text), soft_wrap=True)
        found = check(given, candidate.text, notes=notes)
        of = len(found.kept) + len(found.missing)
        said = [f"{len(found.kept)} of {of} facts"] if of else []
        said += [f"missing: {', '.join(found.left_out)}"] if found.left_out else []
        said += [f"⚠️ added: {', '.join(found.put_in)}"] if found.put_in else []
        console.print(Text(" · ".join(said) + "\n" if said else "", "dim"), soft_wrap=True)


async def _in_bulk(
    ask: Callable[[str | None, str | None], Awaitable[Sequence["Candidate"]]],
    topics_file: Path,
    out_file: Path,
) -> None:
    """Draft about each line of a file; a topic whose texts all fail gets an empty row.

    What a run has drawn outlives its end: the same command goes on behind it.
    """
    from rich.console import Console
    from rich.progress import track

    asked = [_row(line) for line in _lines(topics_file) if line.strip()]
    partial = out_file.with_name(f".{out_file.name}.partial")
    written = _written(partial, asked)
    try:
        with partial.open("w", encoding="utf-8") as out:
            out.writelines(written)
            todo = asked[len(written) :]
            console = Console(stderr=True)
            for row in track(todo, "Drafting", len(asked), len(written), console=console):
                texts: list[dict[str, str]] = []
                with contextlib.suppress(UserError):
                    found = await ask(row["topic"], row.get("notes"))
                    texts = [{"text": c.text} for c in found]
                written.append(json.dumps({**row, "candidates": texts}, ensure_ascii=False) + "\n")
                out.write(written[-1])
                out.flush()
        partial.replace(out_file)
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=out_file,
            reason=e.strerror,
        ) from e
    except (Unavailable, Refused) as e:
        raise UserError(
            "{error} {done} of {all} are kept: the same command goes on behind them.",
            error=e,
            done=len(written),
            all=len(asked),
        ) from e
    finally:
        if not written:
            partial.unlink(missing_ok=True)


def _written(partial: Path, asked: Sequence[dict[str, str | None]]) -> list[str]:
    """The lines that a run which broke off has left, as far as they are about the same rows."""
    try:
        lines = partial.read_text("utf-8").splitlines()
        found = [json.loads(line) for line in lines if line.endswith("}")]
        kept = [{key: row[key] for key in row if key != "candidates"} for row in found]
    except (OSError, ValueError, TypeError):
        return []
    is_start = kept == list(asked[: len(kept)])
    return [line + "\n" for line in lines[: len(kept)]] if is_start else []


def _row(line: str) -> dict[str, str | None]:
    """A line of --topics: a topic, or {"topic", "notes"} as JSON."""
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        return {"topic": line.strip()}
    topic, notes = (str(row.get(part) or "").strip() or None for part in ("topic", "notes"))
    if not topic and not notes:
        raise UserError("A line of --topics has neither a topic nor notes: {line}", line=line)
    return {"topic": topic, "notes": notes} if notes else {"topic": topic}


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UserError(
            "{file} cannot be read ({reason}). Name a text file in UTF-8.", file=file, reason=e
        ) from e
