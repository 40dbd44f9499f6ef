"""From an owner's decision on a draft to its outcome in the draft's message.

The second thing to read, after bot/drafting.py.

cogs/reactions.py   1️⃣ below a draft: finds the draft and the Action    -> decide
cogs/decisions.py   a button or a form: the same, by its custom_id      -> decide
decide      stores it, confirms it to Discord, carries it out in its turn, shows the outcome
  posting/publishing.py   approve: claims the draft, posts it, records it
  messages.py             update: the draft's message says what became of it
  following.py            plan: what comes by itself, such as a post that is due later
go_on       at the next start, finishes what a crash interrupted after the confirmation
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakValueDictionary

import discord

from bot.chat.actions import CUSTOM_ID, REASONS, Action
from bot.chat.answers import DISCORD_FAULTS, explanation, in_passing
from bot.chat.following import Following
from bot.chat.messages import Messages
from bot.chat.queue_view import warning
from bot.clock import parse_moment, parse_zone
from bot.draft import Draft, State
from bot.drafting import Drafting
from bot.errors import BotError
from bot.language import in_english
from bot.posting.publishing import decided
from bot.sentences import Words
from bot.store.in_progress import InProgress
from bot.writing.line import Notify

# New texts take long; the old may be approved meanwhile.
_TAKES_LONG = ("again", "wish")


class Deciding:
    """Carries out every decision on a draft, whichever way it came."""

    def __init__(self, drafting: Drafting, messages: Messages, following: Following) -> None:
        self._drafting = drafting
        self._publishing = drafting.publishing
        self._queue = drafting.queue
        self._accounts = drafting.accounts
        self._in_progress = drafting.store.in_progress
        self._people = drafting.store.people
        self._messages = messages
        self._following = following
        self._turns = WeakValueDictionary[int, asyncio.Lock]()  # by draft
        self._left_behind: list[InProgress] = []  # decisions an earlier process had in hand

    async def start(self) -> None:
        """Load the decisions that a crash left behind; what was taken back is not posted now."""
        self._left_behind = await self._in_progress.all()
        for left in self._left_behind:
            found = re.fullmatch(CUSTOM_ID, left.custom_id)
            if found and found["action"] in ("back", "out"):
                draft = await self._drafting.get(left.draft_id)
                if draft.state is State.SCHEDULED:
                    await self._publishing.take_back(draft, left.decided_at or datetime.now(UTC))

    async def decide(
        self,
        draft: Draft,
        action: Action,
        typed: Mapping[str, str],
        *,
        confirm: Callable[[], Awaitable[object]],
        update: Callable[[Draft, Words | None], Awaitable[object]],
        interaction: discord.Interaction | None = None,
    ) -> None:
        """Carry out the decision of a draft's owner, and show the outcome.

        `typed` is the form's text, `confirm` answers Discord, `update` shows the draft as it is
        afterwards, with a note. Raises UserError if the draft is gone.
        """
        names = await self._accounts.names(draft.owner_id, draft.networks)
        given = Given(datetime.now(UTC), names)
        async with self._written_down(draft, action, typed, given):  # before Discord confirms it
            await confirm()
            async with self._turn(draft.id, action):
                draft, note = await self._carry_out(draft, action, typed, given, interaction)
                await update(draft, note)
                self._following.plan(draft)
                await self._following.follow_twins(draft)

    async def go_on(self) -> None:
        """Carry out the interrupted decisions, and show the outcomes that were not shown yet."""
        while self._left_behind:
            left = self._left_behind[0]
            if found := re.fullmatch(CUSTOM_ID, left.custom_id):
                action = Action.of(found)
                async with self._turn(left.draft_id, action):
                    await self._carry_on(left, action)
            await self._in_progress.end(left.id)
            del self._left_behind[0]

    async def _carry_on(self, left: InProgress, action: Action) -> None:
        draft, note = await self._drafting.get(left.draft_id), None
        given = Given(left.decided_at or datetime.now(UTC), left.accounts)
        if _is_to_do(draft, action, datetime.now(UTC)):
            draft, note = await self._carry_out(draft, action, left.typed, given, None)
        if note:
            await self._following.announce(draft, note)
        elif draft.state is not State.PUBLISHING:  # `settle` will show that one's outcome
            await self._messages.update(draft)
            self._following.plan(draft)
        await self._following.follow_twins(draft)

    async def _carry_out(
        self,
        draft: Draft,
        action: Action,
        typed: Mapping[str, str],
        given: "Given",
        interaction: discord.Interaction | None,
    ) -> tuple[Draft, Words | None]:
        """Carry out or refuse an action; returns the draft as it is then, and a note."""
        note, now = None, datetime.now(UTC)
        draft = await self._drafting.own(draft.id, draft.owner_id)
        try:
            if action.kind in ("again", "wish"):
                await self._write_anew(draft, typed.get("wish"), now, interaction)
            else:
                await self._move(draft, action, typed, given, now)
                if action.kind in ("later", "queue"):
                    note = warning(await self._queue.overlaps(await self._drafting.get(draft.id)))
        except (BotError, *DISCORD_FAULTS) as e:
            note = explanation(e)
        return await self._drafting.get(draft.id), note

    async def _move(
        self,
        draft: Draft,
        action: Action,
        typed: Mapping[str, str],
        given: "Given",
        now: datetime,
    ) -> None:
        """Move a draft as its owner decided. Raises BotError."""
        position, fingerprint = action.position or 0, action.fingerprint
        match action.kind:
            case "approve":
                await self._publishing.approve(draft, position, fingerprint, now, given.accounts)
            case "later":
                zone = parse_zone(typed["timezone"])
                at = parse_moment(typed["when"], zone, given.at, in_english)
                await self._people.use_timezone(draft.owner_id, zone.key)
                to = given.accounts
                await self._publishing.post_later(draft, position, fingerprint, at, now, to)
            case "queue":
                await self._queue.put(draft, position, fingerprint, now, given.accounts)
            case "now":
                await self._queue.hurry(draft, now)
            case "edit":
                await self._drafting.edit(draft, position, typed["text"], now)
            case "reject":
                await self._drafting.reject(draft, now)
            case "out":  # never an undo, however late it comes
                await self._publishing.take_back(draft, now)
            case "back" if draft.state is State.SCHEDULED:
                await self._publishing.take_back(draft, now)
            case "back":
                await self._publishing.undo(draft, now)
            case "there" | "absent":
                await self._publishing.answer(draft, action.kind == "there", now)
            case kind if kind in REASONS:
                await self._drafting.give_reason(draft, REASONS[kind])

    async def _write_anew(
        self,
        draft: Draft,
        wish: str | None,
        now: datetime,
        interaction: discord.Interaction | None,
    ) -> None:
        """Show another draft in the place of this one. Raises BotError and DISCORD_FAULTS."""
        if draft.state is not State.PENDING:
            raise decided(draft)
        notify = await self._line_notice(draft, interaction)
        new = await self._drafting.revise(draft, now, wish, notify)
        if interaction:
            await self._messages.present(interaction, new)
        else:
            await self._messages.show(new)

    async def _line_notice(self, draft: Draft, interaction: discord.Interaction | None) -> Notify:
        """Shows the place in the line beside the draft, to its owner only."""

        async def send(text: str) -> discord.Message:
            if interaction:
                return await interaction.followup.send(text, ephemeral=True, wait=True)
            return await (await self._messages.fetch_person(draft.owner_id)).send(text)

        return in_passing(send, await self._people.locale(draft.owner_id))

    @asynccontextmanager
    async def _written_down(
        self, draft: Draft, action: Action, typed: Mapping[str, str], given: "Given"
    ) -> AsyncIterator[None]:
        """Store a decision until its outcome is shown; the next start goes on with it."""
        custom_id = action.custom_id(draft)
        number = await self._in_progress.add(draft.id, custom_id, typed, given.at, given.accounts)
        try:
            yield
        except Exception:  # shown to the owner; only a crash or a stop leaves the row
            await self._in_progress.end(number)
            raise
        await self._in_progress.end(number)

    def _turn(self, draft_id: int, action: Action) -> AbstractAsyncContextManager[None]:
        """Take decisions one after the other, so that a draft's message shows the last one."""
        if action.kind in _TAKES_LONG:
            return nullcontext()
        return self._turns.setdefault(draft_id, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class Given:
    """The circumstances of a decision, which hold also if it is carried out later."""

    at: datetime
    accounts: tuple[str, ...]  # the owner's, one for each network; none if one was not known


def _is_to_do(draft: Draft, action: Action, now: datetime) -> bool:
    """Whether a decision that a crash interrupted still has to be carried out."""
    match action.kind:
        case "back":
            return draft.state is State.SCHEDULED or draft.can_undo(now)
        case "there" | "absent":
            return draft.state is State.UNKNOWN
        case "now" | "out":
            return draft.state is State.SCHEDULED
        case kind if kind in REASONS:
            return draft.state is State.REJECTED
        case _:
            return draft.state is State.PENDING
