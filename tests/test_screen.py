"""What is never offered, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.screen import Archive, Rules, screen

OLD = "The kettle knows what the kettle knows, and it is not telling the harbour master tonight."
ARCHIVE = Archive([OLD, "Noted.", "🫖"])
RULES = Rules(max_chars=100, length=len, archive=ARCHIVE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("   ", "empty"),
        ("half a caf\ufffd", "broken characters"),
        ("Done.<|im_end|>", "broken characters"),
        ("#" + "x" * 101, "too long for the server"),
        ("Read https://example.org/new", "an invented link"),
        ("Read www.example.org", "an invented link"),
        ("See t.co/abc", "an invented link"),
        ("Thanks @stranger for this", "mentions somebody who was not named"),
        ("Thanks @a@b.example for this", "mentions somebody who was not named"),
        (OLD, "too close to an old post"),
        (OLD.upper() + " !", "too close to an old post"),
        ("noted", "too close to an old post"),
        ("🫖", "too close to an old post"),
        (
            "So: the kettle knows what the kettle knows, and it is not sleeping.",
            "too close to an old post",
        ),
    ],
)
def test_a_faulty_text_is_dropped_with_its_reason(text: str, reason: str) -> None:
    kept, dropped = screen([text], "tea", RULES)
    assert kept == []
    assert [str(d.reason) for d in dropped] == [reason]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("The kettle is on strike; the harbour master has been informed.", "kettle"),
        ("Thanks @friend, the tea arrived.", "@friend sent tea"),
        ("Read https://example.org/new", "this: https://example.org/new"),
        ("mail me at goose@harbour today", "mail"),
        ("🫖🫖", "tea"),
        ("x" * 100, "tea"),
    ],
)
def test_a_good_text_is_kept_as_it_is(text: str, topic: str) -> None:
    kept, dropped = screen([f"  {text}\n"], topic, RULES)
    assert [c.text for c in kept] == [text]
    assert dropped == []


def test_a_long_text_is_kept_as_a_thread() -> None:
    (candidate,), dropped = screen(["fog and tea " * 20], "tea", RULES)
    assert len(candidate.parts) == 3
    assert dropped == []


def test_the_same_text_is_offered_once() -> None:
    kept, dropped = screen(["Rain again.", "rain AGAIN", "Fog."], "", RULES, taken=["fog"])
    assert [c.text for c in kept] == ["Rain again."]
    assert {str(d.reason) for d in dropped} == {"the same as another candidate"}


def test_length_is_the_servers_own_count() -> None:
    rules = Rules(max_chars=5, length=lambda text: len(text) // 2, archive=ARCHIVE)
    kept, _ = screen(["ten chars!"], "", rules)
    assert kept[0].length == 5


@given(st.text(max_size=200))
def test_any_text_is_kept_or_dropped_never_lost(text: str) -> None:
    kept, dropped = screen([text], "tea", RULES)
    assert len(kept) + len(dropped) == 1
    assert 0 <= ARCHIVE.copied_share(text) <= 1
