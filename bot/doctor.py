"""`doctor`: looks at everything the bot needs, and has one sentence for each."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import discord

from bot import engine
from bot.client import Bot, point_at
from bot.composing import OpenVoice
from bot.config import DraftSettings, Settings, read_settings
from bot.errors import BotError, ConfigError, InUse
from bot.llm import LLM
from bot.mastodon import Mastodon
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `is_well` says whether the bot can work with it."""

    name: str
    is_well: bool
    sentence: str


async def examine() -> AsyncIterator[Finding]:
    """Look at each thing in turn. What depends on a wrong configuration is still looked at."""
    config = await _try("config", _check_config)
    yield config
    yield await _try("voice", _check_voice)
    yield await _try("engine", _check_engine)
    if config.is_well:
        yield await _try("token", _check_token)
        yield await _try("Mastodon", _check_mastodon)
        yield await _try("database", _check_database)


async def _try(name: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(name, True, await check())
    except (BotError, OSError, sqlite3.Error) as e:
        return Finding(name, False, str(e))


async def _check_config() -> str:
    settings = read_settings(Settings)
    return f"Every variable is set; {len(settings.owner_ids)} people may draft."


async def _check_voice() -> str:
    opened = OpenVoice.load(read_settings(DraftSettings).voice_folder())
    voice = opened.voice
    return (
        f"The voice {voice.name} learnt from {voice.counts.get('train', 0)} posts"
        f" and knows {len(opened.topics)} topics."
    )


async def _check_engine() -> str:
    settings = read_settings(DraftSettings)
    opened = OpenVoice.load(settings.voice_folder())
    if settings.llm_base_url or opened.voice.backend != "local":
        llm = LLM.from_settings(settings)
        try:
            await llm.check()
        finally:
            await llm.close()
        return "The language model's server answers and takes the key."
    async with engine.Engine(settings.voices, settings.base_gguf, settings.engine_threads) as e:
        llm = LLM(e.base_url, "none")
        try:
            texts = await llm.complete(opened.voice, opened.voice.messages(None), 1)
        finally:
            await llm.close()
    return f"The embedded engine starts and writes ({len(texts)} text drawn)."


async def _check_token() -> str:
    settings = read_settings(Settings)
    if settings.discord_api_url:
        point_at(settings.discord_api_url)
    client = discord.Client(intents=Bot.needed_intents())
    try:
        await client.login(settings.discord_token.get_secret_value())
        application = await client.application_info()
        user = client.user
    except discord.LoginFailure as e:
        raise ConfigError("Discord does not accept DISCORD_TOKEN. Copy the token again.") from e
    except (discord.HTTPException, OSError) as e:
        raise ConfigError(
            f"Discord cannot be reached ({type(e).__name__}). Try again later."
        ) from e
    finally:
        await client.close()
    return (
        f"Discord knows the bot as {user}; no privileged intent is needed. Invite it with"
        f" {discord.utils.oauth_url(application.id, scopes=('bot', 'applications.commands'))}"
    )


async def _check_mastodon() -> str:
    settings = read_settings(Settings)
    mastodon = Mastodon.from_settings(settings)
    account, limit = await mastodon.verify(), await mastodon.max_chars()
    return f"Statuses go to {account} and may have {limit} characters."


async def _check_database() -> str:
    settings = read_settings(Settings)
    try:
        async with Store.open(settings.database):
            return f"The database {settings.database} opens and is up to date."
    except InUse:  # the healthcheck of a running bot finds it so
        return f"The database {settings.database} is in use by a running bot."
