"""An owner who cannot be reached, a line that is cut, and somebody who wants to be forgotten."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.chat.client import Bot
from bot.draft import State
from bot.store import Store
from bot.store.dossier import export
from bot.store.schedules import Schedule
from tests.stage import Stage, buttons

A_MESSAGE = r"/channels/\d+/messages/\d+"
BLOCKED = {"message": "Cannot send messages to this user", "code": 50007}


def _id(stage: Stage, user: str = "alice") -> int:
    return int(stage.sandbox.people[user]["id"])


async def test_who_blocks_the_bot_is_left_alone_and_told_at_the_next_command(
    stage: Stage, bot: Bot
) -> None:
    discord = stage.sandbox.discord
    for number in (1, 2):
        await discord.slash("alice", "draft", topic=f"tea {number}", count=1)
        await stage.dm(number)
    discord.close_dms("alice")
    discord.faults.fail("PATCH", A_MESSAGE, 403, BLOCKED, times=999)
    later = datetime.now(UTC) + timedelta(days=8)  # they expire, which is to be told
    asked = []
    for minute in range(40):
        await bot.following.sweep(later + timedelta(minutes=minute))
        asked.append(sum(c.method == "PATCH" and "/channels/" in c.path for c in discord.log))
    assert asked[0] == 2
    assert asked[20:] == [2 * 5] * 20
    discord.faults.clear()
    shown = await discord.slash("alice", "drafts")
    told = await stage.until(lambda: shown.followups and shown.followups[-1]["content"])
    assert told.count("has expired") == 2
    again = await discord.slash("alice", "drafts")
    await stage.answer(again)
    assert again.followups == []


async def test_a_message_that_cannot_be_edited_is_no_reason_to_say_nothing(
    stage: Stage, bot: Bot
) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    message = await stage.dm()
    stage.sandbox.discord.faults.fail("PATCH", A_MESSAGE, 400, {"message": "no", "code": 50035})
    await bot.drafting.store.database.write("UPDATE candidates SET text = 'Changed.'")
    clicked = await stage.press(message, "Post 1")
    told = await stage.until(lambda: clicked.followups and clicked.followups[-1]["content"])
    assert "has changed" in told
    assert await stage.posted() == []


async def test_a_text_that_no_form_holds_is_not_cut_by_one(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    message = await stage.dm()
    store = bot.drafting.store.database
    for text, said in (("😀" * 2001, "too long for a form"), ("x" * 4001, "too long for a form")):
        await store.write("UPDATE candidates SET text = ?", (text,))
        answer = await stage.answer(await stage.press(message, "Edit"))
        assert said in answer["content"]
    await store.write("UPDATE candidates SET text = ?", ("x" * 4000,))
    opened = await stage.press(message, "Edit")
    await stage.until(lambda: opened.modal)


@pytest.mark.parametrize("path", [r"/users/@me/channels", r"/channels/\d+/messages"])
async def test_a_daily_draft_whose_line_is_cut_comes_later_and_the_next_one_on_time(
    stage: Stage, bot: Bot, path: str
) -> None:
    alice, now = _id(stage), datetime.now(UTC)
    schedule = Schedule(alice, f"{now:%H:%M}", "UTC", now, drafts=True)
    await bot.drafting.store.schedules.set(schedule)
    stage.sandbox.discord.faults.cut("POST", path, times=5)
    await bot.cogs["daily"].suggest(alice)  # type: ignore[attr-defined]  # a cog, to discord.py
    job = bot.scheduler.get_job(f"daily:{alice}")
    assert timedelta(minutes=5) < job.next_run_time - now <= timedelta(hours=25)  # or midnight
    stage.sandbox.discord.faults.clear()
    await bot.following.sweep(now + timedelta(minutes=2))
    await bot.cogs["daily"].suggest(alice)  # type: ignore[attr-defined]
    job = bot.scheduler.get_job(f"daily:{alice}")
    assert timedelta(hours=23) < job.next_run_time - now <= timedelta(hours=25)
    drafted, asked = stage.sandbox.discord.dm_messages("alice")
    assert "✍️ Draft 1" in drafted["content"]
    assert "What is there to tell today?" in asked["content"]


async def test_whoever_takes_no_messages_finds_the_question_at_their_next_command(
    stage: Stage, bot: Bot
) -> None:
    alice, now = _id(stage), datetime.now(UTC)
    await bot.drafting.store.schedules.set(
        Schedule(alice, f"{now:%H:%M}", "UTC", now, topics=("tea",))
    )
    await stage.says("alice", "voice list")  # the bot knows her
    stage.sandbox.discord.close_dms("alice")
    await bot.cogs["daily"].suggest(alice)  # type: ignore[attr-defined]
    assert bot.scheduler.get_job(f"daily:{alice}").next_run_time > now + timedelta(hours=23)
    here = await stage.sandbox.discord.slash("alice", "voice show")
    told = await stage.until(lambda: here.followups and here.followups[-1]["content"])
    assert "**tea**" in told and "`/draft` takes what there is to tell" in told


async def test_a_daily_draft_that_fails_in_any_way_is_not_the_last(
    stage: Stage, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, now = _id(stage), datetime.now(UTC)
    await bot.drafting.store.schedules.set(Schedule(alice, f"{now:%H:%M}", "UTC", now))
    await bot.drafting.store.database.write("ALTER TABLE suggestions RENAME TO gone")
    with pytest.raises(Exception, match="no such table"):
        await bot.cogs["daily"].suggest(alice)  # type: ignore[attr-defined]
    assert bot.scheduler.get_job(f"daily:{alice}").next_run_time > now


@pytest.mark.parametrize("typed", ["America/New York", " europe/berlin", "Zürich"])
async def test_a_zone_is_stored_as_it_is_used(stage: Stage, bot: Bot, typed: str) -> None:
    said = await stage.says("alice", "daily set", time="09:00", timezone=typed)
    stored = await bot.drafting.store.schedules.of(_id(stage))
    assert stored
    assert ZoneInfo(stored.timezone).key == stored.timezone
    assert stored.timezone in said


async def test_what_is_in_hand_ends_with_forget_me(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    await discord.slash("alice", "draft", topic="tea", count=1)  # to be written anew, in a moment
    message = await stage.dm()
    stage.llm.delay_s = 0.8
    asked = await discord.slash("alice", "draft", topic="my divorce")
    await discord.react("alice", message, "🔁")
    now = datetime.now(UTC)
    alice = _id(stage)
    await bot.drafting.store.schedules.set(Schedule(alice, f"{now:%H:%M}", "UTC", now, drafts=True))
    daily = asyncio.create_task(bot.cogs["daily"].suggest(alice))  # type: ignore[attr-defined]
    await stage.until(lambda: len(stage.llm.asked) >= 4)
    question = await stage.answer(await discord.slash("alice", "forget-me"))
    clicked = await discord.click("alice", question, buttons(question)[0]["custom_id"])
    said = await stage.answer(asked)
    assert "had me forget you" in said["content"]
    await stage.until(
        lambda: "Everything I had stored" in str((clicked.original or {}).get("content"))
    )
    await asyncio.wait([daily])
    await asyncio.sleep(1)
    left = await export(bot.drafting.store.database, alice)
    assert {table: rows for table, rows in left.items() if rows} == {}, json.dumps(left)
    assert len(discord.dm_messages("alice")) == 1


async def test_forgetting_one_ends_nothing_of_another(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    stage.llm.delay_s = 0.5
    await discord.slash("alice", "draft", topic="fog", count=1)
    await stage.until(lambda: stage.llm.asked)
    question = await stage.answer(await discord.slash("bob", "forget-me"))
    await discord.click("bob", question, buttons(question)[0]["custom_id"])
    await stage.dm()
    draft = await bot.drafting.get(1)
    assert draft.state is State.PENDING


async def test_a_note_ends_some_day_and_nobody_who_is_forgotten_gets_one(tmp_path: Path) -> None:
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    async with Store.open(tmp_path / "bot.db") as store:
        people = store.people
        await people.leave_unsaid(7, "Nobody knows them.", now)
        assert await people.unsaid(7, now) == []
        await people.met(7, "de")
        await people.leave_unsaid(7, "Draft 1 has expired.", now)
        await people.leave_unsaid(7, "Draft 2 has expired.", now + timedelta(days=20))
        assert len(await people.unsaid(7, now + timedelta(days=29))) == 2
        assert await people.unsaid(7, now + timedelta(days=31)) == ["Draft 2 has expired."]
        await people.leave_unsaid(7, "Draft 3 has expired.", now + timedelta(days=31))
        for again in range(3):
            for number in range(12):
                soon = now + timedelta(days=40, hours=again)
                await people.leave_unsaid(9, f"Note {number}.", soon)
                await people.met(9, "en")
        told = await people.unsaid(9, now + timedelta(days=41))
        assert told == [f"Note {number}." for number in range(2, 12)]
        await people.drop_unsaid(9)
        rows = await store.database.rows("SELECT text FROM unsaid ORDER BY id")
        assert [row["text"] for row in rows] == ["Draft 2 has expired.", "Draft 3 has expired."]
