"""Reads text files by line, and tables by row, within bounds.

UTF-8 with or without a byte order mark, UTF-16 with one, else cp1252 with a warning.
"""

import codecs
import csv
import io
from collections.abc import Iterator

from trainer.archives.files import Files, base_name
from trainer.archives.post import Tally
from trainer.archives.records import BLOCK, LONGEST_RECORD
from trainer.errors import ArchiveError


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


def read_table(files: Files, name: str, encoding: str, tally: Tally) -> Iterator[dict[str, str]]:
    """Yield a CSV's rows, keyed by its header in lower case; an empty line is an empty row."""
    csv.field_size_limit(LONGEST_RECORD)
    lines = read_lines(files, name, encoding, tally)
    header = next(filter(is_header, lines), "")
    separator = delimiter(header)
    names = [n.strip().lower() for n in next(csv.reader([header], delimiter=separator), [])]
    try:
        for cells in csv.reader(lines, delimiter=separator):
            yield dict(zip(names, cells, strict=False))
    except csv.Error as e:
        raise ArchiveError(
            f"{base_name(name)} is not a readable CSV ({e}). Save it as CSV with UTF-8."
        ) from e


def is_header(line: str) -> bool:
    """Whether a table begins with this line, which is not empty or Excel's `sep=`."""
    return bool(line.strip()) and not line.lower().startswith("sep=")


def delimiter(header: str) -> str:
    """The character between columns."""
    return max(",;\t", key=header.count)


def is_utf_16(head: bytes) -> bool:
    """Whether a file with this beginning is UTF-16, by its byte order mark."""
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def find_encoding(files: Files, name: str, tally: Tally) -> str:
    """UTF-8 if the whole file is, read in blocks; else cp1252, which Windows programs write."""
    with files.open(name) as file:
        if is_utf_16(file.read(2)):
            return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with files.open(name) as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        tally.warnings.append(f"{base_name(name)} is not UTF-8: read as cp1252 (Windows).")
        return "cp1252"
    return "utf-8-sig"
