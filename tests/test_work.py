"""The bot's work in hand, and its end: drained on the first signal, at once on the second."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.chat.work import Work
from bot.draft import State
from bot.errors import Unavailable
from bot.store import Store
from sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.process import Running, bot_process
from tests.stage import Stage


@pytest.fixture
async def work() -> Work:
    return Work(AsyncIOScheduler(timezone="UTC"))


async def test_a_stop_waits_for_what_is_in_hand_and_takes_nothing_new(work: Work) -> None:
    done = []

    async def one() -> None:
        work.take()
        work.take()  # a reaction that becomes a decision is one piece of work
        await asyncio.sleep(0.1)
        done.append(1)

    task = asyncio.create_task(one())
    await asyncio.sleep(0)
    assert len(work) == 1
    assert await work.finish(5) == []
    assert done == [1]
    with pytest.raises(Unavailable, match="restarting"):
        work.take()
    assert task.done()


async def test_a_stop_does_not_wait_for_ever(work: Work) -> None:
    async def endless() -> None:
        work.take()
        await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await asyncio.sleep(0)
    await work.finish(0.05)
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()
    assert len(work) == 0


async def test_a_job_is_finished_and_none_begins_while_the_bot_stops() -> None:
    scheduler = AsyncIOScheduler(timezone="UTC")
    work, began, ended = Work(scheduler), [], []

    async def job() -> None:
        began.append(1)
        await asyncio.sleep(0.2)
        ended.append(1)

    scheduler.start()
    scheduler.add_job(job, "interval", seconds=0.1, max_instances=3)
    await asyncio.sleep(0.15)
    assert len(work) == 1
    await work.finish(5)
    scheduler.shutdown()
    assert began == ended == [1]
    await asyncio.sleep(0.15)
    assert began == [1]


async def test_a_jobs_log_lines_do_not_carry_the_interaction_that_woke_the_scheduler() -> None:
    scheduler = AsyncIOScheduler(timezone="UTC")
    Work(scheduler)
    seen: list[dict[str, object]] = []

    async def job() -> None:
        seen.append(structlog.contextvars.get_contextvars())

    async def interaction() -> None:
        structlog.contextvars.bind_contextvars(interaction=1)
        scheduler.add_job(job, name="the job")

    scheduler.start()
    await asyncio.create_task(interaction())
    while not seen:
        await asyncio.sleep(0.01)
    scheduler.shutdown()
    assert seen == [{"job": "the job"}]


async def test_whose_draft_takes_too_long_for_the_stop_is_told(stage: Stage) -> None:
    stage.llm.delay_s = 5
    async with stage.running() as bot:
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        await stage.until(lambda: stage.llm.asked)
        await bot.stop(0.2)
    seen = [m["content"] for m in stage.sandbox.discord.messages("alice")]
    assert any("have to restart" in text for text in seen)
    async with Store.open(stage.database) as store:
        assert await store.drafts.in_state(State.PENDING) == []


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


def _env(sandbox: Sandbox, voice_folder: Path, llm: FakeLLM) -> dict[str, str]:
    return sandbox.environment | {"VOICES": str(voice_folder.parent), "LLM_BASE_URL": llm.url}


async def _drafting(sandbox: Sandbox, llm: FakeLLM, delay_s: float) -> None:
    """Alice waits for a draft."""
    await sandbox.wait_ready(30)
    llm.delay_s = delay_s
    await sandbox.discord.slash("alice", "draft", topic="tea")
    await sandbox.discord.until(lambda: llm.asked, 10)


async def _until_it_stops(running: Running) -> None:
    while '"stopping"' not in running.output:
        await asyncio.sleep(0.02)


async def test_on_a_signal_the_draft_in_hand_is_shown_and_others_are_told(
    sandbox: Sandbox, voice_folder: Path, fake_llm: FakeLLM, tmp_path: Path
) -> None:
    async with bot_process(_env(sandbox, voice_folder, fake_llm), tmp_path) as running:
        await _drafting(sandbox, fake_llm, 2)
        running.signal(signal.SIGTERM)
        await _until_it_stops(running)
        bob = await sandbox.discord.slash("bob", "draft", topic="fog")
        await sandbox.discord.answer_to(bob)
        assert bob.original
        assert "I am restarting" in bob.original["content"]
        assert await running.ended() == 0
    (message,) = sandbox.discord.dm_messages("alice")
    assert len(message["embeds"]) == 4
    async with Store.open(tmp_path / "state" / "bot.db") as store:
        assert [d.id for d in await store.drafts.in_state(State.PENDING)] == [1]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_second_signal_stops_at_once(
    second: signal.Signals,
    sandbox: Sandbox,
    voice_folder: Path,
    fake_llm: FakeLLM,
    tmp_path: Path,
) -> None:
    async with bot_process(_env(sandbox, voice_folder, fake_llm), tmp_path) as running:
        await _drafting(sandbox, fake_llm, 60)
        running.signal(signal.SIGINT)
        await _until_it_stops(running)
        started = time.monotonic()
        running.signal(second)
        assert await running.ended() == 128 + second
        assert time.monotonic() - started < 2


async def test_a_signal_ends_a_bot_that_waits_for_discord(
    sandbox: Sandbox, voice_folder: Path, fake_llm: FakeLLM, tmp_path: Path
) -> None:
    env = _env(sandbox, voice_folder, fake_llm) | {"DISCORD_API_URL": "http://127.0.0.1:9"}
    async with bot_process(env, tmp_path) as running:
        while "Discord cannot be reached" not in running.output:
            await asyncio.sleep(0.05)
        running.signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.ended(), 10) == 0
