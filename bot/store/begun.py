"""Decisions that are being carried out: what Discord confirmed outlives a crash."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bot.store.database import Database


@dataclass(frozen=True, slots=True)
class Begun:
    """One decision: on which draft, the custom_id that says what, and what was filled in."""

    id: int
    draft_id: int
    custom_id: str
    typed: dict[str, str]


class BegunTable:
    """A row from before a decision is confirmed until its outcome is told."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft_id: int, custom_id: str, typed: Mapping[str, str]) -> int:
        """Remember a decision; returns its id."""
        async with self._db.transaction():
            cursor = await self._db.run(
                "INSERT INTO begun (draft_id, custom_id, typed) VALUES (?, ?, ?)",
                (draft_id, custom_id, json.dumps(dict(typed))),
            )
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    async def end(self, begun_id: int) -> None:
        """Its outcome is told."""
        await self._db.write("DELETE FROM begun WHERE id = ?", (begun_id,))

    async def all(self) -> list[Begun]:
        """Every decision whose outcome nobody was told, oldest first."""
        rows = await self._db.rows("SELECT id, draft_id, custom_id, typed FROM begun ORDER BY id")
        return [Begun(row[0], row[1], row[2], json.loads(row[3])) for row in rows]
