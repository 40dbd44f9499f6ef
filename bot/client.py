"""The Discord client: intents, cogs, command sync."""

import asyncio
import logging

import aiohttp
import discord
import yarl
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord import app_commands
from discord.ext import commands

from bot import render
from bot.draft import Draft
from bot.drafting import Drafting
from bot.errors import ConfigError
from bot.report import report

log = logging.getLogger(__name__)

COGS = ("bot.cogs.drafts", "bot.cogs.schedule")
LOGIN_PAUSES_S = (1, 2, 5, 10, 30, 60)


class Bot(commands.Bot):
    """One bot for one voice. Needs no privileged intent."""

    def __init__(self, drafting: Drafting, scheduler: AsyncIOScheduler) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=self.needed_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            tree_cls=Tree,
        )
        self.drafting = drafting
        self.scheduler = scheduler

    @staticmethod
    def needed_intents() -> discord.Intents:
        """Servers, and messages and reactions in DMs: none of them privileged."""
        return discord.Intents(guilds=True, dm_messages=True, dm_reactions=True)

    async def setup_hook(self) -> None:
        """Load the cogs and tell Discord the commands."""
        for cog in COGS:
            await self.load_extension(cog)
        await self.tree.sync()

    async def fetch_owner(self, user_id: int) -> discord.User:
        """A user, from memory or from Discord."""
        return self.get_user(user_id) or await self.fetch_user(user_id)

    async def show(self, user: discord.abc.Messageable, draft: Draft) -> discord.Message:
        """Send a draft with its buttons and reactions. Raises discord.HTTPException: not sent."""
        message = await user.send(
            render.content(draft),
            embeds=render.embeds(draft),
            view=render.buttons(draft) or discord.utils.MISSING,
        )
        await self.drafting.store.drafts.shown(draft, message.channel.id, message.id)
        for emoji in render.emoji_of(draft):
            try:
                await message.add_reaction(emoji)
            except discord.HTTPException as e:
                log.warning("a reaction is missing below draft %s: %s", draft.id, e)
        return message

    async def serve(self, token: str) -> None:
        """Log in, again and again while Discord is away, then serve until closed.

        Raises ConfigError if the token or the intents are refused.
        """
        try:
            for pause in _pauses():
                try:
                    await self.login(token)
                    break
                except (aiohttp.ClientConnectionError, discord.DiscordServerError, OSError) as e:
                    log.warning("Discord cannot be reached (%s); trying again in %s s", e, pause)
                    await self.http.close()
                    await asyncio.sleep(pause)
            await self.connect()
        except discord.LoginFailure as e:
            raise ConfigError(
                "Discord does not accept DISCORD_TOKEN. Copy the bot's token again from the"
                " application's page, Bot, Reset Token."
            ) from e
        except discord.PrivilegedIntentsRequired as e:
            raise ConfigError("Discord refuses the intents this bot asks for.") from e


class Tree(app_commands.CommandTree[Bot]):
    """The command tree; its errors become answers."""

    async def on_error(
        self, interaction: discord.Interaction[Bot], error: app_commands.AppCommandError
    ) -> None:
        """Tell the user."""
        await report(interaction, error)


discord.VoiceClient.warn_nacl = False  # this bot never speaks: no advice to install audio
discord.VoiceClient.warn_dave = False


def point_at(url: str) -> None:
    """Let discord.py talk to another server than Discord. Call before any client is built."""
    discord.http.Route.BASE = f"{url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url).with_scheme("ws") / "gw/"
    discord.Asset.BASE = f"{url}/cdn"


def _pauses() -> "list[int]":
    return [*LOGIN_PAUSES_S, *[LOGIN_PAUSES_S[-1]] * 1000]
