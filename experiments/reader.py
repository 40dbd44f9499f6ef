"""A blind reader's sheet: notes and first texts in chance order; and what the reader says.

`sheet` writes it from what `bot draft --topics NOTES --out DRAWN` wrote, by one voice or several,
without saying which. The reader marks each text as true to its notes, and fit to be posted as it
is. `count` reads the sheet back, with the same files and seed, into the two shares.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bot.voice.rates import interval

QUESTIONS = ("true to the notes", "could be posted as it is")
HEAD = f"""\
Below are notes that somebody typed, and a text written from each. Put an x into [ ] for yes:

- {QUESTIONS[0]}: it says what the notes say, with nothing left out, added or turned round.
  How it is said does not matter here.
- {QUESTIONS[1]}: a person would post it under their own name without a change.
"""
_ANSWER = re.compile(r"^\[([^\]]*)\] (.+)$", re.M)


class Row(NamedTuple):
    """One text to read."""

    drawn: Path
    notes: str
    text: str


def rows(files: Sequence[Path], seed: int) -> list[Row]:
    """All notes with their first texts, in an order that tells nothing; the same each time."""
    found = []
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            if row["candidates"]:
                notes = "\n".join(filter(None, (row["topic"], row.get("notes"))))
                found.append(Row(file, notes, row["candidates"][0]["text"]))
    random.Random(seed).shuffle(found)  # noqa: S311 - no secret
    return found


def sheet(texts: Sequence[Row]) -> Iterator[str]:
    """The lines that a reader gets."""
    yield HEAD
    for number, row in enumerate(texts, 1):
        yield f"## {number}\n\n{_quoted(row.notes)}\n\n{row.text}\n"
        yield from (f"[ ] {question}" for question in QUESTIONS)
        yield ""


def answers(read: str, texts: Sequence[Row]) -> list[list[bool]]:
    """What the reader says of each text. Ends the program if the sheet is of other texts."""
    parts = re.split(r"^## \d+\n", read, flags=re.M)[1:]
    if len(parts) != len(texts):
        raise SystemExit(f"The sheet has {len(parts)} texts, the drawn files {len(texts)}.")
    found = []
    for number, (part, row) in enumerate(zip(parts, texts, strict=True), 1):
        marks = [mark for mark, question in _ANSWER.findall(part) if question.strip() in QUESTIONS]
        if row.text not in part or len(marks) != len(QUESTIONS):
            raise SystemExit(
                f"Text {number} of the sheet is not that of these files and this seed."
            )
        found.append([bool(mark.strip()) for mark in marks])
    return found


def _quoted(notes: str) -> str:
    return "\n".join(f"> {line}" for line in notes.splitlines())


def main() -> None:
    """Parse the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("sheet", "count"))
    parser.add_argument("drawn", type=Path, nargs="+", help="what `bot draft --out` wrote")
    parser.add_argument("--sheet", type=Path, required=True, help="the reader's file")
    parser.add_argument("--seed", type=int, default=0, help="of the order (0)")
    args = parser.parse_args()
    texts = rows(args.drawn, args.seed)
    if args.action == "sheet":
        args.sheet.write_text("\n".join(sheet(texts)), "utf-8")
        return
    said = list(zip(texts, answers(args.sheet.read_text("utf-8"), texts), strict=True))
    for file in args.drawn:
        own = [marks for row, marks in said if row.drawn == file]
        for question, column in zip(QUESTIONS, zip(*own, strict=True), strict=True):
            low, high = interval(sum(column), len(column))
            share = sum(column) / len(column)
            print(f"{file}: {question}: {share:.2f} of {len(column)} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
