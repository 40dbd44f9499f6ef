"""Reads a plain list of posts: JSON Lines, a JSON list, or CSV with a header.

A `text` key or column (or content, full_text, body) and, if there are any, a date and an id.
"""

import csv
import json
from collections.abc import Iterator, Mapping

from trainer.archives.dates import read_date
from trainer.archives.files import Files, base_name
from trainer.archives.lines import delimiter, find_encoding, read_lines, read_table
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import read_records, without_halves
from trainer.archives.texts import RETWEET, language, unescape
from trainer.errors import ArchiveError

TEXT = ("text", "content", "full_text", "body")
DATE = ("created_at", "createdat", "date", "datetime", "timestamp", "time", "published")
REPLY_TO = ("in_reply_to_status_id_str", "in_reply_to_status_id", "in_reply_to_id")
ID = ("id_str", "id", "tweet_id", "post_id", "status_id")
LANGUAGE = ("lang", "language")


class JsonLines:
    """One JSON object a line."""

    kind = "jsonl"

    def __init__(self, files: Files, name: str, tally: Tally) -> None:
        self._files, self._name, self._tally = files, name, tally
        tally.total_bytes += files.size(name)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield the post of every line, in the file's order."""
        for number, row in read_json_lines(self._files, self._name, self._tally):
            yield _to_post(row, number, self._tally)


def read_json_lines(files: Files, name: str, tally: Tally) -> Iterator[tuple[int, object]]:
    """Yield each line's number and JSON value. Raises ArchiveError for a line that is not JSON."""
    encoding = find_encoding(files, name, tally)
    for number, line in enumerate(read_lines(files, name, encoding, tally), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(without_halves(line.encode()))
        except json.JSONDecodeError as e:
            raise ArchiveError(
                f"Line {number} of {base_name(name)} is not JSON ({e})."
                " Give one JSON object a line, or repair that line."
            ) from e
        except ValueError:  # a number of more digits than Python reads
            yield number, None


class JsonList(JsonLines):
    """One list of objects."""

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield the post of every object, in the file's order."""
        with self._files.open(self._name) as file:
            rows = read_records(file, base_name(self._name), dict[str, object], self._tally)
            for number, row in enumerate(rows, 1):
                yield _to_post(row, number, self._tally)


class Csv:
    """A table with a header."""

    kind = "csv"

    def __init__(self, files: Files, name: str, tally: Tally) -> None:
        self._files, self._name, self._tally = files, name, tally
        tally.total_bytes += files.size(name)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield the post of every row, in the file's order."""
        encoding = find_encoding(self._files, self._name, self._tally)
        rows = read_table(self._files, self._name, encoding, self._tally)
        for number, row in enumerate(rows, 1):
            if row:
                yield _to_post(row, number, self._tally)


def columns(header: str) -> list[str]:
    """The names in the first line of a CSV."""
    cells = next(csv.reader([header], delimiter=delimiter(header)), [])
    return [name.strip().lower() for name in cells]


def has_text_column(names: list[str]) -> bool:
    """Whether there is a column for the text."""
    return any(name in TEXT for name in names)


def _to_post(row: object, number: int, tally: Tally) -> Post | Unreadable:
    if not isinstance(row, Mapping):
        return row if isinstance(row, Unreadable) else Unreadable(f"line-{number}")
    found = _first(row, ID)
    post_id = str(found) if found and "\ufffd" not in str(found) else f"line-{number}"
    key = next((k for k in TEXT if isinstance(row.get(k), str)), None)
    if key is None:
        return Unreadable(post_id)
    text = str(row[key])
    reply_to = _first(row, REPLY_TO)
    date = _first(row, DATE)
    created_at = read_date(date)
    if date and not created_at:
        _warn_of_date(date, number, tally)
    tongue = _first(row, LANGUAGE)
    return Post(
        id=post_id,
        created_at=created_at,
        text=unescape(text) if key == "full_text" else text,  # the name that X's interface uses
        kind="retweet" if RETWEET.match(text) else "reply" if reply_to else "original",
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=str(reply_to) if reply_to else None,
    )


def _first(row: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((row[k] for k in keys if row.get(k)), None)


def _warn_of_date(date: object, number: int, tally: Tally) -> None:
    warning = f"The date {str(date)[:40]!r} (post {number}) is in no known format: left out."
    if not any("is in no known format" in w for w in tally.warnings):
        tally.warnings.append(warning + " Other posts may have such dates too.")
