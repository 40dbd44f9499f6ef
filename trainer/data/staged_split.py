"""Gives every staged post its side: train, validation, or left out as a leak.

Applies the rules of split.py to many posts in little memory.
"""

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from trainer.data import split
from trainer.data.clean import Reason

MOST_ALIKE = 20  # posts compared: an author's set phrases must not make this quadratic
_STEP = 1000  # posts between two reports

_shingles = lru_cache(maxsize=5000)(split.shingles)  # the same few posts are compared again


def choose_sides(db: sqlite3.Connection, posts: int, share: float) -> Iterator[int]:
    """Let the newest `share` of the posts validate; yields how many were compared."""
    border = posts - split.count_validation(posts, share)
    db.execute("UPDATE kept SET side = 'validation' WHERE row > ?", (border,))
    _leave_threads(db)
    yield from _leave_near_copies(db)


def _leave_threads(db: sqlite3.Connection) -> None:
    db.execute("CREATE INDEX by_thread ON kept (thread)")
    crossing = db.execute(
        "SELECT thread, sum(side = 'train'), sum(side = 'validation') FROM kept"
        " GROUP BY thread HAVING count(DISTINCT side) > 1"
    )
    for thread, train, validation in crossing.fetchall():
        side = split.leaving_side(train, validation)
        db.execute(
            "UPDATE kept SET side = 'left_out', left_out = ?, because ="
            " (SELECT staged FROM kept AS other WHERE other.thread = kept.thread"
            " AND other.side != kept.side LIMIT 1) WHERE thread = ? AND side = ?",
            (Reason.THREAD, thread, side),
        )


def _leave_near_copies(db: sqlite3.Connection) -> Iterator[int]:
    """Leave out training posts that nearly copy one of validation."""
    db.execute("CREATE TABLE near (key INTEGER, row INTEGER, PRIMARY KEY (key, row)) WITHOUT ROWID")
    known = array("q")  # the keys of `near` again: most posts are told apart without asking SQLite
    validation = db.execute("SELECT row, text FROM kept WHERE side = 'validation'")
    for done, (row, text) in enumerate(validation, 1):
        found = split.keys(split.shingles(text))
        known.extend(found)
        db.executemany("INSERT INTO near VALUES (?, ?)", [(key, row) for key in found])
        if done % _STEP == 0:
            yield done
    known = array("q", sorted(known))
    leaving = []
    for row, text in db.execute("SELECT row, text FROM kept WHERE side = 'train'"):
        if (copied := _copied_row(db, known, text)) is not None:
            leaving.append((Reason.NEAR_COPY, copied, row))
        if row % _STEP == 0:
            yield len(known) // split.KEYS + row
    db.executemany(
        "UPDATE kept SET side = 'left_out', left_out = ?, because = ? WHERE row = ?", leaving
    )


def _copied_row(db: sqlite3.Connection, known: "array[int]", text: str) -> int | None:
    """The staged row of the validation post that a text nearly copies."""
    runs = split.shingles(text)
    keys = [key for key in split.keys(runs) if _has(known, key)]
    if not keys:
        return None
    alike = db.execute(
        "SELECT DISTINCT staged, text FROM near JOIN kept ON kept.row = near.row"
        f" WHERE near.key IN ({','.join('?' * len(keys))}) LIMIT {MOST_ALIKE}",
        keys,
    )
    return next((row for row, other in alike if split.is_near_copy(runs, _shingles(other))), None)


def _has(known: "array[int]", key: int) -> bool:
    at = bisect_left(known, key)
    return at < len(known) and known[at] == key
