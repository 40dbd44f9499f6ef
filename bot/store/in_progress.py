"""Decisions in progress: one that Discord confirmed outlives a crash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class InProgress:
    """One decision: its draft, the custom_id that names it, and the form's text."""

    id: int
    draft_id: int
    custom_id: str
    typed: dict[str, str]


class InProgressTable:
    """A row for each decision from before its confirmation until its outcome is shown."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft_id: int, custom_id: str, typed: Mapping[str, str]) -> int:
        """Store a decision; returns its id."""
        filled_in = json.dumps(dict(typed))
        async with self._db.transaction():
            return await self._db.insert(
                "begun", draft_id=draft_id, custom_id=custom_id, typed=filled_in
            )

    async def end(self, decision_id: int) -> None:
        """Delete a decision whose outcome was shown."""
        await self._db.write("DELETE FROM begun WHERE id = ?", (decision_id,))

    async def all(self) -> list[InProgress]:
        """Every decision whose outcome was not shown yet, oldest first."""
        rows = await self._db.rows("SELECT id, draft_id, custom_id, typed FROM begun ORDER BY id")
        return [
            InProgress(row["id"], row["draft_id"], row["custom_id"], json.loads(row["typed"]))
            for row in rows
        ]
