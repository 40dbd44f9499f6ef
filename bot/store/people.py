"""People: their language, the voice they use, their time zone, and what waits to be told."""

from datetime import datetime, timedelta

from bot.draft import Network
from bot.store.database import Database, iso

UNSAID_LIFE = timedelta(days=30)  # then nobody is told any more
MOST_UNSAID = 10  # at once: a message holds no more


class PeopleTable:
    """A person's settings."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def locale(self, user_id: int) -> str:
        """A person's last known language; English before that."""
        row = await self._db.row("SELECT locale FROM people WHERE user_id = ?", (user_id,))
        return row["locale"] if row else "en"

    async def met(self, user_id: int, locale: str) -> None:
        """Store the language of a person's Discord."""
        row = await self._db.row("SELECT locale FROM people WHERE user_id = ?", (user_id,))
        if row and row["locale"] == locale:  # nearly always, and a keystroke should wait for nobody
            return
        await self._db.write(
            "INSERT INTO people (user_id, locale) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET locale = excluded.locale",
            (user_id, locale),
        )

    async def voice(self, user_id: int) -> str | None:
        """The voice a person chose."""
        row = await self._db.row("SELECT voice FROM people WHERE user_id = ?", (user_id,))
        return row["voice"] if row else None

    async def choose_voice(self, user_id: int, voice: str | None) -> None:
        """Store the voice a person chose."""
        await self._db.write(
            "INSERT INTO people (user_id, voice) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET voice = excluded.voice",
            (user_id, voice),
        )

    async def networks(self, user_id: int) -> tuple[Network, ...]:
        """Where a person wants their drafts to go; none if they never said."""
        row = await self._db.row("SELECT networks FROM people WHERE user_id = ?", (user_id,))
        return tuple(map(Network, (row["networks"] or "").split())) if row else ()

    async def choose_networks(self, user_id: int, networks: tuple[Network, ...]) -> None:
        """Store where a person wants their drafts to go."""
        await self._db.write(
            "INSERT INTO people (user_id, networks) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET networks = excluded.networks",
            (user_id, " ".join(networks)),
        )

    async def timezone(self, user_id: int) -> str | None:
        """The time zone a person last named."""
        row = await self._db.row(
            "SELECT coalesce((SELECT timezone FROM people WHERE user_id = ?1),"
            " (SELECT timezone FROM schedules WHERE owner_id = ?1)) AS timezone",
            (user_id,),
        )
        return row["timezone"] if row else None

    async def use_timezone(self, user_id: int, timezone: str) -> None:
        """Store the time zone a person named."""
        await self._db.write(
            "INSERT INTO people (user_id, timezone) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET timezone = excluded.timezone",
            (user_id, timezone),
        )

    async def want_results(self, user_id: int, next_at: datetime | None) -> None:
        """Store when a person is next told what came of their posts; None: never by itself."""
        await self._db.write(
            "INSERT INTO people (user_id, results_at) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET results_at = excluded.results_at",
            (user_id, iso(next_at) if next_at else None),
        )

    async def results_due(self, now: datetime) -> dict[int, datetime]:
        """Who is to be told what came of their posts, and since when."""
        rows = await self._db.rows(
            "SELECT user_id, results_at FROM people WHERE results_at <= ?", (iso(now),)
        )
        return {row["user_id"]: datetime.fromisoformat(row["results_at"]) for row in rows}

    async def advance_results(self, user_id: int, due: datetime, next_at: datetime) -> bool:
        """Move it to the next week; False if that person has changed it since."""
        moved = await self._db.write(
            "UPDATE people SET results_at = ? WHERE user_id = ? AND results_at = ?",
            (iso(next_at), user_id, iso(due)),
        )
        return moved == 1

    async def leave_unsaid(self, user_id: int, text: str, now: datetime) -> None:
        """Store what could not be told to a person, unless they had everything deleted.

        What nobody asked for in a month is forgotten.
        """
        async with self._db.transaction():
            await self._db.run("DELETE FROM unsaid WHERE since < ?", (iso(now - UNSAID_LIFE),))
            await self._db.run(
                "INSERT INTO unsaid (user_id, text, since) SELECT ?1, ?2, ?3"
                " WHERE EXISTS (SELECT 1 FROM people WHERE user_id = ?1)"
                " OR EXISTS (SELECT 1 FROM schedules WHERE owner_id = ?1)"
                " OR EXISTS (SELECT 1 FROM drafts WHERE owner_id = ?1)",
                (user_id, text, iso(now)),
            )

    async def unsaid(self, user_id: int, now: datetime) -> list[str]:
        """The newest of what waits to be told to a person, oldest first; the same only once."""
        rows = await self._db.rows(
            "SELECT text FROM unsaid WHERE user_id = ? AND since >= ?"
            " GROUP BY text ORDER BY max(id) DESC LIMIT ?",
            (user_id, iso(now - UNSAID_LIFE), MOST_UNSAID),
        )
        return [row["text"] for row in reversed(rows)]

    async def drop_unsaid(self, user_id: int) -> None:
        """Delete them: they were told."""
        await self._db.write("DELETE FROM unsaid WHERE user_id = ?", (user_id,))
