"""The stage of a story: the sandbox, a model, a Mastodon behind a proxy, and a bot to restart."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import ClientSession
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.chat.client import Bot
from bot.drafting import Drafting
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.vault import Vault
from bot.store import Store
from bot.voice import Voice
from bot.writing.llm import LLM
from bot.writing.voices import Voices
from sandbox.interactions import Interaction
from sandbox.server import Sandbox
from sandbox.world import EPHEMERAL, LOADING
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy

Json = dict[str, Any]  # Discord's and Mastodon's JSON


def another_voice(voice: Path, name: str) -> Path:
    """A copy of a voice beside it, under a name of its own."""
    folder = Path(shutil.copytree(voice, voice.parent / name))
    replace(Voice.load(voice), name=name).save(folder)
    return folder


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
            vault = Vault.open(None, self.database)
            private = frozenset({self.proxy.url, self.sandbox.mastodon_url})
            bluesky = frozenset({self.sandbox.bluesky.url})
            accounts = Accounts(operators, [mastodon], store, vault, private, (0.01,), bluesky)
            drafting = Drafting(voices, llm, accounts, store)
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
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    async def until(self, found: Callable[[], Any]) -> Any:
        """Wait for something to become true."""
        return await self.sandbox.discord.until(found)

    async def answer(self, record: Interaction) -> Json:
        """What the bot answered to an interaction, once it is done thinking."""

        def complete() -> Json | None:
            if record.followups:
                return record.followups[-1]
            has = record.original and not record.original["flags"] & LOADING
            return record.original if has else None

        message: Json = await self.until(complete)
        return message

    async def says(self, user: str, command: str, /, **options: object) -> str:
        """What the bot answers to a slash command, for this person's eyes only."""
        message = await self.answer(await self.sandbox.discord.slash(user, command, options))
        assert message["flags"] & EPHEMERAL
        return str(message["content"])

    async def connect(self, user: str, username: str) -> str:
        """Connect a Mastodon account as a person does: command, page, code, form."""
        asked = await self.sandbox.discord.slash(
            user, "mastodon connect", instance=self.sandbox.mastodon_url
        )
        message = await self.answer(asked)
        link = message["content"].partition("](")[2].partition(")")[0]
        form = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
        async with ClientSession() as http:
            async with http.get(link) as page:
                assert username in await page.text()
            async with http.post(
                link.partition("?")[0], data=form | {"username": username}
            ) as page:
                code = (await page.text()).partition("code: ")[2].partition("<")[0]
        clicked = await self.sandbox.discord.click(user, message, "mastodon:code")
        await self.until(lambda: clicked.modal)
        sent = await self.sandbox.discord.submit(user, clicked, {"code": code})
        return str((await self.answer(sent))["content"])

    async def connect_bluesky(self, user: str, handle: str) -> str:
        """Connect a Bluesky account as a person does: command, form."""
        opened = await self.sandbox.discord.slash(user, "bluesky connect")
        password = self.sandbox.app_passwords[handle]
        sent = await self.fill(opened, user, handle=handle, password=password)
        return str((await self.answer(sent))["content"])

    def add_voice(self, name: str) -> Path:
        """Another voice beside the first, with the same posts."""
        return another_voice(self.voice, name)

    async def dm(self, number: int = 1, user: str = "alice") -> Json:
        """A person's direct message of that number, with all its reactions below it."""

        def complete() -> Json | None:
            messages = self.sandbox.discord.dm_messages(user)
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

    async def press(self, message: Json, label: str, user: str = "alice") -> Interaction:
        """Click the button of this label."""
        custom_id = next(b["custom_id"] for b in buttons(message) if b.get("label") == label)
        return await self.sandbox.discord.click(user, message, custom_id)

    async def fill(self, opened: Interaction, user: str = "alice", **fields: str) -> Interaction:
        """Fill in and send the form that a click opened."""
        await self.until(lambda: opened.modal)
        return await self.sandbox.discord.submit(user, opened, fields)

    async def timeline(self) -> list[str]:
        """Texts of the statuses, newest first."""
        return [s["content"].removeprefix("<p>").removesuffix("</p>") for s in await self.posted()]

    async def posted(self) -> list[Json]:
        """The statuses."""
        return await self.sandbox.timeline()


def emoji(message: Json) -> list[str]:
    """Emoji below a message."""
    return [r["emoji"]["name"] for r in message.get("reactions", [])]


def buttons(message: Json) -> list[Json]:
    """Buttons below a message."""
    return [b for row in message["components"] for b in row["components"]]


def texts(message: Json) -> list[str]:
    """The candidates that a message shows."""
    return [e["description"].replace("\\", "") for e in message["embeds"]]
