"""Decisions by button and by form, and the answers to them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

import discord
from discord.ext import commands

from bot.chat import render
from bot.chat.actions import CUSTOM_ID, FORMS, OF_ONE_TEXT, Action
from bot.chat.deciding import Deciding
from bot.chat.messages import Messages
from bot.chat.router import pressed, submitted, typed
from bot.draft import Draft, State
from bot.drafting import Drafting
from bot.errors import UserError
from bot.language import translate
from bot.posting.publishing import decided
from bot.sentences import Words
from bot.store.people import PeopleTable

OPEN = (State.PENDING, State.SCHEDULED, State.PUBLISHING, State.UNKNOWN)


class Decisions(commands.Cog):
    """Takes the owner's buttons and forms below a draft."""

    def __init__(
        self, drafting: Drafting, people: PeopleTable, deciding: Deciding, messages: Messages
    ) -> None:
        self.drafting = drafting
        self.people = people
        self.deciding = deciding
        self.messages = messages

    @pressed(CUSTOM_ID)
    async def click(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Carry out a button's action."""
        draft = await self.drafting.own(int(found["id"]), interaction.user.id)
        if await self.messages.adopt(draft, interaction.message):
            draft = await self.drafting.own(draft.id, draft.owner_id)
        action = Action.of(found)
        if action.kind in FORMS or (action.kind in OF_ONE_TEXT and action.position is None):
            await self._open_form(interaction, draft, action)
        elif action.kind == "show":
            await self._show_again(interaction, draft)
        else:
            await self._decide(interaction, draft, action, {})

    @submitted(CUSTOM_ID)
    async def submit(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Carry out a form's action."""
        draft = await self.drafting.own(int(found["id"]), interaction.user.id)
        await self._decide(interaction, draft, Action.of(found), typed(interaction))

    async def _decide(
        self,
        interaction: discord.Interaction,
        draft: Draft,
        action: Action,
        filled_in: Mapping[str, str],
    ) -> None:
        await self.deciding.decide(
            draft,
            action,
            filled_in,
            confirm=interaction.response.defer,
            update=partial(self._show_outcome, interaction, action),
            interaction=interaction,
        )

    async def _show_outcome(
        self, interaction: discord.Interaction, action: Action, draft: Draft, note: Words | None
    ) -> None:
        """Show what became of a draft; the fault of a click is shown to the clicker alone."""
        if note and (action.kind in FORMS or draft.state not in OPEN):
            await interaction.followup.send(
                translate(note, str(interaction.locale)), ephemeral=True
            )
            note = None
        if not await self.messages.update(draft, note) and note:
            # it cannot stand where it belongs, and a click that does nothing must say why
            await interaction.followup.send(
                translate(note, str(interaction.locale)), ephemeral=True
            )
        await self._tidy(interaction, draft, note)

    async def _tidy(
        self, interaction: discord.Interaction, draft: Draft, note: Words | None
    ) -> None:
        """Update the clicked message, if it is not the draft's own."""
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

    async def _open_form(
        self, interaction: discord.Interaction, draft: Draft, action: Action
    ) -> None:
        """Get what a decision needs: first the text that is meant, then the form."""
        locale = str(interaction.locale)
        if draft.state is not State.PENDING:
            raise decided(draft)
        if action.kind in OF_ONE_TEXT and action.position is None:
            question = render.which_one(draft, action.kind, locale)
            await interaction.response.send_message(**question, ephemeral=True)
            return
        if action.position is not None and action.position >= len(draft.candidates):
            raise UserError("This draft has no candidate {number}.", number=action.position + 1)
        if action.kind == "edit" and action.position is not None:
            length = render.units(draft.candidates[action.position].text)
            if length > render.MAX_INPUT:
                raise UserError(
                    "This text is too long for a form of Discord's, which holds {limit} characters,"
                    " so it cannot be edited here. 💬 writes new ones, shorter if you wish so.",
                    limit=render.MAX_INPUT,
                )
        timezone = await self.people.timezone(interaction.user.id)
        await interaction.response.send_modal(render.form(draft, action, locale, timezone))

    async def _show_again(self, interaction: discord.Interaction, draft: Draft) -> None:
        """Show a draft to its owner once more, as it is now."""
        locale = str(interaction.locale)
        await interaction.response.send_message(
            **render.message(draft, locale, datetime.now(UTC)),
            files=render.files(draft, locale),
            ephemeral=True,
        )
