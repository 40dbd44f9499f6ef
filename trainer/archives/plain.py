"""Reads a plain list of posts: JSON Lines, or CSV with a header.

A `text` key or column (or content, full_text, body) and, if there are any, a date and an id.
UTF-8 with or without a byte order mark, else cp1252 with a warning.
"""

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from trainer.archives.dates import read_date
from trainer.archives.tally import Tally
from trainer.archives.texts import RETWEET, is_storable, unescape
from trainer.errors import ArchiveError
from trainer.post import Post

TEXT = ("text", "content", "full_text", "body")
DATE = ("created_at", "createdat", "date", "datetime", "timestamp", "time", "published")
REPLY_TO = ("in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_id")
ID = ("id_str", "id", "tweet_id", "post_id", "status_id")
BLOCK = 1 << 20
LONGEST_FIELD = 1 << 24  # csv's own limit is 128 KB, which a long post with a broken quote exceeds


class JsonLines:
    """One JSON object a line."""

    kind = "jsonl"

    def __init__(self, path: Path, tally: Tally) -> None:
        self._path, self._tally = path, tally
        tally.total_bytes = path.stat().st_size

    def posts(self) -> Iterator[Post]:
        """Yield the post of every line, in the file's order."""
        with self._path.open(encoding=_encoding(self._path, self._tally), errors="replace") as file:
            for number, line in enumerate(file, 1):
                self._tally.bytes_read += len(line)
                if line.strip():
                    yield from self._post(line, number)

    def _post(self, line: str, number: int) -> Iterator[Post]:
        try:
            row = json.loads(line)
        except ValueError as e:
            raise ArchiveError(
                f"Line {number} of {self._path.name} is not JSON ({e})."
                " Give one JSON object a line, or repair that line."
            ) from e
        post = _to_post(row, number, self._tally) if isinstance(row, dict) else None
        if post is None:
            self._tally.unreadable += 1
        else:
            yield post


class Csv:
    """A table with a header."""

    kind = "csv"

    def __init__(self, path: Path, tally: Tally) -> None:
        self._path, self._tally = path, tally
        tally.total_bytes = path.stat().st_size
        self._encoding = _encoding(path, tally)

    def posts(self) -> Iterator[Post]:
        """Yield the post of every row, in the file's order."""
        csv.field_size_limit(LONGEST_FIELD)
        with self._path.open(encoding=self._encoding, errors="replace", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            names = [n.strip().lower() for n in next(csv.reader([header], delimiter=delimiter))]
            try:
                for number, cells in enumerate(
                    csv.reader(self._counted(file), delimiter=delimiter)
                ):
                    row = dict(zip(names, cells, strict=False))
                    post = _to_post(row, number, self._tally)
                    if post is not None:
                        yield post
                    elif cells:
                        self._tally.unreadable += 1
            except csv.Error as e:
                raise ArchiveError(
                    f"{self._path.name} is not a readable CSV ({e}). Save it as CSV with UTF-8."
                ) from e

    def _counted(self, lines: io.TextIOBase) -> Iterator[str]:
        for line in lines:
            self._tally.bytes_read += len(line)
            yield line


def has_text_column(header: str) -> bool:
    """Whether the first line of a file is a CSV header with a column for the text."""
    delimiter = max(",;\t", key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    return any(n.strip().lower() in TEXT for n in names)


def _to_post(row: Mapping[str, object], number: int, tally: Tally) -> Post | None:
    key = next((k for k in TEXT if isinstance(row.get(k), str)), None)
    if key is None:
        return None
    text = str(row[key])
    reply_to = _first(row, REPLY_TO)
    date = _first(row, DATE)
    created_at = read_date(date)
    if date and not created_at:
        _warn_of_date(date, number, tally)
    found = _first(row, ID)
    return Post(
        id=str(found) if found and is_storable(str(found)) else f"line-{number}",
        created_at=created_at,
        text=unescape(text) if key == "full_text" else text,  # the name that X's interface uses
        kind="retweet" if RETWEET.match(text) else "reply" if reply_to else "original",
        reply_to=str(reply_to) if reply_to and is_storable(str(reply_to)) else None,
    )


def _first(row: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((row[k] for k in keys if row.get(k)), None)


def _warn_of_date(date: object, number: int, tally: Tally) -> None:
    warning = f"The date {str(date)[:40]!r} (post {number}) is in no known format: left out."
    if not any("is in no known format" in w for w in tally.warnings):
        tally.warnings.append(warning + " Other posts may have such dates too.")


def _encoding(path: Path, tally: Tally) -> str:
    """UTF-8 if the whole file is, read in blocks; else what Windows programs write."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        tally.warnings.append(f"{path.name} is not UTF-8: read as cp1252 (Windows).")
        return "cp1252"
    return "utf-8-sig"
