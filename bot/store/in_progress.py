"""Decisions in progress: one that Discord confirmed outlives a crash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.store.database import Database, iso, moment


@dataclass(frozen=True, slots=True)
class InProgress:
    """One decision: its draft, the custom_id that names it, and the form's text."""

    id: int
    draft_id: int
    custom_id: str
    typed: dict[str, str]
    decided_at: datetime | None = None  # None in rows of before
    accounts: tuple[str, ...] = ()  # that its owner had connected then


class InProgressTable:
    """A row for each decision from before its confirmation until its outcome is shown."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(
        self,
        draft_id: int,
        custom_id: str,
        typed: Mapping[str, str],
        decided_at: datetime | None = None,
        accounts: tuple[str, ...] = (),
    ) -> int:
        """Store a decision; returns its id."""
        filled_in = json.dumps(dict(typed))
        async with self._db.transaction():
            return await self._db.insert(
                "begun",
                draft_id=draft_id,
                custom_id=custom_id,
                typed=filled_in,
                decided_at=iso(decided_at) if decided_at else None,
                account="\n".join(accounts) or None,
            )

    async def end(self, decision_id: int) -> None:
        """Delete a decision whose outcome was shown."""
        await self._db.write("DELETE FROM begun WHERE id = ?", (decision_id,))

    async def all(self) -> list[InProgress]:
        """Every decision whose outcome was not shown yet, oldest first."""
        return [
            InProgress(
                row["id"],
                row["draft_id"],
                row["custom_id"],
                json.loads(row["typed"]),
                moment(row["decided_at"]),
                tuple((row["account"] or "").splitlines()),
            )
            for row in await self._db.rows("SELECT * FROM begun ORDER BY id")
        ]
