"""/which-one: a real post and a drafted one; which one is real?"""

import random
import re
from datetime import UTC, datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.blind_test import BlindTest, GuessOutcome, Shown
from bot.chat.actions import keycap
from bot.chat.answers import answer, at_most, in_passing
from bot.chat.choices import usable_voices
from bot.chat.render import escaped, inline
from bot.chat.router import pressed
from bot.drafting import Drafting
from bot.language import translate
from bot.sentences import Words, say

GUESS_ID = r"which-one:(?P<id>\d{1,18}):(?P<guess>[012])"
_BLURPLE, _GREEN, _RED, _GREY = 0x5865F2, 0x3BA55D, 0xED4245, 0x747F8D


class BlindTests(commands.Cog):
    """The game that measures a voice."""

    def __init__(self, drafting: Drafting) -> None:
        self.blind_test = BlindTest(drafting, random.Random())  # noqa: S311 - no secret

    @app_commands.command(
        name="which-one", description="A real post and a drafted one: which one is real?"
    )
    @app_commands.describe(voice="Which voice drafts (the one you use)")
    @app_commands.autocomplete(voice=usable_voices)
    @at_most(5, 60.0)  # each keeps a small machine busy for seconds
    async def which_one(self, interaction: discord.Interaction, voice: str | None = None) -> None:
        """Defer, deal a trial, and show it to this person only."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        locale = str(interaction.locale)
        notify = in_passing(lambda text: interaction.edit_original_response(content=text), locale)
        shown = await self.blind_test.deal(interaction.user.id, voice, datetime.now(UTC), notify)
        await answer(interaction, _question(shown), embeds=_texts(shown), view=_view(shown, locale))

    @pressed(GUESS_ID)
    async def guess(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Take a guess, and replace the question by the result.

        The button's custom_id names the trial; the store knows whose it is.
        """
        assert interaction.message
        outcome = await self.blind_test.guess(
            int(found["id"]), interaction.user.id, int(found["guess"]), datetime.now(UTC)
        )
        locale = str(interaction.locale)
        shown = [
            _revealed(embed, position == outcome.real_position, locale)
            for position, embed in enumerate(interaction.message.embeds, start=1)
        ]
        await interaction.response.edit_message(
            content=translate(_AGAIN, locale), embeds=[_verdict(outcome, locale), *shown], view=None
        )


_AGAIN = say("`/which-one` shows you another pair.")


def _question(shown: Shown) -> Words:
    about = say(" about **{topic}**", topic=inline(shown.topic)) if shown.topic else ""
    if shown.is_from_notes:
        return say(
            "One of these posts{about} is real, and the voice **{voice}** has never seen it. The"
            " other one it has just drafted from notes of what the real one says. Which one is"
            " real?",
            about=about,
            voice=shown.voice,
        )
    return say(
        "One of these posts{about} is real, and the voice **{voice}** has never seen it. The other"
        " one it has just drafted. Which one is real?",
        about=about,
        voice=shown.voice,
    )


def _texts(shown: Shown) -> list[discord.Embed]:
    return [
        discord.Embed(title=keycap(i), description=escaped(text), colour=_BLURPLE)
        for i, text in enumerate(shown.texts)
    ]


def _view(shown: Shown, locale: str) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    labels = {
        1: translate(say("{number} is real", number=1), locale),
        2: translate(say("{number} is real", number=2), locale),
        0: translate(say("I cannot tell"), locale),
    }
    for guess, label in labels.items():
        view.add_item(
            discord.ui.Button(label=label[:80], custom_id=f"which-one:{shown.id}:{guess}")
        )
    view.stop()  # the custom_id is enough, also after a restart
    return view


def _verdict(outcome: GuessOutcome, locale: str) -> discord.Embed:
    if outcome.guess == 0:
        title, colour = say("Number {number} is real", number=outcome.real_position), _GREY
    elif outcome.guess == outcome.real_position:
        title, colour = say("✅ Right: {number} is real", number=outcome.real_position), _GREEN
    else:
        title, colour = say("❌ Wrong: {number} is real", number=outcome.real_position), _RED
    so_far = say(
        "So far, of everybody, with **{voice}**: {guesses}",
        voice=outcome.voice,
        guesses=outcome.guesses.words(),
    )
    return discord.Embed(
        title=translate(title, locale), description=translate(so_far, locale), colour=colour
    )


def _revealed(embed: discord.Embed, is_real: bool, locale: str) -> discord.Embed:
    """A text with its number and what it is: real or drafted."""
    number = embed.title or ""
    what = say("{number} the drafted one", number=number)
    if is_real:
        what = say("{number} the real post", number=number)
    embed.title, embed.colour = (
        translate(what, locale),
        discord.Colour(_GREEN if is_real else _GREY),
    )
    return embed
