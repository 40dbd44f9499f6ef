"""Nothing is lost and nothing posted twice, whenever the bot is killed: the short form."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from bot.chat.actions import action_of_emoji
from bot.draft import Draft, State, Status
from bot.store import Store
from drills.kill import SERVERS, measure, show
from drills.kill_networks import run_networks
from sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.process import bot_process
from tests.stage import Stage, buttons

ROUNDS, SEED = 20, 420  # other seeds: make kill-test


@pytest.mark.timeout(900)
async def test_nothing_is_lost_or_posted_twice_when_the_bot_is_killed() -> None:
    found = await measure(ROUNDS, SEED)
    show(found)
    assert {f.server for f in found} == set(SERVERS)
    assert sum(f.rounds for f in found) == ROUNDS
    assert any(f.approved for f in found) and any(f.killed for f in found)
    for f in found:
        assert f.lost == f.twice == f.unanswered == []


@pytest.mark.timeout(300)
async def test_on_two_networks_nothing_is_lost_or_posted_twice_either() -> None:
    """Three rounds with requests and answers lost; `make kill-networks` plays more."""
    found = await run_networks("both", 3, SEED, is_real=False)
    assert found["approved"] == 3 and found["whole"] > 0
    assert found["lost"] == found["twice"] == 0


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


async def test_an_approval_that_was_confirmed_but_not_yet_claimed_outlives_the_bot(
    stage: Stage,
) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        approval = buttons(await stage.dm())[0]["custom_id"]
    async with Store.open(stage.database) as store:  # as a kill right after the click leaves it
        await store.in_progress.add(1, approval, {})
    async with stage.running() as bot:
        await stage.story("✅")
        await asyncio.sleep(0.2)
        assert await bot.drafting.store.in_progress.all() == []
    assert len(await stage.posted()) == 1


async def test_after_a_crash_an_approval_for_two_networks_is_carried_out_at_both(
    stage: Stage,
) -> None:
    async with stage.running():
        await stage.connect_bluesky("alice", "you.test")
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", to="mastodon bluesky")
        approval = buttons(await stage.dm())[0]["custom_id"]
    async with Store.open(stage.database) as store:
        await store.in_progress.add(1, approval, {})
    async with stage.running():  # and not a minute later
        await stage.until(lambda: stage.sandbox.bluesky.posts("you.test"))
        await stage.story("✅")


@pytest.mark.parametrize(("then", "story"), [("ask", "❓"), ("release", "✍️"), ("undo", "↩️")])
async def test_what_was_stored_right_before_a_crash_is_shown_after_it(
    stage: Stage, then: str, story: str
) -> None:
    now = datetime.now(UTC)
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        await stage.dm()
    async with Store.open(stage.database) as store:
        draft, decisions = await _draft(store), store.decisions
        text = draft.candidates[0]
        assert await decisions.claim(1, 0, text.fingerprint, ("http://a.test @you",), now)
        await store.drafts.told(await _draft(store))
        if then == "ask":
            assert await decisions.ask(1, now)
        elif then == "release":
            assert await decisions.release(1, now)
        else:
            await decisions.posted(1, 0, Status("9", "https://a.test/9"), text.text, now)
            await decisions.mark_published(1)
            assert await decisions.mark_undone(1, State.PUBLISHED, now)
    async with stage.running() as bot:
        await stage.story(story)
        dms = partial(stage.sandbox.discord.dm_messages, "alice")
        if then != "undo":
            await stage.until(lambda: any("needs you" in m["content"] for m in dms()))
        await asyncio.sleep(0.2)
        assert len(dms()) == 1 + (then != "undo")
        assert await bot.drafting.store.drafts.untold() == []


async def test_a_click_tells_which_message_a_draft_has_if_a_crash_came_in_between(
    stage: Stage,
) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        message = await stage.dm()
    forget = "UPDATE drafts SET channel_id = NULL, message_id = NULL, shown = NULL, told = NULL"
    with closing(sqlite3.connect(stage.database)) as db, db:
        db.execute(forget)
    async with stage.running() as bot:
        await stage.press(message, "Post 1")
        await stage.story("✅")
        draft = await bot.drafting.store.drafts.get(1)
        assert draft and str(draft.message_id) == message["id"]
    assert len(stage.sandbox.discord.dm_messages("alice")) == 1
    assert len(await stage.posted()) == 1


async def test_an_approval_of_a_text_that_was_just_changing_is_answered_after_a_crash(
    stage: Stage,
) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        await stage.dm()
    async with Store.open(stage.database) as store:
        edited = replace(await _draft(store), shown="")  # stored, and not shown yet
        action = action_of_emoji("1️⃣", edited)
        assert action
        await store.in_progress.add(1, action.custom_id(edited), {})
    async with stage.running() as bot:
        messages = stage.sandbox.discord.dm_messages
        await stage.until(lambda: "⚠" in messages("alice")[0]["content"])
        await asyncio.sleep(0.2)
        assert await bot.drafting.store.in_progress.all() == []
    assert await stage.posted() == []


async def test_a_decision_in_hand_is_not_taken_up_when_the_session_is_lost(stage: Stage) -> None:
    async with stage.running() as bot:
        await stage.sandbox.discord.slash("alice", "draft", topic="tea")
        message = await stage.dm()
        stage.proxy.fault("POST", "/api/v1/statuses", 2.0)
        await stage.press(message, "Post 1")
        await stage.until(lambda: ("POST", "/api/v1/statuses") in stage.proxy.seen)
        assert await bot.drafting.store.in_progress.all() != []
        async with asyncio.timeout(1):  # it would wait for the decision, and carry it out again
            await bot.deciding.go_on()
        assert await stage.posted() == []
        await stage.story("✅")
        await asyncio.sleep(0.2)
        assert await bot.drafting.store.in_progress.all() == []
    assert len(await stage.posted()) == 1


async def _draft(store: Store) -> Draft:
    draft = await store.drafts.get(1)
    assert draft
    return draft
