"""`doctor`: checks everything the bot needs, and says one sentence about each."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord

from bot.chat.client import Bot, point_at
from bot.config import DraftSettings, Settings, misspelt, read_settings
from bot.errors import BotError, ConfigError, InUse, VoiceError
from bot.posting.accounts import Accounts
from bot.posting.bluesky import Bluesky
from bot.posting.mastodon import Mastodon
from bot.store import Store
from bot.voice import PromptParts, list_voices
from bot.writing.composing import OpenVoice
from bot.writing.engine_child import servable
from bot.writing.llm import LLM
from bot.writing.merging import obstacle

if TYPE_CHECKING:
    from bot.draft import Network

_SCOPES = ("bot", "applications.commands")
# Bits of an application's flags: privileged intents, which this bot does not need.
PRIVILEGED = {
    "Presence": 1 << 12 | 1 << 13,
    "Server Members": 1 << 14 | 1 << 15,
    "Message Content": 1 << 18 | 1 << 19,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing checked; `is_well` says whether the bot can work with it."""

    name: str
    is_well: bool
    sentence: str
    warnings: tuple[str, ...] = ()  # it works, but something should be changed


async def examine() -> AsyncIterator[Finding]:
    """Check each thing in turn, also those that depend on a wrong configuration."""
    config = await _try("config", _check_config)
    yield config
    for name in _voice_names() or [""]:
        yield await _try(f"voice {name}".strip(), partial(_check_voice, name))
    yield await _try("engine", _check_engine)
    if config.is_well:
        yield await _try("Discord", _check_discord)
        yield await _try("Mastodon", _check_mastodon)
        yield await _try("Bluesky", _check_bluesky)
        async for finding in _look_into_database():
            yield finding


async def _try(name: str, check: Callable[[], Awaitable[str | Finding]]) -> Finding:
    try:
        found = await check()
    except (BotError, OSError, sqlite3.Error) as e:
        return Finding(name, False, str(e))
    return Finding(name, True, found) if isinstance(found, str) else found


async def _check_config() -> Finding:
    settings = read_settings(Settings)
    said = f"Every variable is set; operators: {len(settings.owner_ids)}."
    return Finding("config", True, said, tuple(misspelt()))


def _voice_names() -> list[str]:
    """None if the folder cannot be read; whoever looks for a voice then says why."""
    with suppress(VoiceError):
        return list_voices(read_settings(DraftSettings).voices)
    return []


def _open_voice(settings: DraftSettings, name: str | None) -> OpenVoice:
    return OpenVoice.load(settings.voices / name if name else settings.voice_folder())


async def _check_voice(name: str) -> str:
    opened = _open_voice(read_settings(DraftSettings), name)
    posts, topics = opened.voice.counts.get("train", 0), len(opened.topics)
    return f"It learnt from {posts} posts and knows {topics} topics."


async def _check_engine() -> str:
    settings = read_settings(DraftSettings)
    # as in Discord: the first, for whoever has not chosen one
    opened = _open_voice(settings, settings.voice or next(iter(_voice_names()), None))
    async with LLM.open(settings) as llm:
        texts = await llm.complete(opened.voice, opened.voice.messages(PromptParts()), 1)
        if settings.llm_base_url or opened.voice.backend != "local":
            return f"The language model's server writes (texts drawn: {len(texts)})."
    said = f"The embedded engine starts and writes (texts drawn: {len(texts)})."
    return said + merged_or_not(settings.voices)


def merged_or_not(folder: Path) -> str:
    """Which voices the engine has merged with their base model, and why not the others."""
    voices = servable(folder)
    why = {n: obstacle(folder / n, v, len(voices)) for n, v in voices.items()}
    merged = ", ".join(name for name, kept in why.items() if kept is None)
    said = f" Merged with their base model, which is faster: {merged}." if merged else ""
    return said + "".join(f" {n} is served by its adapter: {o}." for n, o in why.items() if o)


async def _check_discord() -> Finding:
    settings = read_settings(Settings)
    if settings.discord_api_url:
        point_at(settings.discord_api_url)
    client = discord.Client(intents=Bot.needed_intents())
    try:
        await client.login(settings.discord_token.get_secret_value())
        # discord.py's own call asks the older address, which leaves things out
        application = await client.http.request(discord.http.Route("GET", "/applications/@me"))
        user = client.user
    except discord.LoginFailure as e:
        raise ConfigError("Discord does not accept DISCORD_TOKEN. Copy the token again.") from e
    except (discord.HTTPException, OSError) as e:
        raise ConfigError(
            f"Discord cannot be reached ({type(e).__name__}). Try again later."
        ) from e
    finally:
        await client.close()
    if elsewhere := application.get("interactions_endpoint_url"):
        raise ConfigError(
            f"Discord sends every command to {elsewhere}, so none would reach this bot. Empty"
            " Interactions Endpoint URL on the application's page, General Information."
        )
    for_servers, for_people = invite_links(application["id"])
    return Finding(
        "Discord",
        True,
        f"It knows the bot as {user}. Add it to a server: {for_servers}"
        f" or to your own account: {for_people}",
        tuple(lacking(application, len(settings.owner_ids))),
    )


def invite_links(application_id: int | str) -> tuple[str, str]:
    """Links that add the bot to a server, without any permission, and to a person's account."""
    none = discord.Permissions.none()  # it answers commands and writes DMs: neither needs one
    for_servers = discord.utils.oauth_url(application_id, permissions=none, scopes=_SCOPES)
    for_people = discord.utils.oauth_url(application_id, scopes=_SCOPES[1:])
    return f"{for_servers}&integration_type=0", f"{for_people}&integration_type=1"


def lacking(application: dict[str, Any], people: int) -> list[str]:  # Any: Discord's JSON
    """Changes needed in the application's settings, as far as Discord's API shows them."""
    found = []
    installs = application.get("integration_types_config") or {"0": {}}
    if "0" not in installs:
        found.append("Guild Install is off: nobody can add the bot to a server (Installation).")
    if "1" not in installs:
        found.append("User Install is off: nobody can add the bot to their account (Installation).")
    if application.get("bot_require_code_grant"):
        found.append("Requires OAuth2 Code Grant is on: invite links fail. Turn it off (Bot).")
    if people > 1 and application.get("bot_public") is False:
        found.append("Public Bot is off: only its owner can add it, but more people draft (Bot).")
    bits = int(application.get("flags") or 0)
    if needless := [name for name, bit in PRIVILEGED.items() if bits & bit]:
        found.append(f"Privileged intents are on, and not needed: {', '.join(needless)} (Bot).")
    installed = ("approximate_guild_count", "approximate_user_install_count")
    if all(application.get(count) == 0 for count in installed):
        found.append("Nobody has added the bot yet: open one of the links.")
    return found


async def _check_mastodon() -> str:
    mastodon = Mastodon.from_settings(read_settings(Settings))
    if mastodon is None:
        return "No account is set; people connect their own with /mastodon connect."
    account, limit = await mastodon.verify(), await mastodon.max_chars()
    return f"The operators' statuses go to {account} and may have {limit} characters."


async def _check_bluesky() -> str:
    bluesky = Bluesky.from_settings(read_settings(Settings))
    if bluesky is None:
        return "No account is set; people connect their own with /bluesky connect."
    return f"The operators' posts go to {await bluesky.verify()}."


async def _look_into_database() -> AsyncIterator[Finding]:
    settings = read_settings(Settings)
    try:
        async with Store.open(settings.database) as store:
            yield Finding("database", True, f"{settings.database} opens and is up to date.")
            accounts = Accounts.from_settings(settings, store)
            for user_id, network in await store.accounts.owners():
                check = partial(_check_account, accounts, user_id, network)
                yield await _try(f"account of {user_id}", check)
    except InUse:
        in_use = f"{settings.database} is in use by a running bot, so accounts were not looked at."
        yield Finding("database", True, in_use)
    except (BotError, OSError, sqlite3.Error) as e:
        yield Finding("database", False, str(e))


async def _check_account(accounts: Accounts, user_id: int, network: "Network") -> str:
    account = await accounts.of(user_id, network)
    return f"{await account.verify()} at {account.place} takes the bot's posts."
