"""A person's rights over their data: to see all that is stored, or to have it deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.draft import Network, State
from bot.errors import UserError
from bot.posting.accounts import Accounts
from bot.store import Store
from bot.store.dossier import erase

log = structlog.get_logger()

BUSY = timedelta(minutes=10)  # after that, even a draft that is being posted is deleted


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of things outside the database."""

    unrevoked: tuple[str, ...]  # accounts whose servers did not confirm that the access is gone
    voices: tuple[str, ...]  # theirs: the folders are the operator's to delete


async def forget_person(
    store: Store,
    accounts: Accounts,
    user_id: int,
    now: datetime,
    end_work: Callable[[], object] = lambda: None,
) -> Forgotten:
    """Revoke the access to their account, and delete everything. Raises UserError.

    `end_work` ends what is in hand for them: it would be stored afterwards.
    """
    for draft in await store.drafts.in_state(State.PUBLISHING):
        if draft.owner_id == user_id and draft.attempted_at and now - draft.attempted_at < BUSY:
            raise UserError(
                "Draft {id} is just being posted. Wait until its message says what became of it.",
                id=draft.id,
            )
    end_work()
    grants = await store.grants.all()
    voices = tuple(name for name, roles in grants.items() if roles.get(user_id) == "owner")
    unrevoked = []
    for network in Network:
        if await store.accounts.of(user_id, network):
            account, is_revoked = await accounts.disconnect(user_id, network)
            unrevoked += [] if is_revoked else [account]
    end_work()  # and what they began while their server took its time
    await erase(store.database, user_id)
    log.info("a person was forgotten")
    return Forgotten(tuple(unrevoked), voices)
