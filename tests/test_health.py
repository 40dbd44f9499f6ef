"""/health and /metrics, as an operator's watch sees them."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from bot import health
from bot.chat.client import Bot
from bot.errors import ConfigError
from bot.health import Health
from bot.writing.llm import LLM
from tests.stage import Stage

Values = dict[tuple[str, str], float]  # (sample, its only label's value) -> value


@pytest.fixture
async def llm(stage: Stage) -> AsyncIterator[LLM]:
    llm = LLM(stage.llm.url, "none")
    yield llm
    await llm.close()


@pytest.fixture
async def http(bot: Bot, llm: LLM) -> AsyncIterator[ClientSession]:
    async with (
        health.serving(Health(bot, llm.check), "127.0.0.1", 0) as url,
        ClientSession(url) as session,
    ):
        yield session


async def _health(http: ClientSession) -> tuple[int, dict[str, str]]:
    async with http.get("/health") as answer:
        return answer.status, await answer.json()


async def _measured(http: ClientSession) -> Values:
    async with http.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        text = await answer.text()
    return {
        (sample.name, "".join(v for k, v in sample.labels.items() if k != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("bot_") and sample.labels.get("le") in (None, "+Inf")
    }


async def _connected(stage: Stage, bot: Bot) -> None:
    await stage.until(lambda: bot.is_connected)


async def test_a_story_is_counted_and_timed(stage: Stage, bot: Bot, http: ClientSession) -> None:
    await _connected(stage, bot)
    before = await _measured(http)
    discord = stage.sandbox.discord
    await discord.slash("alice", "draft", topic="tea")
    await discord.react("alice", await stage.dm(1), "1️⃣")
    await stage.story("✅")
    await discord.slash("alice", "draft", topic="fog")
    await discord.react("alice", await stage.dm(2), "❌")
    await stage.story("❌", 2)
    await discord.slash("alice", "draft", topic="rain")
    await stage.dm(3)
    after = await _measured(http)

    def more(name: str, label: str = "") -> float:
        return after[name, label] - before.get((name, label), 0)

    assert more("bot_decisions_total", "approve") == 1
    assert more("bot_decisions_total", "reject") == 1
    assert more("bot_statuses_total", "mastodon") == 1
    assert more("bot_generated_tokens_total") == 3 * 4 * 20  # the fake's 20 a text
    for step, times in (("compose", 3), ("publish", 1), ("first response", 3)):
        assert more("bot_step_seconds_count", step) == times
        assert 0 < more("bot_step_seconds_sum", step) < 30
    states = {label: value for (name, label), value in after.items() if name == "bot_drafts"}
    assert {state: n for state, n in states.items() if n} == {
        "published": 1,
        "rejected": 1,
        "pending": 1,
    }
    assert 0 < after["bot_gateway_latency_seconds", ""] < 10
    assert [after["bot_up", part] for part in ("gateway", "database", "engine")] == [1, 1, 1]


async def test_labels_do_not_grow_with_what_people_write(
    stage: Stage, bot: Bot, http: ClientSession
) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    await stage.dm(1)
    before = await _measured(http)
    await stage.sandbox.discord.slash("alice", "draft", topic="another topic, another text")
    await stage.dm(2)
    assert (await _measured(http)).keys() == before.keys()


async def test_all_well_is_200(stage: Stage, bot: Bot, http: ClientSession) -> None:
    await _connected(stage, bot)
    well = {"gateway": "well", "database": "well", "engine": "well"}
    assert await _health(http) == (200, well)


async def test_a_model_that_is_away_is_503_and_said(
    stage: Stage, bot: Bot, http: ClientSession
) -> None:
    await _connected(stage, bot)
    await stage.llm.__aexit__()
    status, told = await _health(http)
    assert status == 503
    assert (told["gateway"], told["database"]) == ("well", "well")
    assert "cannot be reached" in told["engine"]


async def test_a_lost_gateway_is_503_until_it_is_back(
    stage: Stage, bot: Bot, http: ClientSession
) -> None:
    await _connected(stage, bot)
    stage.sandbox.discord.gateway.forget_sessions()  # discord.py waits 5 s for a new one
    await stage.sandbox.discord.gateway.drop(4000)
    await stage.until(lambda: not bot.is_connected)
    status, told = await _health(http)
    assert (status, told["gateway"]) == (503, "The bot is not connected to Discord.")
    await _connected(stage, bot)
    assert (await _health(http))[0] == 200


async def test_a_database_that_cannot_be_written_is_503(
    stage: Stage, bot: Bot, http: ClientSession
) -> None:
    await _connected(stage, bot)
    await bot.drafting.store.database.rows("PRAGMA query_only = ON")
    status, told = await _health(http)
    assert status == 503
    assert "cannot write to my disk" in told["database"]


async def test_a_stopping_bot_is_503(stage: Stage, bot: Bot, http: ClientSession) -> None:
    await _connected(stage, bot)
    await bot.work.finish(1)
    assert (await _health(http))[1]["gateway"] == "The bot is stopping."


async def test_a_taken_port_is_a_sentence(bot: Bot, http: ClientSession, llm: LLM) -> None:
    port = http._base_url.port if http._base_url else 0
    assert port
    with pytest.raises(ConfigError, match="METRICS_PORT"):
        async with health.serving(Health(bot, llm.check), "127.0.0.1", port):
            pass
