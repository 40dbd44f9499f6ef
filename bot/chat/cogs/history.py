"""/drafts and /undo: lists a person's drafts, and deletes their last status."""

import re
from datetime import UTC, datetime

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.chat import render
from bot.chat.answers import answer
from bot.chat.choices import places
from bot.chat.messages import Messages
from bot.chat.router import pressed
from bot.draft import STATE_WORDS, State
from bot.drafting import Drafting
from bot.errors import UserError
from bot.sentences import say
from bot.store.drafts import DraftTable

STATES = [
    app_commands.Choice(name=locale_str(words.template), value=state.value)
    for state, words in STATE_WORDS.items()
]


class History(commands.Cog):
    """A person's own past drafts."""

    def __init__(self, drafting: Drafting, drafts: DraftTable, messages: Messages) -> None:
        self.drafting = drafting
        self.stored = drafts
        self.messages = messages

    @app_commands.command(description="Your drafts, and what became of each")
    @app_commands.describe(state="Only those that are …")
    @app_commands.choices(state=STATES)
    async def drafts(self, interaction: discord.Interaction, state: str | None = None) -> None:
        """Show the newest page."""
        page = await self.page(interaction, State(state) if state else None, 0)
        await interaction.response.send_message(**page, ephemeral=True)

    @app_commands.command(description="Delete your last post, within an hour of posting it")
    async def undo(self, interaction: discord.Interaction) -> None:
        """Delete the last status, or the whole of the last thread."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        draft = await self.stored.last_posted(interaction.user.id)
        if draft is None:
            raise UserError("There is no post of yours to delete. /draft writes one.")
        await self.drafting.publishing.undo(draft, datetime.now(UTC))
        await self.messages.update(await self.drafting.get(draft.id))
        where = places(draft.networks)
        await answer(
            interaction,
            say("Draft {id} is deleted again from {places}.", id=draft.id, places=where),
        )

    async def page(
        self, interaction: discord.Interaction, state: State | None, number: int
    ) -> render.MessageParts:
        """One page of this person's drafts."""
        user_id = interaction.user.id
        total = await self.stored.count(user_id, state)
        number = min(number, max(0, total - 1) // render.DRAFTS_A_PAGE)
        shown = await self.stored.of_owner(
            user_id, state, render.DRAFTS_A_PAGE, number * render.DRAFTS_A_PAGE
        )
        return render.page(shown, state, number, total, str(interaction.locale))

    @pressed(render.PAGE_ID)
    async def turn(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Turn a page: the button's custom_id names the page, the clicker owns the drafts."""
        state = State(found["state"]) if found["state"] in list(State) else None
        page = await self.page(interaction, state, int(found["page"]))
        await interaction.response.edit_message(**page)
