"""Nothing is lost and nothing posted twice, whenever the bot is killed: the short form."""

import asyncio
from pathlib import Path

import pytest

from bench.kill import measure, show
from bot.sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.process import bot_process
from tests.stage import Stage

SEED = 5  # another one every night: make kill-test


@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_posted_twice_when_the_bot_is_killed() -> None:
    results = await measure(20, SEED)
    show(results, SEED)
    assert sum(len(r.rounds) for r in results.values()) == 20
    assert any(r.approved for result in results.values() for r in result.rounds)
    for result in results.values():
        assert result.lost == result.twice == result.unanswered == []


async def test_the_second_of_two_bots_on_one_database_refuses(
    tmp_path: Path, voice_folder: Path
) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    async with FakeLLM() as llm:
        env = sandbox.environment | {
            "VOICES": str(voice_folder.parent),
            "DATABASE": str(tmp_path / "bot.db"),
            "LLM_BASE_URL": llm.url,
        }
        async with bot_process(env, tmp_path):
            await sandbox.wait_ready(60)
            async with bot_process(env, tmp_path) as second:
                assert await asyncio.wait_for(second.ended(), 60) == 2
                assert "Another bot is using the database" in second.output
                assert "Traceback" not in second.output
            assert sandbox.discord.is_ready  # the first goes on
    await sandbox.stop()


@pytest.mark.parametrize("by", ["button", "reaction"])
async def test_an_approval_that_was_confirmed_but_not_yet_claimed_outlives_the_bot(
    stage: Stage, by: str
) -> None:
    whose = "/api/v1/accounts/verify_credentials"  # asked for before the draft is claimed
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        message = await stage.dm()
        stage.proxy.fault("GET", whose, 1.0)
        stage.proxy.seen.clear()
        if by == "button":
            clicked = await stage.press(message, "Post 1")
            await stage.until(lambda: clicked.answered)
        else:
            await stage.sandbox.discord.react("alice", message, "1️⃣")
        await stage.until(lambda: ("GET", whose) in stage.proxy.seen)
    assert await stage.posted() == []
    async with stage.running():
        await stage.story("✅")
    assert len(await stage.posted()) == 1
