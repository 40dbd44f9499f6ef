"""A draft's message in its owner's direct messages: sends it, and edits it to show the outcome.

Whatever happens to a draft ends here, in `update`. Decides nothing. What Discord does not take is
tried again, less and less often, and some day no more; it waits for its owner's next command then.
"""

import asyncio
from datetime import UTC, datetime

import discord
import structlog

from bot.chat import render
from bot.chat.actions import ActionKind, emoji_of
from bot.chat.answers import DISCORD_FAULTS, fitting
from bot.chat.questions import asked, why
from bot.chat.story import story
from bot.chat.tries import Tries
from bot.daily import Suggestion
from bot.draft import Draft, State
from bot.language import translate
from bot.sentences import Words, say
from bot.store import Store

log = structlog.stdlib.get_logger(__name__)

GONE = (10003, 10008)  # Discord's codes for a channel, a message that it does not have


class Messages:
    """The bot's direct messages to people, each in their own language."""

    def __init__(self, client: discord.Client, store: Store, patience_s: float) -> None:
        """`patience_s`: how long Discord may take over one message."""
        self.outdated: dict[int, Words | None] = {}  # drafts whose messages lack the outcome
        self.tries = Tries()  # by draft
        self._client = client
        self._drafts = store.drafts
        self._people = store.people
        self._patience_s = patience_s

    async def fetch_person(self, user_id: int) -> discord.User:
        """A user, from memory or from Discord."""
        return self._client.get_user(user_id) or await self._client.fetch_user(user_id)

    async def say(self, user_id: int, *lines: Words) -> None:
        """Write to a person. Raises DISCORD_FAULTS."""
        locale = await self._people.locale(user_id)
        person = await self.fetch_person(user_id)
        async with asyncio.timeout(self._patience_s):
            await person.send(fitting("\n".join(translate(line, locale) for line in lines)))

    async def tell(self, user_id: int, *lines: Words) -> None:
        """Write to a person; what cannot be delivered now waits for their next command."""
        try:
            await self.say(user_id, *lines)
        except DISCORD_FAULTS as e:
            log.warning("a person cannot be reached", user=user_id, why=str(e))
            await self.leave(user_id, *lines)

    async def leave(self, user_id: int, *lines: Words) -> None:
        """Keep a sentence for a person until they use a command."""
        locale = await self._people.locale(user_id)
        text = "\n".join(translate(line, locale) for line in lines)
        await self._people.leave_unsaid(user_id, text, datetime.now(UTC))

    async def catch_up(self, interaction: discord.Interaction) -> None:
        """Tell a person who is here what could not be delivered, and try what was given up."""
        person = interaction.user.id
        self.tries.begin_again(person)
        unsaid = await self._people.unsaid(person, datetime.now(UTC))
        if unsaid:
            async with asyncio.timeout(self._patience_s):
                await interaction.followup.send(fitting("\n".join(unsaid)), ephemeral=True)
            await self._people.drop_unsaid(person)

    async def show(
        self, draft: Draft, person: discord.User | discord.Member | None = None
    ) -> discord.Message:
        """Send a draft with its buttons and reactions. Raises DISCORD_FAULTS: not sent."""
        locale = await self._people.locale(draft.owner_id)
        person = person or await self.fetch_person(draft.owner_id)
        async with asyncio.timeout(self._patience_s):
            message = await person.send(
                **render.message(draft, locale, datetime.now(UTC)),
                files=render.files(draft, locale),
                nonce=f"draft-{draft.id}",  # sent again after a crash, it is still one message
            )
        self.tries.end(draft.id)
        await self._drafts.shown(draft, message.channel.id, message.id)
        for emoji in emoji_of(draft):
            try:
                async with asyncio.timeout(self._patience_s):
                    await message.add_reaction(emoji)
            except DISCORD_FAULTS as e:
                log.warning("a reaction is missing below the draft", draft=draft.id, why=str(e))
        return message

    async def adopt(self, draft: Draft, message: discord.Message | None) -> bool:
        """Record a draft's message if a crash came right after it was sent; False if not."""
        if draft.message_id or not message or not message.embeds or message.flags.ephemeral:
            return False
        await self._drafts.shown(draft, message.channel.id, message.id)
        return True

    async def present(
        self, interaction: discord.Interaction, draft: Draft
    ) -> discord.Message | None:
        """Send a draft; if that fails, show it to its owner in answer to an interaction."""
        try:
            return await self.show(draft, interaction.user)
        except DISCORD_FAULTS as e:  # whatever the reason, the draft must be seen
            log.info("a draft is shown where it was asked for", draft=draft.id, why=str(e))
        async with asyncio.timeout(self._patience_s):
            here = await interaction.followup.send(
                **render.message(draft, str(interaction.locale), datetime.now(UTC), _CLOSED),
                files=render.files(draft, str(interaction.locale)),
                ephemeral=True,
                wait=True,
            )
        await self._drafts.shown(draft, None, here.id)
        return None

    async def ask(self, owner_id: int, suggestion: Suggestion) -> bool:
        """Send the daily suggestion and its draft; False if it is to be tried again.

        Whoever takes no messages finds a note at their next command; an unsent draft comes later.
        """
        locale = await self._people.locale(owner_id)
        is_asked = False
        try:
            person = await self.fetch_person(owner_id)
            async with asyncio.timeout(self._patience_s):
                await person.send(**asked(suggestion, locale))
            is_asked = True
            if suggestion.draft:
                await self.show(suggestion.draft, person)
        except DISCORD_FAULTS as e:
            log.warning("the daily suggestion could not be sent", owner=owner_id, why=str(e))
            if isinstance(e, discord.Forbidden) and not is_asked:
                await self.leave(owner_id, why(suggestion), _UNASKED)
                return True
        return is_asked

    async def take_buttons_away(self, message: discord.Message | None) -> None:
        """Leave a direct message without its buttons, if Discord does."""
        if message is None or message.flags.ephemeral:
            return
        try:
            async with asyncio.timeout(self._patience_s):
                await message.edit(view=None)
        except DISCORD_FAULTS as e:
            log.info("a button that is of no more use stays", why=str(e))

    async def ask_which(self, draft: Draft, kind: ActionKind) -> None:
        """Ask which text is meant, by buttons: Discord opens a form for a button only."""
        locale = await self._people.locale(draft.owner_id)
        person = await self.fetch_person(draft.owner_id)
        await person.send(**render.which_one(draft, kind, locale))

    async def update(
        self, draft: Draft, note: Words | None = None, now: datetime | None = None
    ) -> bool:
        """Update a draft's message to show what became of it, now or a minute later.

        False if Discord did not take it.
        """
        if draft.channel_id is None or draft.message_id is None:
            return True
        self.outdated.pop(draft.id, None)
        locale = await self._people.locale(draft.owner_id)
        channel = self._client.get_partial_messageable(
            draft.channel_id, type=discord.ChannelType.private
        )
        try:
            async with asyncio.timeout(self._patience_s):
                await channel.get_partial_message(draft.message_id).edit(
                    **render.message(draft, locale, datetime.now(UTC), note),
                    attachments=render.files(draft, locale),
                )
        except DISCORD_FAULTS as e:
            log.warning("the message could not be edited", draft=draft.id, why=str(e))
            if getattr(e, "code", None) in GONE:
                self.tries.end(draft.id)
                await self._drafts.told(draft)  # there is nothing that could be wrong
            elif self.tries.go_on(draft.id, draft.owner_id, e, now or datetime.now(UTC)):
                self.outdated[draft.id] = note
            else:
                await self.leave(draft.owner_id, story(draft), *([note] if note else []))
            return False
        self.tries.end(draft.id)
        if draft.shown != draft.fingerprint and draft.state is State.PENDING:
            await self._drafts.shown(draft, draft.channel_id, draft.message_id)
        else:
            await self._drafts.told(draft)
        return True

    async def update_again(self, now: datetime) -> None:
        """Try once more to edit the messages that could not be edited, if it is time for it."""
        for draft_id, note in list(self.outdated.items()):
            if not self.tries.is_due(draft_id, now):
                continue
            if draft := await self._drafts.get(draft_id):
                await self.update(draft, note, now)
            else:
                del self.outdated[draft_id]


_UNASKED = say(
    "I wanted to ask you about it in a direct message, which I cannot send you. `/draft` takes what"
    " there is to tell."
)
_CLOSED = say(
    "I cannot send you direct messages, so here it is, for your eyes only. Reactions do not work"
    " here, buttons do."
)
