"""Recognises what a single file is by its content, never by its name: a reader, or a refusal."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from trainer.archives.bluesky import ListRecords, RecordLines, has_lines
from trainer.archives.car import BlueskyRepo, is_car
from trainer.archives.encoding import is_utf_16
from trainer.archives.files import Files
from trainer.archives.grailbird import is_grailbird
from trainer.archives.lines import is_header
from trainer.archives.lists import columns, open_braces, open_list, open_table
from trainer.archives.mastodon import PIXELFED, MastodonArchive
from trainer.archives.plain import TEXT_SHOWN
from trainer.archives.post import Post, Tally, Unreadable
from trainer.archives.records import HEAD, list_in_object
from trainer.archives.threads import THREADS_POSTS, ThreadsArchive
from trainer.archives.x import XArchive
from trainer.errors import ArchiveError, NoPostsError

HEAD_BYTES = 1 << 16
ACCEPTED = (
    "Give the archive of X, Mastodon, Bluesky (the .car) or Threads (asked for as JSON) as it was"
    " downloaded, its unpacked folder, or a JSONL or CSV file with a text column."
)
UNREAD = (
    (
        re.compile(rb"SQLite format 3\0"),
        "a database of SQLite. Save its posts as CSV.",
    ),
    (
        re.compile(rb"7z\xbc\xaf|Rar!|\xfd7zXZ|BZh[1-9]|\x28\xb5\x2f\xfd"),
        "packed in a way that is not read. Unpack it and give what is in it.",
    ),
    (
        re.compile(rb"%PDF-"),
        "a PDF, which cannot be read back. Ask for JSON or CSV.",
    ),
    (
        re.compile(
            rb"(?:\xef\xbb\xbf)?(?:\xe2\x80\x8e)?\[?\d\d?[./]\d\d?[./]\d{2,4},? \d\d?:\d\d"
            rb"[^\n,;]*?[\]-] [^\n,;]*:"
        ),
        "a chat of WhatsApp's. It is for those who took part, so it is not learnt from.",
    ),
)
# What a page of an export says of itself, and what to ask for instead.
WEB_PAGES = (
    (
        re.compile(rb"__THAR_CONFIG|twitter-archive|data/tweets\.js|Your archive", re.IGNORECASE),
        "{path} is the page that shows an archive of X. Give the archive itself, or its data.",
    ),
    (
        re.compile(rb"instagram|threads|facebook|accountscenter|start_here", re.IGNORECASE),
        "{path} was exported as web pages, which cannot be read back. Ask for it once more and"
        " choose JSON as the format: in the Accounts Center of Instagram or Facebook, Export your"
        " information.",
    ),
    (
        re.compile(rb"telegram|tgme_|messages\d*\.html", re.IGNORECASE),
        "{path} was exported by Telegram as web pages, which cannot be read back. Export the"
        " channel once more and choose JSON as the format.",
    ),
    (re.compile(rb""), "{path} is a web page, not an archive. {accepted}"),
)
FEEDS = (
    (
        re.compile(rb"xmlns:wp=|wordpress\.org/export"),
        "{path} is WordPress's export (WXR), which is not read. Give the posts as WordPress's"
        " interface lists them: save https://YOUR-BLOG/wp-json/wp/v2/posts?per_page=100 as a file.",
    ),
    (
        re.compile(rb"<(?:rss|feed|rdf:RDF)[ >]"),
        "{path} is a feed in XML, which is not read and holds the newest posts alone. Give a JSON"
        " Feed, or a CSV file with the columns text and date.",
    ),
    (re.compile(rb""), "{path} is XML, which is not read. {accepted}"),
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


class Archive(Protocol):
    """A reader of one format."""

    kind: str

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post, streamed."""


def open_file(files: Files, name: str, path: Path, tally: Tally) -> Archive:
    """The reader of a single file, which may be packed. Raises ArchiveError if none reads it."""
    with files.open(name) as file:
        head = file.read(HEAD_BYTES)
    if is_car(head):
        return BlueskyRepo(files, name, tally)
    for sign, said in UNREAD:
        if sign.match(head):
            raise ArchiveError(f"{path} is {said}")
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
            check_global(head, path)
            return XArchive(files, [name], tally, whole=False)
        return _in_list(files, name, head, path, tally)
    if NOT_POSTS.search(head):
        raise ArchiveError(f"{path} lists other people's posts. Give outbox.json. {ACCEPTED}")
    if text.startswith("{"):
        return _in_braces(files, name, head, tally)
    if text.startswith("<"):
        raise _page(head, name, path)
    return _in_table(files, name, text, path, tally)


def check_global(head: bytes, path: Path) -> None:
    """Raise ArchiveError if a script of X's holds another list than posts."""
    found = HEAD.match(head)
    if found and found[1] is not None and not POSTS_GLOBAL.fullmatch(found[1]):
        shown = found[1].decode()
        raise ArchiveError(f"{path} is X's list {shown}, not its posts. {ACCEPTED}")


def _page(head: bytes, name: str, path: Path) -> ArchiveError:
    """What to say of a web page, or of other XML."""
    table = WEB_PAGES if re.search(rb"<html|<!doctype html", head, re.IGNORECASE) else FEEDS
    said = next(said for sign, said in table if sign.search(head + name.encode()))
    return ArchiveError(said.format(path=path, accepted=ACCEPTED))


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
        table = f": as a table it has the columns {shown}, of which none is {TEXT_SHOWN}"
    raise NoPostsError(f"{path} is neither an archive nor a list of posts{table}. {ACCEPTED}")


def _in_list(files: Files, name: str, head: bytes, path: Path, tally: Tally) -> Archive:
    """The reader of a bare list of records."""
    if X_RECORD.search(head):
        return XArchive(files, [name], tally, whole=False)
    if BLUESKY_RECORD.search(head) and not BLUESKY_FEED.match(head):
        return ListRecords(files, name, tally)
    if found := open_list(files, name, tally):
        return found
    if head.strip().endswith(b"[]"):
        raise NoPostsError(f"{path} holds no posts: it is an empty list.")
    raise ArchiveError(
        f"{path} is a list whose records have no text: none of the keys {TEXT_SHOWN}. {ACCEPTED}"
    )
