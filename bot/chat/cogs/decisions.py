"""Every decision on a draft, and those by button and by form; reactions.py brings the others.

And what becomes of drafts by themselves, once a minute: posted when due, settled, expired, shown.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import discord
import structlog
from discord.ext import commands

from bot.chat import render
from bot.chat.actions import CUSTOM_ID, FORMS, Action
from bot.chat.answers import DISCORD_FAULTS, in_passing, words_of
from bot.chat.router import pressed, submitted, typed
from bot.clock import parse_moment, parse_zone
from bot.draft import UNDO_FOR, Draft, State
from bot.drafting import Drafting
from bot.errors import BotError, UserError
from bot.language import told
from bot.posting.publishing import decided
from bot.sentences import Words, say
from bot.writing.line import Tell

if TYPE_CHECKING:
    from bot.chat.client import Bot

log = structlog.stdlib.get_logger(__name__)

SHOWN_WITHIN = timedelta(seconds=10)  # what takes longer was cut short by a crash
KEPT = ("approve", "later", "edit", "reject")  # what a crash must not lose once it is confirmed
OPEN = (State.PENDING, State.SCHEDULED, State.PUBLISHING, State.UNKNOWN)


class Decisions(commands.Cog):
    """What a draft's owner says to it."""

    def __init__(self, bot: "Bot") -> None:
        self.bot = bot
        self.drafting: Drafting = bot.drafting
        self.publishing = bot.drafting.publishing
        self._turns = WeakValueDictionary[int, asyncio.Lock]()  # by draft
        self._left_behind = 0  # id of the newest decision that an earlier process had begun
        self._unreachable: set[int] = set()  # drafts that could not be sent to their owners
        self._untold: dict[int, Words | None] = {}  # drafts whose messages do not say what became

    async def cog_load(self) -> None:
        """Take up what a crash left behind."""
        left_behind = await self.drafting.store.in_progress.all()
        self._left_behind = max((begun.id for begun in left_behind), default=0)
        now = datetime.now(UTC)
        for draft in await self.drafting.store.drafts.posted_since(now - UNDO_FOR):
            self._end_undo(draft)
            self._untold[draft.id] = None  # it may have ended before Discord took it
        self.bot.scheduler.add_job(self.tick, "interval", minutes=1, next_run_time=now)

    @asynccontextmanager
    async def begun(
        self, draft: Draft, action: Action, typed: Mapping[str, str]
    ) -> AsyncIterator[None]:
        """Remember a decision until its outcome is told; the next start goes on with it."""
        if action.kind not in KEPT or (action.kind in FORMS and not typed):  # only asks for a form
            yield
            return
        begun = self.drafting.store.in_progress
        number = await begun.add(draft.id, action.custom_id(draft), typed)
        try:
            yield
        except Exception:  # told as it happens; a crash or a stop leaves the row
            await begun.end(number)
            raise
        await begun.end(number)

    def turn(self, draft_id: int, action: Action) -> AbstractAsyncContextManager[None]:
        """One after the other, so that a draft's message says what was decided last."""
        if action.kind not in KEPT:  # new ones take long; the old may be approved meanwhile
            return nullcontext()
        return self._turns.setdefault(draft_id, asyncio.Lock())

    async def go_on(self) -> None:
        """Carry out what a crash cut short, and tell what it had carried out."""
        for begun in await self.drafting.store.in_progress.all():
            if begun.id > self._left_behind:  # this very process is carrying it out
                break
            if found := re.fullmatch(CUSTOM_ID, begun.custom_id):
                action = Action.of(found)
                async with self.turn(begun.draft_id, action):
                    await self._carry_on(begun.draft_id, action, begun.typed)
            await self.drafting.store.in_progress.end(begun.id)

    async def _carry_on(self, draft_id: int, action: Action, typed: Mapping[str, str]) -> None:
        draft, note = await self.drafting.get(draft_id), None
        if draft.state is State.PENDING:
            user = await self.bot.fetch_owner(draft.owner_id)
            draft, note = await self.decide(draft.id, user, action, typed)
        if note:
            await self._announce(draft, note)
        elif draft.state is not State.PUBLISHING:  # that one is told once it is settled
            await self.tell(draft)

    async def decide(
        self,
        draft_id: int,
        user: discord.User | discord.Member,
        action: Action,
        typed: Mapping[str, str],
        interaction: discord.Interaction | None = None,
    ) -> tuple[Draft, Words | None]:
        """Carry out the owner's decision; the draft as it is then, and what there is to say.

        `typed` is what they filled in. Raises UserError if the draft is not this user's.
        """
        note = None
        draft = await self.drafting.own(draft_id, user.id)
        try:
            tell = in_passing(_aside(interaction) or user.send, await self._locale(draft))
            new = await self._carry_out(draft, action, typed, datetime.now(UTC), tell)
            if new and interaction:
                await self.bot.present(interaction, new)
            elif new:
                await self.bot.show(user, new)
        except (BotError, *DISCORD_FAULTS) as e:
            note = words_of(e)
        return await self.drafting.own(draft_id, user.id), note

    async def _carry_out(
        self,
        draft: Draft,
        action: Action,
        typed: Mapping[str, str],
        now: datetime,
        tell: Tell,
    ) -> Draft | None:
        """Do it; a new draft, if that is what was asked for. Raises BotError."""
        position, fingerprint = action.position or 0, action.fingerprint
        match action.kind:
            case "approve":
                await self.publishing.approve(draft, position, fingerprint, now)
            case "later":
                zone = parse_zone(typed["timezone"])
                at = parse_moment(typed["when"], zone, now)
                await self.drafting.store.people.use_timezone(draft.owner_id, zone.key)
                await self.publishing.post_later(draft, position, fingerprint, at, now)
            case "edit":
                await self.drafting.edit(draft, position, typed["text"], now)
            case "reject":
                await self.drafting.reject(draft, now)
            case "again" | "wish":
                if draft.state is not State.PENDING:
                    raise decided(draft)
                return await self.drafting.revise(draft, now, typed.get("wish"), tell)
            case "back" if draft.state is State.SCHEDULED:
                await self.publishing.take_back(draft, now)
            case "back":
                await self.publishing.undo(draft, now)
            case "there" | "absent":
                await self.publishing.answer(draft, action.kind == "there", now)
        return None

    async def tell(self, draft: Draft, note: Words | None = None) -> None:
        """Let the draft's message say what became of it; its Undo ends after an hour."""
        if await self.bot.tell(draft, note):
            self._untold.pop(draft.id, None)
        else:
            self._untold[draft.id] = note
        self._end_undo(draft)

    # Buttons and forms.

    async def open_form(
        self, interaction: discord.Interaction, draft_id: int, action: Action
    ) -> None:
        """Ask for what a decision needs: which text, then the words."""
        draft = await self.drafting.own(draft_id, interaction.user.id)
        locale = str(interaction.locale)
        if draft.state is not State.PENDING:
            raise decided(draft)
        if action.kind != "wish" and action.position is None:
            question = render.which_one(draft, action.kind, locale)
            await interaction.response.send_message(**question, ephemeral=True)
            return
        if action.position is not None and action.position >= len(draft.candidates):
            raise UserError("This draft has no candidate {number}.", number=action.position + 1)
        timezone = await self.drafting.store.people.timezone(interaction.user.id)
        await interaction.response.send_modal(render.form(draft, action, locale, timezone))

    async def answer(
        self,
        interaction: discord.Interaction,
        draft_id: int,
        action: Action,
        typed: Mapping[str, str],
    ) -> None:
        """Decide by a button or a form, and show what became of the draft."""
        draft = await self.drafting.own(draft_id, interaction.user.id)
        async with self.begun(draft, action, typed):  # before Discord confirms it
            await interaction.response.defer()
            async with self.turn(draft_id, action):
                await self._decide_by_click(interaction, draft_id, action, typed)

    async def _decide_by_click(
        self,
        interaction: discord.Interaction,
        draft_id: int,
        action: Action,
        typed: Mapping[str, str],
    ) -> None:
        draft, note = await self.decide(draft_id, interaction.user, action, typed, interaction)
        if note and (action.kind in FORMS or draft.state not in OPEN):
            await interaction.followup.send(told(note, str(interaction.locale)), ephemeral=True)
            note = None
        await self.tell(draft, note)
        await self._tidy(interaction, draft, note)

    async def _tidy(
        self, interaction: discord.Interaction, draft: Draft, note: Words | None
    ) -> None:
        """Bring the message that was clicked up to date, where it is not the draft's own."""
        clicked, locale = interaction.message, str(interaction.locale)
        if clicked is None or (clicked.id == draft.message_id and draft.channel_id):
            return
        if clicked.embeds:  # the draft again, for its owner's eyes only
            await interaction.edit_original_response(
                **render.message(draft, locale, datetime.now(UTC), note),
                attachments=render.files(draft, locale),
            )
        else:  # the question which text was meant
            await interaction.delete_original_response()

    @submitted(CUSTOM_ID)
    async def submit(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Decide as a form says."""
        await self.answer(interaction, int(found["id"]), Action.of(found), typed(interaction))

    @pressed(CUSTOM_ID)
    async def click(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Do what a button says."""
        draft_id, action = int(found["id"]), Action.of(found)
        if action.kind in FORMS:
            await self.open_form(interaction, draft_id, action)
        elif action.kind == "show":
            await self.show_again(interaction, draft_id)
        else:
            await self.answer(interaction, draft_id, action, {})

    async def show_again(self, interaction: discord.Interaction, draft_id: int) -> None:
        """Show a draft to its owner once more, as it is now."""
        draft = await self.drafting.own(draft_id, interaction.user.id)
        locale = str(interaction.locale)
        await interaction.response.send_message(
            **render.message(draft, locale, datetime.now(UTC)),
            files=render.files(draft, locale),
            ephemeral=True,
        )

    # What happens by itself.

    async def tick(self, now: datetime | None = None) -> None:
        """Post what is due, finish what is half-way, end what is old, show what nobody saw."""
        now = now or datetime.now(UTC)
        try:
            await self._work_through(now)
        except BotError as e:
            log.error("the minute's work is cut short", why=str(e))

    async def _work_through(self, now: datetime) -> None:
        for draft_id, note in list(self._untold.items()):
            if untold := await self.drafting.store.drafts.get(draft_id):
                await self.tell(untold, note)
            else:
                del self._untold[draft_id]
        for draft, error in await self.publishing.settle(now):
            await self._announce(draft, words_of(error) if error else None)
        for draft in await self.drafting.expire(now):
            await self.tell(draft)
        for draft in await self.drafting.store.drafts.unshown(now - SHOWN_WITHIN):
            if draft.id not in self._unreachable:
                await self._show_late(draft)

    async def _announce(self, draft: Draft, note: Words | None) -> None:
        """Tell the owner; an edited message makes no sound, so what needs them is said anew."""
        await self.tell(draft, note)
        if draft.state is not State.PUBLISHED:
            await self._show_late(draft, note)

    async def _show_late(self, draft: Draft, note: Words | None = None) -> None:
        try:
            user = await self.bot.fetch_owner(draft.owner_id)
            if draft.message_id is None or draft.channel_id is None:
                await self.bot.show(user, draft)
                # it may be there since before a crash, with a reaction below it
                self.bot.dispatch("draft_shown_late", draft.id)
            if note or draft.message_id:
                await user.send(_call(draft, note, await self._locale(draft)))
        except DISCORD_FAULTS as e:
            if isinstance(e, discord.Forbidden):  # asking again would not help
                self._unreachable.add(draft.id)
            log.warning("the owner cannot be reached", draft=draft.id, why=str(e))

    async def _locale(self, draft: Draft) -> str:
        return await self.drafting.store.people.locale(draft.owner_id)

    def _end_undo(self, draft: Draft) -> None:
        """Take the Undo button away when its hour is over."""
        if draft.state is State.PUBLISHED and draft.posted_at:
            self.bot.scheduler.add_job(
                self._refresh,
                "date",
                run_date=draft.posted_at + UNDO_FOR + timedelta(seconds=1),
                args=[draft.id],
                id=f"undo:{draft.id}",
                replace_existing=True,
            )

    async def _refresh(self, draft_id: int) -> None:
        await self.bot.tell(await self.drafting.get(draft_id))


def _aside(
    interaction: discord.Interaction | None,
) -> Callable[[str], Awaitable[discord.Message]] | None:
    """Sends beside the draft, for its owner's eyes only."""
    if interaction is None:
        return None
    return partial(interaction.followup.send, ephemeral=True, wait=True)


def _call(draft: Draft, note: Words | None, locale: str) -> str:
    """Calls the owner to a draft's message."""
    link = f"https://discord.com/channels/@me/{draft.channel_id}/{draft.message_id}"
    story = say("Draft {id} needs you: {link}", id=draft.id, link=link)
    return "\n".join(told(words, locale) for words in (story, note) if words)


async def setup(bot: "Bot") -> None:
    """Add the cog."""
    await bot.add_cog(Decisions(bot))
