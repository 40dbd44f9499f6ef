"""The one place that tells a user that something went wrong."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord
from discord import app_commands

from bot.errors import BotError

log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """What to tell a person. An error that is not ours is logged in full, and told in short."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    match error:
        case BotError():
            return str(error)
        case app_commands.CommandOnCooldown():
            return f"That was a little fast. Try again in {error.retry_after:.0f} seconds."
        case discord.HTTPException():
            log.error("Discord refused a call", exc_info=error)
            return "Discord did not take my answer. Please try again."
        case _:
            log.error("an unexpected error", exc_info=error)
            return "Something went wrong on my side; my log says what. Nothing was posted."


async def report(interaction: discord.Interaction, error: BaseException) -> None:
    """Answer an interaction with the error, visible to that user only."""
    if interaction.client.is_closed():
        log.info("the bot is stopping, so an answer could not be given")
        return
    text = sentence(error)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except discord.HTTPException as e:  # the interaction has expired: there is no one to answer
        log.warning("could not report to the user: %s", e)


@asynccontextmanager
async def reporting(interaction: discord.Interaction) -> AsyncIterator[None]:
    """Report whatever is raised in the block, where discord.py itself would only log it."""
    try:
        yield
    except Exception as e:
        await report(interaction, e)
