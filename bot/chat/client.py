"""The Discord client: intents, cogs, command sync, and how it stops."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from itertools import chain, repeat
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import structlog
import yarl
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord import app_commands
from discord.ext import commands

from bot import metrics
from bot.chat.answers import DISCORD_FAULTS, begin_interaction, report_fault
from bot.chat.cogs.account_choice import AccountChoice
from bot.chat.cogs.accounts import AccountCommands
from bot.chat.cogs.blind_test import BlindTests
from bot.chat.cogs.bluesky import BlueskyCommands
from bot.chat.cogs.daily import Daily
from bot.chat.cogs.decisions import Decisions
from bot.chat.cogs.drafts import Drafts
from bot.chat.cogs.history import History
from bot.chat.cogs.privacy import Privacy
from bot.chat.cogs.queue import QueueCommands
from bot.chat.cogs.reactions import Reactions
from bot.chat.cogs.results import ResultsCommand
from bot.chat.cogs.voices import VoiceCommands
from bot.chat.deciding import Deciding
from bot.chat.following import Following
from bot.chat.messages import Messages
from bot.chat.router import Router
from bot.chat.work import Work
from bot.drafting import Drafting
from bot.errors import BotError, ConfigError, Unavailable
from bot.language import translated

log = structlog.stdlib.get_logger(__name__)

_EVERYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
_PLACES = app_commands.TranslationContextLocation
NAME_PLACES = {_PLACES.command_name, _PLACES.group_name, _PLACES.parameter_name}
_LOGIN_PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_PATIENCE_S = 30.0  # for one message; aiohttp would wait 5 minutes for a silent Discord
# Close codes after which coming back would not help, and what to do about each
CLOSED_FOR_GOOD = {
    4004: "Discord does not accept DISCORD_TOKEN any more. Copy the bot's token again from the"
    " application's page, Bot, Reset Token.",
    4010: "Discord refuses the shard this bot asks for. Update the bot.",
    4011: "This bot is in too many servers for one connection. Remove it from some of them.",
    4012: "Discord does not speak this version of its protocol any more. Update the bot.",
    4013: "Discord does not know the intents this bot asks for. Update the bot.",
}


class Bot(commands.Bot):
    """One bot for every voice and everybody who uses one. Needs no privileged intent."""

    def __init__(
        self,
        drafting: Drafting,
        scheduler: AsyncIOScheduler,
        patience_s: float = _PATIENCE_S,
        login_pauses_s: Sequence[float] = _LOGIN_PAUSES_S,
    ) -> None:
        """`patience_s`: how long Discord may take over one message.

        `login_pauses_s`: the pauses between logins that fail; the last one comes again and again.
        """
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=self.needed_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            tree_cls=Tree,
            http_trace=_first_responses(),
            allowed_contexts=_EVERYWHERE,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            max_messages=None,  # nothing here reads earlier messages; 1,000 are some 8 MB
        )
        self.drafting = drafting
        self.scheduler = scheduler
        self.work = Work(scheduler)
        self.is_connected = False  # to the gateway, at this moment
        self.patience_s = patience_s
        self._login_pauses_s = login_pauses_s
        self.messages = Messages(self, drafting.store, patience_s)
        self.following = Following(self, drafting, scheduler, self.messages)
        self.deciding = Deciding(drafting, self.messages, self.following)
        self.router = Router()
        self.add_listener(self.router.on_interaction)

    @staticmethod
    def needed_intents() -> discord.Intents:
        """Servers, and messages and reactions in DMs: none of them privileged."""
        return discord.Intents(guilds=True, dm_messages=True, dm_reactions=True)

    async def setup_hook(self) -> None:
        """Load the cogs and sync the commands to Discord."""
        if not self.cogs:  # the login before this one may have failed later
            await self.deciding.start()
            await self.following.start()
            for cog in self._features():
                await self.add_cog(cog)
                self.router.add(cog)
        await self.tree.set_translator(Catalogue())
        assert isinstance(self.tree, Tree)
        await self.tree.sync_if_changed()

    def _features(self) -> list[commands.Cog]:
        """The cogs, one a feature, each with all it needs."""
        drafting, store, messages = self.drafting, self.drafting.store, self.messages
        return [
            Drafts(self.tree, drafting, store.drafts, messages),
            Decisions(drafting, store.people, self.deciding, messages),
            Reactions(self, self.work, store.drafts, self.deciding, messages),
            History(drafting, store.drafts, messages),
            QueueCommands(drafting, store.people, self.deciding, self.following, messages),
            Daily(drafting, store.schedules, self.scheduler, messages, self.work),
            ResultsCommand(drafting, store.echoes, store.people, self.scheduler, messages),
            VoiceCommands(drafting.voices, store.decisions, store.trials),
            BlindTests(drafting),
            AccountCommands(drafting.accounts),
            BlueskyCommands(drafting.accounts),
            AccountChoice(drafting.accounts),
            Privacy(store, drafting.accounts, self.work),
        ]

    async def on_connect(self) -> None:
        """The gateway is there, with a new session."""
        self.is_connected = True
        log.info("connected to Discord", user=str(self.user))

    async def on_resumed(self) -> None:
        """The gateway is there again, with the same session."""
        self.is_connected = True

    async def on_disconnect(self) -> None:
        """The gateway is gone; discord.py comes back by itself."""
        self.is_connected = False

    async def stop(self, limit_s: float) -> None:
        """Finish the work in hand, within this time; `async with` closes the client."""
        log.info("stopping", in_hand=len(self.work))
        self.drafting.line.close()
        for interaction in await self.work.finish(limit_s):
            too_long = Unavailable(
                "I have to restart before this is done. What you approved is finished when I am"
                " back; anything else, please ask again in a minute."
            )
            await report_fault(interaction, too_long)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Store the language of whoever uses the bot, for direct messages."""
        people = self.drafting.store.people
        try:
            await people.met(interaction.user.id, str(interaction.locale))
        except BotError as e:
            log.warning("a person's language was not stored", why=str(e))

    async def on_app_command_completion(self, interaction: discord.Interaction, _: object) -> None:
        """Tell a person who is here what could not be delivered before."""
        try:
            await self.messages.catch_up(interaction)
        except (BotError, *DISCORD_FAULTS) as e:
            log.warning("notes wait for the next command", why=type(e).__name__)

    async def serve(self, token: str) -> None:
        """Log in, again and again while Discord is away, then serve until closed.

        Raises ConfigError if the token or the intents are refused.
        """
        try:
            for pause in chain(self._login_pauses_s, repeat(self._login_pauses_s[-1])):
                try:
                    await self.login(token)
                    break
                except DISCORD_FAULTS as e:
                    log.warning("Discord cannot be reached", why=str(e), again_in_s=pause)
                    await self.http.close()
                    self.http.connector = discord.utils.MISSING  # it is closed too: a new one
                    await asyncio.sleep(pause)
            await self.connect()
        except discord.LoginFailure as e:
            raise ConfigError(
                "Discord does not accept DISCORD_TOKEN. Copy the bot's token again from the"
                " application's page, Bot, Reset Token."
            ) from e
        except discord.PrivilegedIntentsRequired as e:
            raise ConfigError("Discord refuses the intents this bot asks for.") from e
        except discord.ConnectionClosed as e:
            why = f"Discord ended the connection for good (code {e.code}). Start the bot again."
            raise ConfigError(CLOSED_FOR_GOOD.get(e.code, why)) from e


class Tree(app_commands.CommandTree[Bot]):
    """The command tree; its errors become answers."""

    async def interaction_check(self, interaction: discord.Interaction[Bot], /) -> bool:
        """Take a command in hand; while the bot is stopping, say so instead."""
        try:
            begin_interaction(interaction)
        except Unavailable as e:
            if interaction.type is not discord.InteractionType.autocomplete:
                await report_fault(interaction, e)
            return False
        return True

    async def on_error(
        self, interaction: discord.Interaction[Bot], error: app_commands.AppCommandError
    ) -> None:
        """Tell the user."""
        await report_fault(interaction, error)

    async def sync_if_changed(self) -> None:
        """Sync the commands to Discord, unless it has exactly these."""
        store, name = self.client.drafting.store, f"commands of {self.client.application_id}"
        digest = await self._digest()
        if await store.note(name) == digest:
            here = {(c.name, c.type) for c in await self.fetch_commands()}
            if here == {(c.name, _type(c)) for c in self.get_commands()}:
                return
        synced = await self.sync()
        await store.set_note(name, digest)
        log.info("told Discord the commands", count=len(synced))

    async def _digest(self) -> str:
        """A hash of the exact definition of every command, translations included."""
        assert self.translator
        payload = [
            await command.get_translated_payload(self, self.translator)
            for command in self.get_commands()
        ]
        return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()


class Catalogue(app_commands.Translator):
    """Gives discord.py the commands' names and descriptions in other languages."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The catalogue's text; None leaves it English."""
        is_name = context.location in NAME_PLACES and not isinstance(
            context.data, app_commands.ContextMenu
        )
        return translated(string.message, locale.value, "name" if is_name else None)


discord.VoiceClient.warn_nacl = False  # this bot never speaks: no advice to install audio
discord.VoiceClient.warn_dave = False


def point_at(url: str) -> None:
    """Make discord.py talk to another server than Discord. Call before any client is built."""
    discord.http.Route.BASE = f"{url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url).with_scheme("ws") / "gw/"
    discord.Asset.BASE = f"{url}/cdn"


def _type(command: object) -> discord.AppCommandType:
    if isinstance(command, app_commands.ContextMenu):
        return command.type
    return discord.AppCommandType.chat_input


def _first_responses() -> aiohttp.TraceConfig:
    """Times the first response to each interaction."""

    async def ended(_: Any, __: SimpleNamespace, sent: aiohttp.TraceRequestEndParams) -> None:
        if sent.url.path.endswith("/callback"):
            metrics.responded()

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(ended)
    return trace
