"""Recognises an archive's service by its content, never by its name."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from trainer.archives.bluesky import ListRecords, RecordLines, has_lines
from trainer.archives.car import BlueskyRepo, is_car
from trainer.archives.encoding import is_utf_16
from trainer.archives.files import (
    Files,
    FolderFiles,
    TarFiles,
    ZipFiles,
    base_name,
    is_litter,
    topmost,
)
from trainer.archives.grailbird import is_grailbird
from trainer.archives.lines import is_header
from trainer.archives.lists import columns, open_braces, open_list, open_table
from trainer.archives.mastodon import OUTBOX, PIXELFED, MastodonArchive
from trainer.archives.plain import TEXT
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import HEAD, list_in_object
from trainer.archives.threads import THREADS_POSTS, ThreadsArchive
from trainer.archives.x import XArchive, find_posts_files
from trainer.errors import ArchiveError

HEAD_BYTES = 1 << 16
ACCEPTED = (
    "Give the archive of X, Mastodon, Bluesky (the .car) or Threads (asked for as JSON) as it was"
    " downloaded, its unpacked folder, or a JSONL or CSV file with a text column."
)
HTML_EXPORT = (
    "{path} was exported as web pages, which cannot be read back. Ask for it once more and choose"
    " JSON as the format: in Instagram's Accounts Center, Export your information, Threads."
)
# X's own name of a list of posts: not YTD.deleted_tweets, nor YTD.note_tweet.
POSTS_GLOBAL = re.compile(rb"(?:.*\.)?(?:community_)?tweets?(?:_\d+)*(?:\.part\d+)?")
X_RECORD = re.compile(rb'\[\s*\{\s*"tweet"\s*:\s*\{')
BLUESKY_FEED = re.compile(rb'\[\s*\{\s*"(?:post|cid|uri)"[^\[\]]*"author"\s*:')
PIXELFED_OUTBOX = re.compile(rb'\s*\{\s*"data"\s*:\s*\[\s*\{\s*"@context"')
BLUESKY_RECORD = re.compile(
    rb'"\$type"\s*:\s*"app\.bsky\.feed\.(?:post|repost)"|"uri"\s*:\s*"at://[^"/]+/app\.bsky\.feed\.'
)
BLUESKY_LINE = re.compile(rb'"value"\s*:|"records"\s*:')
NOT_POSTS = re.compile(rb'"id"\s*:\s*"(?:likes|bookmarks)\.json"')
THREADS_FILE = re.compile(r"threads_and_replies(?:_\d+)?\.json")
EXPORTED_PAGE = re.compile(r"(?:start_here|threads_and_replies(?:_\d+)?|index)\.html")


class Archive(Protocol):
    """A reader of one format."""

    kind: str

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post, streamed."""


def recognise(path: Path, tally: Tally) -> Archive:
    """Pick the reader for what lies at `path`. Raises ArchiveError if none reads it."""
    if path.is_dir():
        return _in_files(FolderFiles(path), path, tally)
    if not path.exists():
        raise ArchiveError(f"There is no file or folder {path}. Check the path. {ACCEPTED}")
    if not path.is_file():
        raise ArchiveError(f"{path} is neither a file nor a folder. {ACCEPTED}")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip():
        raise ArchiveError(f"{path} is empty. Download the archive again.")
    if zipfile.is_zipfile(path):
        return _in_files(ZipFiles(path), path, tally)
    if head.startswith(b"PK\x03\x04"):
        raise ArchiveError(f"{path} is a zip that stops in the middle. Download it again.")
    if head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        return _in_files(TarFiles(path), path, tally)
    return _in_file(FolderFiles(path.parent, depth=0), path.name, path, tally)


def _in_files(files: Files, path: Path, tally: Tally) -> Archive:
    names = files.names()
    if found := find_posts_files(files):
        is_table = found[0].endswith(".csv")
        return _in_file(files, found[0], path, tally) if is_table else XArchive(files, found, tally)
    if found := topmost([n for n in names if base_name(n) == OUTBOX]):
        return MastodonArchive(files, found[0], tally)
    if found := topmost([n for n in names if THREADS_FILE.fullmatch(base_name(n))]):
        return ThreadsArchive(files, found, tally)
    if any(EXPORTED_PAGE.fullmatch(base_name(n)) for n in names):
        raise ArchiveError(HTML_EXPORT.format(path=path))
    names = [n for n in names if not is_litter(n)]
    if found := topmost([n for n in names if n.lower().endswith(".car")])[:1]:
        names = found
    if len(names) == 1 and path.is_dir():
        return recognise(path / names[0], tally)
    if any(n.lower().endswith(".zip") for n in names):
        raise ArchiveError(f"{path} holds another zip. Unpack it and give that one.")
    if len(names) == 1 and not names[0].endswith(".js"):  # one file, packed by hand
        return _in_file(files, names[0], path, tally)
    raise ArchiveError(
        f"{path} holds no posts: there is no data/tweets.js, outbox.json or"
        f" threads_and_replies.json in it. {ACCEPTED}"
    )


def _in_file(files: Files, name: str, path: Path, tally: Tally) -> Archive:
    """The reader of a single file, which may be packed."""
    with files.open(name) as file:
        head = file.read(HEAD_BYTES)
    if is_car(head):
        return BlueskyRepo(files, name, tally)
    if tally.encoding:
        head = head.decode(tally.encoding, "replace").encode()
    elif is_utf_16(head):
        head = head.decode("utf-16", "replace").encode()
        if not head.startswith(b"{") and HEAD.match(head):
            raise ArchiveError(f"{path} is in UTF-16. Save it as UTF-8.")
    return _in_text(files, name, head, path, tally)


def _in_text(files: Files, name: str, head: bytes, path: Path, tally: Tally) -> Archive:
    text = head.removeprefix(b"\xef\xbb\xbf").decode("cp1252", "replace").lstrip()
    if found := HEAD.match(head):
        if found[1] is not None:
            if not POSTS_GLOBAL.fullmatch(found[1]):
                shown = found[1].decode()
                raise ArchiveError(f"{path} is X's list {shown}, not its posts. {ACCEPTED}")
            return XArchive(files, [name], tally, whole=False)
        return _in_list(files, name, head, path, tally)
    if NOT_POSTS.search(head):
        raise ArchiveError(f"{path} lists other people's posts. Give outbox.json. {ACCEPTED}")
    if text.startswith("{"):
        return _in_braces(files, name, head, tally)
    if text.startswith("<") and "<html" in text.lower():
        raise ArchiveError(HTML_EXPORT.format(path=path))
    return _in_table(files, name, text, path, tally)


def _in_braces(files: Files, name: str, head: bytes, tally: Tally) -> Archive:
    """The reader of a file that begins with a JSON object."""
    if list_in_object("orderedItems").match(head):
        return MastodonArchive(files, name, tally)
    if PIXELFED_OUTBOX.match(head):
        return MastodonArchive(files, name, tally, PIXELFED)
    if THREADS_POSTS.match(head):
        return ThreadsArchive(files, [name], tally)
    if list_in_object("records").match(head) and BLUESKY_RECORD.search(head):
        is_by_line = has_lines(files, name)
        return (RecordLines if is_by_line else ListRecords)(files, name, tally)
    line = head.partition(b"\n")[0]
    if BLUESKY_RECORD.search(line) and BLUESKY_LINE.search(line):
        return RecordLines(files, name, tally)
    return open_braces(files, name, tally)


def _in_table(files: Files, name: str, text: str, path: Path, tally: Tally) -> Archive:
    """The reader of a table, the last that a text may be."""
    names = columns(next(filter(is_header, text.splitlines()), ""))
    if is_grailbird(names):
        return XArchive(files, [name], tally, whole=False, is_table=True)
    if found := open_table(files, name, names, tally):
        return found
    table = ""
    if len(names) > 1 and "".join(names).isprintable():
        shown = ", ".join(names)[:200]
        table = f": as a table it has the columns {shown}, of which none is {', '.join(TEXT)}"
    raise ArchiveError(f"{path} is neither an archive nor a list of posts{table}. {ACCEPTED}")


def _in_list(files: Files, name: str, head: bytes, path: Path, tally: Tally) -> Archive:
    """The reader of a bare list of records."""
    if X_RECORD.search(head):
        return XArchive(files, [name], tally, whole=False)
    if BLUESKY_RECORD.search(head) and not BLUESKY_FEED.match(head):
        return ListRecords(files, name, tally)
    if found := open_list(files, name, tally):
        return found
    raise ArchiveError(
        f"{path} is a list whose records have no text: none of the keys {', '.join(TEXT)}."
        f" {ACCEPTED}"
    )
