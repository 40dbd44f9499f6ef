"""Reads text files by line, JSON by line or list, and tables by row, within bounds.

A row of a table that does not fit its header is counted and told, never cut or glued together.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import IO, cast

from trainer.archives.files import Files, base_name
from trainer.archives.post import Tally, Unreadable
from trainer.archives.records import BLOCK, LONGEST_RECORD, read_records, without_halves
from trainer.errors import ArchiveError

MOST_LINES = 10_000  # of one row
_BACKSLASHED = re.compile(rb'[^",;\t\r\n\\]\\"[^",;\t\r\n]')  # a quote that a backslash escapes
_CELL = r'"(?P<quoted>(?:[^"]|"(?!\s*(?:{0}|$)))*)"\s*(?={0}|$)|(?P<bare>[^{0}"][^{0}]*|)'


def read_lines(files: Files, name: str, encoding: str, tally: Tally) -> Iterator[str]:
    """Yield the file's lines. Raises ArchiveError for a line longer than any post."""
    with (
        files.open(name) as file,
        io.TextIOWrapper(file, encoding, errors="replace", newline="") as text,
    ):
        while line := text.readline(LONGEST_RECORD):
            if len(line) == LONGEST_RECORD:
                raise ArchiveError(
                    f"{base_name(name)} holds a line of more than {LONGEST_RECORD >> 20} MB,"
                    " which no post is. Take that line out, or give another file."
                )
            tally.bytes_read += len(line)
            yield line


def read_json_lines(
    files: Files, name: str, encoding: str, tally: Tally
) -> Iterator[tuple[int, object]]:
    """Yield each line's number and JSON value. Raises ArchiveError for a line that is not JSON."""
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


def read_json_list(
    files: Files, name: str, encoding: str, tally: Tally
) -> Iterator[tuple[int, object]]:
    """Yield each record's number and JSON value."""
    with files.open(name) as file:
        utf_8 = file if encoding == "utf-8-sig" else _recoded(file, encoding)
        rows = read_records(utf_8, base_name(name), dict[str, object], tally)
        yield from enumerate(rows, 1)


def _recoded(file: IO[bytes], encoding: str) -> IO[bytes]:
    return cast("IO[bytes]", codecs.EncodedFile(file, "utf-8", encoding, "replace"))


def read_table(
    files: Files, name: str, encoding: str, tally: Tally
) -> Iterator[dict[str, str] | Unreadable]:
    """Yield a CSV's rows, keyed by its header in lower case; an empty line is an empty row.

    Quotes inside of a cell may be doubled, as in the standard, or have a backslash in front.
    """
    csv.field_size_limit(LONGEST_RECORD)
    lines = _Remembered(read_lines(files, name, encoding, tally))
    header = next(filter(is_header, lines), "")
    separator = delimiter(header)
    names = [n.strip().lower() for n in next(csv.reader([header], delimiter=separator), [])]
    table = _Table(separator, names, _has_backslashes(files, name))
    again = next(csv.reader([header], delimiter=separator), [])
    try:
        for line, cells in table.rows(lines):
            place = f"{base_name(name)} line {line}"
            if cells == again:  # tables put one behind the other
                continue
            yield Unreadable(place) if cells is None else dict(zip(names, cells, strict=False))
    except csv.Error as e:
        raise ArchiveError(
            f"{base_name(name)} is not a readable CSV ({e}). Save it as CSV with UTF-8."
        ) from e
    if table.misfits:
        rows = "1 row does" if table.misfits == 1 else f"{table.misfits:,} rows do"
        tally.warnings.append(
            f"{rows} not fit the header of {base_name(name)} ({len(names)} columns), the first in"
            f" line {table.first_misfit}: not learnt from. A text with a {separator!r}, a quote or"
            " a line break stands in quotes, and quotes inside of it are doubled."
        )


class _Remembered(Iterator[str]):
    """Lines, and those since the last call of `taken`."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._taken, self.count = lines, list[str](), 0

    def __next__(self) -> str:
        line = next(self._lines)
        self.count += 1
        self._taken.append(line)
        if len(self._taken) > MOST_LINES:
            opened = self.count - MOST_LINES
            raise csv.Error(f"a quote that opens in line {opened} is not closed")
        return line

    def taken(self) -> list[str]:
        taken, self._taken = self._taken, []
        return taken


class _Table:
    def __init__(self, separator: str, names: Sequence[str], has_backslashes: bool) -> None:
        self.misfits, self.first_misfit = 0, 0
        self._separator, self._width = separator, len(names)
        self._cell = re.compile(_CELL.format(re.escape(separator)), re.DOTALL)
        self._escape = "\\" if has_backslashes else None

    def rows(self, lines: _Remembered) -> Iterator[tuple[int, list[str] | None]]:
        """Yield each row's line and cells, or None for the cells if they do not fit."""
        lines.taken()
        rows = csv.reader(lines, delimiter=self._separator, strict=True, escapechar=self._escape)
        while True:
            before = lines.count
            try:
                cells: list[str] | None = next(rows)
            except StopIteration:
                return
            except csv.Error as e:
                if "field larger" in str(e) or "is not closed" in str(e):
                    raise
                cells = None
            taken = lines.taken()
            if cells is not None and self._fits(cells):
                yield before + 1, cells
                continue
            for number, line in enumerate(taken, before + 1):
                mended = self._mended(line)
                if mended is None:
                    self.misfits += 1
                    self.first_misfit = self.first_misfit or number
                yield number, mended

    def _fits(self, cells: Sequence[str]) -> bool:
        """Whether there is a cell for each column; spreadsheets add empty ones, and empty rows."""
        return not any(cells[self._width :]) and (len(cells) >= self._width or not any(cells))

    def _mended(self, line: str) -> list[str] | None:
        """The cells of a line whose quotes are not doubled, if only one reading fits."""
        line = line.rstrip("\r\n")
        if self._width == 1 and not line.startswith('"'):
            return [line]  # nothing to separate
        cells, place = [], 0
        while found := self._cell.match(line, place):
            quoted = found["quoted"]
            cells.append(found["bare"] if quoted is None else quoted.replace('""', '"'))
            place = found.end() + 1
            if place > len(line):
                return cells if self._fits(cells) else None
            if line[place - 1] != self._separator:
                return None
        return None


def _has_backslashes(files: Files, name: str) -> bool:
    with files.open(name) as file:
        last = b""
        while block := file.read(BLOCK):
            if _BACKSLASHED.search(last + block):
                return True
            last = block[-4:]
    return False


def is_header(line: str) -> bool:
    """Whether a table begins with this line, which is not empty or Excel's `sep=`."""
    return bool(line.strip()) and not line.lower().startswith("sep=")


def delimiter(header: str) -> str:
    """The character between columns."""
    return max(",;\t", key=header.count)
