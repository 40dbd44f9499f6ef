"""Queues: each owner's slots, and the scheduled drafts that hold one.

A queued draft is a post for later whose time came from a slot: its `post_at` is that of its slot,
or NULL while the queue is paused, so that nothing is due.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.draft import State
from bot.store.database import Database, iso, moment


@dataclass(frozen=True, slots=True)
class QueueRow:
    """When an owner's queued texts go out."""

    owner_id: int
    slots: str  # as bot/posting/slots.py writes them
    timezone: str  # IANA name
    paused_at: datetime | None = None


class QueueTable:
    """Slots, and which draft holds which."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, owner_id: int) -> QueueRow | None:
        """An owner's queue."""
        row = await self._db.row("SELECT * FROM queues WHERE owner_id = ?", (owner_id,))
        return _queue(row) if row else None

    async def keep(self, queue: QueueRow, times: Iterable[tuple[int, datetime]]) -> None:
        """Store a queue and the slots that its drafts hold from now on: all or nothing.

        A draft that was decided meanwhile stays as it is.
        """
        paused_at = iso(queue.paused_at) if queue.paused_at else None
        async with self._db.transaction():
            await self._db.run(
                "INSERT OR REPLACE INTO queues (owner_id, slots, timezone, paused_at)"
                " VALUES (?, ?, ?, ?)",
                (queue.owner_id, queue.slots, queue.timezone, paused_at),
            )
            await self._hold(list(times), is_paused=paused_at is not None)

    async def drop(self, owner_id: int) -> None:
        """Delete an owner's queue; nothing may hold a slot of it any more."""
        await self._db.write("DELETE FROM queues WHERE owner_id = ?", (owner_id,))

    async def move(self, times: Sequence[tuple[int, datetime]], *, is_paused: bool) -> None:
        """Give drafts of one queue other slots: all or nothing."""
        async with self._db.transaction():
            await self._hold(times, is_paused=is_paused)

    async def hurry(self, draft_id: int, now: datetime) -> bool:
        """Make a scheduled draft due, and free its slot; False if it is no longer scheduled."""
        moved = await self._db.write(
            "UPDATE drafts SET post_at = ?, slot = NULL WHERE id = ? AND state = ?",
            (iso(now), draft_id, State.SCHEDULED),
        )
        return moved == 1

    async def late(self, since: datetime) -> set[int]:
        """The owners of queued drafts that were due before then."""
        rows = await self._db.rows(
            "SELECT DISTINCT owner_id FROM drafts"
            " WHERE state = ? AND slot NOT NULL AND post_at < ?",
            (State.SCHEDULED, iso(since)),
        )
        return {row["owner_id"] for row in rows}

    async def _hold(self, times: Sequence[tuple[int, datetime]], *, is_paused: bool) -> None:
        for draft_id, _ in times:  # no two may hold one slot, not even for a moment
            await self._db.run(
                "UPDATE drafts SET slot = NULL WHERE id = ? AND state = ?",
                (draft_id, State.SCHEDULED),
            )
        for draft_id, slot in times:
            await self._db.run(
                "UPDATE drafts SET slot = ?, post_at = ? WHERE id = ? AND state = ?",
                (iso(slot), None if is_paused else iso(slot), draft_id, State.SCHEDULED),
            )


def _queue(row: sqlite3.Row) -> QueueRow:
    return QueueRow(row["owner_id"], row["slots"], row["timezone"], moment(row["paused_at"]))
