"""The one place that tells a user that something went wrong, and where an interaction begins."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import aiohttp
import discord
import structlog
from discord import app_commands

from bot import metrics
from bot.errors import BotError
from bot.language import told
from bot.sentences import Words, say, say_n

if TYPE_CHECKING:
    from bot.chat.client import Bot

Command = TypeVar("Command")

log = structlog.stdlib.get_logger(__name__)

EXPIRED, ALREADY_ANSWERED = 10062, 40060
PASSING_S = 5.0  # what is told in passing holds nothing up for longer
# no, no answer, or one that is no JSON
DISCORD_FAULTS = (discord.HTTPException, aiohttp.ClientError, OSError, json.JSONDecodeError)


def at_most(times: int, per_s: float) -> Callable[[Command], Command]:
    """A command that each person may use so often; every bot counts for itself."""
    return app_commands.checks.cooldown(times, per_s, key=lambda i: (i.client, i.user.id))


def begin(interaction: discord.Interaction) -> None:
    """Take an interaction in hand: log lines carry its id. Raises Unavailable at a stop."""
    structlog.contextvars.bind_contextvars(interaction=interaction.id)
    metrics.arrived()
    cast("Bot", interaction.client).work.take(interaction)


def words_of(error: BaseException) -> Words:
    """What to tell a person. An error that is not ours is logged in full, and told in short."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    match error:
        case BotError():
            # without its values, which may be what somebody wrote
            log.info("said no", kind=type(error).__name__, why=error.words.template)
            return error.words
        case app_commands.CommandOnCooldown():
            return say_n(
                "That was a little fast. Try again in {n} second.",
                "That was a little fast. Try again in {n} seconds.",
                n=max(1, round(error.retry_after)),
            )
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return say("This command has changed. Reload Discord, then try again.")
        case discord.HTTPException(code=code) if code == EXPIRED:
            log.warning("an answer came too late for Discord")
            return say("I was too slow for Discord. Please try again.")
        case discord.HTTPException():
            log.error("Discord refused a call", exc_info=error)
            return say("Discord did not take my answer. Please try again.")
        case aiohttp.ClientError() | OSError() | json.JSONDecodeError():
            # without its words, which may hold the address, and that the interaction's token
            log.error("Discord gave no answer", kind=type(error).__name__)
            return say("Discord did not take my answer. Please try again.")
        case _:
            log.error("an unexpected error", exc_info=error)
            return say("Something went wrong on my side; my log says what. Please try again.")


def sentence(error: BaseException, locale: str = "en") -> str:
    """What to tell a person, in their language."""
    return told(words_of(error), locale)


async def report(interaction: discord.Interaction, error: BaseException) -> None:
    """Answer an interaction with the error, visible to that user only."""
    text = sentence(error, str(interaction.locale))
    if interaction.client.is_closed():
        log.info("the bot is stopping, so an answer could not be given")
        return
    try:
        async with asyncio.timeout(cast("Bot", interaction.client).patience_s):
            await _send(interaction, text)
    except DISCORD_FAULTS as e:  # away, or the interaction has expired: there is no one to answer
        code = getattr(e, "code", None)
        log.warning("could not report to the user", kind=type(e).__name__, code=code)


async def _send(interaction: discord.Interaction, text: str) -> None:
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(text, ephemeral=True)
            return
        except discord.HTTPException as e:
            if e.code != ALREADY_ANSWERED:  # an answer got through that seemed to fail
                raise
    await interaction.followup.send(text, ephemeral=True)


def in_passing(
    send: Callable[[str], Awaitable[discord.Message]], locale: str
) -> Callable[[Words], Awaitable[None]]:
    """A way to tell a person what changes, such as a place in a line: one message, edited.

    What cannot be told that way is left out: it stops nothing.
    """
    sent: list[discord.Message] = []

    async def tell(words: Words) -> None:
        text = told(words, locale)
        try:
            async with asyncio.timeout(PASSING_S):
                if sent:
                    await sent[0].edit(content=text)
                else:
                    sent.append(await send(text))
        except DISCORD_FAULTS as e:
            log.info("something could not be told in passing", why=str(e))

    return tell


async def answer(interaction: discord.Interaction, *lines: Words, **more: Any) -> None:
    """Answer a person, and nobody else; `more` goes to discord.py as it is, such as a view."""
    text = "\n".join(told(line, str(interaction.locale)) for line in lines)
    if interaction.response.is_done():
        await interaction.edit_original_response(content=text, **more)
    else:
        await interaction.response.send_message(text, ephemeral=True, **more)
