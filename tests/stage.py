"""The stage of a story: the sandbox, a model, a Mastodon behind a proxy, and a bot to restart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.accounts import Accounts
from bot.client import Bot
from bot.drafting import Drafting
from bot.llm import LLM
from bot.mastodon import Mastodon
from bot.sandbox.server import Sandbox
from bot.store import Store
from bot.voices import Voices
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy

Json = dict[str, Any]  # Discord's and Mastodon's JSON


@dataclass
class Stage:
    """Everything a story needs: the people's side, the fakes, and a way to restart the bot."""

    sandbox: Sandbox
    llm: FakeLLM
    proxy: Proxy
    database: Path
    voice: Path
    bot: Bot | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Bot]:
        """Run a bot, as `python -m bot run` does."""
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store.open(self.database))
            llm = LLM(self.llm.url, "none")
            stack.push_async_callback(llm.close)
            mastodon = Mastodon(self.proxy.url, self.sandbox.mastodon_token, pauses_s=(0.01,))
            operators = frozenset({int(self.sandbox.people["alice"]["id"])})
            voices = Voices(self.voice.parent, store, operators, self.voice.name)
            drafting = Drafting(voices, llm, Accounts(operators, mastodon), store)
            scheduler = AsyncIOScheduler(timezone="UTC")
            bot = await stack.enter_async_context(Bot(drafting, scheduler))
            scheduler.start()
            stack.callback(scheduler.shutdown)
            self.sandbox.discord.applications.is_synced = False
            serving = asyncio.create_task(bot.serve(self.sandbox.token))
            try:
                await self.sandbox.wait_ready(10)
                yield bot
            finally:
                await bot.close()
                await serving

    async def until(self, found: Callable[[], Any]) -> Any:
        """Wait for something to become true."""
        return await self.sandbox.discord.until(found)

    async def dm(self, number: int = 1) -> Json:
        """Alice's direct message of that number, with all its reactions below it."""

        def complete() -> Json | None:
            messages = self.sandbox.discord.dm_messages("alice")
            has = len(messages) >= number and "❌" in emoji(messages[number - 1])
            return messages[number - 1] if has else None

        message: Json = await self.until(complete)
        return message

    async def story(self, start: str, number: int = 1) -> Json:
        """Alice's direct message once its text starts so."""
        message: Json = await self.until(
            lambda: next(
                (
                    m
                    for m in self.sandbox.discord.dm_messages("alice")[number - 1 : number]
                    if m["content"].startswith(start)
                ),
                None,
            )
        )
        return message

    async def timeline(self) -> list[str]:
        """Texts of the statuses, newest first."""
        return [s["content"].removeprefix("<p>").removesuffix("</p>") for s in await self.posted()]

    async def posted(self) -> list[Json]:
        """The statuses."""
        return await self.sandbox.timeline()


def emoji(message: Json) -> list[str]:
    """Emoji below a message."""
    return [r["emoji"]["name"] for r in message.get("reactions", [])]
