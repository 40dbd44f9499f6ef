"""The use cases around candidates: real SQLite, a language model and a Mastodon on loopback."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.draft import State, Style
from bot.drafting import EXPIRES_AFTER, Drafting
from bot.errors import Refused, UserError
from bot.voice import Voice, VoicePost, save_posts
from bot.voice.ranker import Ranker
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.fakes.llm import FakeLLM
from tests.fakes.voice import POSTS

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
STRANGER = OWNER + 1


async def test_texts_that_fail_the_screen_are_drawn_again(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter([POSTS[0][0], "See https://spam.example", "Good one.", "Good two.", "3."])
    draft = await drafting.write_draft(OWNER, Request("tea", 3), NOW)
    assert [c.text for c in draft.candidates] == ["Good one.", "Good two.", "3."]
    assert [a["n"] for a in fake_llm.asked] == [3, 2]


async def test_short_texts_are_preferred_and_long_ones_become_threads(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    long = "A word about the fog. " * 40
    fake_llm.texts = iter([long, "Short.", *[long] * 40])
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    assert [bool(c.parts) for c in draft.candidates] == [False, True]
    fake_llm.texts = iter([long, "One.", "Two."])
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    assert [c.text for c in draft.candidates] == ["One.", "Two."]


async def test_of_eight_texts_those_that_the_ranker_likes_are_shown(
    drafting: Drafting, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    Ranker({"w dry": 50.0}).save(voice_folder)
    wet = [f"It rains on day {n}." for n in range(6)]
    fake_llm.texts = iter([*wet, "A dry one.", "Another dry text."])
    draft = await drafting.write_draft(OWNER, Request("tea", 3), NOW)
    assert {c.text for c in draft.candidates[:2]} == {"A dry one.", "Another dry text."}
    assert draft.candidates[2].text in wet
    assert [a["n"] for a in fake_llm.asked] == [4, 4]


async def test_of_sixteen_texts_the_first_is_the_authors_and_the_others_what_its_owner_likes(
    drafting: Drafting, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    Ranker({"w dry": 50.0}, {"w wet": 200.0}).save(voice_folder)
    liked = ["A wet one.", "One more wet text."]
    fake_llm.texts = iter(["A dry text.", *(f"It rains on day {n}." for n in range(13)), *liked])
    draft = await drafting.write_draft(OWNER, Request("tea", 3), NOW)
    first, *others = (c.text for c in draft.candidates)
    assert first == "A dry text."
    assert sorted(others) == liked
    assert [a["n"] for a in fake_llm.asked] == [4, 4, 4, 4]


async def test_when_nothing_passes_the_person_is_told_why(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter([POSTS[0][0], "See https://spam.example", *[POSTS[0][0]] * 100])
    with pytest.raises(UserError, match="15× too close to an old post; 1× an invented link"):
        await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    assert await drafting.store.drafts.in_state(State.PENDING) == []


async def test_an_instruction_may_name_links_and_people(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter(["Read https://a.example, @goose!"])
    wish = "link https://a.example, and thank @goose"
    draft = await drafting.write_draft(OWNER, Request(None, 1, instruction=wish), NOW)
    assert draft.candidates[0].text == "Read https://a.example, @goose!"
    assert fake_llm.asked[0]["messages"][-1]["content"] == f"anything\n{wish}"


async def test_the_content_warning_counts_towards_the_length(drafting: Drafting) -> None:
    plain = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    warned = Request("tea", 1, style=Style(content_warning="w" * 9))
    hidden = await drafting.write_draft(OWNER, warned, NOW)
    assert plain.candidates[0].length == len(plain.candidates[0].text)
    assert hidden.candidates[0].length == len(hidden.candidates[0].text) + 9


async def test_nobody_drafts_in_another_persons_voice(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    with pytest.raises(UserError, match="nobody drafts in another person's voice"):
        await drafting.write_draft(STRANGER, Request("tea", 4), NOW)
    assert fake_llm.asked == []


async def test_a_draft_is_its_owners_only(drafting: Drafting) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    with pytest.raises(UserError, match="somebody else's"):
        await drafting.own(draft.id, STRANGER)


async def test_a_revision_replaces_the_draft_with_other_texts(drafting: Drafting) -> None:
    style = Style("unlisted", "de", "drinks")
    asked = Request("tea", 4, style=style, instruction="short")
    old = await drafting.write_draft(OWNER, asked, NOW)
    new = await drafting.revise(old, NOW)
    assert (await drafting.get(old.id)).state is State.REPLACED
    assert (new.topic, new.style, new.instruction) == ("tea", style, "short")
    assert not {c.text for c in new.candidates} & {c.text for c in old.candidates}
    assert (await drafting.revise(new, NOW, "shorter")).instruction == "shorter"


async def test_a_revision_that_fails_leaves_the_draft(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    old = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    fake_llm.failures = [(401, {})]
    with pytest.raises(Refused):
        await drafting.revise(old, NOW)
    assert (await drafting.get(old.id)).state is State.PENDING


async def test_an_edit_keeps_what_the_voice_wrote(drafting: Drafting) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.edit(draft, 1, "  First\r\nedit. ", NOW)
    await drafting.edit(await drafting.get(draft.id), 1, "Second edit.", NOW)
    edited = (await drafting.get(draft.id)).candidates[1]
    assert (edited.text, edited.original) == ("Second edit.", draft.candidates[1].text)
    rows = await drafting.store.database.rows("SELECT text FROM decisions WHERE action = 'edit'")
    assert [row[0] for row in rows] == ["First\nedit.", "Second edit."]


@pytest.mark.parametrize(
    ("position", "text", "said"),
    [
        (0, "  \n ", "is empty"),
        (5, "text", "no candidate 6"),
        (0, "#" + "a" * 600, "longer than a status may be"),
    ],
    ids=["empty", "no such candidate", "cannot be split"],
)
async def test_an_edit_that_cannot_be_posted_is_refused(
    drafting: Drafting, position: int, text: str, said: str
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    with pytest.raises(UserError, match=said):
        await drafting.edit(draft, position, text, NOW)
    assert (await drafting.get(draft.id)).candidates == draft.candidates


async def test_an_edit_that_changes_nothing_is_no_decision(drafting: Drafting) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.edit(draft, 0, draft.candidates[0].text, NOW)
    assert await drafting.store.database.rows("SELECT * FROM decisions") == []


async def test_a_decided_draft_is_edited_no_more(drafting: Drafting) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.reject(draft, NOW)
    with pytest.raises(UserError, match="rejected"):
        await drafting.edit(draft, 0, "Too late.", NOW)
    with pytest.raises(UserError, match="rejected"):
        await drafting.reject(draft, NOW)


async def test_drafts_expire_after_the_last_thing_their_owner_did(drafting: Drafting) -> None:
    old = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    edited = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    later = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    half, end = NOW + EXPIRES_AFTER / 2, NOW + EXPIRES_AFTER + timedelta(seconds=1)
    await drafting.edit(edited, 0, "Mine.", half)
    text = later.candidates[0].fingerprint
    await drafting.publishing.post_later(later, 0, text, end + EXPIRES_AFTER, NOW)
    assert await drafting.expire(half) == []
    assert [d.id for d in await drafting.expire(end)] == [old.id]
    assert [d.id for d in await drafting.expire(end + EXPIRES_AFTER / 2)] == [edited.id]
    assert (await drafting.get(later.id)).state is State.SCHEDULED


async def test_typed_letters_find_topics(drafting: Drafting) -> None:
    assert await drafting.matching_topics(OWNER, "O", 25) == ["Port Almond", "goose"]
    assert await drafting.matching_topics(OWNER, "ke", 25) == ["kettle"]
    assert len(await drafting.matching_topics(OWNER, "", 2)) == 2


async def test_a_voice_of_before_serves_topics_and_says_that_notes_need_a_new_training(
    drafting: Drafting, voice_folder: Path
) -> None:
    trained = Voice.load(voice_folder)
    replace(trained, counts={"train": 3, "validation": 0}).save(voice_folder)
    assert (await drafting.write_draft(OWNER, Request("tea", 1), NOW)).candidates
    with pytest.raises(UserError, match="trained before voices could write from notes"):
        await drafting.write_draft(OWNER, Request(None, 1, notes="tea at 4"), NOW)


async def test_notes_are_asked_for_as_posts_were_and_drawn_marks_are_the_authors(
    drafting: Drafting, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    save_posts(voice_folder, [VoicePost(None, "We’re late again…", ())] * 3)
    fake_llm.texts = iter(["It's @goose at 4...", "See @stranger"])
    asked = Request(None, 1, notes="It’s\n@goose – at 4 !")
    draft = await drafting.write_draft(OWNER, asked, NOW)
    assert fake_llm.asked[0]["messages"][-1]["content"] == "anything\nNotes: It's; @goose; at 4"
    assert [c.text for c in draft.candidates] == ["It’s @goose at 4…"]


async def test_more_is_drawn_if_nothing_says_what_the_notes_say(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    nearly = ["Tea at 4, sighs Brenda", "Coffee at 4, says Brenda"]  # no fact is amiss
    later = ["Fog.", "None.", "Tea at 4, says Brenda!", *(f"Rope {n}, late" for n in range(5))]
    fake_llm.texts = iter([*nearly, *later])
    draft = await drafting.write_draft(OWNER, Request(None, 2, notes="tea at 4 says Brenda"), NOW)
    assert draft.candidates[0].text == "Tea at 4, says Brenda!"
    assert [a["n"] for a in fake_llm.asked] == [2, 2, 2]


async def test_what_is_drawn_is_shown_if_the_server_fails_at_drawing_more(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    def once() -> Iterator[str]:
        yield "Tea at 4, sighs Brenda"
        fake_llm.failures = [(401, {}), (401, {})]
        yield "Coffee at 4, says Brenda"

    fake_llm.texts = once()
    asked = Request(None, 2, notes="tea at 4 says Brenda")
    draft = await drafting.write_draft(OWNER, asked, NOW)
    assert len(draft.candidates) == 2
    assert len(fake_llm.failures) < 2


async def test_from_notes_a_local_voice_is_drawn_colder_but_not_when_asked_again(
    drafting: Drafting, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    asked = Request(None, 1, notes="tea at 4")
    fake_llm.texts = itertools.cycle(["Tea at 4!", "Tea at 4...", "Tea at 4."])
    await drafting.write_draft(OWNER, asked, NOW)
    (voice_folder / "adapter.gguf").write_bytes(b"weights")
    trained = Voice.load(voice_folder)
    replace(trained, backend="local", model="adapter.gguf").save(voice_folder)
    await drafting.write_draft(OWNER, asked, NOW)
    await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    await drafting.write_draft(OWNER, replace(asked, taken=["At 4, tea"]), NOW)
    assert [a["temperature"] for a in fake_llm.asked] == [1.0, 0.8, 1.0, 1.0]
    assert fake_llm.asked[1]["min_p"] == 0.1


async def test_two_texts_are_enough_if_one_says_what_the_notes_say(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    drawn = ["Tea at 4!", "Tea at 4!", "Tea at 4, so", "Tea at 4!"]
    fake_llm.texts = itertools.cycle(drawn)
    draft = await drafting.write_draft(OWNER, Request(None, 4, notes="tea at 4"), NOW)
    assert [c.text for c in draft.candidates] == ["Tea at 4!", "Tea at 4, so"]
    assert [a["n"] for a in fake_llm.asked] == [4]
    fake_llm.texts = itertools.cycle([*drawn[:2], "Tea at 5"])
    draft = await drafting.write_draft(OWNER, Request(None, 3, notes="tea at 4"), NOW)
    assert [c.text for c in draft.candidates] == ["Tea at 4!", "Tea at 5"]
