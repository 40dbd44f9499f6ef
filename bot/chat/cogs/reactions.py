"""Reactions below drafts, also missed ones: finds the draft and the decision."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import discord
import structlog
from discord.ext import commands

from bot.chat.actions import FORMS, OF_ONE_TEXT, Action, action_of_emoji, plain
from bot.chat.answers import DISCORD_FAULTS, explanation
from bot.chat.deciding import Deciding
from bot.chat.messages import Messages
from bot.chat.work import Work
from bot.draft import Draft, State
from bot.errors import BotError, Unavailable
from bot.posting.publishing import decided
from bot.store.drafts import DraftTable

log = structlog.stdlib.get_logger(__name__)


class Reactions(commands.Cog):
    """Takes the owner's reactions below a draft."""

    def __init__(
        self,
        client: discord.Client,
        work: Work,
        drafts: DraftTable,
        deciding: Deciding,
        messages: Messages,
    ) -> None:
        self.client = client
        self.work = work
        self.drafts = drafts
        self.deciding = deciding
        self.messages = messages
        self._search: asyncio.Task[None] | None = None

    async def cog_unload(self) -> None:
        """Stop looking for missed reactions."""
        if self._search:
            self._search.cancel()

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """A reaction is a decision if it is the owner's, below a draft. Works after a restart."""
        if payload.user_id == self.client.application_id:
            return
        draft = await self.drafts.by_message(payload.message_id)
        if draft is None or draft.owner_id != payload.user_id:
            return
        try:
            self.work.take(person=payload.user_id)
        except Unavailable:  # the next start finds it
            return
        try:
            await self._react(draft, str(payload.emoji))
        except BotError as e:  # not carried out; the owner must react again
            await self.messages.update(draft, explanation(e))

    async def _react(self, draft: Draft, emoji: str) -> None:
        action = action_of_emoji(emoji, draft)
        record = partial(self.drafts.reacted, draft, plain(emoji))
        if action is None or not _fits(draft, action, datetime.now(UTC)):
            await record()
            if action and draft.state is State.SCHEDULED:  # its old reactions are still there
                await self.messages.update(draft, decided(draft).words)
        elif action.kind in FORMS or (action.kind in OF_ONE_TEXT and action.position is None):
            await record()
            await self.messages.ask_which(draft, action.kind)
        else:
            await self.deciding.decide(
                draft, action, {}, confirm=record, update=self.messages.update
            )

    # Missed reactions.

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """After a start or a lost session, look for reactions given in the meantime."""
        if not self.work.is_stopping and (self._search is None or self._search.done()):
            self._search = asyncio.create_task(self._find_missed(), name="missed reactions")

    @commands.Cog.listener()
    async def on_resumed(self) -> None:
        """After a short gap, look too: Discord replays most of what was missed, not all."""
        await self.on_ready()

    @commands.Cog.listener()
    async def on_draft_shown_late(self, draft_id: int) -> None:
        """A draft that was shown before a crash may have a reaction below it."""
        try:
            self.work.take()
            await self._take_missed(draft_id)
        except (BotError, *DISCORD_FAULTS) as e:
            log.info("missed reactions cannot be read", draft=draft_id, why=str(e))

    async def _find_missed(self) -> None:
        self.work.take()
        try:
            await self.deciding.go_on()
        except (BotError, *DISCORD_FAULTS) as e:
            log.warning("a decision waits for the next start", why=str(e))
        for state in (State.PENDING, State.SCHEDULED):
            for draft in await self.drafts.in_state(state):
                if self.work.is_stopping:  # the next start goes on
                    return
                try:
                    await self._take_missed(draft.id)
                except (BotError, *DISCORD_FAULTS) as e:
                    log.info("missed reactions cannot be read", draft=draft.id, why=str(e))

    async def _take_missed(self, draft_id: int) -> None:
        draft = await self.drafts.get(draft_id)
        for emoji in await self._reactions(draft) if draft else []:
            draft = await self.drafts.get(draft_id)
            if draft and not await self.drafts.has_reacted(draft, plain(emoji)):
                await self._react(draft, emoji)

    async def _reactions(self, draft: Draft) -> list[str]:
        """The emoji of the owner's reactions."""
        if draft.channel_id is None or draft.message_id is None:
            return []
        channel = self.client.get_partial_messageable(
            draft.channel_id, type=discord.ChannelType.private
        )
        message = await channel.fetch_message(draft.message_id)
        return [
            str(reaction.emoji)
            for reaction in message.reactions
            if reaction.count > reaction.me
            and any([user.id == draft.owner_id async for user in _users(reaction)])
        ]


async def _users(reaction: discord.Reaction) -> AsyncIterator[discord.User | discord.Member]:
    """Who reacted, also with a super reaction: Discord lists those by themselves."""
    async for user in reaction.users():
        yield user
    if reaction.burst_count:
        async for user in reaction.users(type=discord.ReactionType.burst):
            yield user


def _fits(draft: Draft, action: Action, now: datetime) -> bool:
    """Whether a reaction is a decision in the draft's state."""
    if action.kind == "back":
        return draft.state is State.SCHEDULED or draft.can_undo(now)
    return draft.state is State.PENDING
