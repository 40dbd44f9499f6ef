"""Where an interaction begins; the one place that turns an error into an answer."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import aiohttp
import discord
import structlog
from discord import app_commands

from bot import metrics
from bot.errors import BotError
from bot.language import translate
from bot.sentences import Words, say, say_n

if TYPE_CHECKING:
    from bot.chat.client import Bot

Command = TypeVar("Command")

log = structlog.stdlib.get_logger(__name__)

EXPIRED, ALREADY_ANSWERED = 10062, 40060
_LONGEST = 2000  # characters of a message
_MINUTE_S = 60.0
PASSING_S = 5.0  # a message in passing holds nothing up for longer
# no, no answer, or one that is no JSON
DISCORD_FAULTS = (discord.HTTPException, aiohttp.ClientError, OSError, json.JSONDecodeError)


def at_most(times: int, per_s: float) -> Callable[[Command], Command]:
    """Limit how often each person may use a command; every bot counts for itself."""
    return app_commands.checks.cooldown(times, per_s, key=lambda i: (i.client, i.user.id))


def begin_interaction(interaction: discord.Interaction) -> None:
    """Take an interaction in hand: log lines carry its id. Raises Unavailable at a stop."""
    structlog.contextvars.bind_contextvars(interaction=interaction.id)
    metrics.arrived()
    cast("Bot", interaction.client).work.take(interaction)


def explanation(error: BaseException) -> Words:
    """The words for a person. Logs an error that is not ours in full, and says it in short."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    match error:
        case BotError():
            # without its values, which may be somebody's words
            log.info("said no", kind=type(error).__name__, why=error.words.template)
            return error.words
        case app_commands.CommandOnCooldown(retry_after=seconds) if seconds > _MINUTE_S:
            return say_n(
                "That was a little fast. Try again in {n} minute.",
                "That was a little fast. Try again in {n} minutes.",
                n=math.ceil(seconds / _MINUTE_S),
            )
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
            # without its words: they may hold the address, and the address the interaction's token
            log.error("Discord gave no answer", kind=type(error).__name__)
            return say("Discord did not take my answer. Please try again.")
        case _:
            log.error("an unexpected error", exc_info=error)
            return say("Something went wrong on my side; my log says what. Please try again.")


def fitting(text: str) -> str:
    """The text, cut to what a message of Discord's holds."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def sentence_for(error: BaseException, locale: str = "en") -> str:
    """The words for a person, in their language."""
    return translate(explanation(error), locale)


async def report_fault(interaction: discord.Interaction, error: BaseException) -> None:
    """Answer an interaction with the error, visible to that user only."""
    text = sentence_for(error, str(interaction.locale))
    if interaction.client.is_closed():
        log.info("the bot is stopping, so an answer could not be given")
        return
    try:
        async with asyncio.timeout(cast("Bot", interaction.client).patience_s):
            await _send(interaction, text)
    except DISCORD_FAULTS as e:  # Discord is away, or the interaction expired: nobody to answer
        code = getattr(e, "code", None)
        log.warning("could not report to the user", kind=type(e).__name__, code=code)


async def _send(interaction: discord.Interaction, text: str) -> None:
    text = fitting(text)
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(text, ephemeral=True)
            return
        except discord.HTTPException as e:
            if e.code != ALREADY_ANSWERED:  # an answer that seemed to fail got through
                raise
    await interaction.followup.send(text, ephemeral=True)


def in_passing(
    send: Callable[[str], Awaitable[discord.Message]], locale: str
) -> Callable[[Words], Awaitable[None]]:
    """A function that shows a person changing news, such as their place: one message, edited.

    It skips what it cannot send, and stops nothing.
    """
    sent: list[discord.Message] = []

    async def show(words: Words) -> None:
        text = translate(words, locale)
        try:
            async with asyncio.timeout(PASSING_S):
                if sent:
                    await sent[0].edit(content=text)
                else:
                    sent.append(await send(text))
        except DISCORD_FAULTS as e:
            log.info("something could not be told in passing", why=str(e))

    return show


async def answer(interaction: discord.Interaction, *lines: Words, **more: Any) -> None:
    """Answer a person, and nobody else; passes `more`, such as a view, on to discord.py."""
    text = fitting("\n".join(translate(line, str(interaction.locale)) for line in lines))
    if interaction.response.is_done():
        await interaction.edit_original_response(content=text, **more)
    else:
        await interaction.response.send_message(text, ephemeral=True, **more)
