"""A text file that is written whole or not at all: to a temporary name, which then takes its place.

A reader, and whoever comes after a crash, finds the old file or the new one and never half of one.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO


def write_whole(file: Path, text: str) -> None:
    """Write a file at once. Raises OSError, and then the old one stands as it was."""
    with writing_whole(file) as out:
        out.write(text)


@contextmanager
def writing_whole(file: Path) -> Iterator[TextIO]:
    """Give a stream whose text becomes the file if the block ends well, and vanishes otherwise."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as out:
            yield out
        partial.replace(file)
    except BaseException:
        with suppress(OSError):  # what went wrong is said by the other one
            partial.unlink(missing_ok=True)
        raise
