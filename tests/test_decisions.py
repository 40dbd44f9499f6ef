"""Decisions through the wire: each button, form and reaction, and what happens by itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.draft import State
from bot.writing.composing import Request
from tests.fakes.llm import TEXTS
from tests.stage import Stage, buttons, texts

Json = dict[str, Any]  # Discord's message JSON
LONG = "The harbour master has opinions about fog, and shares them. " * 20
BY = pytest.mark.parametrize("by", ["button", "reaction"])
EMOJI = {"Edit": "✏️", "New ones, with a wish": "💬", "Post later": "⏰"}


async def _draft(stage: Stage, count: int = 4) -> Json:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=count)
    return await stage.dm()


async def _question(stage: Stage, start: str) -> Json:
    """The bot's question which text is meant; an answer to alice only, or a direct message."""
    found: Json = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice") if m["content"].startswith(start)),
            None,
        )
    )
    return found


async def _told(stage: Stage, part: str) -> Json:
    """The message that says so, once it is there."""
    found: Json = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice") if part in m["content"]), None
        )
    )
    return found


async def _ask_for(stage: Stage, message: Json, label: str, by: str, start: str) -> Json:
    """Use a button, or the reaction that does the same, up to the question."""
    if by == "button":
        await stage.press(message, label)
    else:
        await stage.sandbox.discord.react("alice", message, EMOJI[label])
    return await _question(stage, start)


async def _edit(stage: Stage, message: Json, text: str, position: int = 1) -> None:
    question = await _ask_for(stage, message, "Edit", "button", "Which text")
    await stage.fill(await stage.press(question, f"Edit {position}"), text=text)
    await stage.until(lambda: "edited by you" in _footers(_first(stage)))


def _first(stage: Stage) -> Json:
    return stage.sandbox.discord.dm_messages("alice")[0]


def _footers(message: Json) -> str:
    return " ".join(e["footer"]["text"] for e in message["embeds"])


async def _decisions(bot: Bot) -> list[tuple[Any, ...]]:
    rows = await bot.drafting.store.database.rows(
        "SELECT draft_id, action, position, text FROM decisions ORDER BY id"
    )
    return [tuple(row) for row in rows]


@BY
@pytest.mark.parametrize(
    ("emoji", "label", "start", "statuses"),
    [("3️⃣", "Post 3", "✅", 1), ("❌", "Reject", "❌", 0), ("🔁", "New ones", "🔁", 0)],
    ids=["approve", "reject", "again"],
)
async def test_a_button_and_a_reaction_do_the_same(
    stage: Stage, bot: Bot, by: str, emoji: str, label: str, start: str, statuses: int
) -> None:
    message = await _draft(stage)
    if by == "button":
        await stage.press(message, label)
    else:
        await stage.sandbox.discord.react("alice", message, emoji)
    await stage.story(start)
    assert len(await stage.posted()) == statuses
    if start == "🔁":
        assert texts(await stage.dm(2)) == list(TEXTS[4:8])


async def test_reaction_and_clicks_together_post_one_status(stage: Stage, bot: Bot) -> None:
    message = await _draft(stage)
    await asyncio.gather(
        stage.sandbox.discord.react("alice", message, "1️⃣"),
        stage.press(message, "Post 2"),
        stage.press(message, "Post 2"),
    )
    await stage.story("✅")
    await asyncio.sleep(0.3)
    assert len(await stage.posted()) == 1


@BY
async def test_an_edited_text_is_posted_and_both_texts_are_stored(
    stage: Stage, bot: Bot, by: str
) -> None:
    message = await _draft(stage)
    question = await _ask_for(stage, message, "Edit", by, "Which text of draft 1")
    assert [b["label"] for b in buttons(question)] == [f"Edit {i}" for i in range(1, 5)]
    opened = await stage.press(question, "Edit 2")
    await stage.until(lambda: opened.modal)
    assert opened.modal and TEXTS[1] in str(opened.modal)
    await stage.fill(opened, text="Mine,\nand only mine.")
    shown = await stage.until(lambda: m if "edited" in _footers(m := _first(stage)) else None)
    assert texts(shown)[1] == "Mine,\nand only mine."
    await stage.until(lambda: question["id"] not in stage.sandbox.discord.world.messages)
    await stage.press(shown, "Post 2")
    await stage.story("✅")
    (status,) = await stage.posted()
    assert "and only mine" in status["content"]
    draft = await bot.drafting.get(1)
    assert draft.approved.original == TEXTS[1]
    text = "Mine,\nand only mine."
    assert await _decisions(bot) == [(1, "edit", 1, text), (1, "approve", 1, text)]


async def test_the_form_of_a_single_candidate_opens_at_once(stage: Stage, bot: Bot) -> None:
    message = await _draft(stage, count=1)
    await stage.fill(await stage.press(message, "Edit"), text="Shorter.")
    await stage.until(lambda: texts(_first(stage)) == ["Shorter."])


@BY
async def test_a_wish_reaches_the_model_and_is_stored(stage: Stage, bot: Bot, by: str) -> None:
    message = await _draft(stage)
    label = "New ones, with a wish"
    if by == "button":
        opened = await stage.press(message, label)
    else:
        question = await _ask_for(stage, message, label, by, "What do you wish for")
        opened = await stage.press(question, label)
    await stage.fill(opened, wish="Shorter, please")
    await stage.story("🔁")
    new = await stage.dm(2)  # the question is gone by then
    assert "Shorter, please" in new["content"]
    assert stage.llm.asked[-1]["messages"][-1]["content"] == "tea\nShorter, please"
    assert await _decisions(bot) == [(1, "again", None, "Shorter, please")]


@BY
async def test_a_post_for_later_is_posted_when_it_is_due(stage: Stage, bot: Bot, by: str) -> None:
    message = await _draft(stage)
    question = await _ask_for(stage, message, "Post later", by, "Which text")
    opened = await stage.press(question, "Post later 4")
    await stage.fill(opened, when="tomorrow 9:00", timezone="Europe/Berlin")
    told = await stage.story("⏰ Draft 1 will be posted <t:")
    assert texts(told) == [TEXTS[3]]
    draft = await bot.drafting.get(1)
    assert draft.state is State.SCHEDULED and draft.post_at
    await bot.following.sweep(draft.post_at - timedelta(seconds=1))
    assert await stage.posted() == []
    await bot.following.sweep(draft.post_at)
    await stage.story("✅")
    (status,) = await stage.posted()
    assert TEXTS[3] in status["content"]


@BY
async def test_a_post_for_later_can_be_taken_back(stage: Stage, by: str) -> None:
    async with stage.running():
        message = await _draft(stage, count=1)
        opened = await stage.press(message, "Post later")
        await stage.fill(opened, when="tomorrow 9:00", timezone="America/New_York")
        told = await stage.story("⏰")
    async with stage.running() as bot:
        if by == "button":
            await stage.press(told, "Take it back")
        else:
            await stage.sandbox.discord.react("alice", told, "↩️")
        shown = await stage.story("✍️")
        await bot.following.sweep(datetime.now(UTC) + timedelta(days=2))
        assert await stage.posted() == []
        again = await stage.press(shown, "Post later")
        await stage.until(lambda: again.modal)
        assert "America/New_York" in str(again.modal)


@pytest.mark.parametrize(
    ("when", "timezone", "said"),
    [
        ("2020-01-01 09:00", "Europe/Berlin", "is past"),
        ("soon", "Europe/Berlin", "not a time I understand"),
        ("tomorrow 9:00", "Mars/Base", "not a time zone"),
    ],
)
async def test_a_time_that_cannot_be_is_answered_with_a_sentence(
    stage: Stage, bot: Bot, when: str, timezone: str, said: str
) -> None:
    message = await _draft(stage, count=1)
    await stage.fill(await stage.press(message, "Post later"), when=when, timezone=timezone)
    assert (await _told(stage, said))["flags"] & 64
    assert (await bot.drafting.get(1)).state is State.PENDING


@BY
async def test_a_text_that_changed_unseen_is_not_posted_but_shown(
    stage: Stage, bot: Bot, by: str
) -> None:
    message = await _draft(stage, count=1)
    draft = await bot.drafting.get(1)
    await bot.drafting.edit(draft, 0, "Something else.", datetime.now(UTC))
    if by == "button":
        await stage.press(message, "Post 1")
    else:
        await stage.sandbox.discord.react("alice", message, "1️⃣")
    told = await _told(stage, "has changed since it was shown")
    assert texts(told) == ["Something else."]
    assert await stage.posted() == []
    await stage.press(told, "Post 1")
    await stage.story("✅")
    assert "Something else." in (await stage.posted())[0]["content"]


async def test_a_long_text_is_shown_and_posted_as_a_thread(stage: Stage, bot: Bot) -> None:
    await _edit(stage, await _draft(stage), LONG)
    shown = _first(stage)
    assert "a thread of 3" in _footers(shown)
    parts = (await bot.drafting.get(1)).candidates[0].parts
    assert len(parts) == 3
    assert all(part in texts(shown)[0] for part in parts)
    await stage.press(shown, "Post 1")
    await stage.story("✅ Draft 1 is posted as a thread of 3")
    newest_first = await stage.posted()
    assert await stage.timeline() == list(reversed(parts))
    for reply, answered in pairwise(newest_first):
        assert str(reply["in_reply_to_id"]) == str(answered["id"])


async def test_a_thread_that_broke_off_is_finished_or_deleted(stage: Stage, bot: Bot) -> None:
    await _edit(stage, await _draft(stage), LONG)
    stage.proxy.fault("POST", "/api/v1/statuses", 422, skip=1)
    await stage.press(_first(stage), "Post 1")
    told = await stage.story("✍️ Draft 1: 1 of 3 parts")
    assert [b["label"] for b in buttons(told)] == ["Post the rest", "Delete what is posted"]
    await stage.press(told, "Post the rest")
    await stage.story("✅")
    parts = (await bot.drafting.get(1)).approved.parts
    assert await stage.timeline() == list(reversed(parts))


@pytest.mark.parametrize("by", ["button", "reaction", "command"])
async def test_a_status_is_deleted_again(stage: Stage, bot: Bot, by: str) -> None:
    message = await _draft(stage)
    await stage.press(message, "Post 1")
    told = await stage.story("✅")
    if by == "button":
        await stage.press(told, "Undo")
    elif by == "reaction":
        await stage.sandbox.discord.react("alice", told, "↩️")
    else:
        assert "deleted again" in await stage.says("alice", "undo")
    told = await stage.story("↩️")
    assert await stage.posted() == []
    assert told["components"] == []
    assert (await _decisions(bot))[-1] == (1, "undo", None, None)


async def test_undo_deletes_every_part_of_a_thread(stage: Stage, bot: Bot) -> None:
    await _edit(stage, await _draft(stage), LONG)
    await stage.press(_first(stage), "Post 1")
    await stage.press(await stage.story("✅"), "Undo")
    await stage.story("↩️")
    assert await stage.posted() == []


async def test_after_an_hour_a_status_stays(stage: Stage) -> None:
    async with stage.running() as bot:
        message = await _draft(stage)
        await stage.press(message, "Post 1")
        told = await stage.story("✅")
        await _age(bot, "statuses", "posted_at", timedelta(hours=2))
        await stage.press(told, "Undo")
        await _told(stage, "more than 60 minutes ago")
        assert "more than 60 minutes ago" in await stage.says("alice", "undo")
        assert len(await stage.posted()) == 1
        assert buttons(await stage.story("✅")) == []


async def test_a_draft_nobody_decided_on_expires_and_says_so(stage: Stage, bot: Bot) -> None:
    await _draft(stage)
    await bot.following.sweep(datetime.now(UTC) + timedelta(days=6))
    assert (await bot.drafting.get(1)).state is State.PENDING
    await bot.following.sweep(datetime.now(UTC) + timedelta(days=8))
    told = await stage.story("⌛ Draft 1 has expired")
    assert buttons(told) == []
    assert await _decisions(bot) == [(1, "expire", None, None)]


async def test_a_draft_that_a_crash_left_unseen_is_shown(stage: Stage) -> None:
    async with stage.running() as bot:
        owner = int(stage.sandbox.people["alice"]["id"])
        earlier = datetime.now(UTC) - timedelta(minutes=1)
        await bot.drafting.write_draft(owner, Request("tea", 2), earlier)
    async with stage.running() as bot:
        message = await stage.dm()
        await bot.following.sweep()
    assert texts(message) == list(TEXTS[:2])
    assert len(stage.sandbox.discord.dm_messages("alice")) == 1


@pytest.mark.parametrize(
    ("label", "start"), [("It is there", "✅"), ("It is not there", "✍️")], ids=["there", "absent"]
)
async def test_after_a_day_of_not_knowing_the_owner_is_asked(
    stage: Stage, bot: Bot, label: str, start: str
) -> None:
    message = await _draft(stage)
    stage.proxy.fault("POST", "/api/v1/statuses", 503, times=9)
    await stage.press(message, "Post 1")
    await _told(stage, "I do not know yet")
    await bot.following.sweep(datetime.now(UTC) + timedelta(hours=25))
    told = await stage.story("❓")
    assert "Draft 1 needs you" in (await _told(stage, "needs you"))["content"]
    stage.proxy.faults.clear()
    await stage.press(told, label)
    told = await stage.story(start)
    assert await stage.posted() == []
    if start == "✍️":
        await stage.press(told, "Post 1")
        await stage.story("✅")
        assert len(await stage.posted()) == 1


async def test_forms_and_questions_work_after_a_restart(stage: Stage) -> None:
    async with stage.running():
        message = await _draft(stage)
        await stage.sandbox.discord.react("alice", message, "✏️")
        question = await _question(stage, "Which text")
        opened = await stage.press(message, "New ones, with a wish")
        await stage.until(lambda: opened.modal)
    async with stage.running():
        await stage.fill(await stage.press(question, "Edit 1"), text="Mine.")
        await stage.until(lambda: texts(_first(stage))[0] == "Mine.")
        await stage.fill(opened, wish="Shorter")
        await stage.story("🔁")


async def test_a_reaction_counts_once_however_often_it_is_seen(stage: Stage) -> None:
    stage.proxy.fault("POST", "/api/v1/statuses", 422)
    async with stage.running():
        message = await _draft(stage)
        await stage.sandbox.discord.react("alice", message, "1️⃣")
        await _told(stage, "Mastodon refused")
        await _edit(stage, message, "Not approved by anybody.")
    async with stage.running():
        await stage.sandbox.discord.gateway.drop(4000)
        await asyncio.sleep(0.5)
    assert await stage.posted() == []


async def test_a_super_reaction_given_while_the_bot_was_away_is_found(stage: Stage) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        message = await stage.dm()
    seen = stage.sandbox.discord.world.messages[message["id"]]
    (keycap,) = [key for key in seen.reactions if key.startswith("1")]
    seen.supers[keycap] = [stage.sandbox.people["alice"]["id"]]
    async with stage.running():
        await stage.story("✅")
    assert len(await stage.posted()) == 1


async def test_every_reaction_given_while_the_bot_was_away_is_found(stage: Stage) -> None:
    async with stage.running():
        message = await _draft(stage)
    await stage.sandbox.discord.react("alice", message, "⏰")
    async with stage.running():
        await _question(stage, "Which text of draft 1 do you want to post later?")
    await stage.sandbox.discord.react("alice", message, "❌")
    async with stage.running():
        await stage.story("❌")


async def test_direct_messages_are_in_the_language_of_their_reader(stage: Stage, bot: Bot) -> None:
    await _draft(stage)
    owner = int(stage.sandbox.people["alice"]["id"])
    assert await bot.drafting.store.people.locale(owner) == "en-GB"


async def _age(bot: Bot, table: str, column: str, by: timedelta) -> None:
    """Let stored moments be longer ago."""
    database = bot.drafting.store.database
    for (then,) in await database.rows(f"SELECT DISTINCT {column} FROM {table}"):
        earlier = (datetime.fromisoformat(then) - by).isoformat()
        await database.write(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (earlier, then))
