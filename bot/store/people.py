"""People: the language they are spoken to, the voices that are theirs, and their accounts."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.store.database import Database, iso

Role = Literal["owner", "guest"]


@dataclass(frozen=True, slots=True)
class Connected:
    """A Mastodon account its owner connected; the token is encrypted."""

    base_url: str
    handle: str  # "@name"
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Application:
    """The bot as a server knows it; the secret is encrypted."""

    client_id: str
    client_secret: str = field(repr=False)


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

    async def timezone(self, user_id: int) -> str | None:
        """The time zone a person last named."""
        rows = await self._db.rows(
            "SELECT COALESCE(timezone, (SELECT timezone FROM schedules WHERE owner_id = ?1))"
            " FROM (SELECT 1) LEFT JOIN people ON user_id = ?1",
            (user_id,),
        )
        return rows[0][0] if rows else None

    async def use_timezone(self, user_id: int, timezone: str) -> None:
        """Remember the time zone a person named."""
        await self._db.write(
            "INSERT INTO people (user_id, timezone) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET timezone = excluded.timezone",
            (user_id, timezone),
        )

    # Whose a voice is.

    async def give(self, voice: str, user_id: int, by: int, now: datetime) -> bool:
        """Make a person the owner of a voice; False if it has one."""
        row = (voice, user_id, "owner", by, iso(now))
        return await self._db.write("INSERT OR IGNORE INTO grants VALUES (?, ?, ?, ?, ?)", row) == 1

    async def invite(self, voice: str, user_id: int, by: int, now: datetime) -> bool:
        """Let a guest write with a voice; False unless `by` owns it, or if they may already."""
        sql = (
            "INSERT OR IGNORE INTO grants SELECT ?, ?, 'guest', ?, ? WHERE EXISTS"
            " (SELECT 1 FROM grants WHERE voice = ? AND user_id = ? AND role = 'owner')"
        )
        return await self._db.write(sql, (voice, user_id, by, iso(now), voice, by)) == 1

    async def revoke(self, voice: str, user_id: int) -> bool:
        """Take a voice from a person, and from its guests if they owned it; False if not theirs."""
        async with self._db.transaction():
            await self._db.run(
                "DELETE FROM grants WHERE voice = ? AND role = 'guest' AND EXISTS"
                " (SELECT 1 FROM grants WHERE voice = ? AND user_id = ? AND role = 'owner')",
                (voice, voice, user_id),
            )
            gone = await self._db.run(
                "DELETE FROM grants WHERE voice = ? AND user_id = ?", (voice, user_id)
            )
            return gone.rowcount == 1

    async def grants(self) -> dict[str, dict[int, Role]]:
        """Who may write with which voice; a voice nobody was granted is left out."""
        found: dict[str, dict[int, Role]] = defaultdict(dict)
        for row in await self._db.rows("SELECT voice, user_id, role FROM grants"):
            found[row[0]][row[1]] = row[2]
        return found

    # Their accounts.

    async def account(self, user_id: int) -> Connected | None:
        """The Mastodon account a person connected."""
        rows = await self._db.rows(
            "SELECT base_url, handle, token FROM accounts WHERE user_id = ?", (user_id,)
        )
        return Connected(*rows[0]) if rows else None

    async def with_account(self) -> list[int]:
        """Everybody who connected an account."""
        rows = await self._db.rows("SELECT user_id FROM accounts ORDER BY user_id")
        return [row[0] for row in rows]

    async def connect(self, user_id: int, account: Connected, now: datetime) -> None:
        """Remember the account a person connected, in place of an earlier one."""
        row = (user_id, account.base_url, account.handle, account.token, iso(now))
        async with self._db.transaction():
            await self._db.run("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?)", row)
            await self._db.run("DELETE FROM connections WHERE user_id = ?", (user_id,))

    async def disconnect(self, user_id: int) -> None:
        """Forget the account a person connected."""
        await self._db.write("DELETE FROM accounts WHERE user_id = ?", (user_id,))

    async def begin(self, user_id: int, base_url: str, now: datetime) -> None:
        """Remember where a person is about to connect an account."""
        row = (user_id, base_url, iso(now))
        await self._db.write("INSERT OR REPLACE INTO connections VALUES (?, ?, ?)", row)

    async def begun(self, user_id: int, since: datetime) -> str | None:
        """Where a person is about to connect an account, if they began lately."""
        rows = await self._db.rows(
            "SELECT base_url FROM connections WHERE user_id = ? AND begun_at >= ?",
            (user_id, iso(since)),
        )
        return rows[0][0] if rows else None

    async def application(self, base_url: str, since: datetime | None = None) -> Application | None:
        """The bot's registration at a server: in use there, or made since then."""
        rows = await self._db.rows(
            "SELECT client_id, client_secret FROM applications WHERE base_url = ?"
            " AND (registered_at >= ? OR base_url IN (SELECT base_url FROM accounts))",
            (base_url, iso(since) if since else ""),
        )
        return Application(*rows[0]) if rows else None

    async def register(self, base_url: str, application: Application, now: datetime) -> None:
        """Remember the bot's registration at a server."""
        await self._db.write(
            "INSERT OR REPLACE INTO applications VALUES (?, ?, ?, ?)",
            (base_url, application.client_id, application.client_secret, iso(now)),
        )

    async def secrets(self) -> list[tuple[str, str]]:
        """Every encrypted secret, after the name of what it opens."""
        rows = await self._db.rows(
            "SELECT base_url || ' ' || handle, token FROM accounts"
            " UNION ALL SELECT base_url, client_secret FROM applications"
        )
        return [(row[0], row[1]) for row in rows]

    async def replace_secret(self, old: str, new: str) -> None:
        """Put a secret that was encrypted anew in the place of the old one."""
        async with self._db.transaction():
            await self._db.run("UPDATE accounts SET token = ? WHERE token = ?", (new, old))
            await self._db.run(
                "UPDATE applications SET client_secret = ? WHERE client_secret = ?", (new, old)
            )
