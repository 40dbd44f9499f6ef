"""How the bot gets into Mastodon accounts: a person's yes at their server, a code, a token.

The protocol itself is in oauth.py.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from bot.errors import BotError, Refused, Unavailable, UserError
from bot.posting import instance, oauth
from bot.posting.instance import Session
from bot.posting.mastodon import Mastodon
from bot.posting.oauth import Client
from bot.posting.target import PAUSES_S
from bot.posting.vault import LockedOut, Vault
from bot.store.accounts import AccountTable, Application, Connected

log = structlog.get_logger()

CODE_LIFE = timedelta(minutes=15)  # Mastodon's own is ten
APPLICATION_LIFE = timedelta(hours=12)  # Mastodon deletes applications nobody uses after a day


class MastodonAccess:
    """The way to an account on any server, and back."""

    def __init__(
        self,
        stored: AccountTable,
        vault: Vault,
        private: frozenset[str] = frozenset(),
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        """`private` are allowed servers that are not public."""
        self._stored = stored
        self._vault = vault
        self._private = private
        self._pauses_s = pauses_s
        self._registering = asyncio.Lock()

    async def start_connection(self, user_id: int, typed: str, now: datetime) -> tuple[str, str]:
        """Begin to connect an account: the server's address, and the link for the person's yes."""
        base_url = instance.base_url(typed, self._private)
        async with self._registering:
            client = await self._client(base_url, now - APPLICATION_LIFE)
            if client is None:
                client = await oauth.register(base_url, is_trusted=base_url in self._private)
                secret = self._vault.lock(client.client_secret)
                application = Application(client.client_id, secret)
                await self._stored.register(base_url, application, now)
        await self._stored.begin_connection(user_id, base_url, now)
        return base_url, oauth.authorisation_link(client)

    async def finish(self, user_id: int, code: str, now: datetime) -> Connected:
        """The account of a code, at the server where this person began."""
        base_url = await self._stored.pending_connection(user_id, now - CODE_LIFE)
        client = await self._client(base_url) if base_url else None
        if base_url is None or client is None:
            raise UserError(
                "You are not connecting an account just now. Begin with /mastodon connect."
            )
        token = await oauth.exchange(client, code.strip())
        found = Connected(base_url, "", self._vault.lock(token))
        try:
            handle = await self._mastodon(base_url, token, "").verify()
            if not re.fullmatch(r"@[\w.-]{1,100}(@[\w.-]{1,200})?", handle, re.ASCII):
                raise Refused("{server} does not say whose account it is.", server=base_url)
        except BotError:
            await self.revoke(found)
            raise
        return Connected(base_url, handle, found.token)

    def open(self, mine: Connected) -> Mastodon:
        """A person's account. Raises Unavailable if no key opens its token."""
        try:
            token = self._vault.unlock(mine.token)
        except LockedOut as e:
            raise Unavailable(
                "The key to your Mastodon account is lost. Connect it again with /mastodon connect."
            ) from e
        return self._mastodon(mine.base_url, token, mine.handle)

    async def revoke(self, mine: Connected) -> bool:
        """Revoke an access at the server; False if the outcome is unknown."""
        client = await self._client(mine.base_url)
        if client is None:
            return False
        try:
            await oauth.revoke(client, self._vault.unlock(mine.token))
        except (BotError, LockedOut) as e:
            log.warning("a token could not be revoked", server=mine.base_url, reason=str(e))
            return False
        return True

    def _mastodon(self, base_url: str, token: str, handle: str) -> Mastodon:
        session = Session(base_url, is_trusted=base_url in self._private)
        return Mastodon(base_url, token, pauses_s=self._pauses_s, session=session, handle=handle)

    async def _client(self, base_url: str, since: datetime | None = None) -> Client | None:
        found = await self._stored.application(base_url, since)
        if found is None:
            return None
        try:
            secret = self._vault.unlock(found.client_secret)
        except LockedOut:
            return None  # it is registered again
        return Client(base_url, base_url in self._private, found.client_id, secret)
