"""/draft and its form, the same from a message, and /draft-again."""

import re
from datetime import UTC, datetime

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.chat.actions import MAX_CANDIDATES
from bot.chat.answers import answer, at_most, explanation, in_passing
from bot.chat.choices import NETWORKS, matching, networks_of, usable_voices
from bot.chat.messages import Messages
from bot.chat.questions import MAX_NOTES, MAX_TOPIC, TELL_ID, tell_button, tell_form
from bot.chat.router import pressed, submitted, typed
from bot.chat.wording import wording
from bot.draft import STATE_WORDS, Draft, Style
from bot.drafting import Drafting
from bot.errors import BotError, UserError
from bot.language import is_language, translate
from bot.sentences import Words, say
from bot.store.drafts import DraftTable
from bot.visible import one_line
from bot.writing.composing import Request
from bot.writing.line import Notify

_COUNT = 4
VISIBILITIES = [
    app_commands.Choice(name=locale_str("public"), value="public"),
    app_commands.Choice(name=locale_str("unlisted"), value="unlisted"),
    app_commands.Choice(name=locale_str("followers only"), value="private"),
    app_commands.Choice(name=locale_str("mentioned people only"), value="direct"),
]
few = at_most(5, 60.0)  # each keeps a small machine busy for seconds


class Drafts(commands.Cog):
    """The commands that start a draft."""

    def __init__(
        self,
        tree: app_commands.CommandTree,
        drafting: Drafting,
        drafts: DraftTable,
        messages: Messages,
    ) -> None:
        self.tree = tree
        self.drafting = drafting
        self.drafts = drafts
        self.messages = messages
        self._menus = [
            app_commands.ContextMenu(name="Draft about this", callback=self.about_this),
            app_commands.ContextMenu(name="Say this in my voice", callback=self.say_this),
        ]

    async def cog_load(self) -> None:
        """Add the context menus, which a cog does not do by itself."""
        for menu in self._menus:
            self.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Remove them again."""
        for menu in self._menus:
            self.tree.remove_command(menu.name, type=menu.type)

    @app_commands.command(description="Say something in your voice, or write about a topic")
    @app_commands.describe(
        topic="What the post is about",
        notes="What it is to say: facts, figures, names, an opinion, a rough text",
        voice="Which voice writes (the one you use)",
        count="How many candidates to choose from (4)",
        instruction="What else you wish for, such as: short, and no hashtags",
        visibility="Who sees the post (your account's setting)",
        language="Its language, as a code such as en or de (your account's setting)",
        content_warning="What the post is hidden behind (nothing)",
        to="Where it is to go (where your drafts go)",
    )
    @app_commands.choices(visibility=VISIBILITIES, to=NETWORKS)
    @app_commands.autocomplete(voice=usable_voices)
    @few
    async def draft(
        self,
        interaction: discord.Interaction,
        topic: app_commands.Range[str, 1, MAX_TOPIC] | None = None,
        notes: app_commands.Range[str, 1, MAX_NOTES] | None = None,
        voice: str | None = None,
        count: app_commands.Range[int, 1, MAX_CANDIDATES] = _COUNT,
        instruction: app_commands.Range[str, 1, 200] | None = None,
        visibility: str | None = None,
        language: app_commands.Range[str, 2, 3] | None = None,
        content_warning: app_commands.Range[str, 1, 100] | None = None,
        to: str | None = None,
    ) -> None:
        """Defer, write the draft, show it by DM; without topic and notes, ask for them first."""
        if language and not is_language(language):
            raise UserError(
                "“{typed}” is no code of a language. Write it like en or de.", typed=language
            )
        style = Style(visibility, language.lower() if language else None, content_warning)
        request = Request(
            topic, count, instruction, (), voice, style, notes=notes, networks=networks_of(to)
        )
        if not topic and not notes:
            question = await self.drafting.ask(interaction.user.id, request, datetime.now(UTC))
            form = tell_form(question, str(interaction.locale))
            await interaction.response.send_modal(form)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._write(interaction, request)

    @pressed(TELL_ID)
    async def open_form(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Open the form of a question."""
        question = await self.drafting.own_question(int(found["id"]), interaction.user.id)
        await interaction.response.send_modal(tell_form(question, str(interaction.locale)))

    @submitted(TELL_ID)
    async def take_form(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Defer, write the draft, show it by DM; if that fails, offer what was typed once more."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        question = await self.drafting.own_question(int(found["id"]), interaction.user.id)
        told, notify = typed(interaction), _line_notice(interaction)
        try:
            draft = await self.drafting.tell(
                question, told["topic"], told["notes"], datetime.now(UTC), notify
            )
        except BotError as e:
            kept = say("What you typed is kept: the button opens the form again.")
            view = tell_button(question, str(interaction.locale))
            await answer(interaction, explanation(e), kept, view=view)
            return
        await self._present(interaction, draft)
        await self.messages.take_buttons_away(interaction.message)

    @draft.autocomplete("topic")
    async def topics(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Topics the author has written about, least used lately first."""
        found = await self.drafting.matching_topics(interaction.user.id, typed, 25)
        return matching(found, typed)

    @few
    async def about_this(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Write a draft about a message's text."""
        topic = _trimmed(_text_of(message))
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._write(interaction, Request(topic, _COUNT))

    @few
    async def say_this(self, interaction: discord.Interaction, message: discord.Message) -> None:
        """Say in one's voice what one's own message says; another's message stays a topic."""
        text = _text_of(message)
        is_own = message.author.id == interaction.user.id and not message.message_snapshots
        if not is_own:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._write(interaction, Request(_trimmed(text), _COUNT), _NOT_YOURS)
            return
        if len(text) > MAX_NOTES:
            raise UserError(
                "This message has {n} characters, and I can say {limit} at once. Use /draft with"
                " the part that matters.",
                n=len(text),
                limit=MAX_NOTES,
            )
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._write(interaction, Request(None, _COUNT, notes=text))

    @app_commands.command(name="draft-again", description="Write one of your drafts anew")
    @app_commands.rename(number="id")
    @app_commands.describe(
        number="Number of the draft, whose topic, notes, voice and wishes are taken"
    )
    @few
    async def draft_again(
        self, interaction: discord.Interaction, number: app_commands.Range[int, 1]
    ) -> None:
        """Write the same once more; replaces a draft that is still open."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        old = await self.drafting.own(number, interaction.user.id)
        new = await self.drafting.revise(old, datetime.now(UTC), notify=_line_notice(interaction))
        await self._present(interaction, new)
        await self.messages.update(await self.drafting.get(old.id))

    @draft_again.autocomplete("number")
    async def own_drafts(
        self, interaction: discord.Interaction, typed: str
    ) -> list[app_commands.Choice[int]]:
        """A person's own drafts, newest first."""
        drafts = await self.drafts.of_owner(interaction.user.id, limit=200)
        named = {d.id: _name(d, str(interaction.locale)) for d in drafts}
        found = [(i, name) for i, name in named.items() if typed.lower() in name.lower()]
        return [app_commands.Choice(name=name[:100], value=i) for i, name in found[:25]]

    async def _write(
        self, interaction: discord.Interaction, request: Request, *besides: Words
    ) -> None:
        user_id, notify = interaction.user.id, _line_notice(interaction)
        draft = await self.drafting.write_draft(user_id, request, datetime.now(UTC), notify)
        await self._present(interaction, draft, *besides)

    async def _present(
        self, interaction: discord.Interaction, draft: Draft, *besides: Words
    ) -> None:
        """Show a draft, and say where it is; `besides` is what else its owner should know."""
        if message := await self.messages.present(interaction, draft):
            where = say(
                "Draft {id} is in [your direct messages]({url}).",
                id=draft.id,
                url=message.jump_url,
            )
            await answer(interaction, where, *besides)
        else:
            for words in besides:
                text = translate(words, str(interaction.locale))
                await interaction.followup.send(text, ephemeral=True)


def _line_notice(interaction: discord.Interaction) -> Notify:
    """Shows the place in the line where Discord shows that the bot is thinking."""

    async def write(text: str) -> discord.Message:
        return await interaction.edit_original_response(content=text)

    return in_passing(write, str(interaction.locale))


_NOT_YOURS = say(
    "This message is somebody else's, so I wrote about it as a topic. Only what you wrote yourself"
    " do I say in your voice."
)


def _text_of(message: discord.Message) -> str:
    """A message's text as people read it. Raises UserError if it has none."""
    if text := wording(message):
        return text
    raise UserError(
        "This message has no text of its own to draft about. Choose another, or use /draft."
    )


def _trimmed(text: str) -> str:
    """The text on one line, cut at a word if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_TOPIC else text[:MAX_TOPIC].rsplit(" ", 1)[0]


def _name(draft: Draft, locale: str) -> str:
    state = translate(STATE_WORDS[draft.state], locale)
    return f"{draft.id}: {one_line(draft.topic or draft.notes or '…', 80)} ({state})"
