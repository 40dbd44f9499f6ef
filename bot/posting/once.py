"""Posts an approved draft's statuses, each exactly once.

Before a text is sent, the store holds that it may be there, and what stood on the account until
then. After any unknown outcome it is looked for, for as long as a server may take to commit. It is
sent again only if it is surely not there; where nothing proves that, the owner is asked.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.draft import Before, Draft, Sent, Status
from bot.errors import BotError, Refused, Unavailable
from bot.posting.accounts import Accounts
from bot.posting.evidence import Glance
from bot.posting.failures import NotSent
from bot.posting.target import Part, Target
from bot.store import Store
from bot.writing.thread import cut_rest


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an unknown outcome is waited for, and how often it is looked at.

    A gateway gives up after a minute or two (nginx 60 s, Cloudflare 100 s); the server behind it
    works on, and what waits in its queue comes later still.
    """

    commits_within: timedelta = timedelta(minutes=15)
    first_pause: timedelta = timedelta(minutes=1)  # between looks
    longest_pause: timedelta = timedelta(minutes=30)
    unseen: timedelta = timedelta(
        minutes=10
    )  # so long, and an owner may have deleted what was there
    sends: int = 3  # of one text at most, whatever is proved


class Unclear(Unavailable):
    """Only its owner can tell whether a status is there."""


class Once:
    """The way of a claimed draft to its statuses."""

    def __init__(self, accounts: Accounts, store: Store, patience: Patience) -> None:
        self._accounts = accounts
        self._drafts = store.drafts
        self._decisions = store.decisions
        self._patience = patience
        self._looked: dict[int, datetime] = {}  # draft -> when it was last sent or looked for

    async def publish(self, draft: Draft, now: datetime, before: Before | None = None) -> None:
        """Post the parts that are missing, each as a reply to the one before.

        `before` is the account as it is now, if that is known. Raises Refused (the draft is open
        again), NotSent, Unclear, or Unavailable: call again later.
        """
        passes, began = asyncio.get_running_loop().time, now
        begun_at = passes()
        account = await self._accounts.of_draft(draft)
        texts = draft.approved.statuses
        for number in range(len(draft.statuses), len(texts)):
            now = began + timedelta(seconds=passes() - begun_at)
            status = await self._post_part(draft, account, now, before)
            await self._decisions.posted(draft.id, number, status, texts[number], now)
            before = before and _with(before, status)
            draft = replace(draft, sent=None, statuses=(*draft.statuses, status))
        await self._decisions.mark_published(draft.id)
        self._looked.pop(draft.id, None)

    async def find(self, draft: Draft) -> Status | None:
        """The status that may be there, if it can be found at once."""
        try:
            account = await self._accounts.of_draft(draft)
            return (await account.look(await self._next_part(draft))).found
        except BotError:
            return None

    async def _next_part(self, draft: Draft) -> Part:
        """What is to be posted next."""
        assert draft.attempted_at
        number = len(draft.statuses)
        return Part(
            draft.approved.statuses[number],
            draft.idempotency_key(number),
            draft.attempted_at,
            draft.style,
            draft.statuses,
            await self._drafts.status_ids(draft.account or ""),
            draft.sent.before if draft.sent else None,
            was_sent=draft.sent is not None,
        )

    async def _post_part(
        self, draft: Draft, account: Target, now: datetime, before: Before | None
    ) -> Status:
        """Find one status, or send it if it is surely not there."""
        part, times = await self._next_part(draft), 0
        if draft.sent:
            sight = await account.look(part)
            if sight.found:
                return sight.found
            self._expect_absent(draft, draft.sent, sight, now)
            before, times = None, draft.sent.times
        sent = Sent(now, times + 1, before or await account.survey())
        await self._decisions.sending(draft.id, sent)  # from here on it may be there
        self._looked[draft.id] = now
        try:
            return await account.publish(replace(part, before=sent.before))
        except NotSent:
            await self._decisions.sending(draft.id, None)
            raise
        except Refused as e:
            await self._decisions.release(draft.id, now)
            await self._cut_anew(draft, account)
            if draft.style.language and "language" in str(e).lower():
                await self._decisions.forget_language(draft.id)
                raise _without_language(draft, account) from e
            raise

    def _expect_absent(self, draft: Draft, sent: Sent, sight: Glance, now: datetime) -> None:
        """Pass if a text that was not found may be sent again. Raises Unclear or Unavailable."""
        if sight.is_repeatable:
            return
        last = self._looked.get(draft.id, sent.at)
        is_watched = now - last <= self._patience.unseen
        self._looked[draft.id] = now if is_watched else last  # once unwatched, always
        if now - sent.at < self._patience.commits_within:
            raise Unavailable("The Mastodon server does not answer as it should.")
        if not (sight.is_absent and is_watched and sent.times < self._patience.sends):
            raise Unclear("Only its owner can tell whether the status is there.")

    async def _cut_anew(self, draft: Draft, account: Target) -> None:
        """Cut the rest of a thread shorter, if a part of it was refused for its length."""
        assert draft.chosen is not None
        candidate, done, limit = draft.approved, len(draft.statuses), await account.max_chars()
        length = partial(account.length, asked=draft.style)
        if done and any(length(text) > limit for text in candidate.parts[done:]):
            await self._decisions.cut(
                draft.id, draft.chosen, cut_rest(candidate, done, limit, length)
            )


def _without_language(draft: Draft, account: Target) -> Refused:
    return Refused(
        "{server} does not know the language “{code}”, so I took it off the draft. Approve it again"
        " to post it in your account's own language.",
        server=account.place,
        code=draft.style.language,
    )


def _with(before: Before, status: Status) -> Before:
    """The account with one more status."""
    count = None if before.count is None else before.count + 1
    return replace(before, ids=before.ids | {status.id}, count=count)
