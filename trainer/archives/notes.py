"""X's long posts: `tweets.js` has them cut off, `note-tweet.js` has them whole, under another id.

A post finds its note by time and beginning; a note that no post finds is a post of its own. The
notes lie in a temporary SQLite file that deletes itself, so memory does not grow with them.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.post import Post, Unreadable
from trainer.archives.texts import unescape

SHORTEST_CUT = 100  # X cuts at about 276 characters, and a leading @handle may be missing from it
LONGEST_CUT = 2000  # with the handles of fifty people in front
LAST_WORD = 12  # of a cut text: it may be cut too, even inside of `&amp;`
APART_S = 1
SECONDS = 1 << 20  # twelve days, and then from the beginning
# What X appends to the cut text, and the handles which only one of both texts may have.
TRIMMINGS = re.compile(r"(?:\s*https?://t\.co/[A-Za-z0-9]+)+\s*$|^(?:@\w+\s+)+")


class _Hashtag(msgspec.Struct):
    text: str = ""


class _Mention(msgspec.Struct):
    screenName: str = ""  # noqa: N815 - X's name
    name: str | None = None


class _Core(msgspec.Struct):
    text: str | None = None
    hashtags: list[_Hashtag] = []
    mentions: list[_Mention] = []


class _NoteTweet(msgspec.Struct):
    noteTweetId: str = ""  # noqa: N815 - X's name; not the id of the tweet
    createdAt: str = ""  # noqa: N815 - X's name
    core: _Core = msgspec.field(default_factory=_Core)


class NoteRecord(msgspec.Struct):
    """A record of `note-tweet.js`."""

    noteTweet: _NoteTweet  # noqa: N815 - X's name


class LongPost(NamedTuple):
    """The whole of a long post."""

    text: str
    tags: tuple[str, ...]


class LongPosts:
    """The long posts of an archive, by time."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a temporary file, gone when it is closed
        self._db.execute(
            "CREATE TABLE note"
            " (second INTEGER, id TEXT, date TEXT, text TEXT, tags TEXT, found INTEGER DEFAULT 0)"
        )
        self._db.execute("CREATE INDEX by_second ON note (second)")
        self._seconds = bytearray(SECONDS)  # 1 where there is a note: most posts need no look-up

    def close(self) -> None:
        """Delete the temporary file."""
        self._db.close()

    def add(self, records: Iterable[NoteRecord | Unreadable]) -> Iterator[Unreadable]:
        """Add the notes of one file; yields an Unreadable for each that cannot be read."""
        for row in records:
            if isinstance(row, Unreadable):
                yield row
                continue
            note, core = row.noteTweet, row.noteTweet.core
            date = read_date(note.createdAt)
            if core.text is None or not note.noteTweetId:
                yield Unreadable(note.noteTweetId or f"note of {note.createdAt[:40]}")
                continue
            second = int(date.timestamp()) if date else None
            for near in range(second - APART_S, second + APART_S + 1) if second else ():
                self._seconds[near % SECONDS] = 1
            tags = [
                *(f"#{h.text}" for h in core.hashtags if h.text),
                *(f"@{m.screenName} {m.name or m.screenName}" for m in core.mentions),
            ]
            self._db.execute(
                "INSERT INTO note (second, id, date, text, tags) VALUES (?, ?, ?, ?, ?)",
                (
                    second,
                    note.noteTweetId,
                    date.isoformat() if date else None,
                    unescape(core.text),
                    json.dumps(tags),
                ),
            )

    def whole(self, text: str, created_at: datetime) -> LongPost | None:
        """Return the whole text of a post that was cut off, or None if it was not."""
        if len(text) > LONGEST_CUT:
            return None
        second = int(created_at.timestamp())
        if not self._seconds[second % SECONDS]:
            return None
        near = self._db.execute(
            "SELECT rowid, text, tags FROM note WHERE second BETWEEN ? AND ? ORDER BY found",
            (second - APART_S, second + APART_S),
        ).fetchall()
        beginning = _bare(text).rstrip(" …")
        if len(text) >= SHORTEST_CUT or "…" in text:
            beginning = beginning[: max(len(beginning) - LAST_WORD, len(beginning) // 2)]
        for row, note, tags in near:
            if beginning and _bare(note[: 2 * LONGEST_CUT]).startswith(beginning):
                self._db.execute("UPDATE note SET found = 1 WHERE rowid = ?", (row,))
                return LongPost(note, tuple(json.loads(tags)))
        return None

    def lonely(self) -> Iterator[Post]:
        """Yield the notes that `whole` gave to no post: they are posts of their own."""
        rows = self._db.execute("SELECT id, date, text, tags FROM note WHERE NOT found")
        for key, date, text, tags in rows:
            created_at = datetime.fromisoformat(date).astimezone(UTC) if date else None
            yield Post(key, created_at, text, "note", tuple(json.loads(tags)))


def _bare(text: str) -> str:
    return " ".join(TRIMMINGS.sub("", text).split())
