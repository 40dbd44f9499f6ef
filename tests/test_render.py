"""A draft as Discord shows it: exactly its text, within Discord's limits, in every state."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import render
from bot.chat.actions import CUSTOM_ID, Action, action_of_emoji, emoji_of
from bot.draft import Candidate, Draft, State, Status, Style
from bot.sentences import say
from bot.writing.thread import candidate_of
from sandbox.rules import check_message, check_modal
from tests.fakes.discord_markdown import seen

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ONE, TWO = Candidate("One *two*.", 10), Candidate("Two.", 4)
DRAFT = Draft(7, "mara", "tea", (ONE, TWO), 500, NOW, id=3)
SHOWN = replace(DRAFT, shown=DRAFT.fingerprint)
HUGE = "9" * 18  # more drafts than anybody writes


def _payload(draft: Draft, locale: str = "en") -> dict[str, Any]:
    shown = render.message(draft, locale, NOW, say("A note."))
    return {
        "content": shown["content"],
        "embeds": [dict(e.to_dict()) for e in shown["embeds"]],
        "components": shown["view"].to_components(),
    }


def _labels(draft: Draft, now: datetime = NOW) -> list[str | None]:
    view = render.buttons(draft, "en", now)
    return [b.label for b in view.children if isinstance(b, discord.ui.Button)]


@pytest.mark.parametrize("state", State)
def test_every_state_is_told_within_discords_rules(state: State) -> None:
    style = Style("private", "de", "drinks *and* more")
    draft = replace(
        DRAFT,
        state=state,
        style=style,
        instruction="short",
        chosen=None if state is State.PENDING else 1,
        post_at=NOW,
        posted_at=NOW,
        account="https://example.org @mara",
        statuses=(Status("9", "https://example.org/9"),) if state is State.PUBLISHED else (),
    )
    payload = _payload(draft)
    check_message(payload)
    assert "Draft 3" in payload["content"] or "draft 3" in payload["content"]
    assert "A note." in payload["content"]


@pytest.mark.parametrize("count", [1, 8])
@pytest.mark.parametrize("size", [10, 500, 4000])
def test_any_draft_fits_a_message_and_its_text_is_all_there(count: int, size: int) -> None:
    texts = [("_*" * size)[: size - 2] + f"{i}." for i in range(count)]
    candidates = tuple(candidate_of(t, 500, len) for t in texts)
    draft = replace(DRAFT, candidates=candidates, id=int(HUGE), topic="*" * 200)
    payload = _payload(draft)
    check_message(payload)
    described = "\n".join(e["description"] for e in payload["embeds"])
    files = render.files(draft, "en")
    whole = files[0].fp.read().decode() if files else described.replace("\\", "")
    for candidate in candidates:
        assert all(part in whole for part in candidate.statuses)
    assert bool(files) == ("in the file" in described)


HANDLES = " ".join(f"@{chr(97 + i % 26) * 10}@server{i}.example.social" for i in range(90))


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize(
    "text",
    [
        f"{HANDLES[:480]} {'The ferry was late. ' * 200}"[:2595],  # two of them reach 6000
        f"{HANDLES} Late.",
        "🏳️‍🌈👩🏽‍🚀" * 200,  # of every app's units it takes many more
        "😀" * 1500,
        "@" + "a" * 900,
        ":a:" * 900,
    ],
    ids=["footers", "handles", "flags", "emoji", "one handle", "names of emoji"],
)
@pytest.mark.parametrize("locale", ["en", "de"])
def test_what_a_message_holds_is_counted_with_all_that_is_in_it(
    text: str, count: int, locale: str
) -> None:
    candidates = tuple(Candidate(f"{text} {i}", len(text), original="x") for i in range(count))
    draft = replace(DRAFT, candidates=candidates, max_chars=5000)
    payload = _payload(draft, locale)
    check_message(payload)
    shown = [e["title"] + e["description"] + e["footer"]["text"] for e in payload["embeds"]]
    assert sum(map(render.units, shown)) <= 6000
    assert all(render.units(e["description"]) <= 4096 for e in payload["embeds"])
    files = render.files(draft, locale)
    whole = files[0].fp.read().decode() if files else ""
    for candidate, embed in zip(candidates, payload["embeds"], strict=True):
        assert candidate.text in whole or seen(embed["description"]).text == candidate.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**b** _i_ ~~s~~ `c` ||h||", r"\*\*b\*\* \_i\_ \~\~s\~\~ \`c\` \|\|h\|\|"),
        ("# one\n- two\n> three\n1. four", "\\# one\n\\- two\n\\> three\n1\\. four"),
        ("  -# small", "  \\-# small"),
        ("<t:0> <@1> [a](b) \\", r"\<t:0> \<@1> \[a](b) \\"),
        ("see https://e.org/a_b*c_", "see https://e.org/a_b*c_"),
        ("1 - 2 = -1, a > b", "1 - 2 = -1, a > b"),
    ],
)
def test_markdown_is_shown_as_it_is(text: str, shown: str) -> None:
    assert render.escaped(text) == shown


@given(st.text(st.characters(exclude_characters="\\")))
def test_nothing_is_lost_by_escaping(text: str) -> None:
    assert render.escaped(text).replace("\\", "") == text


def test_a_thread_is_shown_part_by_part() -> None:
    candidate = candidate_of("fog and tea " * 80, 500, len)
    (embed,) = render.embeds(replace(DRAFT, candidates=(candidate,)), "en")
    assert embed.description == (
        f"-# Part 1 of 2\n{candidate.parts[0]}\n-# Part 2 of 2\n{candidate.parts[1]}"
    )
    assert embed.footer.text
    assert "a thread of 2" in embed.footer.text


def test_whom_a_text_mentions_stands_below_it() -> None:
    candidate = candidate_of("Tea with @Fox and @goose@pond.example.", 500, len)
    (embed,) = render.embeds(replace(DRAFT, candidates=(candidate,)), "en")
    assert embed.footer.text
    assert embed.footer.text.endswith("⚠️ mentions @fox, @goose@pond.example")


@pytest.mark.parametrize(
    ("changes", "labels"),
    [
        (
            {},
            [
                *("Post 1", "Post 2", "Edit", "New ones", "New ones, with a wish", "Post later"),
                *("Queue", "Reject"),
            ],
        ),
        ({"state": State.SCHEDULED, "chosen": 0, "post_at": NOW}, ["Take it back"]),
        ({"state": State.SCHEDULED, "chosen": 0, "slot": NOW}, ["Take it back"]),
        ({"state": State.PUBLISHING, "chosen": 0}, []),
        ({"state": State.UNKNOWN, "chosen": 0}, ["It is there", "It is not there"]),
        ({"state": State.PUBLISHED, "chosen": 0, "posted_at": NOW}, ["Undo"]),
        (
            {"state": State.PUBLISHED, "chosen": 0, "posted_at": NOW - timedelta(minutes=61)},
            [],
        ),
        (
            {"chosen": 0, "statuses": (Status("9", "u"),)},
            ["Post the rest", "Delete what is posted"],
        ),
        ({"state": State.REJECTED}, ["not true", "not me", "dull", "wrong moment"]),
    ],
    ids=[
        "open",
        "scheduled",
        "held",
        "publishing",
        "unknown",
        "posted",
        "past",
        "begun",
        "rejected",
    ],
)
def test_there_is_a_button_for_all_that_can_be_decided(
    changes: dict[str, Any], labels: list[str]
) -> None:
    assert _labels(replace(DRAFT, **changes)) == labels


def test_what_a_button_says_is_what_its_custom_id_does() -> None:
    view = render.buttons(DRAFT, "en", NOW)
    found = [re.fullmatch(CUSTOM_ID, str(getattr(b, "custom_id", ""))) for b in view.children]
    actions = [Action.of(match) for match in found if match]
    assert actions[:3] == [
        Action("approve", 0, ONE.fingerprint),
        Action("approve", 1, TWO.fingerprint),
        Action("edit"),
    ]
    assert len(actions) == len(view.children)


@pytest.mark.parametrize("kind", ["edit", "later", "wish"])
def test_every_form_keeps_to_discords_rules(kind: Any) -> None:
    draft = replace(DRAFT, id=int(HUGE), candidates=(Candidate("x" * 4000, 4000),) * 8)
    check_message(
        {
            "components": (q := render.which_one(draft, kind, "en"))["view"].to_components(),
            "content": q["content"],
        }
    )
    position = None if kind == "wish" else 7
    modal = render.form(draft, Action(kind, position, ONE.fingerprint), "en", "Europe/Berlin")
    check_modal(modal.to_dict())


@pytest.mark.parametrize(
    ("emoji", "action"),
    [
        ("1️⃣", Action("approve", 0, ONE.fingerprint)),
        ("2⃣", Action("approve", 1, TWO.fingerprint)),
        ("3️⃣", Action("approve", 2)),
        ("✏", Action("edit")),
        ("🔁", Action("again")),
        ("💬", Action("wish")),
        ("⏰", Action("later")),
        ("❌", Action("reject")),
        ("↩", Action("back")),
        ("🫖", None),
        ("9️⃣", None),
    ],
)
def test_a_reaction_asks_for_what_its_button_does(emoji: str, action: Action | None) -> None:
    assert action_of_emoji(emoji, SHOWN) == action


def test_a_reaction_stands_for_the_texts_that_were_shown() -> None:
    changed = replace(SHOWN, candidates=(TWO, ONE))
    assert action_of_emoji("1️⃣", changed) == Action("approve", 0)


def test_there_are_fewer_reactions_than_discord_allows() -> None:
    assert len(emoji_of(replace(DRAFT, candidates=(ONE,) * 8))) <= 20
