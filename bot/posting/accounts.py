"""The Mastodon account of each person.

A person connects one with /mastodon connect; its token is stored encrypted. Operators who
connected none post to the account of the settings, if there is one.
"""

import asyncio
import re
from datetime import datetime, timedelta

import structlog

from bot.errors import BotError, Refused, Unavailable, UserError
from bot.posting import instance, oauth
from bot.posting.instance import Session
from bot.posting.mastodon import PAUSES_S, Mastodon
from bot.posting.oauth import Client
from bot.posting.vault import LockedOut, Vault
from bot.store import Store
from bot.store.accounts import Application, Connected

log = structlog.get_logger()

CODE_LIFE = timedelta(minutes=15)  # Mastodon's own is ten
APPLICATION_LIFE = timedelta(hours=12)  # Mastodon deletes applications nobody uses after a day


class NotConnected(Refused):
    """An account that its owner has not connected any more."""


class Accounts:
    """The Mastodon accounts of everybody who uses the bot."""

    def __init__(
        self,
        operators: frozenset[int],
        shared: Mastodon | None,
        store: Store,
        vault: Vault,
        private: frozenset[str] = frozenset(),
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        """`shared` is the operators'; `private` are allowed servers that are not public."""
        self._operators = operators
        self._shared = shared
        self._stored = store.accounts
        self._vault = vault
        self._private = private
        self._pauses_s = pauses_s
        self._clients: dict[int, tuple[Connected, Mastodon]] = {}
        self._registering = asyncio.Lock()

    async def of(self, user_id: int, name: str | None = None) -> Mastodon:
        """The account a person posts to; with a name, their account of that name and no other.

        Raises UserError if they have none, NotConnected if the named one is no longer theirs,
        Unavailable if that is unknown now.
        """
        mine = await self._stored.of(user_id)
        if mine and name in (None, f"{mine.base_url} {mine.handle}"):
            return self._opened(user_id, mine)
        if (
            self._shared
            and user_id in self._operators
            and name in (None, await self._shared.identify())
        ):
            return self._shared
        if name is None:
            raise UserError(
                "You have not connected a Mastodon account yet. Do it with /mastodon connect."
            )
        raise NotConnected(
            "{account} is not connected any more, so I cannot see whether the post is there. Look"
            " there before you post it again.",
            account=name,
        )

    async def name_of(self, user_id: int) -> str | None:
        """The name of the account a person posts to, asking no server; None if it is not known."""
        if mine := await self._stored.of(user_id):
            return f"{mine.base_url} {mine.handle}"
        is_known = self._shared and user_id in self._operators and self._shared.is_identified
        return self._shared.name if self._shared and is_known else None

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

    async def finish(self, user_id: int, code: str, now: datetime) -> Mastodon:
        """Connect the code's account, at the server where this person began."""
        base_url = await self._stored.pending_connection(user_id, now - CODE_LIFE)
        client = await self._client(base_url) if base_url else None
        if base_url is None or client is None:
            raise UserError(
                "You are not connecting an account just now. Begin with /mastodon connect."
            )
        token = await oauth.exchange(client, code.strip())
        account = self._mastodon(base_url, token, "")
        try:
            handle = await account.verify()
            if not re.fullmatch(r"@[\w.-]{1,100}(@[\w.-]{1,200})?", handle, re.ASCII):
                raise Refused("{server} does not say whose account it is.", server=base_url)
        except BotError:
            await self._revoke(base_url, token)
            raise
        earlier = await self._stored.of(user_id)
        connected = Connected(base_url, handle, self._vault.lock(token))
        await self._stored.connect(user_id, connected, now)
        if earlier:
            await self._revoke(earlier.base_url, earlier.token, is_locked=True)
        log.info("account connected", user=user_id, account=account.name)
        return account

    async def disconnect(self, user_id: int) -> tuple[str, bool]:
        """Delete a person's account; returns its name, and whether its server ended the access."""
        mine = await self._stored.of(user_id)
        if mine is None:
            raise UserError("You have no connected Mastodon account, so there is nothing to do.")
        is_revoked = await self._revoke(mine.base_url, mine.token, is_locked=True)
        await self._stored.disconnect(user_id)
        self._clients.pop(user_id, None)
        log.info("account disconnected", user=user_id, revoked=is_revoked)
        return f"{mine.base_url} {mine.handle}", is_revoked

    async def renew_secrets(self) -> list[str]:
        """Encrypt every secret with the first key; returns the names of those no key opens."""
        lost = []
        for name, secret in await self._stored.secrets():
            try:
                await self._stored.replace_secret(secret, self._vault.renew(secret))
            except LockedOut:
                lost.append(name)
        return lost

    def _opened(self, user_id: int, mine: Connected) -> Mastodon:
        known = self._clients.get(user_id)
        if known and known[0] == mine:
            return known[1]
        try:
            token = self._vault.unlock(mine.token)
        except LockedOut as e:
            raise Unavailable(
                "The key to your Mastodon account is lost. Connect it again with /mastodon connect."
            ) from e
        opened = self._mastodon(mine.base_url, token, mine.handle)
        self._clients[user_id] = mine, opened
        return opened

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

    async def _revoke(self, base_url: str, token: str, *, is_locked: bool = False) -> bool:
        """Revoke an access at the server; False if the outcome is unknown."""
        client = await self._client(base_url)
        if client is None:
            return False
        try:
            await oauth.revoke(client, self._vault.unlock(token) if is_locked else token)
        except (BotError, LockedOut) as e:
            log.warning("a token could not be revoked", server=base_url, reason=str(e))
            return False
        return True
