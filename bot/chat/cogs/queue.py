"""/queue: the slots at which approved texts go out, and the texts that wait for them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import discord
from discord import app_commands
from discord.ext import commands
from discord.utils import format_dt

from bot.chat import queue_view
from bot.chat.actions import Action
from bot.chat.answers import answer
from bot.chat.choices import time_zones
from bot.chat.deciding import Deciding
from bot.chat.following import Following
from bot.chat.messages import Messages
from bot.chat.router import pressed
from bot.chat.story import story
from bot.clock import parse_zone
from bot.draft import Draft
from bot.drafting import Drafting
from bot.errors import UserError
from bot.posting.publishing import decided
from bot.posting.slots import USUAL_SLOTS, Slots
from bot.sentences import Words, say, say_n
from bot.store.people import PeopleTable


class QueueCommands(
    commands.GroupCog, name="queue", description="Approved texts that go out at your slots"
):
    """A person's own queue."""

    def __init__(
        self,
        drafting: Drafting,
        people: PeopleTable,
        deciding: Deciding,
        following: Following,
        messages: Messages,
    ) -> None:
        self.drafting = drafting
        self.waiting = drafting.queue
        self.people = people
        self.deciding = deciding
        self.following = following
        self.messages = messages

    @app_commands.command(name="slots", description="The days and times at which texts go out")
    @app_commands.describe(
        at="Such as 9:00, or mon-fri 9:00 18:30, sat 11:00 (proposed from your archive)",
        timezone="Such as Europe/Berlin",
    )
    @app_commands.autocomplete(timezone=time_zones)
    async def slots(
        self,
        interaction: discord.Interaction,
        at: app_commands.Range[str, 1, 300] | None = None,
        timezone: str | None = None,
    ) -> None:
        """Set the slots; without any, show them and propose some."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        zone = await self._zone(interaction.user.id, timezone)
        if at:
            await self._use(interaction, Slots.parse(at, zone))
            return
        try:
            slots, _ = await self.waiting.of(interaction.user.id)
        except UserError:
            await self._propose(interaction, zone)
            return
        if zone != slots.timezone:
            await self._use(interaction, Slots.parse(str(slots), zone))
        else:
            await self._propose(interaction, zone, slots)

    @app_commands.command(name="show", description="What waits; move it, post it now, take it out")
    async def show(self, interaction: discord.Interaction) -> None:
        """Show the first page."""
        page = await self._page(interaction, 0)
        await interaction.response.send_message(**page, ephemeral=True)

    @app_commands.command(name="pause", description="Nothing of your queue goes out for now")
    async def pause(self, interaction: discord.Interaction) -> None:
        """Pause the queue."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        texts = await self.waiting.pause(interaction.user.id, datetime.now(UTC))
        page = await self._page(interaction, 0)
        await interaction.edit_original_response(**page)
        await self._show_moved(texts)

    @app_commands.command(name="resume", description="Your queue goes on, with your next slot")
    async def resume(self, interaction: discord.Interaction) -> None:
        """Go on; after weeks without a post, ask first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._resume(interaction)

    @app_commands.command(name="off", description="No queue any more; what waits is open again")
    async def off(self, interaction: discord.Interaction) -> None:
        """End the queue."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        texts = await self.waiting.end(interaction.user.id, datetime.now(UTC))
        lines = [say("Your queue is off. `/queue slots` starts it again.")]
        if texts:
            lines.append(
                say_n(
                    "The text that waited is open again, as a draft.",
                    "The {n} texts that waited are open again, as drafts.",
                    n=len(texts),
                )
            )
        await answer(interaction, *lines)
        await self._show_moved(texts)

    @pressed(queue_view.USE_ID)
    async def use(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Make the proposed slots one's own."""
        await interaction.response.defer()
        zone = await self._zone(interaction.user.id, None)
        await self._use(interaction, Slots.parse(found["slots"], zone))

    @pressed(queue_view.TURN_ID)
    async def turn(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Show a page."""
        page = await self._page(interaction, int(found["page"]))
        await interaction.response.edit_message(**page)

    @pressed(queue_view.PICK_ID)
    async def pick(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Show one text, as chosen from the menu."""
        chosen = cast(Any, interaction.data)["values"][0]  # Any: Discord's JSON
        await interaction.response.defer()
        draft = await self.drafting.own(int(chosen), interaction.user.id)
        await self._show_text(interaction, draft)

    @pressed(queue_view.TEXT_ID)
    async def change(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Move a text, post it now, or take it out."""
        draft = await self.drafting.own(int(found["id"]), interaction.user.id)
        if found["what"] in ("now", "out"):

            async def update(after: Draft, note: Words | None) -> None:
                await self.messages.update(after, note)
                page = await self._page(interaction, 0, note or story(after))
                await interaction.edit_original_response(**page)

            action = Action("now" if found["what"] == "now" else "out")
            await self.deciding.decide(
                draft, action, {}, confirm=interaction.response.defer, update=update
            )
            return
        await interaction.response.defer()
        moved = await self.waiting.move(draft, -1 if found["what"] == "up" else 1)
        await self._show_text(interaction, draft)
        await self._show_moved(moved)

    @pressed(queue_view.STATE_ID)
    async def pause_or_go_on(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Pause the queue, or go on with it."""
        await interaction.response.defer()
        if found["what"] == "pause":
            texts = await self.waiting.pause(interaction.user.id, datetime.now(UTC))
            await interaction.edit_original_response(**await self._page(interaction, 0))
            await self._show_moved(texts)
        else:
            await self._resume(interaction, is_sure=found["what"] == "surely")

    async def _resume(self, interaction: discord.Interaction, *, is_sure: bool = False) -> None:
        owner_id, now = interaction.user.id, datetime.now(UTC)
        since = None if is_sure else await self.waiting.quiet_since(owner_id, now)
        if since:
            first, *_ = await self.waiting.texts(owner_id)
            question = queue_view.sure(since, first, str(interaction.locale))
            await interaction.edit_original_response(**question)
            return
        texts = await self.waiting.resume(owner_id, now)
        await interaction.edit_original_response(**await self._page(interaction, 0))
        await self._show_moved(texts)

    async def _zone(self, owner_id: int, typed: str | None) -> str:
        """The zone that was typed, or that is known. Raises UserError."""
        if typed:
            zone = parse_zone(typed).key
            await self.people.use_timezone(owner_id, zone)
            return zone
        if known := await self.people.timezone(owner_id):
            return known
        raise UserError(
            "I do not know your time zone. Name it once: `/queue slots timezone: Europe/Berlin`."
        )

    async def _use(self, interaction: discord.Interaction, slots: Slots) -> None:
        now, locale = datetime.now(UTC), str(interaction.locale)
        texts = await self.waiting.use(interaction.user.id, slots, now)
        lines = [
            say(
                "Your slots: {slots}. The next one is {when}. ➕ below a draft puts a text into the"
                " next free one.",
                slots=queue_view.slots_line(slots, locale),
                when=format_dt(next(slots.after(now)), "f"),
            )
        ]
        if slots.is_close:
            lines.append(say("⚠️ Some of them come within an hour of each other."))
        if texts:
            lines.append(
                say_n(
                    "The text in your queue has the next slot now.",
                    "The {n} texts in your queue have the next slots now, in their order.",
                    n=len(texts),
                )
            )
        await answer(interaction, *lines, view=None)
        await self._show_moved(texts)

    async def _propose(
        self, interaction: discord.Interaction, zone: str, mine: Slots | None = None
    ) -> None:
        locale = str(interaction.locale)
        found = await self.waiting.proposal(interaction.user.id, zone)
        proposed = found or Slots.parse(USUAL_SLOTS, zone)
        values = {"slots": queue_view.slots_line(proposed, locale)}
        lines = []
        if mine:
            line = queue_view.slots_line(mine, locale)
            lines.append(say("Your slots: {slots}.", slots=line))
        lines.append(
            say("From the hours at which your archive was posted I propose {slots}.", **values)
            if found
            else say(
                "The posts of your voice do not say at which hours they were posted, or they are"
                " few. So I propose what many do: {slots}.",
                **values,
            )
        )
        lines.append(say("Others: `/queue slots at: mon-fri 9:00 18:30, sat 11:00`."))
        await answer(interaction, *lines, view=queue_view.offer(proposed, locale))

    async def _page(
        self, interaction: discord.Interaction, number: int, news: Words | None = None
    ) -> dict[str, Any]:
        """One page of this person's queue. Raises UserError if they have none."""
        _, row = await self.waiting.of(interaction.user.id)
        texts = await self.waiting.texts(interaction.user.id)
        is_paused = row.paused_at is not None
        return {
            **queue_view.queue_page(
                texts, number, str(interaction.locale), is_paused=is_paused, news=news
            )
        }

    async def _show_text(self, interaction: discord.Interaction, draft: Draft) -> None:
        """Show one text of the queue. Raises UserError if it waits no more."""
        texts = await self.waiting.texts(interaction.user.id)
        for position, text in enumerate(texts, 1):
            if text.id == draft.id:
                overlaps = await self.waiting.overlaps(text)
                shown = queue_view.queue_text(
                    text, position, len(texts), str(interaction.locale), overlaps
                )
                await interaction.edit_original_response(**shown)
                return
        raise decided(await self.drafting.get(draft.id))

    async def _show_moved(self, drafts: Sequence[Draft]) -> None:
        """Plan drafts whose time has changed, and show it in their messages."""
        for draft in drafts:
            self.following.plan(draft)
        for draft in drafts:
            await self.messages.update(draft)
