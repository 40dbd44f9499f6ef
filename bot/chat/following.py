"""Moves drafts without a person: posts due ones, settles, expires, shows them after a crash.

The scheduler calls at the second a post is due, is to be looked for, or its Undo ends, and once a
minute for the rest, such as the counts of what came of a post.
Only the stored draft decides what to do, so a call too many does nothing.
"""

from datetime import UTC, datetime, timedelta

import discord
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.chat.answers import DISCORD_FAULTS, explanation
from bot.chat.messages import Messages
from bot.draft import UNDO_FOR, Draft, State
from bot.drafting import Drafting
from bot.errors import BotError
from bot.sentences import Words, say

log = structlog.stdlib.get_logger(__name__)

SHOWN_WITHIN = timedelta(seconds=10)  # a draft not shown by then was interrupted by a crash


class Following:
    """Looks after drafts while nobody decides on them."""

    def __init__(
        self,
        client: discord.Client,
        drafting: Drafting,
        scheduler: AsyncIOScheduler,
        messages: Messages,
    ) -> None:
        self._client = client
        self._drafting = drafting
        self._drafts = drafting.store.drafts
        self._scheduler = scheduler
        self._messages = messages
        self._moved_on: set[int] = set()  # owners whose queues did, and who have not heard of it

    async def start(self) -> None:
        """Take up the stored drafts, and begin to look after them."""
        now = datetime.now(UTC)
        for draft in await self._drafts.posted_since(now - UNDO_FOR):
            self._messages.outdated[draft.id] = None  # it may have ended before Discord took it
            self.plan(draft)
        for draft in await self._drafts.in_state(State.SCHEDULED):
            self.plan(draft)
        self._scheduler.add_job(self._catch_up, misfire_grace_time=None)
        for work in (self.sweep, self.listen):
            self._scheduler.add_job(
                work, "interval", minutes=1, next_run_time=now, misfire_grace_time=None
            )

    def plan(self, draft: Draft) -> None:
        """Come back when this draft is due, is to be looked for, or when its Undo ends."""
        if draft.state is State.SCHEDULED and draft.post_at:
            moment = draft.post_at
        elif draft.state is State.PUBLISHING:
            moment = self._drafting.publishing.next_look(draft.id, datetime.now(UTC))
        elif draft.state is State.PUBLISHED and draft.posted_at:
            moment = draft.posted_at + UNDO_FOR + timedelta(seconds=1)
        else:
            return
        self._scheduler.add_job(
            self._come_back,
            "date",
            run_date=moment,
            args=[draft.id],
            id=f"draft:{draft.id}",
            replace_existing=True,
            misfire_grace_time=None,  # late is better than never
        )

    async def _come_back(self, draft_id: int) -> None:
        try:
            await self._move_on(datetime.now(UTC))
            draft = await self._drafts.get(draft_id)
            if draft and draft.state is State.PUBLISHED:
                await self._messages.update(draft)
            elif draft:
                outcome = await self._drafting.publishing.settle_one(draft, datetime.now(UTC))
                if outcome:
                    await self._announce_outcome(*outcome)
                elif draft.state is State.PUBLISHING:
                    self.plan(draft)
        except BotError as e:
            log.error("a draft waits for the next minute", draft=draft_id, why=str(e))

    async def _catch_up(self) -> None:
        """Show what was stored right before a crash; an open question calls its owner."""
        try:
            for draft in await self._drafts.untold():
                if draft.state in (State.UNKNOWN, State.PENDING):
                    await self.announce(draft, None)
                elif draft.state is not State.PUBLISHING:  # `sweep` shows that one's outcome
                    await self._messages.update(draft)
        except BotError as e:
            log.error("what changed before a crash is not shown", why=str(e))

    async def sweep(self, now: datetime | None = None) -> None:
        """Post due drafts, finish half-way ones, expire old ones, show those that nobody saw."""
        now = now or datetime.now(UTC)
        try:
            await self._move_on(now)
            for draft, error in await self._drafting.publishing.settle(now):
                await self._announce_outcome(draft, error)
            for draft in await self._drafts.in_state(State.PUBLISHING):
                self.plan(draft)
            for draft in await self._drafting.expire(now):
                await self._messages.update(draft, now=now)
            for draft in await self._drafts.unshown(now - SHOWN_WITHIN):
                if self._messages.tries.is_due(draft.id, now):
                    await self._call(draft, now=now)
            await self._messages.update_again(now)  # last: a silent Discord takes long over each
            while self._moved_on:
                await self._messages.tell(self._moved_on.pop(), _MOVED_ON)
        except BotError as e:
            log.error("the minute's work is cut short", why=str(e))

    async def listen(self, now: datetime | None = None) -> None:
        """Read what came of the posts that are a day or a week old."""
        try:
            await self._drafting.echoes.listen(now or datetime.now(UTC))
        except BotError as e:
            log.error("what came of posts is read a minute later", why=str(e))

    async def _move_on(self, now: datetime) -> None:
        """Plan anew the texts of queues that missed a slot; their messages show it soon."""
        for owner_id, drafts in (await self._drafting.queue.move_on(now)).items():
            self._moved_on.add(owner_id)
            for draft in drafts:
                self._messages.outdated[draft.id] = None
                self.plan(draft)

    async def _announce_outcome(self, draft: Draft, error: BotError | None) -> None:
        await self.announce(draft, explanation(error) if error else None)
        await self.follow_twins(draft)

    async def follow_twins(self, draft: Draft) -> None:
        """Post at once what an approval for two networks left to a twin, and show its outcome."""
        for twin in await self._drafts.twins(draft.id):
            if twin.state is State.PUBLISHING:
                await self._come_back(twin.id)

    async def announce(self, draft: Draft, note: Words | None) -> None:
        """Show its owner what became of a draft while they were not looking."""
        await self._messages.update(draft, note)
        self.plan(draft)
        if draft.state is not State.PUBLISHED or draft.message_id is None:
            await self._call(draft, note)

    async def _call(
        self, draft: Draft, note: Words | None = None, now: datetime | None = None
    ) -> None:
        """Call the owner with a new message, since an edited one makes no sound."""
        notes = [note] if note else []
        link = f"https://discord.com/channels/@me/{draft.channel_id}/{draft.message_id}"
        try:
            if draft.message_id is None or draft.channel_id is None:
                link = (await self._messages.show(draft)).jump_url
                # it may be there since before a crash, with a reaction below it
                self._client.dispatch("draft_shown_late", draft.id)
        except DISCORD_FAULTS as e:
            log.warning("the owner cannot be reached", draft=draft.id, why=str(e))
            tries, now = self._messages.tries, now or datetime.now(UTC)
            if not tries.go_on(draft.id, draft.owner_id, e, now):
                notes.append(say("Draft {id} waits for you: `/drafts` shows it.", id=draft.id))
            if notes:
                await self._messages.leave(draft.owner_id, *notes)
            return
        if note or draft.message_id:
            needs = say("Draft {id} needs you: {link}", id=draft.id, link=link)
            await self._messages.tell(draft.owner_id, needs, *notes)


_MOVED_ON = say(
    "A slot of your queue went by without me, or without your server. So its texts moved on to the"
    " next slots, in their order: `/queue show`."
)
