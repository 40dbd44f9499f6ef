"""Commands around drafts, through the wire: /draft's options, the menu, /draft-again, /drafts."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.draft import Candidate, Draft, State
from bot.writing.composing import Request
from tests.fakes.llm import TEXTS
from tests.fakes.statements import counting
from tests.fakes.voice import POSTS
from tests.stage import Stage, buttons, texts

Json = dict[str, Any]  # Discord's message JSON


async def _write(bot: Bot, stage: Stage, count: int) -> None:
    """Drafts of alice's, as many as a test needs, without a word to Discord."""
    owner = int(stage.sandbox.people["alice"]["id"])
    for number in range(1, count + 1):
        await bot.drafting.write_draft(owner, Request(f"topic {number}", 1), datetime.now(UTC))


async def test_every_option_reaches_the_status(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash(
        "alice",
        "draft",
        where="dm",
        topic="tea",
        voice="mara",
        count=2,
        instruction="short",
        visibility="unlisted",
        language="de",
        content_warning="hot drinks",
    )
    message = await stage.dm(2)  # the first answers the command
    assert len(texts(message)) == 2
    for said in ("Your wish: short", "Content warning: hot drinks", "unlisted", "Language: de"):
        assert said in message["content"]
    assert stage.llm.asked[0]["messages"][-1]["content"] == "tea\nshort"
    await stage.press(message, "Post 1")
    await stage.story("✅", 2)
    (status,) = await stage.posted()
    assert (status["visibility"], status["language"]) == ("unlisted", "de")
    assert status["spoiler_text"] == "hot drinks"
    assert str(len(TEXTS[0]) + len("hot drinks")) in message["embeds"][0]["footer"]["text"]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"voice": "nobody"}, "is not yours"), ({"language": "d1"}, "no code of a language")],
    ids=["voice", "language"],
)
async def test_a_wrong_option_is_answered_with_a_sentence(
    stage: Stage, bot: Bot, options: dict[str, object], said: str
) -> None:
    assert said in await stage.says("alice", "draft", topic="tea", **options)
    assert stage.sandbox.discord.dm_messages("alice") == []


async def test_topics_are_offered_least_used_lately_first(stage: Stage, bot: Bot) -> None:
    offered = [topic for _, topic in POSTS]
    discord = stage.sandbox.discord
    owner = int(stage.sandbox.people["alice"]["id"])
    for topic in (offered[0], offered[2]):
        await bot.drafting.write_draft(owner, Request(topic.upper(), 1), datetime.now(UTC))
    choices = await discord.autocomplete("alice", "draft", "topic", "")
    assert [c["value"] for c in choices] == [offered[1], offered[0], offered[2]]
    voices = await discord.autocomplete("alice", "draft", "voice", "ma")
    assert [c["value"] for c in voices] == ["mara"]
    assert await discord.autocomplete("bob", "draft", "voice", "") == []


async def test_who_asks_too_often_is_told_to_wait(stage: Stage, bot: Bot) -> None:
    for number in range(5):
        await stage.says("alice", "draft", topic=f"tea {number}", voice="nobody")
    assert "a little fast" in await stage.says("alice", "draft", topic="tea")
    assert "No voice of this bot is yours" in await stage.says("bob", "draft", topic="tea")


@pytest.mark.parametrize(
    ("said", "topic"),
    [
        ("The ferry\nwas late   again", "The ferry was late again"),
        ("fog " * 100, ("fog " * 50).strip()),
        ("Festival <:blobcat:123456789012345678><a:wave:1>", "Festival :blobcat::wave:"),
        (
            "on <t:1764500000:F>, <t:1764500000:D>, <t:1764500000:t>, <t:1764500000>",
            "on 2025-11-30 10:53 UTC, 2025-11-30, 10:53 UTC, 2025-11-30 10:53 UTC",
        ),
        ("Ask </draft:123> in <id:guide> <t:999999999999>", "Ask /draft in"),
    ],
    ids=["short", "long", "custom emoji", "moments", "a command"],
)
async def test_a_draft_about_a_message(stage: Stage, bot: Bot, said: str, topic: str) -> None:
    message = await stage.sandbox.discord.say("bob", said, where="guild")
    await stage.sandbox.discord.menu("alice", "Draft about this", message)
    await stage.dm()
    assert (await bot.drafting.get(1)).topic == topic


async def test_a_forward_is_about_what_was_passed_on(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    message = await discord.say("alice", "x", where="guild")
    data = discord.world.messages[message["id"]].data
    inner = {"type": 0, "content": "The <@7> festival <:boat:9> is moved.", "embeds": []}
    inner |= {"attachments": [], "timestamp": data["timestamp"], "edited_timestamp": None}
    inner |= {"flags": 0, "mentions": [], "mention_roles": [], "components": []}
    reference = {"type": 1, "channel_id": data["channel_id"], "message_id": "1"}
    data |= {"content": "", "flags": 1 << 14, "message_reference": reference}
    data |= {"message_snapshots": [{"message": inner}]}
    await discord.menu("alice", "Draft about this", message["id"])
    await stage.dm()
    assert (await bot.drafting.get(1)).topic == "The festival :boat: is moved."


async def test_a_message_without_text_is_no_topic(stage: Stage, bot: Bot) -> None:
    message = await stage.sandbox.discord.say("bob", "", where="guild")
    record = await stage.sandbox.discord.menu("alice", "Draft about this", message)
    answer = await stage.answer(record)
    assert "no text of its own" in answer["content"]
    assert answer["flags"] & 64


async def test_draft_again_replaces_what_is_open_and_repeats_what_is_not(
    stage: Stage, bot: Bot
) -> None:
    await stage.sandbox.discord.slash(
        "alice", "draft", topic="tea", count=2, content_warning="drinks", instruction="short"
    )
    await stage.dm()
    choices = await stage.sandbox.discord.autocomplete("alice", "draft-again", "id", "te")
    assert [(c["name"], c["value"]) for c in choices] == [("1: tea (open)", 1)]
    await stage.says("alice", "draft-again", id=1)
    await stage.story("🔁")
    await stage.press(await stage.dm(2), "Reject")
    await stage.story("❌", 2)
    await stage.says("alice", "draft-again", id=2)
    await stage.dm(3)
    third = await bot.drafting.get(3)
    assert (third.topic, third.instruction, len(third.candidates)) == ("tea", "short", 2)
    assert third.style.content_warning == "drinks"
    assert (await bot.drafting.get(2)).state is State.REJECTED
    assert "somebody else's" in await stage.says("bob", "draft-again", id=1)
    assert await stage.sandbox.discord.autocomplete("bob", "draft-again", "id", "") == []


@pytest.mark.parametrize("many", [5, 50, 200])
async def test_a_keystroke_of_draft_again_takes_five_statements_at_most(
    stage: Stage, bot: Bot, many: int
) -> None:
    store, discord = bot.drafting.store, stage.sandbox.discord
    owner, now = int(stage.sandbox.people["alice"]["id"]), datetime.now(UTC)
    bot.scheduler.pause()  # the minute's own statements are none of the keystroke's
    candidates = tuple(Candidate(text, len(text)) for text in TEXTS[:4])
    for i in range(many):
        draft = Draft(owner, "mara", f"tea {i}", candidates, 500, now)
        await store.drafts.shown(await store.drafts.add(draft), None, i + 1)
    await bot.wait_until_ready()  # two seconds after a start, however slow this was
    await asyncio.sleep(0.1)
    missed = [task for task in asyncio.all_tasks() if task.get_name() == "missed reactions"]
    await asyncio.gather(*missed)  # the look at all drafts after a start is no keystroke's either
    await stage.says("alice", "voice show")  # the bot knows her language by now
    async with counting(store) as statements:
        choices = await discord.autocomplete("alice", "draft-again", "id", "tea")
    assert len(choices) == min(many, 25)
    assert 0 < len(statements) <= 5
    async with counting(store) as statements:
        await stage.says("alice", "drafts")
    assert 0 < len(statements) <= 6


async def test_drafts_are_paged_also_after_a_restart(stage: Stage) -> None:
    async with stage.running() as bot:
        await _write(bot, stage, 7)
        listed = await stage.answer(await stage.sandbox.discord.slash("alice", "drafts"))
        assert listed["flags"] & 64
        assert listed["content"] == "7 drafts."
        assert [b["label"] for b in buttons(listed)] == ["7", "6", "5", "4", "3", "▶"]
    async with stage.running():
        await stage.press(listed, "▶")
        second = await stage.until(lambda: _listing(stage, "topic 1"))
        assert [b["label"] for b in buttons(second)] == ["2", "1", "◀"]
        await stage.press(second, "◀")
        await stage.until(lambda: _listing(stage, "topic 7"))


def _listing(stage: Stage, text: str) -> Json | None:
    """The list, if its page shows this text."""
    found = [m for m in stage.sandbox.discord.messages("alice") if m["content"] == "7 drafts."]
    return next((m for m in found if text in m["embeds"][0]["description"]), None)


async def test_a_list_says_what_became_of_each(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    message = await stage.dm()
    await stage.press(message, "Post 1")
    await stage.story("✅")
    await _write(bot, stage, 1)
    record = await stage.sandbox.discord.slash("alice", "drafts", state="posted")
    listed = await stage.answer(record)
    (status,) = await stage.posted()
    line = listed["embeds"][0]["description"]
    assert listed["content"] == "1 draft: posted."
    assert status["url"] in line
    assert f"/{message['channel_id']}/{message['id']}" in line
    assert await stage.says("bob", "drafts") == "0 drafts."


async def test_a_draft_of_the_list_can_be_shown_and_decided(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=2)
    await stage.dm()
    listed = await stage.answer(await stage.sandbox.discord.slash("alice", "drafts"))
    shown = await stage.answer(await stage.press(listed, "1"))
    assert shown["flags"] & 64
    assert texts(shown) == list(TEXTS[:2])
    await stage.press(shown, "Post 2")
    await stage.story("✅")
    again = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice") if m["id"] == shown["id"]), None
        )
    )
    await stage.until(lambda: "✅" in stage.sandbox.discord.messages("alice")[-1]["content"])
    assert again["id"] == shown["id"]
    assert len(await stage.posted()) == 1


async def test_without_a_post_there_is_nothing_to_undo(stage: Stage, bot: Bot) -> None:
    assert "no post of yours" in await stage.says("alice", "undo")
