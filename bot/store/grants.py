"""Grants: who owns a voice, and which guests may write with it."""

from collections import defaultdict
from datetime import datetime
from typing import Literal

from bot.store.database import Database, iso

Role = Literal["owner", "guest"]


class GrantTable:
    """One row for each voice and person; a voice has one owner at most."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def all(self) -> dict[str, dict[int, Role]]:
        """Who may write with which voice; without voices that nobody was granted."""
        found: dict[str, dict[int, Role]] = defaultdict(dict)
        for row in await self._db.rows("SELECT voice, user_id, role FROM grants"):
            found[row["voice"]][row["user_id"]] = row["role"]
        return found

    async def of(self, voice: str) -> dict[int, Role]:
        """Who may write with one voice."""
        rows = await self._db.rows("SELECT user_id, role FROM grants WHERE voice = ?", (voice,))
        return {row["user_id"]: row["role"] for row in rows}

    async def give(self, voice: str, user_id: int, by: int, now: datetime) -> bool:
        """Make a person the owner of a voice; False if it has one."""
        given = await self._db.write(
            "INSERT OR IGNORE INTO grants (voice, user_id, role, granted_by, granted_at)"
            " VALUES (?, ?, 'owner', ?, ?)",
            (voice, user_id, by, iso(now)),
        )
        return given == 1

    async def invite(self, voice: str, user_id: int, by: int, now: datetime) -> bool:
        """Let a guest write with a voice; False if `by` does not own it, or they may already."""
        invited = await self._db.write(
            "INSERT OR IGNORE INTO grants (voice, user_id, role, granted_by, granted_at)"
            " SELECT ?1, ?2, 'guest', ?3, ?4 WHERE EXISTS"
            " (SELECT 1 FROM grants WHERE voice = ?1 AND user_id = ?3 AND role = 'owner')",
            (voice, user_id, by, iso(now)),
        )
        return invited == 1

    async def revoke(self, voice: str, user_id: int) -> bool:
        """Take a voice from a person, and from its guests if they owned it; False if not theirs."""
        async with self._db.transaction():
            await self._db.run(
                "DELETE FROM grants WHERE voice = ?1 AND role = 'guest' AND EXISTS"
                " (SELECT 1 FROM grants WHERE voice = ?1 AND user_id = ?2 AND role = 'owner')",
                (voice, user_id),
            )
            revoked = await self._db.run(
                "DELETE FROM grants WHERE voice = ? AND user_id = ?", (voice, user_id)
            )
            return revoked == 1
