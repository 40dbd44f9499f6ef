"""The posts of one `prepare`, in a temporary SQLite file while they are sorted and compared.

Order, duplicates, older versions and threads need all posts at once; in SQLite they need no
memory. Every record read is one row of `staged`, and ends in `kept` or with a reason in `dropped`,
so none can go missing. The file does not outlive the run.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from trainer.archives.post import Post, PostKind, Unreadable
from trainer.data.clean import NOT_PUBLIC, Reason
from trainer.data.options import PrepareOptions
from trainer.data.own_drafts import OwnDrafts
from trainer.data.sift import Sift
from trainer.data.split import Side

_BATCH = 2000
DIGITS = 19  # of an id that orders its post: X's ids have no more until the year 2042
# There, the same id is the same post.
GLOBAL_IDS = frozenset(("x", "mastodon", "bluesky", "misskey", "nostr", "reddit", "tumblr"))

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -16000;
CREATE TABLE staged (
    row INTEGER PRIMARY KEY, space TEXT, id TEXT, number INTEGER, created_at TEXT, text TEXT,
    digest INTEGER, kind TEXT, tags TEXT, reply_to TEXT, quote_of TEXT, edit_of TEXT, updated TEXT,
    thread TEXT, dropped TEXT,
    because INTEGER  -- the row of the post for whose sake this one is dropped
);
CREATE TABLE kept (
    row INTEGER PRIMARY KEY, staged INTEGER, id TEXT, created_at TEXT, text TEXT,
    digest INTEGER UNIQUE, kind TEXT, tags TEXT, thread TEXT,
    side TEXT, left_out TEXT, because INTEGER
);
"""
_COLUMNS = (
    "space, id, number, created_at, text, digest, kind, tags, reply_to, quote_of, edit_of, updated,"
    " thread, dropped"
)
_INSERT = f"INSERT INTO staged ({_COLUMNS}) VALUES ({','.join('?' * 14)})"
Row = tuple[str | int | None, ...]


class _Version(NamedTuple):
    """One of several posts with the same id."""

    row: int
    length: int
    dropped: str | None
    updated: str
    digest: int | None

    def why(self, stays: "_Version") -> Reason:
        """Why it gives way to another: it is the same, or its author changed it."""
        is_same = self.digest == stays.digest or self.length or stays.length
        return Reason.DUPLICATE if is_same else Reason.OLD_VERSION


class Kept(NamedTuple):
    """A kept post; `row` counts from 1, oldest first."""

    row: int
    id: str
    created_at: str | None
    text: str
    kind: PostKind
    tags: tuple[str, ...]
    side: Side


@dataclass(frozen=True, slots=True)
class Dropped:
    """A post that is not learnt from, and the post it gave way to, if any."""

    id: str
    reason: Reason
    because: str | None


class Staging:
    """Takes posts in any order; gives the kept ones, oldest first."""

    def __init__(self, file: Path, options: PrepareOptions, own_drafts: OwnDrafts) -> None:
        self.read = 0
        self._options = options
        self._sift = Sift(options, own_drafts)
        self.personal = self._sift.personal
        self._file = file
        self.db = sqlite3.connect(file)
        self.db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def delete(self) -> None:
        """Close the file and delete it."""
        self.db.close()
        self._file.unlink()

    def add(self, posts: Iterable[Post | Unreadable], archive: str, source: int) -> Iterator[int]:
        """Stage the posts of a source; yields how many were read, a batch at a time."""
        space = archive if archive in GLOBAL_IDS else str(source)
        batch: list[Row] = []
        for post in posts:
            self.read += 1
            if isinstance(post, Post):
                batch.append(self._row(post, space))
            else:
                batch.append(_unreadable(post))
            if len(batch) >= _BATCH:
                self.db.executemany(_INSERT, batch)
                batch.clear()
                yield self.read
        self.db.executemany(_INSERT, batch)

    def _row(self, post: Post, space: str) -> Row:
        text, tags, reason = self._sift.sift(post)
        key, date = post.id, post.created_at
        return (
            space,
            key,
            int(key) if len(key) <= DIGITS and key.isdecimal() else self.read,
            None if date is None else date.isoformat(),
            text,
            None if reason else _digest(text),
            post.kind,
            json.dumps(tags) if tags else "[]",
            post.reply_to,
            post.quote_of,
            post.edit_of,
            None if post.updated_at is None else post.updated_at.isoformat(),
            f"{space}:{post.edit_of or key}",
            reason,
        )

    def settle(self) -> int:
        """Drop duplicates and the like, and order the rest; returns how many."""
        self.db.execute("CREATE INDEX by_id ON staged (id, space)")
        self._settle_written()
        self._settle_same_ids()
        self._settle("reply", "reply_to", "self_reply", Reason.REPLY)
        self._settle("quote", "quote_of", "original", Reason.QUOTE)
        self._settle_edits()
        self._settle_threads()
        self._tell_ids_apart()
        if self._options.threads == "join":
            self._join_threads()
        self.db.execute(
            "INSERT OR IGNORE INTO kept"
            " (staged, id, created_at, text, digest, kind, tags, thread, side)"
            " SELECT row, id, created_at, text, digest, kind, tags, thread, 'train' FROM staged"
            " WHERE dropped IS NULL ORDER BY created_at, number, row"
        )
        first = "(SELECT staged FROM kept WHERE kept.digest = staged.digest)"
        self.db.execute(
            f"UPDATE staged SET dropped = ?, because = {first}"
            f" WHERE dropped IS NULL AND row != {first}",
            (Reason.DUPLICATE,),
        )
        return self.count()

    def _settle_written(self) -> None:
        """Drop every version of a post that the bot wrote, also one that was edited later."""
        self._drop(
            "(coalesce(edit_of, id), space) IN (SELECT coalesce(edit_of, id), space FROM staged"
            f" WHERE dropped = '{Reason.WRITTEN}')",
            Reason.WRITTEN,
        )

    def _settle_same_ids(self) -> None:
        """Keep the newest version of the posts with one id. If any is hidden, so is that one.

        X's versions are one text, which may be cut: there, the longest is kept.
        """
        rows = self.db.execute(
            "SELECT space, id, row, length(text) * (space = 'x'), dropped, coalesce(updated, ''),"
            " digest FROM staged WHERE (id, space) IN"
            " (SELECT id, space FROM staged GROUP BY id, space HAVING count(*) > 1)"
            " ORDER BY id, space, row"
        )
        for _, same in groupby(rows, key=lambda r: r[:2]):
            posts = [_Version(*row[2:]) for row in same]
            stays = max(posts, key=lambda p: (p.updated, p.dropped is None, p.length, p.row))
            self.db.executemany(
                "UPDATE staged SET dropped = ?, because = ? WHERE row = ?",
                [(p.why(stays), stays.row, p.row) for p in posts if p != stays],
            )
            hidden = next((p.dropped for p in posts if p.dropped in NOT_PUBLIC), None)
            if hidden:
                self._drop("row = ?", Reason(hidden), stays.row)

    def _settle(self, kind: PostKind, target: str, becomes: PostKind, reason: Reason) -> None:
        """Count what points at a post of this archive as the author's own; drop what is unwanted.

        `target` is the column that holds the id of the other post.
        """
        self.db.execute(
            "UPDATE staged SET kind = ? WHERE kind = ? AND EXISTS (SELECT 1 FROM staged AS own"
            f" WHERE own.id = staged.{target} AND own.space = staged.space"
            " AND own.kind != 'retweet')",
            (becomes, kind),
        )
        if kind not in self._options.kinds:
            self._drop("kind = ? AND dropped IS NULL", reason, kind)

    def _settle_edits(self) -> None:
        """Drop all versions of a post but the newest, even if that is dropped too."""
        self.db.execute("CREATE INDEX by_edit ON staged (edit_of) WHERE edit_of IS NOT NULL")
        later = (
            "FROM staged AS later WHERE later.edit_of = coalesce(staged.edit_of, staged.id)"
            " AND later.space = staged.space AND later.number > staged.number"
        )
        self.db.execute(
            "UPDATE staged SET dropped = ?,"
            f" because = (SELECT later.row {later} ORDER BY later.number DESC LIMIT 1)"
            f" WHERE EXISTS (SELECT 1 {later})",
            (Reason.OLD_VERSION,),
        )

    def _settle_threads(self) -> None:
        """Name each post's thread after the thread's first post, from the oldest post on."""
        replies = self.db.execute(  # sorted, so SQLite has them all before the first is updated
            "SELECT row, space, reply_to FROM staged WHERE kind = 'self_reply'"
            " AND reply_to IS NOT NULL ORDER BY created_at, number, row"
        )
        for row, space, reply_to in replies:
            (parent,) = self._one(
                "SELECT thread FROM staged WHERE id = ? AND space = ?", reply_to, space
            )
            self.db.execute(
                "UPDATE staged SET thread = ? WHERE row = ?", (parent or f"{space}:{reply_to}", row)
            )

    def _tell_ids_apart(self) -> None:
        """Put the source before an id that several sources share, but for the first's."""
        first = "first.id = staged.id AND first.space != staged.space AND first.row < staged.row"
        self.db.execute(
            "UPDATE staged SET id = space || ':' || id"
            f" WHERE EXISTS (SELECT 1 FROM staged AS first WHERE {first})"
        )

    def _join_threads(self) -> None:
        """Join a thread into its first post, with the texts of all."""
        rows = self.db.execute(
            "SELECT thread, row, text, tags FROM staged WHERE dropped IS NULL AND thread IN"
            " (SELECT thread FROM staged WHERE dropped IS NULL GROUP BY thread HAVING count(*) > 1)"
            " ORDER BY thread, created_at, number, row"
        )
        for _, posts in groupby(rows, key=lambda r: r[0]):
            _, (first, *rest), texts, tags = zip(*posts, strict=True)
            text = "\n\n".join(texts)
            all_tags = list(dict.fromkeys(tag for some in tags for tag in json.loads(some)))
            self.db.execute(
                "UPDATE staged SET text = ?, digest = ?, tags = ? WHERE row = ?",
                (text, _digest(text), json.dumps(all_tags), first),
            )
            self.db.executemany(
                "UPDATE staged SET dropped = ?, because = ?, text = '' WHERE row = ?",
                [(Reason.JOINED, first, row) for row in rest],
            )

    def _drop(self, where: str, reason: Reason, *values: object) -> None:
        self.db.execute(f"UPDATE staged SET dropped = ? WHERE {where}", (reason, *values))

    def count(self) -> int:
        """How many posts are kept."""
        (posts,) = self._one("SELECT count(*) FROM kept")
        return int(posts or 0)

    def count_undated(self) -> int:
        """How many of the kept posts have no date."""
        (posts,) = self._one("SELECT count(*) FROM kept WHERE created_at IS NULL")
        return int(posts or 0)

    def odd_dates(self, now: datetime) -> Iterator[tuple[str, int, str]]:
        """Yield when kept posts can hardly have been written, how many, and an example.

        No service is older than 2006, but a blog may be.
        """
        tomorrow = (now + timedelta(days=1)).isoformat()
        for when, which, than in (
            ("before 2006", "min(created_at) FROM kept WHERE created_at <", "2006"),
            ("after today", "max(created_at) FROM kept WHERE created_at >", tomorrow),
        ):
            count, example = self._one(f"SELECT count(*), {which} ?", than)
            if count:
                yield when, int(count), str(example)[:10]

    def main_reason(self) -> tuple[Reason, int]:
        """The commonest reason of the dropped posts, and its count."""
        reason, count = self._one(
            "SELECT dropped, count(*) FROM staged WHERE dropped IS NOT NULL"
            " GROUP BY dropped ORDER BY count(*) DESC, dropped LIMIT 1"
        )
        return Reason(str(reason)), int(count or 0)

    def texts(self, at_most: int) -> Iterator[str]:
        """Yield up to `at_most` texts, spread evenly over time."""
        step = max(1, -(-self.count() // at_most))
        for (text,) in self.db.execute("SELECT text FROM kept WHERE row % ? = 0", (step,)):
            yield text

    def kept(self) -> Iterator[Kept]:
        """Yield every kept post, oldest first."""
        rows = self.db.execute("SELECT row, id, created_at, text, kind, tags, side FROM kept")
        for row, key, date, text, kind, tags, side in rows:
            marks = () if tags == "[]" else tuple(json.loads(tags))
            yield Kept(row, key, date and f"{date[:19]}Z", text, kind, marks, side)

    def dropped(self) -> Iterator[Dropped]:
        """Yield every dropped post, in the order read, then those that are left out."""
        rows = self.db.execute(
            "SELECT staged.id, staged.dropped, other.id FROM staged"
            " LEFT JOIN staged AS other ON other.row = staged.because"
            " WHERE staged.dropped IS NOT NULL ORDER BY staged.row"
        )
        left_out = self.db.execute(
            "SELECT kept.id, kept.left_out, other.id FROM kept"
            " LEFT JOIN staged AS other ON other.row = kept.because"
            " WHERE kept.left_out IS NOT NULL ORDER BY kept.row"
        )
        for found in (rows, left_out):
            for key, reason, because in found:
                yield Dropped(key, Reason(reason), because)

    def _one(self, sql: str, *values: object) -> tuple[str | int | None, ...]:
        found = self.db.execute(sql, values).fetchone()
        return found if found is not None else (None,)


def _digest(text: str) -> int:
    """A hash that ignores white space, since services differ in line breaks."""
    plain = " ".join(text.split()).encode()
    return int.from_bytes(blake2b(plain, digest_size=8).digest(), signed=True)


def _unreadable(record: Unreadable) -> Row:
    """A row without a space, so that its id never equals a post's."""
    return (None, record.id, 0, None, "", None, None, "[]", *(None,) * 5, Reason.UNREADABLE)
