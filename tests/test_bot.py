"""The bot through the wire: real discord.py against the loopback Discord, Mastodon and a model."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.draft import Network, State
from bot.store import Store
from bot.store.schedules import Schedule
from tests.fakes.llm import TEXTS
from tests.stage import Stage, buttons, emoji, texts

Json = dict[str, Any]  # Discord's message JSON


async def test_from_a_topic_to_a_status(stage: Stage, bot: Bot) -> None:
    record = await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    assert texts(message) == list(TEXTS[:4])
    assert emoji(message) == ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "✏️", "🔁", "💬", "⏰", "➕", "❌"]
    assert [b["label"] for b in buttons(message)][:4] == ["Post 1", "Post 2", "Post 3", "Post 4"]
    assert all(e["footer"]["text"].endswith("of 500 characters") for e in message["embeds"])
    await stage.until(lambda: "direct messages" in (record.original or {"content": ""})["content"])
    await stage.sandbox.discord.react("alice", message, "2️⃣")
    told = await stage.story("✅")
    (status,) = await stage.posted()
    assert TEXTS[1] in status["content"]
    assert status["url"] in told["content"]
    assert texts(told) == [TEXTS[1]]
    assert [b["label"] for b in buttons(told)] == ["Undo"]


async def test_only_the_owner_counts(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    refused = await discord.slash("bob", "draft", topic="tea")
    await stage.until(
        lambda: refused.followups or (refused.original and refused.original["content"])
    )
    seen = [m["content"] for m in discord.messages("bob")]
    assert any("nobody drafts in another person" in text for text in seen)
    await discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    # nobody can react in another's DM, but an event may say so all the same
    discord.gateway.announce_reaction(
        "MESSAGE_REACTION_ADD",
        discord.world.messages[message["id"]],
        discord.people["bob"],
        "1️⃣",
    )
    await asyncio.sleep(0.3)
    assert await stage.posted() == []
    assert len(await bot.drafting.store.drafts.in_state(State.PENDING)) == 1


async def test_where_dms_are_closed_the_draft_is_shown_to_that_user_only(
    stage: Stage, bot: Bot
) -> None:
    discord = stage.sandbox.discord
    discord.close_dms("alice")
    await discord.slash("alice", "draft", topic="tea")
    message = await stage.until(
        lambda: next((m for m in discord.messages("alice") if m["embeds"]), None)
    )
    assert message["flags"] & 64
    assert texts(message) == list(TEXTS[:4])
    assert discord.messages("bob") == []
    await stage.press(message, "Post 1")
    await stage.until(lambda: any("✅" in m["content"] for m in discord.messages("alice")))
    assert len(await stage.posted()) == 1


async def test_everything_works_after_a_restart(stage: Stage) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        await stage.sandbox.discord.slash("alice", "draft", topic="fog")
        first, second = await stage.dm(1), await stage.dm(2)
    async with stage.running():
        await stage.sandbox.discord.react("alice", first, "1️⃣")
        await stage.press(second, "Post 2")
        await stage.story("✅", 1)
        await stage.story("✅", 2)
    assert len(await stage.posted()) == 2


async def test_a_reaction_given_while_the_bot_was_away_counts(stage: Stage) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        message = await stage.dm()
    await stage.sandbox.discord.react("alice", message, "4️⃣")
    async with stage.running():
        await stage.story("✅")
    (status,) = await stage.posted()
    assert TEXTS[3] in status["content"]


async def test_what_a_crash_left_half_way_is_posted_once_and_told(stage: Stage) -> None:
    async with stage.running() as bot:
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        await stage.dm()
        draft = await bot.drafting.get(1)
        account = await bot.drafting.accounts.of(draft.owner_id, Network.MASTODON)
        assert await bot.drafting.store.decisions.claim(
            *(1, 0, draft.candidates[0].fingerprint, (await account.identify(),), datetime.now(UTC))
        )
    async with stage.running():
        await stage.story("✅")
    assert len(await stage.posted()) == 1


async def test_a_refusal_is_told_and_the_draft_stays(stage: Stage, bot: Bot) -> None:
    stage.proxy.fault("POST", "/api/v1/statuses", 422)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    told = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.dm_messages("alice") if "⚠️" in m["content"]), None
        )
    )
    assert "Mastodon refused" in told["content"]
    await stage.press(message, "Post 2")
    await stage.story("✅")
    assert len(await stage.posted()) == 1


async def test_a_model_that_is_away_is_told_to_that_user_only(stage: Stage, bot: Bot) -> None:
    stage.llm.failures = [(401, {})]
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    told = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice") if "LLM_API_KEY" in m["content"]),
            None,
        )
    )
    assert told["flags"] & 64
    assert stage.sandbox.discord.messages("bob") == []


async def test_the_first_response_does_not_wait_for_the_model(stage: Stage, bot: Bot) -> None:
    stage.llm.delay_s = 3.5
    record = await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    assert await stage.sandbox.discord.answer_to(record)
    await stage.dm()


async def test_markdown_and_mentions_in_a_text_are_shown_as_they_are(
    stage: Stage, bot: Bot
) -> None:
    stage.llm.texts = iter(["**Fog** _report_ `dense` ||spoiler|| @everyone"] * 20)
    # @everyone is a handle nobody named, so it is dropped; the rest is shown escaped
    stage.llm.texts = iter(["**Fog** _report_ `dense` ||spoiler|| # one"] * 20)
    await stage.sandbox.discord.slash("alice", "draft", topic="**fog** @everyone", count=1)
    message = await stage.dm()
    assert message["embeds"][0]["description"] != "**Fog** _report_ `dense` ||spoiler|| # one"
    assert texts(message) == ["**Fog** _report_ `dense` ||spoiler|| # one"]
    assert not message["mention_everyone"]


async def test_autocomplete_offers_the_archives_topics(stage: Stage, bot: Bot) -> None:
    choices = await stage.sandbox.discord.autocomplete("alice", "draft", "topic", "ke")
    assert [c["value"] for c in choices] == ["kettle"]


async def _answers(stage: Stage, command: str, **options: str) -> str:
    before = len(stage.sandbox.discord.messages("alice"))
    await stage.sandbox.discord.slash("alice", command, options)
    await stage.until(lambda: len(stage.sandbox.discord.messages("alice")) > before)
    return str(stage.sandbox.discord.messages("alice")[-1]["content"])


async def test_daily_is_set_shown_and_ended(stage: Stage, bot: Bot) -> None:
    told = await _answers(stage, "daily set", time="9:30", timezone="Europe/Berlin")
    assert "09:30 (Europe/Berlin)" in told
    assert "09:30" in await _answers(stage, "daily show")
    assert "off" in await _answers(stage, "daily off")
    assert "no daily suggestion" in await _answers(stage, "daily show")


@pytest.mark.parametrize(
    ("time", "timezone", "said"),
    [("25:00", "Europe/Berlin", "time of day"), ("9:00", "Mars/Base", "not a time zone")],
)
async def test_a_wrong_time_is_answered_with_a_sentence(
    stage: Stage, bot: Bot, time: str, timezone: str, said: str
) -> None:
    assert said in await _answers(stage, "daily set", time=time, timezone=timezone)
    assert await bot.drafting.store.schedules.all() == []


async def test_a_daily_draft_missed_while_down_comes_once(stage: Stage) -> None:
    owner = int(stage.sandbox.people["alice"]["id"])
    due = datetime.now(UTC) - timedelta(minutes=10)
    async with Store.open(stage.database) as store:
        await store.schedules.set(Schedule(owner, f"{due:%H:%M}", "UTC", due, drafts=True))
    async with stage.running() as bot:
        message = await stage.dm(2)  # the first one asks
        job = await stage.until(lambda: bot.scheduler.get_job(f"daily:{owner}"))
        assert job.next_run_time > datetime.now(UTC)
        assert "about" in message["content"]
    async with stage.running():
        await asyncio.sleep(0.5)
    assert len(stage.sandbox.discord.dm_messages("alice")) == 2


async def test_a_dropped_line_is_taken_up_again(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.gateway.drop(4000)
    await asyncio.sleep(0.1)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    await stage.dm()
