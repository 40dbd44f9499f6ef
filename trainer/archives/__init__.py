"""Archives of posts: one reader a format, picked by what a file holds and not by its name.

A reader has a `kind` and yields `Post`s from `posts()`; what else it learns (bytes read, records
that are no posts, warnings) it notes in the `Tally` it was given. A new format is a new module
and a line in `open_archive`.
"""

import csv
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from trainer.archives.files import Files, FolderFiles, ZipFiles
from trainer.archives.plain import Csv, JsonLines, has_text_column
from trainer.archives.records import HEAD
from trainer.archives.tally import Tally
from trainer.archives.x import XArchive, find_posts_files
from trainer.errors import ArchiveError
from trainer.post import Post

__all__ = ["Archive", "Tally", "open_archive", "read_posts"]

ACCEPTED = (
    "Give an X archive (the zip, its unpacked folder or its tweets.js), or a JSONL or CSV file"
    " with a text column."
)


class Archive(Protocol):
    """What every reader is."""

    kind: str

    def posts(self) -> Iterator[Post]:
        """Yield every post, streamed."""


def open_archive(path: Path, tally: Tally) -> Archive:
    """Pick the reader for what lies at `path`. Raises ArchiveError if none reads it."""
    try:
        return _pick(path, tally)
    except _TROUBLES as e:
        raise _unreadable(path, e) from e


def read_posts(archive: Archive, path: Path) -> Iterator[Post]:
    """Yield the archive's posts; whatever breaks on the way becomes an ArchiveError."""
    try:
        yield from archive.posts()
    except _TROUBLES as e:
        raise _unreadable(path, e) from e


# RuntimeError and NotImplementedError are zipfile's words for encrypted and unknown compression;
# RecursionError is JSON nested too deep.
_TROUBLES = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    RuntimeError,
    UnicodeError,
)


def _pick(path: Path, tally: Tally) -> Archive:
    if path.is_dir():
        return _x_archive(FolderFiles(path), path, tally)
    if not path.exists():
        raise ArchiveError(f"There is no file or folder {path}. Check the path. {ACCEPTED}")
    with path.open("rb") as file:
        head = file.read(1 << 16)
    if not head.strip():
        raise ArchiveError(f"{path} is empty. Download the archive again.")
    if zipfile.is_zipfile(path):
        return _x_archive(ZipFiles(path), path, tally)
    if head.startswith(b"PK"):
        raise ArchiveError(f"{path} is a zip that stops in the middle. Download it again.")
    if HEAD.match(head):
        return XArchive(FolderFiles(path.parent), [path.name], tally)
    text = head.removeprefix(b"\xef\xbb\xbf").decode("cp1252", "replace").lstrip()
    if text.startswith("{"):
        return JsonLines(path, tally)
    if has_text_column(text.splitlines()[0]):
        return Csv(path, tally)
    raise ArchiveError(f"{path} is neither a zip nor a list of posts. {ACCEPTED}")


def _x_archive(files: Files, path: Path, tally: Tally) -> Archive:
    names = find_posts_files(files)
    if not names:
        raise ArchiveError(f"{path} holds no posts: there is no data/tweets.js in it. {ACCEPTED}")
    return XArchive(files, names, tally)


def _unreadable(path: Path, e: Exception) -> ArchiveError:
    if isinstance(e, RuntimeError) and "encrypted" in str(e):
        return ArchiveError(f"{path} is locked with a password. Unpack it and give the folder.")
    return ArchiveError(f"{path} cannot be read ({e}). Download or unpack it again.")
