"""The posts of one `prepare`, in a temporary SQLite file while they are sorted and compared.

Order, duplicates, older versions, threads and near copies need all posts at once; in SQLite they
need no memory. Nothing of it outlives the run.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from trainer import split
from trainer.clean import OWN, Reason, clean
from trainer.post import Kind, Post

BATCH = 2000
MOST_ALIKE = 20  # posts compared: an author's set phrases must not make this quadratic
DIGITS = 19  # of an id that orders its post: X's ids have at most so many until the year 2042

SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -16000;
CREATE TABLE staged (
    id TEXT UNIQUE, number INTEGER, created_at TEXT, text TEXT, digest INTEGER, kind TEXT,
    tags TEXT, reply_to TEXT, edit_of TEXT, thread TEXT, dropped TEXT
);
CREATE TABLE kept (
    row INTEGER PRIMARY KEY, id TEXT, created_at TEXT, text TEXT, digest INTEGER UNIQUE,
    kind TEXT, tags TEXT, thread TEXT, side TEXT
);
CREATE TABLE near (key INTEGER, row INTEGER, PRIMARY KEY (key, row)) WITHOUT ROWID;
"""
_shingles = lru_cache(maxsize=5000)(split.shingles)  # the same few posts are compared again
Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A post that is learnt from; `row` counts from 1, oldest first."""

    row: int
    id: str
    created_at: str | None
    text: str
    kind: Kind
    tags: tuple[str, ...]
    side: split.Side


class Staging:
    """Takes posts in any order; gives those that are kept, oldest first."""

    def __init__(self, file: Path, kinds: Set[Kind] = OWN) -> None:
        self.read = 0
        self.dropped: Counter[Reason] = Counter()
        self.left_out: Counter[str] = Counter()
        self._kinds = kinds
        self._file = file
        self._db = sqlite3.connect(file)
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def delete(self) -> None:
        """Close the file and delete it."""
        self._db.close()
        self._file.unlink()

    def add(self, posts: Iterable[Post]) -> Iterator[int]:
        """Clean and stage posts; yields how many were read, a batch at a time."""
        batch: list[Row] = []
        for number, post in enumerate(posts, 1):
            text, reason = clean(post, self._kinds)
            if reason is None:
                batch.append(_staged_row(post, number, text, None))
            elif post.edit_of or post.kind == "self_reply":  # others may depend on it
                batch.append(_staged_row(post, number, "", reason))
            else:
                self.dropped[reason] += 1
            self.read = number
            if len(batch) >= BATCH:
                self._insert(batch)
                batch.clear()
                yield number
        self._insert(batch)

    def _insert(self, batch: list[Row]) -> None:
        marks = ",".join("?" * 11)
        added = self._db.executemany(f"INSERT OR IGNORE INTO staged VALUES ({marks})", batch)
        self.dropped[Reason.DUPLICATE] += len(batch) - added.rowcount

    def settle(self) -> int:
        """Drop what only all posts together tell, and put the rest in order; returns how many."""
        self._settle_replies()
        self._settle_edits()
        self._settle_threads()
        for reason, count in self._db.execute(
            "SELECT dropped, count(*) FROM staged WHERE dropped IS NOT NULL GROUP BY dropped"
        ):
            self.dropped[Reason(reason)] += count
        (candidates,) = self._one("SELECT count(*) FROM staged WHERE dropped IS NULL")
        self._db.execute(
            "INSERT OR IGNORE INTO kept (id, created_at, text, digest, kind, tags, thread, side)"
            " SELECT id, created_at, text, digest, kind, tags, thread, 'train' FROM staged"
            " WHERE dropped IS NULL ORDER BY created_at, number"
        )
        kept = self.count()
        self.dropped[Reason.DUPLICATE] += int(candidates or 0) - kept
        self._db.execute("DROP TABLE staged")
        return kept

    def _settle_replies(self) -> None:
        """A reply to a post of this archive continues a thread of one's own."""
        self._db.execute(
            "UPDATE staged SET kind = 'self_reply' WHERE kind = 'reply'"
            " AND reply_to IN (SELECT id FROM staged)"
        )
        if "reply" not in self._kinds:
            self._db.execute(
                "UPDATE staged SET dropped = ? WHERE kind = 'reply' AND dropped IS NULL",
                (Reason.REPLY,),
            )

    def _settle_edits(self) -> None:
        """Of a post's versions the newest stays, even if it is dropped for another reason."""
        self._db.execute("CREATE INDEX by_edit ON staged (edit_of) WHERE edit_of IS NOT NULL")
        self._db.execute(
            "UPDATE staged SET dropped = ? WHERE EXISTS (SELECT 1 FROM staged AS later"
            " WHERE later.edit_of = coalesce(staged.edit_of, staged.id)"
            " AND later.number > staged.number)",
            (Reason.OLD_VERSION,),
        )

    def _settle_threads(self) -> None:
        """Name each post's thread after the thread's first post, from the oldest post on."""
        replies = self._db.execute(  # sorted, so SQLite has them all before the first is updated
            "SELECT rowid, reply_to FROM staged WHERE kind = 'self_reply' AND reply_to IS NOT NULL"
            " ORDER BY created_at, number"
        )
        for row, reply_to in replies:
            parent = self._one("SELECT thread FROM staged WHERE id = ?", reply_to)
            self._db.execute(
                "UPDATE staged SET thread = ? WHERE rowid = ?", (parent[0] or reply_to, row)
            )

    def split(self, share: float) -> None:
        """Decide each post's side: the newest `share` validates; leaks leave."""
        posts = self.count()
        border = posts - split.count_validation(posts, share)
        self._db.execute("UPDATE kept SET side = 'validation' WHERE row > ?", (border,))
        self._leave_threads()
        self._leave_near_copies()

    def _leave_threads(self) -> None:
        crossing = self._db.execute(
            "SELECT thread, sum(side = 'train'), sum(side = 'validation') FROM kept"
            " GROUP BY thread HAVING count(DISTINCT side) > 1"
        )
        for thread, train, validation in crossing.fetchall():
            side = split.leaving_side(train, validation)
            left = self._db.execute(
                "UPDATE kept SET side = 'left_out' WHERE thread = ? AND side = ?", (thread, side)
            )
            self.left_out["thread on both sides"] += left.rowcount

    def _leave_near_copies(self) -> None:
        validation = self._db.execute("SELECT row, text FROM kept WHERE side = 'validation'")
        for row, text in validation:
            found = split.keys(split.shingles(text))
            self._db.executemany("INSERT INTO near VALUES (?, ?)", [(k, row) for k in found])
        leaving = [
            (row,)
            for row, text in self._db.execute("SELECT row, text FROM kept WHERE side = 'train'")
            if self._is_near_validation(split.shingles(text))
        ]
        self._db.executemany("UPDATE kept SET side = 'left_out' WHERE row = ?", leaving)
        self.left_out["near copy of a validation post"] += len(leaving)

    def _is_near_validation(self, runs: frozenset[int]) -> bool:
        keys = split.keys(runs)
        marks = ",".join("?" * len(keys))
        alike = self._db.execute(
            "SELECT text FROM near JOIN kept ON kept.row = near.row"
            f" WHERE near.key IN ({marks}) LIMIT {MOST_ALIKE}",
            keys,
        )
        return any(split.is_near_copy(runs, _shingles(text)) for (text,) in alike)

    def count(self) -> int:
        """How many posts are kept."""
        (posts,) = self._one("SELECT count(*) FROM kept")
        return int(posts or 0)

    def texts(self, at_most: int) -> Iterator[str]:
        """Yield up to `at_most` texts, evenly from the whole time."""
        step = max(1, -(-self.count() // at_most))
        for (text,) in self._db.execute("SELECT text FROM kept WHERE row % ? = 0", (step,)):
            yield text

    def kept(self) -> Iterator[Kept]:
        """Yield every kept post, oldest first."""
        rows = self._db.execute("SELECT row, id, created_at, text, kind, tags, side FROM kept")
        for row, post_id, created_at, text, kind, tags, side in rows:
            yield Kept(row, post_id, created_at, text, kind, tuple(json.loads(tags)), side)

    def _one(self, sql: str, *values: object) -> tuple[str | int | None, ...]:
        found = self._db.execute(sql, values).fetchone()
        return found if found is not None else (None,)


def _staged_row(post: Post, number: int, text: str, dropped: Reason | None) -> Row:
    date = post.created_at
    return (
        post.id,
        int(post.id) if post.id.isdecimal() and len(post.id) <= DIGITS else number,
        None if date is None else date.isoformat()[:19] + "Z",
        text,
        int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True),
        post.kind,
        json.dumps(post.tags) if post.tags else "[]",
        post.reply_to,
        post.edit_of,
        post.edit_of or post.id,
        dropped,
    )
