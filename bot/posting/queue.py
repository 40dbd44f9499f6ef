"""An owner's queue: texts that wait for their slots, each a post for later that holds one.

put      approve a text for the next free slot        move, hurry   another place; now
use, pause, resume, end   which slots there are, and whether they count
move_on  when slots went by without the bot           overlaps      what a text comes too near to

The time a text goes out comes from here; that it goes out once, from publishing.py, as everything.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from bot.clock import MOST_AHEAD
from bot.draft import Draft, State
from bot.errors import BotError, Unavailable, UserError
from bot.posting.publishing import Publishing, decided
from bot.posting.slots import CLOSE, Slots, propose
from bot.store import Store
from bot.store.queues import QueueRow
from bot.writing.screen import ALIKE, likeness_to
from bot.writing.voices import Voices

MISSED = timedelta(hours=1)  # a text that is later than that takes the next slot
QUIET_FOR = timedelta(days=14)  # without a post, and a queue that goes on is no habit any more
COMPARED = 1000  # posts, the newest; a tenth of a millisecond each


@dataclass(frozen=True, slots=True)
class Overlap:
    """What an approved text comes too near to: a post of the archive, or another draft."""

    other: Draft | None  # None: a post of the archive
    is_alike: bool = False  # it says nearly the same
    is_close: bool = False  # less than an hour lies between


class Queue:
    """Everybody's queue; one change of a person's at a time."""

    def __init__(self, voices: Voices, publishing: Publishing, store: Store) -> None:
        self._voices = voices
        self._publishing = publishing
        self._drafts = store.drafts
        self._queues = store.queues
        self._turns = WeakValueDictionary[int, asyncio.Lock]()  # by owner

    async def of(self, owner_id: int) -> tuple[Slots, QueueRow]:
        """A person's slots, and whether they are paused. Raises UserError if there are none."""
        row = await self._queues.of(owner_id)
        if row is None:
            raise UserError(
                "Your queue has no slots yet. `/queue slots` proposes some, from the hours at which"
                " you have posted so far."
            )
        return Slots.parse(row.slots, row.timezone), row

    async def texts(self, owner_id: int) -> list[Draft]:
        """A person's queued drafts, in their order."""
        return await self._drafts.queued(owner_id)

    async def proposal(self, owner_id: int, timezone: str) -> Slots | None:
        """Slots like the hours of a person's archive; None if it does not say. Raises UserError."""
        return propose(await self._voices.posting_times(owner_id), timezone)

    async def put(
        self,
        draft: Draft,
        position: int,
        fingerprint: str,
        now: datetime,
        accounts: tuple[str, ...] = (),
    ) -> None:
        """Approve one candidate for the next free slot and these accounts.

        Raises UserError or Refused.
        """
        async with self._turn(draft.owner_id):
            slots, row = await self.of(draft.owner_id)
            taken = {queued.slot for queued in await self.texts(draft.owner_id)}
            slot = next(free for free in _within_a_year(slots, now) if free not in taken)
            at = None if row.paused_at else slot
            await self._publishing.post_later(
                draft, position, fingerprint, at, now, accounts, slot=slot
            )

    async def use(self, owner_id: int, slots: Slots, now: datetime) -> list[Draft]:
        """Make these a person's slots; returns what waits, each text with its new slot."""
        async with self._turn(owner_id):
            row = await self._queues.of(owner_id)
            paused_at = row.paused_at if row else None
            new = QueueRow(owner_id, str(slots), slots.timezone, paused_at)
            return await self._fill(new, slots, now)

    async def pause(self, owner_id: int, now: datetime) -> list[Draft]:
        """Post nothing of a queue until `resume`; returns what waits. Raises UserError."""
        async with self._turn(owner_id):
            _, row = await self.of(owner_id)
            texts = await self.texts(owner_id)
            held = [(draft.id, draft.slot) for draft in texts if draft.slot]
            await self._queues.keep(replace(row, paused_at=row.paused_at or now), held)
            return await self.texts(owner_id)

    async def resume(self, owner_id: int, now: datetime) -> list[Draft]:
        """Go on; returns what waits, each text with the next slot in their order.

        Raises UserError.
        """
        async with self._turn(owner_id):
            slots, row = await self.of(owner_id)
            if row.paused_at is None:
                return await self.texts(owner_id)
            return await self._fill(replace(row, paused_at=None), slots, now)

    async def end(self, owner_id: int, now: datetime) -> list[Draft]:
        """Forget a person's slots; returns what waited, open again. Raises UserError."""
        async with self._turn(owner_id):
            await self.of(owner_id)
            texts = await self.texts(owner_id)
            for draft in texts:
                with suppress(UserError):  # decided meanwhile
                    await self._publishing.take_back(draft, now)
            await self._queues.drop(owner_id)
            return [await self._publishing.again(draft) for draft in texts]

    async def quiet_since(self, owner_id: int, now: datetime) -> datetime | None:
        """Since when nothing was posted, if texts wait and that is two weeks ago or more."""
        row, texts = await self._queues.of(owner_id), await self.texts(owner_id)
        last = await self._drafts.last_posted(owner_id)
        since = (last and last.posted_at) or (row and row.paused_at)
        return since if texts and since and now - since >= QUIET_FOR else None

    async def move(self, draft: Draft, step: int) -> list[Draft]:
        """Let a text change places with the one before (-1) or after (1); returns both.

        Raises UserError if it waits no more.
        """
        async with self._turn(draft.owner_id):
            _, row = await self.of(draft.owner_id)
            texts = await self.texts(draft.owner_id)
            ids = [queued.id for queued in texts]
            if draft.id not in ids:
                raise decided(await self._publishing.again(draft))
            here, there = ids.index(draft.id), ids.index(draft.id) + step
            if not 0 <= there < len(texts):
                return []
            one, other = texts[here], texts[there]
            assert one.slot and other.slot
            changed = [(one.id, other.slot), (other.id, one.slot)]
            await self._queues.move(changed, is_paused=row.paused_at is not None)
            return [await self._publishing.again(one), await self._publishing.again(other)]

    async def hurry(self, draft: Draft, now: datetime) -> None:
        """Post a scheduled draft now, once. Raises UserError, Refused or Unavailable."""
        if not await self._queues.hurry(draft.id, now):
            raise decided(await self._publishing.again(draft))
        outcome = await self._publishing.settle_one(await self._publishing.again(draft), now)
        if outcome and (error := outcome[1]):
            raise error
        if (await self._publishing.again(draft)).state is State.SCHEDULED:
            raise Unavailable(
                "The server does not answer. Nothing is posted yet; I try again by myself, for a"
                " day."
            )

    async def move_on(self, now: datetime) -> dict[int, list[Draft]]:
        """Give the texts of queues that missed a slot the next ones; by owner, what waits.

        So a bot that was away posts what it missed one by one, and not all at once.
        """
        moved = {}
        for owner_id in await self._queues.late(now - MISSED):
            with suppress(UserError):  # the zone is gone: they go out late, as any other post
                async with self._turn(owner_id):
                    slots, row = await self.of(owner_id)
                    moved[owner_id] = await self._fill(row, slots, now)
        return moved

    async def overlaps(self, draft: Draft) -> list[Overlap]:
        """What a text that was approved for later comes too near to, the nearest first."""
        approved = await self._drafts.approved(draft.owner_id, COMPARED)
        others = [o for o in approved if o.id != draft.id and o.twin_of is None]
        found = await asyncio.to_thread(_overlaps, draft, others)
        if not any(overlap.is_alike for overlap in found):
            with suppress(BotError):  # a voice that cannot be read is not this text's fault
                opened = await self._voices.of(draft.owner_id, draft.voice)
                if opened.known_posts.copies.is_near_copy(draft.approved.text):
                    found.insert(0, Overlap(None, is_alike=True))
        return found

    async def _fill(self, row: QueueRow, slots: Slots, now: datetime) -> list[Draft]:
        """Store a queue whose texts hold the next slots, in their order."""
        texts = await self.texts(row.owner_id)
        times = zip((draft.id for draft in texts), slots.after(now), strict=False)
        await self._queues.keep(row, times)
        return await self.texts(row.owner_id)

    def _turn(self, owner_id: int) -> asyncio.Lock:
        return self._turns.setdefault(owner_id, asyncio.Lock())


def _within_a_year(slots: Slots, now: datetime) -> Iterator[datetime]:
    for slot in slots.after(now):
        if slot - now > MOST_AHEAD:
            raise UserError(
                "Every slot of the next year is taken. Name more slots with `/queue slots`."
            )
        yield slot


def _overlaps(draft: Draft, others: list[Draft]) -> list[Overlap]:
    likeness_of, at = likeness_to(draft.approved.text), _moment(draft)
    found = []
    for other in others:
        is_alike = likeness_of(other.approved.text) >= ALIKE
        their = _moment(other)
        is_close = at is not None and their is not None and abs(at - their) < CLOSE
        if is_alike or is_close:
            found.append(Overlap(other, is_alike, is_close))
    return sorted(found, key=lambda overlap: not overlap.is_alike)


def _moment(draft: Draft) -> datetime | None:
    """When a draft was posted, or will be."""
    return draft.posted_at or draft.post_at or draft.slot
