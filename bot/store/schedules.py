"""The daily suggestions: who wants one and when, and which days have had theirs."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from bot.store.database import Database, iso


@dataclass(frozen=True, slots=True)
class Schedule:
    """When, and about what, an owner wants the daily suggestion."""

    owner_id: int
    local_time: str  # HH:MM
    timezone: str  # IANA name
    next_at: datetime  # UTC
    days: tuple[str, ...] = ()  # "mon" … "sun"; none means every day
    topics: tuple[str, ...] = ()  # none means the archive's own
    voice: str | None = None  # None: the one its owner uses
    drafts: bool = False  # whether a draft on the topic alone comes with the question


class ScheduleTable:
    """Schedules and the days that were served."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def set(self, schedule: Schedule) -> None:
        """Set or replace an owner's daily suggestion."""
        await self._db.write(
            "INSERT OR REPLACE INTO schedules"
            " (owner_id, local_time, timezone, next_at, days, topics, voice, drafts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                schedule.owner_id,
                schedule.local_time,
                schedule.timezone,
                iso(schedule.next_at),
                " ".join(schedule.days),
                json.dumps(schedule.topics),
                schedule.voice,
                schedule.drafts,
            ),
        )

    async def advance(self, schedule: Schedule, next_at: datetime) -> bool:
        """Move a schedule to its next time; False if its owner has changed it since."""
        moved = await self._db.write(
            "UPDATE schedules SET next_at = ? WHERE owner_id = ? AND next_at = ?",
            (iso(next_at), schedule.owner_id, iso(schedule.next_at)),
        )
        return moved == 1

    async def drop(self, owner_id: int) -> bool:
        """End an owner's daily suggestion; False if there was none."""
        return await self._db.write("DELETE FROM schedules WHERE owner_id = ?", (owner_id,)) == 1

    async def of(self, owner_id: int) -> Schedule | None:
        """An owner's daily suggestion."""
        row = await self._db.row("SELECT * FROM schedules WHERE owner_id = ?", (owner_id,))
        return _schedule(row) if row else None

    async def all(self) -> list[Schedule]:
        """Every daily suggestion."""
        return [_schedule(row) for row in await self._db.rows("SELECT * FROM schedules")]

    async def claim_day(self, owner_id: int, local_date: date, slot: str) -> bool:
        """Claim an owner's local day and time of day; False if it was claimed before."""
        added = await self._db.write(
            "INSERT OR IGNORE INTO suggestions (owner_id, local_date, slot) VALUES (?, ?, ?)",
            (owner_id, local_date.isoformat(), slot),
        )
        return added == 1


def _schedule(row: sqlite3.Row) -> Schedule:
    return Schedule(
        owner_id=row["owner_id"],
        local_time=row["local_time"],
        timezone=row["timezone"],
        next_at=datetime.fromisoformat(row["next_at"]),
        days=tuple(row["days"].split()),
        topics=tuple(json.loads(row["topics"])),
        voice=row["voice"],
        drafts=bool(row["drafts"]),
    )
