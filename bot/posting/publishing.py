"""From an approval to a status, exactly once, and back.

approve      claim, post part by part, record          settle  go on with due and half-way posts
post_later, take_back                                  undo    delete the statuses
answer       what the owner found and the bot could not

How a text is sent once, and no second time, stands in once.py.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.draft import STATE_WORDS, UNDO_FOR, Before, Draft, State, account_words
from bot.errors import BotError, Refused, Unavailable, UserError
from bot.posting.accounts import Accounts, NotConnected
from bot.posting.failures import NotSent
from bot.posting.once import Once, Patience, Unclear
from bot.posting.target import Target
from bot.store import Store
from bot.writing.voices import Voices

log = structlog.stdlib.get_logger(__name__)

Outcome = tuple[Draft, BotError | None]  # a draft as it is now, and the error, if any

ASK_AFTER = timedelta(hours=24)  # without being able to look
TOO_LATE = timedelta(hours=24)  # after that, a missed scheduled post is not posted


class Publishing:
    """Everything that happens between a draft and the accounts it is for."""

    def __init__(
        self, voices: Voices, accounts: Accounts, store: Store, patience: Patience
    ) -> None:
        self._voices = voices
        self._accounts = accounts
        self._drafts = store.drafts
        self._decisions = store.decisions
        self._patience = patience
        self._once = Once(accounts, store, patience)
        self._in_hand: Counter[int] = Counter()  # drafts being worked on by this very process
        self._pauses: dict[int, tuple[timedelta, datetime]] = {}  # draft -> last pause, its end

    async def approve(
        self,
        draft: Draft,
        position: int,
        fingerprint: str,
        now: datetime,
        accounts: tuple[str, ...] = (),
    ) -> None:
        """Post one candidate, once, if its fingerprint is still this one.

        `accounts` are what the owner had connected when they decided; for the second, `settle`
        posts a twin. Raises UserError or Refused (it is not posted), Unavailable (not posted, or
        `settle` goes on).
        """
        expect_whole(draft, position)
        await self._voices.check(draft.owner_id, draft.voice)
        with self._holding(draft.id):
            targets = await self._targets(draft, accounts)
            names = tuple([await to.identify() for to in targets])
            before, *_ = [await to.survey() for to in targets]  # all, before anything is claimed
            await self._expect_fit(targets, draft, position)
            if not await self._decisions.claim(draft.id, position, fingerprint, names, now):
                raise await self._why_not(draft, position)
            try:
                await self._once.publish(await self.again(draft), now, before)
            except Unavailable as e:
                self._pause(await self.again(draft), now)
                raise _unsure(e) from e

    async def post_later(
        self,
        draft: Draft,
        position: int,
        fingerprint: str,
        post_at: datetime | None,
        now: datetime,
        accounts: tuple[str, ...] = (),
        *,
        slot: datetime | None = None,
    ) -> None:
        """Approve one candidate for a later time and these accounts.

        Raises UserError or Refused.
        """
        expect_whole(draft, position)
        await self._voices.check(draft.owner_id, draft.voice)
        targets = await self._targets(draft, accounts)
        with suppress(Unavailable):  # it may be back by then
            for to in targets:
                await to.verify()
            await self._expect_fit(targets, draft, position)
        are_known = all(to.is_identified for to in targets)
        names = tuple(to.name for to in targets) if are_known else ()
        if not await self._decisions.schedule(
            draft.id, position, fingerprint, post_at, now, names, slot=slot
        ):
            raise await self._why_not(draft, position)

    async def take_back(self, draft: Draft, now: datetime) -> None:
        """Open a scheduled draft again. Raises UserError."""
        if not await self._decisions.take_back(draft.id, now):
            raise decided(await self.again(draft))

    async def undo(self, draft: Draft, now: datetime) -> None:
        """Delete every status a draft became. Raises UserError, Unavailable or Refused."""
        if not draft.can_undo(now):
            raise _cannot_undo(draft)
        if not all(status.id for status in draft.statuses):
            raise UserError(
                "I do not know which status it is, so I cannot delete it. Delete it there yourself."
            )
        with self._holding(draft.id):
            account = await self._accounts.of_draft(draft)
            for status in reversed(draft.statuses):
                await account.delete(status)
            if not await self._decisions.mark_undone(draft.id, draft.state, now):
                raise decided(await self.again(draft))

    async def answer(self, draft: Draft, is_there: bool, now: datetime) -> None:
        """Take the owner's word on whether the status is there. Raises UserError."""
        with self._holding(draft.id):
            if not is_there:
                if not await self._decisions.release(draft.id, now, State.UNKNOWN, "absent"):
                    raise decided(await self.again(draft))
                return
            part = len(draft.statuses)
            if draft.state is not State.UNKNOWN or not await self._decisions.owner_found(
                draft.id, part, draft.approved.statuses[part], now
            ):
                raise decided(await self.again(draft))
            await self._once.publish(await self.again(draft), now)

    async def settle(self, now: datetime) -> list[Outcome]:
        """Post the drafts that are due, and finish those that a crash or a fault left half-way.

        Returns the known outcomes; the next call tries the unknown ones again. One person's drafts
        in their order; nobody waits for somebody else's server.
        """
        waiting = defaultdict[int, list[Draft]](list)
        for draft in await self._drafts.in_state(State.PUBLISHING) + await self._drafts.due(now):
            waiting[draft.owner_id].append(draft)

        async def settle_all(drafts: list[Draft]) -> list[Outcome | None]:
            return [await self.settle_one(draft, now) for draft in drafts]

        found = await asyncio.gather(*map(settle_all, waiting.values()), return_exceptions=True)
        for failure in found:
            if isinstance(failure, BaseException):
                if not isinstance(failure, BotError):
                    raise failure
                log.error("a draft waits for the next minute", why=str(failure))
        return [o for one in found if not isinstance(one, BaseException) for o in one if o]

    async def settle_one(self, draft: Draft, now: datetime) -> Outcome | None:
        """Do that for one draft; None also if it is in hand already, or not due."""
        if not self._is_free(draft, now):
            return None
        with self._holding(draft.id):
            draft = await self.again(draft)  # somebody else may have had it in hand until now
            if draft.state is State.PUBLISHING:
                return await self._finish(draft, now)
            if draft.state is State.SCHEDULED and draft.post_at and draft.post_at <= now:
                return await self._post_scheduled(draft, now)
            return None

    def next_look(self, draft_id: int, now: datetime) -> datetime:
        """When `settle_one` is worth another call for a draft that is being posted."""
        _, end = self._pauses.get(draft_id, (None, now))
        return end if end > now else now + self._patience.first_pause

    async def _finish(self, draft: Draft, now: datetime) -> Outcome | None:
        assert draft.attempted_at
        is_late = now - draft.attempted_at > ASK_AFTER
        try:
            await self._accounts.of_draft(draft)
        except (UserError, Refused) as e:
            if draft.sent:  # it may be posted, but nobody here can look
                return await self._ask(draft, now)
            return await self._give_back(draft, _not_connected(draft), now, e)
        except Unavailable:
            self._pause(draft, now)
            return None
        if is_late and draft.sent:
            return await self._ask(draft, now)
        if is_late:
            never = UserError(
                "The server did not take it for a day. Approve it again if you still want"
                " it posted."
            )
            return await self._give_back(draft, never, now)
        return await self._try(draft, now)

    async def _give_back(
        self, draft: Draft, error: BotError, now: datetime, cause: BotError | None = None
    ) -> Outcome:
        """Open a draft again of which nothing, or no further part, was sent."""
        if cause and not isinstance(cause, NotConnected):
            error = cause
        if draft.state is State.SCHEDULED:
            await self._decisions.take_back(draft.id, now)
        else:
            await self._decisions.release(draft.id, now)
        return await self.again(draft), error

    async def _try(
        self, draft: Draft, now: datetime, before: Before | None = None
    ) -> Outcome | None:
        try:
            await self._once.publish(draft, now, before)
        except Refused as e:
            return await self.again(draft), e
        except Unclear:
            return await self._ask(draft, now)
        except Unavailable:
            self._pause(await self.again(draft), now)
            return None
        return await self.again(draft), None

    def _pause(self, draft: Draft, now: datetime) -> None:
        patience = self._patience
        last, _ = self._pauses.get(draft.id, (patience.first_pause / 2, now))
        pause = min(2 * last, patience.longest_pause)
        end = now + pause
        if draft.sent and now < (decides := draft.sent.at + patience.commits_within):
            end = min(end, now + patience.unseen * 0.8, decides)
        self._pauses[draft.id] = pause, end
        log.warning("the outcome is unknown", draft=draft.id, next_look_s=(end - now).seconds)

    async def _ask(self, draft: Draft, now: datetime) -> Outcome | None:
        """Look a last time, then leave it to the owner."""
        part = len(draft.statuses)
        texts = draft.approved.statuses
        if part < len(texts) and (found := await self._once.find(draft)):
            await self._decisions.posted(draft.id, part, found, texts[part], now)
            part += 1
        if part == len(texts):
            await self._decisions.mark_published(draft.id)
        elif not await self._decisions.ask(draft.id, now):
            return None
        return await self.again(draft), None

    async def _post_scheduled(self, draft: Draft, now: datetime) -> Outcome | None:
        assert draft.post_at and draft.chosen is not None
        try:
            if now - draft.post_at > TOO_LATE:
                raise UserError(
                    "I was away when this was due, more than a day ago. Post it now if you"
                    " still want to."
                )
            await self._voices.check(draft.owner_id, draft.voice)
            targets = await self._targets(draft, draft.accounts)
            names = tuple([await to.identify() for to in targets])
            before, *_ = [await to.survey() for to in targets]
        except Unavailable:
            self._pause(draft, now)
            return None
        except (UserError, Refused) as e:
            return await self._give_back(draft, _not_connected(draft), now, e)
        fingerprint = draft.approved.fingerprint
        if not await self._decisions.claim(
            draft.id, draft.chosen, fingerprint, names, now, old=State.SCHEDULED
        ):
            return None
        return await self._try(await self.again(draft), now, before)

    async def _targets(self, draft: Draft, names: Sequence[str]) -> list[Target]:
        """The accounts that an approval is for, one a network of the draft's.

        Raises UserError if one is not connected any more, or cannot post in the draft's style.
        """
        if draft.is_broken_thread:
            return [await self._accounts.of_draft(draft)]
        try:
            if names:
                found = [await self._accounts.named(draft.owner_id, name) for name in names]
            else:
                found = [await self._accounts.of(draft.owner_id, n) for n in draft.networks]
        except NotConnected as e:
            raise _not_connected(replace(draft, account="\n".join(names))) from e
        for to in found:
            to.style(draft.style)
        return found

    async def _expect_fit(self, targets: Sequence[Target], draft: Draft, position: int) -> None:
        """Raise UserError if a server would refuse a text for its length."""
        if position >= len(draft.candidates):
            return
        candidate = draft.candidates[position]
        for to, texts in zip(targets, (candidate.statuses, candidate.there), strict=False):
            limit = await to.max_chars()
            for text in texts[len(draft.statuses) :]:
                if (length := to.length(text, draft.style)) > limit:
                    raise UserError(
                        "This has {length} characters as {server} counts them, and may have"
                        " {limit}. Shorten it with ✏️, or write new ones.",
                        length=length,
                        server=to.place,
                        limit=limit,
                    )

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

    async def again(self, draft: Draft) -> Draft:
        """The draft as it is stored now. Raises UserError if it is not."""
        fresh = await self._drafts.get(draft.id)
        if fresh is None:
            raise gone()
        return fresh

    async def _why_not(self, draft: Draft, position: int) -> UserError:
        fresh = await self.again(draft)
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


def _not_connected(draft: Draft) -> UserError:
    return UserError(
        "You approved this for {account}, which is not connected any more, so it was not posted."
        " Approve it again to post it to the account you use now.",
        account=" + ".join(map(account_words, draft.accounts)),
    )


def _unsure(error: Unavailable) -> Unavailable:
    """The answer while nobody knows whether a status is there."""
    if isinstance(error, NotSent):
        return Unavailable(
            "{reason} Nothing is posted yet. I try again by myself, for a day.", reason=error.words
        )
    if isinstance(error.__cause__, Refused):  # something that this person can mend
        return Unavailable(
            "{reason} I do not know yet whether your post is there. I keep looking and post it"
            " only if it is surely not.",
            reason=error.words,
        )
    return Unavailable(
        "I do not know yet whether your post is there: the server may still be at it. I keep"
        " looking for a quarter of an hour. Then I post it only if it is surely not there, or ask"
        " you."
    )


def _cannot_undo(draft: Draft) -> UserError:
    if draft.state is not State.PUBLISHED:
        return decided(draft)
    return UserError(
        "This was posted more than {minutes} minutes ago. Delete it there yourself: {url}",
        minutes=round(UNDO_FOR.total_seconds() / 60),
        url=draft.status_url or "",
    )
