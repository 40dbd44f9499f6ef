"""The daily suggestions: who wants one when, and which days have had theirs."""

import json
from datetime import date, datetime

from bot.draft import Schedule
from bot.store.database import Database, iso

_COLUMNS = "owner_id, local_time, timezone, next_at, days, topics, voice"


class ScheduleTable:
    """Schedules and the days that were served."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def set(self, schedule: Schedule) -> None:
        """Set or replace an owner's daily suggestion."""
        await self._db.write(
            f"INSERT OR REPLACE INTO schedules ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                schedule.owner_id,
                schedule.local_time,
                schedule.timezone,
                iso(schedule.next_at),
                " ".join(schedule.days),
                json.dumps(schedule.topics),
                schedule.voice,
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
        return next((s for s in await self.all() if s.owner_id == owner_id), None)

    async def all(self) -> list[Schedule]:
        """Every daily suggestion."""
        return [
            Schedule(
                owner_id=row[0],
                local_time=row[1],
                timezone=row[2],
                next_at=datetime.fromisoformat(row[3]),
                days=tuple(row[4].split()),
                topics=tuple(json.loads(row[5])),
                voice=row[6],
            )
            for row in await self._db.rows(f"SELECT {_COLUMNS} FROM schedules")
        ]

    async def claim_day(self, owner_id: int, local_date: date, slot: str) -> bool:
        """Take an owner's local day and time of day; False if that was taken before."""
        row = (owner_id, local_date.isoformat(), slot)
        added = await self._db.write("INSERT OR IGNORE INTO suggestions VALUES (?, ?, ?)", row)
        return added == 1
