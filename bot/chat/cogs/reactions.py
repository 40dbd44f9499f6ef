"""Reactions below drafts, as they come and as they were missed, to the decisions they stand for."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import discord
import structlog
from discord.ext import commands

from bot.chat import render
from bot.chat.actions import FORMS, Action, action_of_emoji, plain
from bot.chat.answers import DISCORD_FAULTS, words_of
from bot.draft import Draft, State
from bot.errors import BotError, Unavailable
from bot.posting.publishing import decided

if TYPE_CHECKING:
    from bot.chat.client import Bot
    from bot.chat.cogs.decisions import Decisions

log = structlog.stdlib.get_logger(__name__)


class Reactions(commands.Cog):
    """What a draft's owner says to it by emoji."""

    def __init__(self, bot: "Bot", decisions: "Decisions") -> None:
        self.bot = bot
        self.decisions = decisions
        self.drafting = bot.drafting
        self._sweep: asyncio.Task[None] | None = None

    async def cog_unload(self) -> None:
        """Stop looking for missed reactions."""
        if self._sweep:
            self._sweep.cancel()

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """A reaction is a decision if it is the owner's, below a draft. Works after a restart."""
        if payload.user_id == self.bot.application_id:
            return
        drafts = self.drafting.store.drafts
        draft = await drafts.by_message(payload.message_id)
        if draft is None or draft.owner_id != payload.user_id:
            return
        try:
            self.bot.work.take()
        except Unavailable:  # the next start finds it
            return
        try:
            await self._react(draft, str(payload.emoji))
        except BotError as e:  # the reaction is not taken; the owner gives it again
            await self.decisions.tell(draft, words_of(e))

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """After a start or a lost session, look for reactions given in the meantime."""
        if not self.bot.work.is_stopping and (self._sweep is None or self._sweep.done()):
            self._sweep = asyncio.create_task(self._find_missed(), name="missed reactions")

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """After a short gap Discord tells what was missed, mostly."""
        await self.on_ready()

    @commands.Cog.listener()
    async def on_draft_shown_late(self, draft_id: int) -> None:
        """A draft that was shown before a crash may have a reaction below it."""
        try:
            self.bot.work.take()
            await self._take_missed(await self.drafting.get(draft_id))
        except (BotError, *DISCORD_FAULTS) as e:
            log.info("missed reactions cannot be read", draft=draft_id, why=str(e))

    async def _react(self, draft: Draft, emoji: str) -> None:
        action, drafts = action_of_emoji(emoji, draft), self.drafting.store.drafts
        if action is None or not _fits(draft, action, datetime.now(UTC)):
            await drafts.reacted(draft, plain(emoji))
            if action and draft.state is State.SCHEDULED:  # its old reactions are still there
                await self.decisions.tell(draft, decided(draft).words)
            return
        async with self.decisions.begun(draft, action, {}):
            await drafts.reacted(draft, plain(emoji))
            await self._decide_by_reaction(draft, action)

    async def _decide_by_reaction(self, draft: Draft, action: Action) -> None:
        user = await self.bot.fetch_owner(draft.owner_id)
        if action.kind in FORMS:  # Discord opens a form for a button only
            locale = await self.drafting.store.people.locale(draft.owner_id)
            await user.send(**render.which_one(draft, action.kind, locale))
        else:
            async with self.decisions.turn(draft.id, action):
                await self.decisions.tell(*await self.decisions.decide(draft.id, user, action, {}))

    async def _find_missed(self) -> None:
        drafts = self.drafting.store.drafts
        self.bot.work.take()
        try:
            await self.decisions.go_on()
        except (BotError, *DISCORD_FAULTS) as e:
            log.warning("a decision waits for the next start", why=str(e))
        for state in (State.PENDING, State.SCHEDULED):
            for draft in await drafts.in_state(state):
                if self.bot.work.is_stopping:  # the next start goes on
                    return
                try:
                    await self._take_missed(draft)
                except (BotError, *DISCORD_FAULTS) as e:
                    log.info("missed reactions cannot be read", draft=draft.id, why=str(e))

    async def _take_missed(self, draft: Draft) -> None:
        for emoji in await self._reactions(draft):
            if not await self.drafting.store.drafts.has_reacted(draft, plain(emoji)):
                await self._react(await self.drafting.get(draft.id), emoji)

    async def _reactions(self, draft: Draft) -> list[str]:
        """What the owner reacted with."""
        if draft.channel_id is None or draft.message_id is None:
            return []
        channel = self.bot.get_partial_messageable(
            draft.channel_id, type=discord.ChannelType.private
        )
        message = await channel.fetch_message(draft.message_id)
        return [
            str(reaction.emoji)
            for reaction in message.reactions
            if reaction.count > reaction.me
            and any([user.id == draft.owner_id async for user in reaction.users()])
        ]


def _fits(draft: Draft, action: Action, now: datetime) -> bool:
    """Whether a reaction is a decision in the draft's state."""
    if action.kind == "back":
        return draft.state is State.SCHEDULED or draft.can_undo(now)
    return draft.state is State.PENDING


async def setup(bot: "Bot") -> None:
    """Add the cog, to that of the decisions."""
    decisions = bot.get_cog("Decisions")
    assert decisions, "decisions come first"
    await bot.add_cog(Reactions(bot, decisions))  # type: ignore[arg-type]  # the cog of that name
