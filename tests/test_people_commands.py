"""/voice, /mastodon, /export-me and /forget-me through the wire, as people use them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.chat.client import Bot
from bot.chat.cogs.accounts import code_in
from bot.draft import Network, State
from bot.voice import Voice
from tests.stage import Stage

COMMANDS = ("voice", "mastodon", "export-me", "forget-me")


def _id(stage: Stage, name: str) -> int:
    return int(stage.sandbox.people[name]["id"])


async def test_they_work_in_servers_and_dms_installed_either_way(stage: Stage, bot: Bot) -> None:
    offered = {c["name"]: c for c in stage.sandbox.discord.applications.offered()}
    for name in COMMANDS:
        assert offered[name]["integration_types"] == [0, 1]
        assert offered[name]["contexts"] == [0, 1, 2]


async def test_a_voice_is_listed_shown_and_chosen(stage: Stage, bot: Bot) -> None:
    stage.add_voice("odd")
    listed = await stage.says("alice", "voice list")
    assert "▶ **mara**" in listed and "▪ **odd**" in listed
    assert "3 posts" in listed
    assert "**odd**" in await stage.says("alice", "voice use", voice="odd")
    assert "▶ **odd**" in await stage.says("alice", "voice list")
    shown = await stage.says("alice", "voice show")
    assert shown.startswith("**odd**") and "3 posts" in shown and "provider-base" in shown
    assert "nobody drafts in another" in await stage.says("bob", "voice list")


async def test_what_an_evaluation_found_is_shown_in_a_line(stage: Stage, bot: Bot) -> None:
    folder = stage.add_voice("odd")
    judged = {"evaluated_posts": 40, "c2st_style": 0.853, "short_manner": 0.58, "short_topic": 0.1}
    voice = Voice.load(folder)
    replace(voice, metrics=judged).save(folder)
    shown = await stage.says("alice", "voice show", voice="odd")
    assert "Judged by 40 posts that it had not seen: a classifier knows its drafts" in shown
    assert "85 times in 100" in shown
    assert "Weakest point: its manner." in shown
    replace(voice, metrics={"evaluated_posts": 1, "short_topic": 0.1, "short_copies": -1}).save(
        folder
    )
    shown = await stage.says("alice", "voice show", voice="odd")
    assert "Judged by 1 post that it had not seen: too few to compare its manner." in shown
    assert "Weakest point: keeping to the topic." in shown
    assert "Judged" not in await stage.says("alice", "voice show", voice="mara")


async def test_a_voice_is_granted_and_revoked(stage: Stage, bot: Bot) -> None:
    bob, alice = _id(stage, "bob"), _id(stage, "alice")
    told = await stage.says("alice", "voice grant", user=str(bob), voice="mara")
    assert f"<@{bob}>'s now" in told
    assert "yours" in await stage.says("bob", "voice list")
    assert "nobody drafts" in await stage.says("alice", "draft", topic="tea")
    assert "may draft in your voice" in await stage.says("bob", "voice grant", user=str(alice))
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    assert "cannot draft" in await stage.says("bob", "voice revoke", user=str(alice))
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    await stage.until(
        lambda: "nobody drafts" in stage.sandbox.discord.dm_messages("alice")[0]["content"]
    )
    assert await stage.posted() == []
    assert "▪ **mara**" in await stage.says("alice", "voice list")  # an operator hears of it
    await stage.says("alice", "voice revoke", user=str(bob), voice="mara")
    assert "▶ **mara**" in await stage.says("alice", "voice list")


async def test_voices_are_suggested_to_those_who_may_hear_of_them(stage: Stage, bot: Bot) -> None:
    stage.add_voice("odd")
    discord = stage.sandbox.discord
    for command in ("voice use", "voice show", "voice grant", "voice revoke"):
        found = await discord.autocomplete("alice", command, "voice", "od")
        assert [c["value"] for c in found] == ["odd"]
        assert await discord.autocomplete("bob", command, "voice", "") == []


async def test_an_account_is_connected_shown_and_disconnected(stage: Stage, bot: Bot) -> None:
    assert "/mastodon connect" in await stage.says("bob", "mastodon show")
    told = await stage.connect("bob", "bob")
    assert f"posted to {stage.sandbox.mastodon_url} @bob" in told
    assert "@bob; a post may have 500" in await stage.says("bob", "mastodon show")
    assert "@you; a post may have 500" in await stage.says("alice", "mastodon show")
    assert "taken it back" in await stage.says("bob", "mastodon disconnect")
    assert "/mastodon connect" in await stage.says("bob", "mastodon show")
    assert "nothing to do" in await stage.says("alice", "mastodon disconnect")


async def test_the_form_for_the_code_works_after_a_restart(stage: Stage) -> None:
    discord = stage.sandbox.discord
    async with stage.running():
        asked = await discord.slash("bob", "mastodon connect", instance=stage.sandbox.mastodon_url)
        message = await stage.answer(asked)
    async with stage.running():
        clicked = await discord.click("bob", message, "mastodon:code")
        await stage.until(lambda: clicked.modal)
    async with stage.running():
        sent = await discord.submit("bob", clicked, {"code": "mockcode_bob"})
        assert "@bob" in (await stage.answer(sent))["content"]


async def test_connecting_has_a_limit(stage: Stage, bot: Bot) -> None:
    for _ in range(3):
        told = await stage.says("bob", "mastodon connect", instance="localhost")
        assert "not the address of a Mastodon server" in told
    told = await stage.says("bob", "mastodon connect", instance=stage.sandbox.mastodon_url)
    assert "a little fast. Try again in 10 minutes." in told


async def test_a_person_gets_everything_about_them_and_no_secret(stage: Stage, bot: Bot) -> None:
    await stage.connect("alice", "you")
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    await stage.dm()
    secrets = [secret for _, secret in await bot.drafting.store.accounts.secrets()]
    record = await stage.sandbox.discord.slash("alice", "export-me")
    message = await stage.answer(record)
    (attached,) = message["attachments"]
    (sent,) = [c for c in stage.sandbox.discord.log if c.files]
    about = json.loads(sent.files[0][1])
    assert attached["filename"] == "write-my-posts.json"
    assert about["drafts"][0]["topic"] == "tea"
    assert len(about["candidates"]) == 4
    assert about["accounts"][0]["token"] == "(secret)"
    assert not any(secret in json.dumps(about) for secret in secrets)


async def test_everything_is_forgotten_once_it_is_confirmed(stage: Stage, bot: Bot) -> None:
    store, alice = bot.drafting.store, _id(stage, "alice")
    bob = str(_id(stage, "bob"))
    await stage.connect("alice", "you")
    await stage.says("alice", "voice grant", user=str(alice), voice="mara")
    await stage.says("alice", "voice grant", user=bob)
    await stage.says("alice", "daily set", time="09:00", timezone="Europe/Berlin")
    await stage.sandbox.discord.slash("alice", "draft", topic="a canary topic")
    await stage.sandbox.discord.react("alice", await stage.dm(), "1️⃣")
    await stage.story("✅")
    account = await bot.drafting.accounts.of(alice, Network.MASTODON)
    record = await stage.sandbox.discord.slash("alice", "forget-me")
    message = await stage.answer(record)
    assert "cannot be undone" in message["content"]
    assert await store.drafts.get(1)
    clicked = await stage.sandbox.discord.click("alice", message, "forget-me:yes")
    await stage.until(lambda: "is deleted" in (clicked.original or {"content": ""})["content"])
    assert "mara" in (await stage.answer(clicked))["content"]
    with pytest.raises(Exception, match="/mastodon connect"):
        await account.verify()
    assert await _mentions(stage, bot, alice) == []
    assert b"canary" not in b"".join(f.read_bytes() for f in stage.database.parent.glob("bot.db*"))
    assert len(await stage.posted()) == 1  # what is on Mastodon stays there


async def _mentions(stage: Stage, bot: Bot, user_id: int) -> list[str]:
    """Every column of every table that holds this number."""
    db, found = bot.drafting.store.database, []
    for (table,) in await db.rows("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for _, column, *_ in await db.rows(f"PRAGMA table_info({table})"):
            if await db.rows(f"SELECT 1 FROM {table} WHERE {column} = ?", (user_id,)):
                found.append(f"{table}.{column}")
    return [name for name in found if not name.startswith(("people.", "sqlite_"))]


async def test_what_is_being_posted_is_not_forgotten_meanwhile(stage: Stage, bot: Bot) -> None:
    stage.proxy.fault("POST", "/api/v1/statuses", 503, times=99)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    await stage.sandbox.discord.react("alice", await stage.dm(), "1️⃣")
    await stage.story("⏳")
    message = await stage.answer(await stage.sandbox.discord.slash("alice", "forget-me"))
    clicked = await stage.sandbox.discord.click("alice", message, "forget-me:yes")
    await stage.until(lambda: any("just being" in m["content"] for m in clicked.followups))
    (draft,) = await bot.drafting.store.drafts.in_state(State.PUBLISHING)
    assert draft.attempted_at and draft.attempted_at < datetime.now(UTC)


@pytest.mark.parametrize(
    "pasted",
    [
        "abc-DEF_123",
        " abc-DEF_123\n",
        "“abc-DEF_123”",
        "Here is your authorization code: abc-DEF_123.",
        "https://example.org/oauth/authorize/native?code=abc-DEF_123",
        "https://example.org/cb?state=1&code=abc%2DDEF_123#top",
    ],
)
def test_a_code_is_found_in_what_was_copied(pasted: str) -> None:
    assert code_in(pasted) == "abc-DEF_123"
