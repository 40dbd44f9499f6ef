"""Archives of posts: one reader a format, picked by a file's content and not by its name.

A reader has a `kind`; its `posts()` yields a `Post`, or an `Unreadable`, for every record. It
notes the rest (bytes read, warnings) in the `Tally` it was given. A new format is a new module
and a line in `shapes.py` (a list of records), `one_file.py` or `recognise.py` (its layout).
"""

import csv
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.voice.others import Others
from trainer.archives.one_file import Archive
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.recognise import FoundArchive, recognise
from trainer.archives.texts import somebody_elses, without_words_of_others
from trainer.errors import ArchiveError

__all__ = ["Archive", "Tally", "note_others", "open_archives", "posts_of"]

LONGEST_WHY = 200
# RuntimeError and NotImplementedError are zipfile's words for encrypted and unknown compression;
# RecursionError is JSON nested too deep.
_TROUBLES = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    csv.Error,
    RuntimeError,
    UnicodeError,
    MemoryError,
)


def open_archives(path: Path, encoding: str | None = None) -> list[FoundArchive]:
    """Pick the readers for all that lies at `path`.

    `encoding` is that of plain files which are not UTF-8. Raises ArchiveError.
    """
    try:
        return recognise(path, encoding)
    except _TROUBLES as e:
        raise _unreadable(path, e) from e


def posts_of(archive: Archive, path: Path) -> Iterator[Post | Unreadable]:
    """Yield the archive's posts. Any failure on the way becomes an ArchiveError."""
    try:
        for post in archive.posts():
            if isinstance(post, Post) and post.kind != "retweet":
                yield without_words_of_others(post)
            else:
                yield post
    except _TROUBLES as e:
        raise _unreadable(path, e) from e


def note_others(posts: Iterable[Post | Unreadable], others: Others) -> Iterator[Post | Unreadable]:
    """Pass posts on, and note the texts of other people.

    Only X's reposts hold such a text; a repost elsewhere, and any quote, holds an address only.
    """
    for post in posts:
        if isinstance(post, Post) and post.kind == "retweet" and post.text:
            others.add(somebody_elses(post.text))
        yield post


def _unreadable(path: Path, e: Exception) -> ArchiveError:
    if isinstance(e, RuntimeError) and "encrypted" in str(e):
        return ArchiveError(f"{path} is locked with a password. Unpack it and give the folder.")
    if isinstance(e, RecursionError):
        return ArchiveError(f"{path} cannot be read: it is nested deeper than any post.")
    if isinstance(e, PermissionError):
        return ArchiveError(
            f"{path} cannot be read ({e.strerror}). Give the user that this runs as (its number is"
            f" {os.geteuid()}) the right to read it: chmod -R a+rX {path}"
        )
    why = " ".join(str(e).split())[:LONGEST_WHY]  # zipfile's may hold the names of a file
    return ArchiveError(f"{path} cannot be read ({why}). Download or unpack it again.")
