"""Gives every staged post its side: train, validation, or left out as a leak.

Applies the rules of split.py to many posts in little memory.
"""

import sqlite3
from collections.abc import Iterator

from trainer.data import split
from trainer.data.clean import Reason
from trainer.data.near_copies import NearCopies

_STEP = 1000  # posts at a time


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
    known = NearCopies([text for _, text in posts] for posts in _posts(db, "validation"))
    staged = db.execute("SELECT staged FROM kept WHERE side = 'validation' ORDER BY row").fetchall()
    yield (done := len(known))
    leaving = []
    for posts in _posts(db, "train"):
        for number, copied in known.copied_by([text for _, text in posts]):
            leaving.append((Reason.NEAR_COPY, *staged[copied], posts[number][0]))
        yield (done := done + len(posts))
    db.executemany(
        "UPDATE kept SET side = 'left_out', left_out = ?, because = ? WHERE row = ?", leaving
    )


def _posts(db: sqlite3.Connection, side: split.Side) -> Iterator[list[tuple[int, str]]]:
    """Rows and texts of a side, some at a time, oldest first."""
    posts = db.execute("SELECT row, text FROM kept WHERE side = ? ORDER BY row", (side,))
    return iter(lambda: posts.fetchmany(_STEP), [])
