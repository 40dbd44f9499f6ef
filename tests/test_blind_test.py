"""/which-one: a real post and a drafted one, through the wire."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.blind_test import BlindTest, Shown
from bot.chat.client import Bot
from bot.draft import Candidate, Draft
from bot.drafting import Drafting
from bot.errors import UserError
from bot.store.dossier import dossier, erase
from bot.voice import HELD_OUT_FILE, Voice, VoicePost, save_posts
from bot.writing.composing import Request
from tests import test_page
from tests.conftest import OWNER
from tests.fakes.llm import FakeLLM
from tests.stage import Json, Stage, buttons, texts
from tests.test_page import WIDTHS, Visitor, needs_chromium

visitor = test_page.visitor  # a fixture
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY = "2026-11-01T09:00:00+00:00"
REAL = (
    VoicePost(DAY, "Low tide, and the harbour has misplaced its boats.", ("harbour",)),
    VoicePost(DAY, "Ottilie has resigned from the choir again. Third time.", ("Ottilie",)),
    VoicePost(DAY, "Nobody asked the lighthouse. Nobody ever asks it.", ()),
)
GIVEN_AWAY = (
    VoicePost(DAY, "Read this about boats: https://example.org/boats and weep.", ("boats",)),
    VoicePost(DAY, "As @someone@example.org says, the fog is a civil servant.", ("fog",)),
    VoicePost(DAY, "A very long report. " * 40, ("report",)),
)


@pytest.fixture
def held_out(voice_folder: Path) -> Path:
    """The voice, with posts it has not seen."""
    save_posts(voice_folder, [*REAL, *GIVEN_AWAY], HELD_OUT_FILE)
    return voice_folder


def _real_of(shown: Shown) -> str:
    (real,) = {post.text for post in REAL} & set(shown.texts)
    return real


async def test_no_pair_comes_again_before_all_were_shown(
    drafting: Drafting, held_out: Path
) -> None:
    blind_test = BlindTest(drafting, random.Random(1))
    real = [_real_of(await blind_test.deal(OWNER, "mara", NOW)) for _ in range(2 * len(REAL))]
    assert set(real[:3]) == set(real[3:]) == {post.text for post in REAL}
    other = await asyncio.gather(*(blind_test.deal(OWNER, "mara", NOW) for _ in REAL))
    assert {_real_of(shown) for shown in other} == set(real)


async def test_the_order_is_chance_and_what_gives_it_away_is_not_shown(
    drafting: Drafting, held_out: Path
) -> None:
    blind_test = BlindTest(drafting, random.Random(1))
    places = Counter[int]()
    for _ in range(24):
        shown = await blind_test.deal(OWNER, None, NOW)
        places[shown.texts.index(_real_of(shown))] += 1
        assert not any("http" in text or "@" in text or len(text) > 500 for text in shown.texts)
    assert min(places[0], places[1]) >= 6


@pytest.mark.parametrize("notes", [0, 2], ids=["a voice of before", "from notes"])
async def test_the_drafted_text_comes_as_a_draft_that_says_the_same_does(
    drafting: Drafting, held_out: Path, fake_llm: FakeLLM, notes: int
) -> None:
    counts = {"train": 3, "validation": 0, "notes": notes}
    replace(Voice.load(held_out), counts=counts).save(held_out)
    shown = await BlindTest(drafting, random.Random(1)).deal(OWNER, None, NOW)
    for_the_game = fake_llm.asked[-1]["messages"]
    said = _real_of(shown) if notes else None
    assert shown.is_from_notes == bool(notes)
    await drafting.write_draft(OWNER, Request(shown.topic, 4, notes=said), NOW)
    assert fake_llm.asked[-1]["messages"] == for_the_game


async def test_what_could_not_be_drafted_was_not_shown(
    drafting: Drafting, held_out: Path, fake_llm: FakeLLM
) -> None:
    fake_llm.garbage = 100
    with pytest.raises(Exception, match=r"makes no sense|could be offered"):
        await BlindTest(drafting, random.Random(1)).deal(OWNER, None, NOW)
    assert await drafting.store.trials.seen(OWNER, "mara") == {}


@pytest.mark.parametrize("posts", [(), GIVEN_AWAY], ids=["none", "all given away"])
async def test_a_voice_without_posts_to_play_with_says_so(
    drafting: Drafting, voice_folder: Path, posts: tuple[VoicePost, ...]
) -> None:
    save_posts(voice_folder, posts, HELD_OUT_FILE)
    with pytest.raises(UserError, match="no real posts to play with"):
        await BlindTest(drafting, random.Random(1)).deal(OWNER, None, NOW)
    (voice_folder / HELD_OUT_FILE).unlink()
    with pytest.raises(UserError, match="no real posts to play with"):
        await BlindTest(drafting, random.Random(1)).deal(OWNER, None, NOW)


async def test_a_guess_is_the_players_own_and_counts_once(
    drafting: Drafting, held_out: Path
) -> None:
    blind_test = BlindTest(drafting, random.Random(1))
    shown = await blind_test.deal(OWNER, None, NOW)
    real = shown.texts.index(_real_of(shown)) + 1
    with pytest.raises(UserError, match="somebody else's"):
        await blind_test.guess(shown.id, 99, 1, NOW)
    outcome = await blind_test.guess(shown.id, OWNER, 3 - real, NOW)
    assert (outcome.real_position, outcome.guesses.wrong) == (real, 1)
    with pytest.raises(UserError, match="answered this one already"):
        await blind_test.guess(shown.id, OWNER, real, NOW)
    with pytest.raises(UserError, match="not stored any more"):
        await blind_test.guess(999, OWNER, 1, NOW)
    again = await blind_test.deal(OWNER, None, NOW)
    outcome = await blind_test.guess(again.id, OWNER, 0, NOW)
    assert (outcome.guesses.count, outcome.guesses.unsure, outcome.guesses.share) == (2, 1, 0.25)


async def test_guesses_about_an_earlier_training_are_not_counted(
    drafting: Drafting, held_out: Path
) -> None:
    blind_test = BlindTest(drafting, random.Random(1))
    shown = await blind_test.deal(OWNER, None, NOW)
    await blind_test.guess(shown.id, OWNER, 1, NOW)
    assert (await drafting.store.trials.guesses("mara", "2027-01-01T00:00:00+00:00")).count == 0


async def test_what_a_person_guessed_is_theirs_and_holds_no_post(
    drafting: Drafting, held_out: Path
) -> None:
    blind_test, db = BlindTest(drafting, random.Random(1)), drafting.store.database
    for _ in REAL:
        await blind_test.deal(OWNER, None, NOW)
    exported = await dossier(db, OWNER)
    assert exported.count('"real_position"') == len(REAL)
    assert not [post.text for post in REAL if post.text in exported]
    await erase(db, OWNER)
    assert await drafting.store.trials.seen(OWNER, "mara") == {}


# In Discord.


async def _asked(stage: Stage, user: str = "alice") -> Json:
    message = await stage.answer(await stage.sandbox.discord.slash(user, "which-one"))
    assert len(message["embeds"]) == 2, message["content"]
    return message


def _place(message: Json) -> int:
    """Where the real post is, 1 or 2."""
    real = {post.text for post in REAL}
    return next(i for i, text in enumerate(texts(message), 1) if text in real)


@pytest.mark.parametrize(
    ("pressed", "told"),
    [
        (0, "Number {real} is real"),
        (1, "✅ Right: {real} is real"),
        (2, "❌ Wrong: {real} is real"),
    ],
    ids=["cannot tell", "right", "wrong"],
)
async def test_the_player_alone_sees_it_and_is_told(
    stage: Stage, bot: Bot, held_out: Path, pressed: int, told: str
) -> None:
    message = await _asked(stage)
    assert message["flags"] & 64
    assert stage.sandbox.discord.messages("bob") == []
    assert "2026" not in str(message["embeds"])
    real = _place(message)
    custom_id = f"which-one:1:{(0, real, 3 - real)[pressed]}"
    assert custom_id in [b["custom_id"] for b in buttons(message)]
    await stage.sandbox.discord.click("alice", message, custom_id)
    shown = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice") if len(m["embeds"]) == 3), None
        )
    )
    verdict, *pair = shown["embeds"]
    assert verdict["title"] == told.format(real=real)
    assert "of 1 guess was right" in verdict["description"]
    assert ["real" in embed["title"] for embed in pair] == [real == 1, real == 2]
    assert buttons(shown) == []
    assert "Blind test" in await stage.says("alice", "voice show")


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-GB", "just drafted from notes of what the real one says. Which one is real?"),
        ("de", "aus Notizen davon entworfen, was der echte sagt. Welcher ist echt?"),
    ],
)
async def test_the_player_is_told_that_both_say_the_same(
    stage: Stage, bot: Bot, held_out: Path, locale: str, said: str
) -> None:
    stage.sandbox.discord.set_locale("alice", locale)
    assert said in (await _asked(stage))["content"]


async def test_a_stranger_sees_no_post_and_a_guest_plays_without_an_account(
    stage: Stage, bot: Bot, held_out: Path
) -> None:
    bob = stage.sandbox.people["bob"]["id"]
    assert "nobody drafts in another" in await stage.says("bob", "which-one")
    assert "is not yours" in await stage.says("bob", "which-one", voice="mara")
    await stage.says("alice", "voice grant", user=stage.sandbox.people["alice"]["id"])
    await stage.says("alice", "voice grant", user=bob)
    message = await _asked(stage, "bob")
    await stage.says("alice", "voice revoke", user=bob)
    clicked = await stage.press(message, "1 is real", "bob")
    assert "is not yours" in (await stage.answer(clicked))["content"]


async def test_a_guess_works_after_a_restart(stage: Stage, held_out: Path) -> None:
    async with stage.running():
        message = await _asked(stage)
    async with stage.running():
        await stage.press(message, "I cannot tell")
        await stage.until(lambda: len(stage.sandbox.discord.messages("alice")[-1]["embeds"]) == 3)


async def test_voice_show_tells_the_approvals_of_thirty_days(stage: Stage, bot: Bot) -> None:
    assert "In the last" not in await stage.says("alice", "voice show")
    drafts, decisions = bot.drafting.store.drafts, bot.drafting.store.decisions
    alice = int(stage.sandbox.people["alice"]["id"])
    now, old = datetime.now(UTC), datetime(2026, 1, 1, tzinfo=UTC)
    for i in range(4):
        draft = await drafts.add(Draft(alice, "mara", "tea", (Candidate("one", 3),), 500, now))
        if i == 0:
            await decisions.edit(draft.id, 0, Candidate("two", 3, (), "one"), now)
        if i < 2:
            text = Candidate("two" if i == 0 else "one", 3)
            assert await decisions.schedule(draft.id, 0, text.fingerprint, now, now)
    other = Draft(alice, "mara", "tea", (Candidate("x", 1),), 500, now)
    await decisions.replace(3, other, now, None)
    shown = await stage.says("alice", "voice show")
    assert "In the last 30 days 2 of 3 drafts were approved (67%), 1 of the approved" in shown
    assert (await decisions.approvals("mara", old)).again == 1


@pytest.mark.slow  # a browser
@needs_chromium
@WIDTHS
async def test_it_is_played_on_the_sandboxs_page(
    held_out: Path,
    visitor: Visitor,
    stage: Stage,
) -> None:
    await visitor.send("which-one")
    question = visitor.page.locator(".channel .ephemeral").last
    await expect(question.locator(".embed")).to_have_count(2)
    shown = [await text.inner_text() for text in await question.locator(".embed").all()]
    real = next(i for i, text in enumerate(shown) if any(post.text in text for post in REAL))
    await visitor.shoot("which-one")
    await visitor.press(question, f"{real + 1} is real")
    await expect(question).to_contain_text(f"Right: {real + 1} is real")
    await expect(question.locator(".embed").nth(real + 1)).to_contain_text("the real post")
    await expect(question.get_by_role("button", name="is real")).to_have_count(0)
    await visitor.shoot("which-one-told")
    await visitor.send("voice show")
    await expect(visitor.told).to_contain_text("1 of 1 guess was right")
