"""Accounts to post to: those connected, those about to be, and the bot's registrations."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.draft import Network
from bot.store.database import Database, iso


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that its owner connected; the token, or what stands for it, is encrypted."""

    base_url: str
    handle: str  # "@name"
    token: str = field(repr=False)
    network: Network = Network.MASTODON
    did: str | None = None  # on Bluesky: what it is called for good

    @property
    def name(self) -> str:
        """The account's name, as stored with its drafts."""
        if self.network is Network.BLUESKY:
            return f"bluesky {self.handle} {self.did}"
        return f"{self.base_url} {self.handle}"


@dataclass(frozen=True, slots=True)
class Application:
    """The bot as a server knows it; the secret is encrypted."""

    client_id: str
    client_secret: str = field(repr=False)


class AccountTable:
    """One account a person and network at most."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def of(self, user_id: int, network: Network) -> Connected | None:
        """The account a person connected on a network."""
        row = await self._db.row(
            "SELECT base_url, handle, token, did FROM accounts WHERE user_id = ? AND network = ?",
            (user_id, network),
        )
        return Connected(**row, network=network) if row else None

    async def owners(self) -> list[tuple[int, Network]]:
        """Everybody who connected an account, and where."""
        rows = await self._db.rows("SELECT user_id, network FROM accounts ORDER BY 1, 2 DESC")
        return [(row["user_id"], Network(row["network"])) for row in rows]

    async def connect(self, user_id: int, account: Connected, now: datetime) -> None:
        """Store the account a person connected, in place of an earlier one."""
        async with self._db.transaction():
            await self._db.run(
                "INSERT OR REPLACE INTO accounts"
                " (user_id, network, base_url, handle, did, token, connected_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(user_id, account.network, account.base_url, account.handle),
                    *(account.did, account.token, iso(now)),
                ),
            )
            if account.network is Network.MASTODON:
                await self._db.run("DELETE FROM connections WHERE user_id = ?", (user_id,))

    async def disconnect(self, user_id: int, network: Network) -> None:
        """Delete the account a person connected on a network."""
        await self._db.write(
            "DELETE FROM accounts WHERE user_id = ? AND network = ?", (user_id, network)
        )

    # The way to a Mastodon account: a server, the bot's registration there, and a person's code.

    async def begin_connection(self, user_id: int, base_url: str, now: datetime) -> None:
        """Store where a person is about to connect an account."""
        await self._db.write(
            "INSERT OR REPLACE INTO connections (user_id, base_url, begun_at) VALUES (?, ?, ?)",
            (user_id, base_url, iso(now)),
        )

    async def pending_connection(self, user_id: int, since: datetime) -> str | None:
        """Where a person is about to connect an account, if they began lately."""
        row = await self._db.row(
            "SELECT base_url FROM connections WHERE user_id = ? AND begun_at >= ?",
            (user_id, iso(since)),
        )
        return row["base_url"] if row else None

    async def application(self, base_url: str, since: datetime | None = None) -> Application | None:
        """The bot's registration at a server, if it is in use there or was made since then."""
        row = await self._db.row(
            "SELECT client_id, client_secret FROM applications WHERE base_url = ?"
            " AND (registered_at >= ? OR base_url IN (SELECT base_url FROM accounts))",
            (base_url, iso(since) if since else ""),
        )
        return Application(**row) if row else None

    async def register(self, base_url: str, application: Application, now: datetime) -> None:
        """Store the bot's registration at a server."""
        await self._db.write(
            "INSERT OR REPLACE INTO applications"
            " (base_url, client_id, client_secret, registered_at) VALUES (?, ?, ?, ?)",
            (base_url, application.client_id, application.client_secret, iso(now)),
        )

    # Keys are changed now and then.

    async def secrets(self) -> list[tuple[str, str]]:
        """Every encrypted secret, by the name of what it opens."""
        rows = await self._db.rows(
            "SELECT iif(did IS NULL, base_url || ' ' || handle, 'bluesky ' || handle || ' ' || did)"
            " AS name, token AS secret FROM accounts"
            " UNION ALL SELECT base_url, client_secret FROM applications"
        )
        return [(row["name"], row["secret"]) for row in rows]

    async def replace_secret(self, old: str, new: str) -> None:
        """Replace a secret by the same one, encrypted anew."""
        async with self._db.transaction():
            await self._db.run("UPDATE accounts SET token = ? WHERE token = ?", (new, old))
            await self._db.run(
                "UPDATE applications SET client_secret = ? WHERE client_secret = ?", (new, old)
            )
