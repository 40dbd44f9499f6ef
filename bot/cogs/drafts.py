"""/draft, and every decision on a draft: by button, by reaction, and by a reaction we missed."""

import asyncio
import logging
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot import render
from bot.draft import Draft, State
from bot.drafting import Drafting
from bot.errors import BotError
from bot.render import Action
from bot.report import reporting, sentence

if TYPE_CHECKING:
    from bot.client import Bot

log = logging.getLogger(__name__)


class Drafts(commands.Cog):
    """A draft's way through Discord."""

    def __init__(self, bot: "Bot") -> None:
        self.bot = bot
        self.drafting: Drafting = bot.drafting
        self._sweep: asyncio.Task[None] | None = None

    @app_commands.command(description="Write candidates about a topic, in your voice")
    @app_commands.describe(
        topic="What the post is about", count="How many candidates to choose from (4)"
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def draft(
        self,
        interaction: discord.Interaction,
        topic: app_commands.Range[str, 1, 200],
        count: app_commands.Range[int, 1, render.MAX_CANDIDATES] = 4,
    ) -> None:
        """Defer, write the draft, show it by DM."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        draft = await self.drafting.write_draft(
            interaction.user.id, topic, count, datetime.now(UTC)
        )
        try:
            message = await self.bot.show(interaction.user, draft)
        except discord.HTTPException:  # whatever the reason, the draft must be seen
            await self._show_here(interaction, draft)
        else:
            await interaction.edit_original_response(
                content=f"Draft {draft.id} is in [your direct messages]({message.jump_url})."
            )

    @draft.autocomplete("topic")
    async def topics(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Topics the author has written about."""
        found = await self.drafting.matching_topics(interaction.user.id, typed, 25)
        return [app_commands.Choice(name=t[:100], value=t[:100]) for t in found]

    async def decide(
        self, draft_id: int, user: discord.User | discord.Member, action: Action
    ) -> tuple[Draft, str | None]:
        """Carry out the owner's decision; the draft as it is then, and what there is to say.

        Raises UserError if the draft is not this user's.
        """
        now, note = datetime.now(UTC), None
        draft = await self.drafting.own(draft_id, user.id)
        try:
            match action.kind:
                case "approve":
                    await self.drafting.approve(draft, action.position, now)
                case "reject":
                    await self.drafting.reject(draft, now)
                case "again":
                    await self.bot.show(user, await self.drafting.revise(draft, now))
        except (BotError, discord.HTTPException) as e:
            note = sentence(e)
        draft = await self.drafting.own(draft_id, user.id)
        return draft, note if draft.state in (State.PENDING, State.PUBLISHING) else None

    async def tell(self, draft: Draft, note: str | None = None) -> None:
        """Edit the message that shows a draft, to say what became of it."""
        if draft.channel_id is None or draft.message_id is None:
            return
        channel = self.bot.get_partial_messageable(
            draft.channel_id, type=discord.ChannelType.private
        )
        try:
            await channel.get_partial_message(draft.message_id).edit(
                content=render.content(draft, note),
                embeds=render.embeds(draft),
                view=render.buttons(draft),
            )
        except discord.HTTPException as e:
            log.warning("the message of draft %s could not be edited: %s", draft.id, e)

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """A reaction is a decision if it is the owner's, below a draft. Works after a restart."""
        action = render.action_of_emoji(str(payload.emoji))
        if action is None or payload.user_id == self.bot.application_id:
            return
        draft = await self.drafting.store.drafts.by_message(payload.message_id)
        if draft and draft.owner_id == payload.user_id:
            await self._react(draft, action)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """After a start or a lost session, look for reactions given in the meantime."""
        if self._sweep is None or self._sweep.done():
            self._sweep = asyncio.create_task(self._find_missed(), name="missed reactions")

    async def settle(self) -> None:
        """Finish what was left half-way, and tell its owner. Called every minute."""
        for draft, error in await self.drafting.settle(datetime.now(UTC)):
            await self.tell(draft, sentence(error) if error else None)

    async def cog_load(self) -> None:
        """Make the buttons of old messages work again, and settle what a crash left behind."""
        self.bot.add_dynamic_items(DraftButton)
        self.bot.scheduler.add_job(
            self.settle, "interval", minutes=1, next_run_time=datetime.now(UTC)
        )

    async def cog_unload(self) -> None:
        """Stop looking for missed reactions."""
        if self._sweep:
            self._sweep.cancel()

    async def _react(self, draft: Draft, action: Action) -> None:
        if draft.state is State.PENDING:
            user = await self.bot.fetch_owner(draft.owner_id)
            await self.tell(*await self.decide(draft.id, user, action))

    async def _find_missed(self) -> None:
        for draft in await self.drafting.store.drafts.in_state(State.PENDING):
            if draft.channel_id is None or draft.message_id is None:
                continue
            channel = self.bot.get_partial_messageable(
                draft.channel_id, type=discord.ChannelType.private
            )
            try:
                message = await channel.fetch_message(draft.message_id)
                action = await _owners_action(message, draft.owner_id)
            except discord.HTTPException as e:
                log.info("the message of draft %s cannot be read: %s", draft.id, e)
                continue
            if action:
                await self._react(draft, action)

    async def _show_here(self, interaction: discord.Interaction, draft: Draft) -> None:
        await interaction.edit_original_response(
            content="I cannot send you direct messages, so here it is, for your eyes only."
            f"\n{render.content(draft)}",
            embeds=render.embeds(draft),
            view=render.buttons(draft),
        )


class DraftButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=render.BUTTON
):
    """A button below a draft; everything it needs is in its custom_id."""

    def __init__(
        self, item: discord.ui.Button[discord.ui.View], draft_id: int, action: Action
    ) -> None:
        super().__init__(item)
        self.draft_id = draft_id
        self.action = action

    @classmethod
    async def from_custom_id(
        cls,
        _: discord.Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
    ) -> "DraftButton":
        """Rebuild the button from what Discord sent."""
        assert isinstance(item, discord.ui.Button)
        action = Action(match["action"], int(match["position"] or 0))  # type: ignore[arg-type]  # the template allows these three only
        return cls(item, int(match["id"]), action)

    async def callback(self, interaction: discord.Interaction) -> None:
        """Decide, and show what became of the draft."""
        cog = interaction.client.get_cog("Drafts")  # type: ignore[attr-defined]  # it is our Bot
        assert isinstance(cog, Drafts)
        async with reporting(interaction):  # discord.py only logs what is raised here
            await interaction.response.defer()
            draft, note = await cog.decide(self.draft_id, interaction.user, self.action)
            await interaction.edit_original_response(
                content=render.content(draft, note),
                embeds=render.embeds(draft),
                view=render.buttons(draft),
            )


async def _owners_action(message: discord.Message, owner_id: int) -> Action | None:
    for reaction in message.reactions:
        action = render.action_of_emoji(str(reaction.emoji))
        if action and any([user.id == owner_id async for user in reaction.users()]):
            return action
    return None


async def setup(bot: "Bot") -> None:
    """Add the cog."""
    await bot.add_cog(Drafts(bot))
