"""Decisions that are being carried out: what Discord confirmed outlives a crash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class InProgress:
    """One decision: on which draft, the custom_id that says what, and what was filled in."""

    id: int
    draft_id: int
    custom_id: str
    typed: dict[str, str]


class InProgressTable:
    """A row from before a decision is confirmed until its outcome is told."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft_id: int, custom_id: str, typed: Mapping[str, str]) -> int:
        """Remember a decision; returns its id."""
        filled_in = json.dumps(dict(typed))
        async with self._db.transaction():
            return await self._db.insert(
                "begun", draft_id=draft_id, custom_id=custom_id, typed=filled_in
            )

    async def end(self, decision_id: int) -> None:
        """Its outcome is told."""
        await self._db.write("DELETE FROM begun WHERE id = ?", (decision_id,))

    async def all(self) -> list[InProgress]:
        """Every decision whose outcome nobody was told, oldest first."""
        rows = await self._db.rows("SELECT id, draft_id, custom_id, typed FROM begun ORDER BY id")
        return [
            InProgress(row["id"], row["draft_id"], row["custom_id"], json.loads(row["typed"]))
            for row in rows
        ]
