"""From an approval to a status, exactly once, and back.

approve      claim, post part by part, record          settle  go on with due and half-way posts
post_later, take_back                                  undo    delete the statuses
answer       what the owner found and the bot could not
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from bot.draft import STATE_WORDS, UNDO_FOR, Draft, State, Status
from bot.errors import BotError, Refused, Unavailable, UserError
from bot.posting.accounts import Accounts
from bot.store import Store
from bot.writing.voices import Voices

log = structlog.stdlib.get_logger(__name__)

Outcome = tuple[Draft, BotError | None]  # a draft as it is now, and the error, if any

ASK_AFTER = timedelta(hours=24)  # without knowing whether a status is there
TOO_LATE = timedelta(hours=24)  # after that, a missed scheduled post is not posted
# Between two looks for a status; `mastodon.PAUSES_S` lie within one look, and following.py sweeps
# once a minute.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)


class Publishing:
    """Everything that happens between a draft and a Mastodon account."""

    def __init__(self, voices: Voices, accounts: Accounts, store: Store) -> None:
        self._voices = voices
        self._accounts = accounts
        self._drafts = store.drafts
        self._decisions = store.decisions
        self._in_hand: Counter[int] = Counter()  # drafts being worked on by this very process
        self._pauses: dict[int, tuple[timedelta, datetime]] = {}  # draft -> last pause, its end

    async def approve(self, draft: Draft, position: int, fingerprint: str, now: datetime) -> None:
        """Post one candidate, once, if its fingerprint is still this one.

        Raises UserError or Refused (it is not posted), Unavailable (`settle` goes on).
        """
        expect_whole(draft, position)
        await self._voices.check(draft.owner_id, draft.voice)
        with self._holding(draft.id):
            mine = draft.account if draft.is_broken_thread else None
            account = await self._accounts.of(draft.owner_id, mine)
            name = await account.identify()
            if not await self._decisions.claim(draft.id, position, fingerprint, name, now):
                raise await self._why_not(draft, position)
            try:
                await self._publish(await self._again(draft), now, retried=False)
            except Unavailable as e:
                raise _unsure(e) from e

    async def post_later(
        self, draft: Draft, position: int, fingerprint: str, post_at: datetime, now: datetime
    ) -> None:
        """Approve one candidate for a later time. Raises UserError."""
        expect_whole(draft, position)
        await self._voices.check(draft.owner_id, draft.voice)
        await self._accounts.of(draft.owner_id, draft.account if draft.is_broken_thread else None)
        if not await self._decisions.schedule(draft.id, position, fingerprint, post_at, now):
            raise await self._why_not(draft, position)

    async def take_back(self, draft: Draft, now: datetime) -> None:
        """Open a scheduled draft again. Raises UserError."""
        if not await self._decisions.take_back(draft.id, now):
            raise decided(await self._again(draft))

    async def undo(self, draft: Draft, now: datetime) -> None:
        """Delete every status a draft became. Raises UserError, Unavailable or Refused."""
        if not draft.can_undo(now):
            raise _cannot_undo(draft)
        if not all(status.id for status in draft.statuses):
            raise UserError(
                "I do not know which status it is, so I cannot delete it."
                " Delete it on Mastodon itself."
            )
        with self._holding(draft.id):
            account = await self._accounts.of(draft.owner_id, draft.account)
            for status in reversed(draft.statuses):
                await account.delete(status.id)
            if not await self._decisions.mark_undone(draft.id, draft.state, now):
                raise decided(await self._again(draft))

    async def answer(self, draft: Draft, is_there: bool, now: datetime) -> None:
        """Take the owner's word on whether the status is there. Raises UserError."""
        with self._holding(draft.id):
            if not is_there:
                if not await self._decisions.release(draft.id, now, State.UNKNOWN, "absent"):
                    raise decided(await self._again(draft))
                return
            if not await self._decisions.owner_found(draft.id, now):
                raise decided(await self._again(draft))
            part = len(draft.statuses)
            text = draft.approved.statuses[part]
            await self._decisions.posted(draft.id, part, Status("", ""), text, now)
            await self._publish(await self._again(draft), now, retried=False)

    async def settle(self, now: datetime) -> list[Outcome]:
        """Post the drafts that are due, and finish those that a crash or a fault left half-way.

        Returns the known outcomes; the next call tries the unknown ones again.
        """
        waiting = await self._drafts.in_state(State.PUBLISHING) + await self._drafts.due(now)
        found = [await self.settle_one(draft, now) for draft in waiting]
        return [outcome for outcome in found if outcome]

    async def settle_one(self, draft: Draft, now: datetime) -> Outcome | None:
        """Do that for one draft; None also if it is in hand already, or not due."""
        if not self._is_free(draft, now):
            return None
        with self._holding(draft.id):
            draft = await self._again(draft)  # somebody else may have had it in hand until now
            if draft.state is State.PUBLISHING:
                return await self._finish(draft, now)
            if draft.state is State.SCHEDULED and draft.post_at and draft.post_at <= now:
                return await self._post_scheduled(draft, now)
            return None

    async def _finish(self, draft: Draft, now: datetime) -> Outcome | None:
        assert draft.attempted_at
        if now - draft.attempted_at > ASK_AFTER:
            return await self._ask(draft, now)
        try:
            await self._accounts.of(draft.owner_id, draft.account)
        except (UserError, Refused):  # it may be posted, but nobody here can look
            return await self._ask(draft, now)
        except Unavailable:
            self._pause(draft, now)
            return None
        return await self._try(draft, now, retried=True)

    async def _try(self, draft: Draft, now: datetime, retried: bool) -> Outcome | None:
        try:
            await self._publish(draft, now, retried)
        except Refused as e:
            return await self._again(draft), e
        except Unavailable:
            self._pause(draft, now)
            return None
        return await self._again(draft), None

    def _pause(self, draft: Draft, now: datetime) -> None:
        last, _ = self._pauses.get(draft.id, (FIRST_PAUSE / 2, now))
        pause = min(2 * last, LONGEST_PAUSE)
        self._pauses[draft.id] = pause, now + pause
        log.warning("the outcome is unknown", draft=draft.id, next_look_s=pause.total_seconds())

    async def _ask(self, draft: Draft, now: datetime) -> Outcome | None:
        """Look a last time, then leave it to the owner."""
        part = len(draft.statuses)
        texts = draft.approved.statuses
        if part < len(texts) and (found := await self._look(draft, texts[part])):
            await self._decisions.posted(draft.id, part, found, texts[part], now)
            part += 1
        if part == len(texts):
            await self._decisions.mark_published(draft.id)
        elif not await self._decisions.ask(draft.id, now):
            return None
        return await self._again(draft), None

    async def _look(self, draft: Draft, text: str) -> Status | None:
        assert draft.attempted_at
        try:
            account = await self._accounts.of(draft.owner_id, draft.account)
            known = await self._drafts.status_ids(draft.account or "")
            return await account.find(text, draft.attempted_at, known)
        except BotError:
            return None

    async def _post_scheduled(self, draft: Draft, now: datetime) -> Outcome | None:
        assert draft.post_at and draft.chosen is not None
        try:
            if now - draft.post_at > TOO_LATE:
                raise UserError(
                    "I was away when this was due, more than a day ago. Post it now if you"
                    " still want to."
                )
            await self._voices.check(draft.owner_id, draft.voice)
            mine = draft.account if draft.statuses else None
            account = await self._accounts.of(draft.owner_id, mine)
            name = await account.identify()
        except Unavailable:
            self._pause(draft, now)
            return None
        except (UserError, Refused) as e:
            await self._decisions.take_back(draft.id, now)
            return await self._again(draft), e
        fingerprint = draft.approved.fingerprint
        if not await self._decisions.claim(
            draft.id, draft.chosen, fingerprint, name, now, old=State.SCHEDULED
        ):
            return None
        return await self._try(await self._again(draft), now, retried=False)

    async def _publish(self, draft: Draft, now: datetime, retried: bool) -> None:
        """Post the parts that are missing, each as a reply to the one before."""
        assert draft.attempted_at
        account = await self._accounts.of(draft.owner_id, draft.account)
        known = await self._drafts.status_ids(draft.account or "")
        reply_to = next((s.id for s in reversed(draft.statuses) if s.id), None)
        texts = draft.approved.statuses
        for part in range(len(draft.statuses), len(texts)):
            try:
                status = await account.publish(
                    texts[part],
                    draft.idempotency_key(part),
                    draft.attempted_at,
                    retried,
                    draft.style,
                    reply_to,
                    known,
                )
            except Refused:
                await self._decisions.release(draft.id, now)
                raise
            await self._decisions.posted(draft.id, part, status, texts[part], now)
            known, reply_to, retried = {*known, status.id}, status.id, False
        await self._decisions.mark_published(draft.id)
        self._pauses.pop(draft.id, None)

    @contextmanager
    def _holding(self, draft_id: int) -> Iterator[None]:
        self._in_hand[draft_id] += 1
        try:
            with structlog.contextvars.bound_contextvars(draft=draft_id):
                yield
        finally:
            self._in_hand[draft_id] -= 1

    def _is_free(self, draft: Draft, now: datetime) -> bool:
        _, pause_ends = self._pauses.get(draft.id, (None, now))
        return not self._in_hand[draft.id] and pause_ends <= now

    async def _again(self, draft: Draft) -> Draft:
        """The draft as it is stored now."""
        fresh = await self._drafts.get(draft.id)
        if fresh is None:
            raise gone()
        return fresh

    async def _why_not(self, draft: Draft, position: int) -> UserError:
        fresh = await self._again(draft)
        if fresh.state is not State.PENDING:
            return decided(fresh)
        if position >= len(fresh.candidates):
            return UserError("This draft has no candidate {number}.", number=position + 1)
        return UserError(
            "Text {number} has changed since it was shown, so I did not take it."
            " This is how it is now; decide again.",
            number=position + 1,
        )


def expect_whole(draft: Draft, position: int | None = None) -> None:
    """Raise UserError if a part of this thread is posted already.

    Its chosen text may still go on.
    """
    if draft.is_broken_thread and position != draft.chosen:
        raise UserError(
            "A part of this thread is posted already. Post the rest, or delete it first."
        )


def decided(draft: Draft) -> UserError:
    """The answer to a decision that comes too late."""
    return UserError("This draft is {state} by now.", state=STATE_WORDS[draft.state])


def gone() -> UserError:
    """The answer about a draft that is not stored."""
    return UserError("This draft is not stored any more. Ask for a new one with /draft.")


def _unsure(error: Unavailable) -> Unavailable:
    """The answer while nobody knows whether a status is there."""
    if isinstance(error.__cause__, Refused):  # something that this person can mend
        return Unavailable(
            "{reason} I do not know yet whether your post is there. I keep looking and post it"
            " only if it is not.",
            reason=error.words,
        )
    return Unavailable(
        "I do not know yet whether your post is there. I keep looking and post it only if it is"
        " not; there is nothing you need to do."
    )


def _cannot_undo(draft: Draft) -> UserError:
    if draft.state is not State.PUBLISHED:
        return decided(draft)
    return UserError(
        "This was posted more than {minutes} minutes ago. Delete it on Mastodon itself: {url}",
        minutes=round(UNDO_FOR.total_seconds() / 60),
        url=draft.status_url or "",
    )
