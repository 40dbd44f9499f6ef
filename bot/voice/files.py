"""Writes a text file whole or not at all: to a temporary name, which then takes its place.

A reader finds the old file or the new one, and never half of one, also after a crash.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


def write_whole(file: Path, text: str) -> None:
    """Write a file at once. Raises OSError; the old file then stays as it was."""
    with writing_whole(file) as out:
        out.write(text)


@contextmanager
def writing_whole(file: Path) -> Iterator[TextIO]:
    """Give a stream whose text becomes the file if the block ends well, else vanishes."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as out:
            yield out
        partial.replace(file)
    except BaseException:
        with suppress(OSError):  # the first error says what went wrong
            partial.unlink(missing_ok=True)
        raise
