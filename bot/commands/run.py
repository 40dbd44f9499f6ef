"""`run`: serves Discord. Here, and only here, the bot's objects are built."""

import argparse
import asyncio
import contextlib
import os
import resource
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot import logs
from bot.commands.signals import SIGNALS, signalled
from bot.errors import Unavailable, VoiceError
from bot.voice import Voice, list_voices

if TYPE_CHECKING:
    from bot.chat.client import Bot
    from bot.config import Settings
    from bot.posting.accounts import Accounts
    from bot.store import Store
    from bot.writing.llm import LLM

log = structlog.stdlib.get_logger(__name__)

DRAIN_S = 25  # how long a stop waits for work in hand; docker-compose.yml allows a little more
DESCRIPTION = """\
Serves Discord until Ctrl-C or SIGTERM; then it finishes what is in hand, for
at most 25 seconds, and a second Ctrl-C ends it at once. Every setting comes
from the environment or from .env in this folder: .env.example names them, and
`python -m bot doctor` says what is missing or wrong."""
EXAMPLES = """\
example:
  python -m bot run"""


def add(parser: argparse.ArgumentParser) -> None:
    """Set the help; there are no flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES


async def run(_: argparse.Namespace) -> int:
    """Build every object from the settings, and serve Discord until stopped."""
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from bot import health
    from bot.chat.client import Bot, point_at
    from bot.config import Settings, misspelt, read_settings
    from bot.drafting import Drafting
    from bot.store import Store
    from bot.writing.llm import LLM
    from bot.writing.screen import WordList
    from bot.writing.voices import Voices

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash writes no keys to disk
    settings = read_settings(Settings)
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    for hint in misspelt():
        log.warning(hint)
    if settings.discord_api_url:
        point_at(settings.discord_api_url)
    default = (
        settings.voice_folder() if settings.voice or not list_voices(settings.voices) else None
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(settings.database))
        llm = await stack.enter_async_context(LLM.open(settings))
        await _prepare(llm, settings.voices, default)
        accounts = await _accounts(settings, store)
        voices = Voices(settings.voices, store, settings.owner_ids, settings.voice)
        expires_after = timedelta(days=settings.draft_expires_days)
        blocked = WordList(settings.blocked_lines())
        drafting = Drafting(voices, llm, accounts, store, expires_after, blocked)
        scheduler = AsyncIOScheduler(timezone="UTC")
        bot = await stack.enter_async_context(Bot(drafting, scheduler))
        if settings.metrics_port is not None:
            watched = health.Health(bot, llm.check)
            where = settings.metrics_host, settings.metrics_port
            await stack.enter_async_context(health.serving(watched, *where))
        scheduler.start()
        stack.callback(scheduler.shutdown)
        await _serve(bot, settings.discord_token.get_secret_value())
    return 0


async def _prepare(llm: "LLM", folder: Path, default: Path | None) -> None:
    """Check every voice, and start the engine. Raises VoiceError if the default voice is bad."""
    for name in list_voices(folder) if default is None else [default.name, *list_voices(folder)]:
        try:
            voice = Voice.load(folder / name)
        except VoiceError as e:
            if default and name == default.name:
                raise
            log.error("a voice cannot be read", voice=name, reason=str(e))
        else:
            await llm.prepare(voice)


async def _accounts(settings: "Settings", store: "Store") -> "Accounts":
    """Everybody's accounts; the tokens are encrypted with the first key from now on."""
    from bot.posting.accounts import Accounts

    accounts = Accounts.from_settings(settings, store)
    for account in accounts.shared:
        try:
            log.info("the operators' account", name=await account.identify())
        except Unavailable as e:  # it may come back; a token that is refused will not
            log.warning("the operators' account: drafts wait", reason=str(e))
    for name in await accounts.renew_secrets():
        log.error("no key opens a stored secret: put the key back", of=name)
    return accounts


async def _serve(bot: "Bot", token: str) -> None:
    """Serve until a signal, then finish the work in hand; a second signal ends the process."""
    serving = asyncio.create_task(bot.serve(token))
    stopped = asyncio.create_task(signalled())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        for number in SIGNALS:  # the database is safe, however we end
            asyncio.get_running_loop().add_signal_handler(number, os._exit, 128 + number)
        await bot.stop(DRAIN_S)
        serving.cancel()  # before the client is closed: it would try to connect again
    with contextlib.suppress(asyncio.CancelledError):
        await serving
