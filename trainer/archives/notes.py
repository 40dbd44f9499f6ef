"""X's long posts: `tweets.js` has them cut off, `note-tweet.js` has them whole, under another id.

A note is found again by its time and its beginning. The notes lie in a temporary SQLite file
that deletes itself, so that memory does not grow with them.
"""

import re
import sqlite3
from datetime import datetime

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.files import Files
from trainer.archives.records import read_records
from trainer.archives.tally import Tally
from trainer.archives.texts import unescape

SHORTEST_CUT = 100  # X cuts at about 276 characters, and a leading @handle may be missing from it
APART_S = 1
SECONDS = 1 << 20  # twelve days, and then from the beginning
# What X appends to the cut text, and the handles which only one of both texts may have.
TRIMMINGS = re.compile(r"(?:\s*https?://t\.co/\w+)+\s*$|^(?:@\w+\s+)+")


class _Core(msgspec.Struct):
    text: str = ""


class _NoteTweet(msgspec.Struct):
    createdAt: str = ""  # noqa: N815 - X's name
    core: _Core = msgspec.field(default_factory=_Core)


class _Note(msgspec.Struct):
    noteTweet: _NoteTweet  # noqa: N815 - X's name


class Notes:
    """The long posts of an archive, by time."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")  # a temporary file, gone when it is closed
        self._db.execute("CREATE TABLE note (second INTEGER, text TEXT)")
        self._db.execute("CREATE INDEX by_second ON note (second)")
        self._seconds = bytearray(SECONDS)  # 1 where there is a note: most posts need no look-up

    def read(self, files: Files, name: str, tally: Tally) -> None:
        """Add the notes of one `note-tweet.js`."""
        with files.open(name) as file:
            for row in read_records(file, name, _Note, tally):
                date, text = read_date(row.noteTweet.createdAt), unescape(row.noteTweet.core.text)
                if date is None:
                    continue
                second = int(date.timestamp())
                for near in range(second - APART_S, second + APART_S + 1):
                    self._seconds[near % SECONDS] = 1
                self._db.execute("INSERT INTO note VALUES (?, ?)", (second, text))

    def whole(self, text: str, created_at: datetime) -> str | None:
        """Return the whole text of a post that was cut off, or None if it was not."""
        if len(text) < SHORTEST_CUT:
            return None
        second = int(created_at.timestamp())
        if not self._seconds[second % SECONDS]:
            return None
        near = self._db.execute(
            "SELECT text FROM note WHERE second BETWEEN ? AND ?",
            (second - APART_S, second + APART_S),
        ).fetchall()
        if not near:
            return None
        beginning = _words(TRIMMINGS.sub("", text).rstrip(" …"))
        for (note,) in near:
            words = _words(TRIMMINGS.sub("", note))
            # The last word may be cut too, even inside of `&amp;`.
            if len(words) > len(beginning) and words[: len(beginning) - 1] == beginning[:-1]:
                return str(note)
        return None


def _words(text: str) -> list[str]:
    return text.split()
