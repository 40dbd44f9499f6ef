"""What an owner decided holds through a crash: each decision, its time and its account."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.draft import Draft, State
from bot.language import is_language
from bot.store import Store
from tests.stage import Stage

NOW = datetime.now(UTC)
TARGET = NOW + timedelta(hours=2)


async def _drafts(stage: Stage, store: Store) -> dict[str, Draft]:
    """A draft for each decision, in the state in which it is made."""
    shown = await store.drafts.get(1)
    assert shown
    fingerprint, account = shown.candidates[0].fingerprint, f"{stage.proxy.url} @you"
    drafts = {"undo": shown}
    for what in ("take back", "there", "absent", "again", "wish", "later", "reject", "edit"):
        drafts[what] = draft = await store.drafts.add(shown)
        if what == "take back":  # it was due while the bot was away
            due = NOW - timedelta(minutes=5)
            assert await store.decisions.schedule(draft.id, 0, fingerprint, due, NOW, (account,))
        if what in ("there", "absent"):
            assert await store.decisions.claim(draft.id, 0, fingerprint, (account,), NOW)
            assert await store.decisions.ask(draft.id, NOW)
    return drafts


DECISIONS = {  # what -> the custom_id's action, what was typed, the state that it leads to
    "undo": ("back", {}, State.UNDONE),
    "take back": ("back", {}, State.PENDING),
    "there": ("there", {}, State.PUBLISHED),
    "absent": ("absent", {}, State.PENDING),
    "again": ("again", {}, State.REPLACED),
    "wish": ("wish", {"wish": "shorter"}, State.REPLACED),
    "later": ("later", {"when": f"tomorrow {TARGET:%H:%M}", "timezone": "UTC"}, State.SCHEDULED),
    "reject": ("reject", {}, State.REJECTED),
    "edit": ("edit", {"text": "Mine now."}, State.PENDING),
}


async def test_every_decision_outlives_a_crash(stage: Stage) -> None:
    async with stage.running():
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.press(await stage.dm(), "Post 1")
        await stage.story("✅")
    a_day_before = TARGET - timedelta(days=1)  # "tomorrow" is the day after the decision
    async with Store.open(stage.database) as store:
        drafts = await _drafts(stage, store)
        for what, (action, typed, _) in DECISIONS.items():
            text = drafts[what].candidates[0].fingerprint
            where = f":0:{text}" if what in ("later", "edit") else ""
            custom_id = f"draft:{drafts[what].id}:{action}{where}"
            await store.in_progress.add(drafts[what].id, custom_id, typed, a_day_before)
    async with stage.running() as bot:
        while await bot.drafting.store.in_progress.all():
            await stage.until(lambda: True)
        after = {what: await bot.drafting.get(draft.id) for what, draft in drafts.items()}
    assert {what: draft.state for what, draft in after.items()} == {
        what: state for what, (_, _, state) in DECISIONS.items()
    }
    assert after["later"].post_at == TARGET.replace(second=0, microsecond=0)
    assert after["edit"].candidates[0].text == "Mine now."
    assert await stage.timeline() == []


async def test_a_silent_discord_holds_up_no_post(stage: Stage) -> None:
    async with stage.running() as bot:
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.dm()
        due = await bot.drafting.get(1)
        text, now = due.candidates[0].fingerprint, datetime.now(UTC)
        in_an_hour = now + timedelta(hours=1)
        await bot.drafting.publishing.post_later(due, 0, text, in_an_hour, now)
        bot.messages.outdated[1] = None
        stage.sandbox.discord.faults.hang("PATCH", r"/channels/.*", 60, times=9)
        sweep = asyncio.create_task(bot.following.sweep(in_an_hour))
        await stage.until(lambda: ("POST", "/api/v1/statuses") in stage.proxy.seen)
        assert 1 in bot.messages.outdated  # it waits its turn, behind the post
        sweep.cancel()
        await asyncio.gather(sweep, return_exceptions=True)


async def test_mastodon_show_says_that_the_access_was_taken_back(stage: Stage) -> None:
    async with stage.running():
        assert "a post may have 500" in await stage.says("alice", "mastodon show")
        stage.proxy.fault("GET", "/api/v1/accounts/verify_credentials", 401)
        assert "does not accept the access" in await stage.says("alice", "mastodon show")


async def test_a_language_that_is_none_is_said_at_once(stage: Stage) -> None:
    async with stage.running():
        for typed in ("jp", "xyz", "12"):
            assert "no code of a language" in await stage.says(
                "alice", "draft", topic="tea", language=typed
            )
        assert stage.llm.asked == []


@pytest.mark.parametrize("code", ["cz", "dk", "gr", "ua", "vn", "zz", "e", "", "e1"])
def test_what_people_write_for_a_language_is_no_code(code: str) -> None:
    assert not is_language(code)


@pytest.mark.parametrize(
    "code", ["en", "DE", "cs", "da", "el", "uk", "vi", "ja", "ckb", "tok", "fil"]
)
def test_a_code_of_a_language_is_known(code: str) -> None:
    assert is_language(code)
