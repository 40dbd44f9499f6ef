"""People: the language they are spoken to, the voices that are theirs, and their accounts."""

from datetime import datetime
from typing import Literal

from bot.store.database import Database, iso

Role = Literal["owner", "guest"]


class PeopleTable:
    """What is stored of people besides their drafts."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def locale(self, user_id: int) -> str:
        """The language a person was last seen with; English before that."""
        rows = await self._db.rows("SELECT locale FROM people WHERE user_id = ?", (user_id,))
        return rows[0][0] if rows else "en"

    async def met(self, user_id: int, locale: str) -> None:
        """Remember the language of a person's Discord."""
        await self._db.write(
            "INSERT INTO people (user_id, locale) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET locale = excluded.locale WHERE locale != excluded.locale",
            (user_id, locale),
        )

    async def voice(self, user_id: int) -> str | None:
        """The voice a person chose."""
        rows = await self._db.rows("SELECT voice FROM people WHERE user_id = ?", (user_id,))
        return rows[0][0] if rows else None

    async def choose_voice(self, user_id: int, voice: str | None) -> None:
        """Remember the voice a person chose."""
        await self._db.write(
            "INSERT INTO people (user_id, voice) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET voice = excluded.voice",
            (user_id, voice),
        )

    async def grant(self, voice: str, user_id: int, role: Role, by: int, now: datetime) -> bool:
        """Let a person write with a voice; False if they may already, or it has an owner."""
        row = (voice, user_id, role, by, iso(now))
        return await self._db.write("INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?, ?)", row) == 1

    async def revoke(self, voice: str, user_id: int) -> bool:
        """Take a voice from a person; False if they did not have it."""
        row = (voice, user_id)
        return await self._db.write("DELETE FROM grants WHERE voice = ? AND user_id = ?", row) == 1

    async def grants(self, voice: str) -> dict[int, Role]:
        """Who may write with a voice."""
        rows = await self._db.rows("SELECT user_id, role FROM grants WHERE voice = ?", (voice,))
        return {row[0]: row[1] for row in rows}
