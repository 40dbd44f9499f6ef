"""The accounts that each person posts to, at most one a network.

A person connects them by a command; their tokens are stored encrypted. Operators who connected none
on a network post to the account of the settings, if there is one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from bot.config import Settings
from bot.draft import Draft, Network, account_words, is_same_account
from bot.errors import Refused, UserError
from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_access import BlueskyAccess
from bot.posting.mastodon import Mastodon
from bot.posting.mastodon_access import MastodonAccess
from bot.posting.target import PAUSES_S, Target
from bot.posting.vault import LockedOut, Vault
from bot.sentences import Words, say
from bot.store import Store
from bot.store.accounts import Connected

log = structlog.get_logger()

_NONE_YET: dict[Network, Words] = {
    Network.MASTODON: say(
        "You have not connected a Mastodon account yet. Do it with /mastodon connect."
    ),
    Network.BLUESKY: say(
        "You have not connected a Bluesky account yet. Do it with /bluesky connect."
    ),
}

_NONE_AT_ALL = say(
    "You have not connected an account yet. Do it with /bluesky connect or /mastodon connect."
)


class NotConnected(Refused):
    """An account that its owner has not connected any more."""


class Access(Protocol):
    """How the bot gets into accounts of one network."""

    def open(self, mine: Connected) -> Target:
        """A person's account. Raises Unavailable if no key opens its token."""
        ...

    async def revoke(self, mine: Connected) -> bool:
        """Revoke an access at the server; False if the outcome is unknown."""
        ...


class Accounts:
    """The accounts of everybody who uses the bot."""

    def __init__(
        self,
        operators: frozenset[int],
        shared: Sequence[Target],
        store: Store,
        vault: Vault,
        private: frozenset[str] = frozenset(),
        pauses_s: Sequence[float] = PAUSES_S,
        private_bluesky: frozenset[str] = frozenset(),
    ) -> None:
        """`shared` are the operators', one a network at most.

        `private` are allowed servers that are not public: Mastodon's, and Bluesky's.
        """
        self.mastodon = MastodonAccess(store.accounts, vault, private, pauses_s)
        self.bluesky = BlueskyAccess(vault, private_bluesky, pauses_s)
        self._access: Mapping[Network, Access] = {
            Network.MASTODON: self.mastodon,
            Network.BLUESKY: self.bluesky,
        }
        self._operators = operators
        self._shared = {target.network: target for target in shared}
        self._stored = store.accounts
        self._people = store.people
        self._vault = vault
        self._opened: dict[tuple[int, Network], tuple[Connected, Target]] = {}

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> "Accounts":
        """The accounts of a bot: what the settings name, and what people connected."""
        named = Mastodon.from_settings(settings), Bluesky.from_settings(settings)
        key = settings.secret_key.get_secret_value() if settings.secret_key else None
        return cls(
            settings.owner_ids,
            [account for account in named if account],
            store,
            Vault.open(key, settings.database),
            settings.mastodon_private_instances,
            private_bluesky=settings.bluesky_private_servers,
        )

    @property
    def shared(self) -> tuple[Target, ...]:
        """The operators' own, of the settings."""
        return tuple(self._shared.values())

    async def of(self, user_id: int, network: Network) -> Target:
        """The account a person posts to on a network, by now with its name.

        Raises UserError if they have none, Unavailable or Refused if the name is unknown.
        """
        if mine := await self._stored.of(user_id, network):
            return self._open(user_id, mine)
        if user_id in self._operators and network in self._shared:
            shared = self._shared[network]
            await shared.identify()
            return shared
        none = _NONE_YET[network] if await self.connected(user_id) else _NONE_AT_ALL
        raise UserError(none.template, **none.values)

    async def named(self, user_id: int, name: str) -> Target:
        """A person's account of that name and no other.

        Raises NotConnected if it is no longer theirs, Unavailable if that is unknown now.
        """
        network = Network.of(name)
        mine = await self._stored.of(user_id, network)
        if mine and is_same_account(mine.name, name):
            return self._open(user_id, mine)
        shared = self._shared.get(network) if user_id in self._operators else None
        if shared and is_same_account(await shared.identify(), name):
            return shared
        raise NotConnected(
            "{account} is not connected any more, so I cannot see whether the post is there. Look"
            " there before you post it again.",
            account=account_words(name),
        )

    async def of_draft(self, draft: Draft) -> Target:
        """The account that a draft was claimed for."""
        assert draft.account
        return await self.named(draft.owner_id, draft.account)

    async def names(self, user_id: int, networks: Sequence[Network]) -> tuple[str, ...]:
        """The names of the accounts a person posts to, asking no server; none if one is unknown."""
        found = []
        for network in networks:
            if mine := await self._stored.of(user_id, network):
                found.append(mine.name)
            elif user_id in self._operators and (shared := self._shared.get(network)):
                found += [shared.name] if shared.is_identified else []
        return tuple(found) if len(found) == len(networks) else ()

    async def connected(self, user_id: int) -> tuple[Network, ...]:
        """The networks on which a person has an account."""
        shared = self._shared if user_id in self._operators else {}
        found = [n for n in Network if n in shared or await self._stored.of(user_id, n)]
        return tuple(found)

    async def chosen(self, user_id: int) -> tuple[Network, ...]:
        """Where a person's drafts go: where they said, else the first network they are on."""
        has = await self.connected(user_id)
        said = tuple(n for n in await self._people.networks(user_id) if n in has)
        return said or has[:1] or (Network.MASTODON,)

    async def use(self, user_id: int, networks: tuple[Network, ...]) -> None:
        """Let a person's drafts go there. Raises UserError if they have no account on one."""
        for network in networks:
            await self.of(user_id, network)
        await self._people.choose_networks(user_id, networks)

    async def connect(self, user_id: int, account: Connected, now: datetime) -> Target:
        """Store an account, in place of an earlier one, whose access is revoked."""
        earlier = await self._stored.of(user_id, account.network)
        await self._stored.connect(user_id, account, now)
        if earlier:
            await self._access[account.network].revoke(earlier)
        log.info("account connected", user=user_id, account=account.name)
        return self._open(user_id, account)

    async def disconnect(self, user_id: int, network: Network) -> tuple[str, bool]:
        """Delete a person's account; returns its name, and whether its server ended the access."""
        mine = await self._stored.of(user_id, network)
        if mine is None:
            raise UserError(
                "You have no connected {network} account, so there is nothing to do.",
                network=network.proper,
            )
        is_revoked = await self._access[network].revoke(mine)
        await self._stored.disconnect(user_id, network)
        self._opened.pop((user_id, network), None)
        log.info("account disconnected", user=user_id, revoked=is_revoked)
        return mine.name, is_revoked

    async def renew_secrets(self) -> list[str]:
        """Encrypt every secret with the first key; returns the names of those no key opens."""
        lost = []
        for name, secret in await self._stored.secrets():
            try:
                await self._stored.replace_secret(secret, self._vault.renew(secret))
            except LockedOut:
                lost.append(name)
        return lost

    def _open(self, user_id: int, mine: Connected) -> Target:
        known = self._opened.get((user_id, mine.network))
        if known and known[0] == mine:
            return known[1]
        opened = self._access[mine.network].open(mine)
        self._opened[user_id, mine.network] = mine, opened
        return opened
