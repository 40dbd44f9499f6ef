"""A person's rights over their data: to see all that is stored, or to have it deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.draft import State
from bot.errors import UserError
from bot.posting.accounts import Accounts
from bot.store import Store
from bot.store.dossier import erase

log = structlog.get_logger()

BUSY = timedelta(minutes=10)  # after that, even a draft that is being posted is deleted


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of things outside the database."""

    account: str | None  # the Mastodon account that was connected
    is_revoked: bool  # its server took the access back
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
    account, is_revoked = None, True
    if await store.accounts.of(user_id):
        account, is_revoked = await accounts.disconnect(user_id)
    end_work()  # and what they began while their server took its time
    await erase(store.database, user_id)
    log.info("a person was forgotten")
    return Forgotten(account, is_revoked, voices)
