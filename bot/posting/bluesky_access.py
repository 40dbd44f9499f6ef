"""How the bot gets into Bluesky accounts: with a handle and an app password."""

from collections.abc import Sequence

import structlog

from bot.draft import Network
from bot.errors import BotError, Unavailable, UserError
from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_identity import Home, Identities
from bot.posting.target import PAUSES_S
from bot.posting.vault import LockedOut, Vault
from bot.store.accounts import Connected

log = structlog.get_logger()


class BlueskyAccess:
    """The way to an account, and back."""

    def __init__(
        self,
        vault: Vault,
        private: frozenset[str] = frozenset(),
        pauses_s: Sequence[float] = PAUSES_S,
        identities: Identities | None = None,
    ) -> None:
        """`private` are allowed servers that are not public."""
        self._vault = vault
        self._private = private
        self._pauses_s = pauses_s
        self._identities = identities or Identities(private)

    async def sign_in(self, handle: str, password: str) -> Connected:
        """The account of a handle. Raises UserError, Unavailable, or Refused: the app password."""
        home = await self._identities.find(handle)
        password = password.strip()
        if not password.isascii() or not password.isprintable():
            raise UserError("This is no app password: it holds letters that none has.")
        await Bluesky(home, password, self._identities, self._pauses_s).sign_in()
        locked = self._vault.lock(password)
        return Connected(home.base_url, f"@{home.handle}", locked, Network.BLUESKY, home.did)

    def open(self, mine: Connected) -> Bluesky:
        """A person's account. Raises Unavailable if no key opens its app password."""
        try:
            password = self._vault.unlock(mine.token)
        except LockedOut as e:
            raise Unavailable(
                "The key to your Bluesky account is lost. Connect it again with /bluesky connect."
            ) from e
        assert mine.did
        is_trusted = mine.base_url in self._private
        home = Home(mine.did, mine.handle.removeprefix("@"), mine.base_url, is_trusted)
        return Bluesky(home, password, self._identities, self._pauses_s)

    async def revoke(self, mine: Connected) -> bool:
        """Revoke the app password at the server; False if it may still be of use."""
        try:
            return await self.open(mine).revoke()
        except BotError as e:
            log.warning("an app password could not be revoked", reason=str(e))
            return False
