"""The table of faults: Discord fails after it has taken a command, and after an approval.

One bot lives through all of it; each cell has a person of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.chat.client import Bot, point_at
from bot.draft import Draft, State
from bot.drafting import Drafting
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.vault import Vault
from bot.store import Store
from bot.writing.llm import LLM
from bot.writing.voices import Voices
from sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.fakes.voice import write_voice
from tests.fault_table import DISCORD, SILENCE, Cell, each
from tests.faults import NO_SUCH_HOST, Wire
from tests.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]  # Discord's message JSON
PATIENCE_S = 0.5  # for a Discord that is silent
SHOWING = r"POST .*/messages$|POST .*/webhooks/|PATCH .*/webhooks/"
TELLING = r"PATCH .*/channels/"
RIDDEN_OUT = "429 with Retry-After"  # discord.py itself waits, and asks again
PEOPLE = [f"p{n}" for n in range(len(DISCORD))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wired(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, Wire]]:
    """A stage with a bot on it, and the wire between the bot and Discord."""
    folder = tmp_path_factory.mktemp("discord")
    voice, database = write_voice(folder / "voices" / "mara"), folder / "bot.db"
    sandbox = Sandbox(people=PEOPLE)
    await sandbox.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sandbox.stop)
        fake_llm = await stack.enter_async_context(FakeLLM())
        proxy = await stack.enter_async_context(Proxy(sandbox.mastodon_url))
        wire = await stack.enter_async_context(Wire(sandbox.url, "Discord"))
        point_at(wire.url)
        store = await stack.enter_async_context(Store.open(database))
        llm = LLM(fake_llm.url, "none")
        stack.push_async_callback(llm.close)
        mastodon = Mastodon(proxy.url, sandbox.mastodon_token, pauses_s=(0.01,))
        operators = frozenset(int(person["id"]) for person in sandbox.people.values())
        accounts = Accounts(operators, [mastodon], store, Vault.open(None, database))
        drafting = Drafting(Voices(voice.parent, store, operators), llm, accounts, store)
        scheduler = AsyncIOScheduler(timezone="UTC")
        bot = await stack.enter_async_context(Bot(drafting, scheduler, PATIENCE_S))
        scheduler.start()
        stack.callback(scheduler.shutdown)
        serving = asyncio.create_task(bot.serve(sandbox.token))
        await sandbox.wait_ready(30)
        yield Stage(sandbox, fake_llm, proxy, database, voice, bot), wire
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@each(
    DISCORD,
    slow=(
        "401",
        "403",
        "404",
        "422",
        "500",
        "503",
        "429 without Retry-After",
        "502",
        "DNS failure",
        "garbage",
        "endless answer",
    ),
)
async def test_discord_fails_while_a_draft_is_shown_and_while_its_status_is_told(
    wired: tuple[Stage, Wire], cell: Cell
) -> None:
    stage, wire = wired
    person = PEOPLE[DISCORD.index(cell)]
    story = Story(stage, wire, person)
    stage.llm.delay_s = 0.3
    asked = len(stage.llm.asked)
    await stage.sandbox.discord.slash(person, "draft", topic="tea", count=1)
    await stage.until(lambda: len(stage.llm.asked) > asked)  # so Discord has its first answer
    await story.spoil(cell, SHOWING)
    draft = await story.until(lambda drafts: drafts[:1])
    assert draft.state is State.PENDING
    await story.mend(cell)
    message = await stage.dm(user=person)

    before = len(await stage.posted())
    stage.proxy.fault("POST", "/api/v1/statuses", 0.6)
    clicked = await stage.press(message, "Post 1", user=person)
    await stage.until(lambda: clicked.answered is not None)
    await story.spoil(cell, TELLING)
    await story.until(lambda drafts: [d for d in drafts if d.state is State.PUBLISHED])
    if cell.sees == SILENCE:
        assert not story.now(message)["content"].startswith("✅")
    await story.mend(cell)
    await stage.until(lambda: story.now(message)["content"].startswith("✅"))
    assert len(await stage.posted()) == before + 1


class Story:
    """What happens to one person."""

    def __init__(self, stage: Stage, wire: Wire, person: str) -> None:
        assert stage.bot
        self._stage, self._wire, self._bot = stage, wire, stage.bot
        self._person = person
        self._id = int(stage.sandbox.people[person]["id"])

    async def spoil(self, cell: Cell, only: str) -> None:
        if cell.fault == "DNS failure":
            point_at(NO_SUCH_HOST)
        else:
            await self._wire.spoil(cell.fault, only)

    async def mend(self, cell: Cell) -> None:
        """End the fault; what discord.py does not try again, the bot does within a minute."""
        while cell.fault != RIDDEN_OUT and len(self._bot.work):
            await asyncio.sleep(0.02)
        point_at(self._wire.url)
        await self._wire.mend()
        if cell.fault != RIDDEN_OUT:
            await self._bot.following.sweep(datetime.now(UTC) + timedelta(seconds=11))

    async def until(self, found: Callable[[list[Draft]], list[Draft]]) -> Draft:
        for _ in range(500):
            if drafts := found(await self._bot.drafting.store.drafts.of_owner(self._id)):
                return drafts[0]
            await asyncio.sleep(0.02)
        raise AssertionError("it does not come to that")

    def now(self, message: Json) -> Json:
        messages = self._stage.sandbox.discord.dm_messages(self._person)
        return next(m for m in messages if m["id"] == message["id"])
