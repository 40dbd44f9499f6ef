"""What is never offered, and why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voice.others import Others
from bot.writing.screen import KnownPosts, Rules, WordList, screen

OLD = "The kettle knows what the kettle knows, and it is not telling the harbour master tonight."
ARCHIVE = KnownPosts([OLD, "Noted.", "🫖"])
RULES = Rules(max_chars=100, length=len, known_posts=ARCHIVE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("   ", "empty"),
        ("half a caf\ufffd", "broken characters"),
        ("The ferry is late.<|im_start|>user", "broken characters"),
        ("The ferry<pad> is late.", "broken characters"),
        ("So: <think>a post about fog", "broken characters"),
        ("The<0x20>ferry is late.", "broken characters"),
        ("The▁ferry▁is▁late.", "broken characters"),
        ("itâ€™s late", "broken characters"),
        ("Done.<|im_end|>", "broken characters"),
        ("#" + "x" * 101, "too long for the server"),
        ("Read https://example.org/new", "an invented link"),
        ("Read www.example.org", "an invented link"),
        ("See t.co/abc", "an invented link"),
        ("See https://exam", "an invented link"),
        ("See https://example.org/other", "an invented link"),
        ("See EXAMPLE.NET", "an invented link"),
        ("See ftp://example.org", "an invented link"),
        ("Thanks @friend for this", "mentions somebody who was not named"),
        ("Thanks @friend@evil.example for this", "mentions somebody who was not named"),
        ("Ring +49 171 2345678 twice.", "an address, a number or a key"),
        ("Pay to DE89 3704 0044 0532 0130 00", "an address, a number or a key"),
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
    named = "tea of @friend@good.example, see https://example.org/page"
    kept, dropped = screen([text], named, RULES)
    assert kept == []
    assert [str(d.reason) for d in dropped] == [reason]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("The kettle is on strike; the harbour master has been informed.", "kettle"),
        ("Thanks @friend, the tea arrived.", "@friend sent tea"),
        ("Read https://example.org/new", "this: https://example.org/new"),
        ("mail me at goose@harbour today", "mail"),
        ("Read more on example.org.", "about https://www.example.org"),
        ("Ask @goose@harbour.example", "@Goose@harbour.example knows"),
        ("Mail goose@harbour.example", "goose@harbour.example"),
        ("Ring +49 171 2345678 twice.", "a number: +49 171 2345678"),
        ("Version 2.0 of it, i.e. better and/or cheaper, by a.m.", "it"),
        ("🫖🫖", "tea"),
        ("x" * 100, "tea"),
    ],
)
def test_a_good_text_is_kept_as_it_is(text: str, topic: str) -> None:
    kept, dropped = screen([f"  {text}\n"], topic, RULES)
    assert [c.text for c in kept] == [text]
    assert dropped == []


def test_words_of_the_list_are_met_whole_in_any_case_and_with_any_accents() -> None:
    blocked = WordList(["# no comment", "", "Gänse  ", "bad egg # two words", "straße"])
    rules = replace(RULES, blocked=blocked)
    bad = ["The GÄNSE.", "Ganse!", "A Bad\tegg.", "STRASSE", "the g\u200bänse", "ｂａｄ ｅｇｇ"]
    good = ["Gänseblümchen.", "An egg, bad.", "A badegg.", "no comment"]
    kept, dropped = screen([*bad, *good], "", rules)
    assert [c.text for c in kept] == good
    assert {str(d.reason) for d in dropped} == {"a word that is not to be used"}


def test_somebody_elses_words_are_known_again() -> None:
    others = Others()
    others.add("Nine otters in a row, and not one of them would say who had rung the bell.")
    others.add("Otters do not ring bells")
    rules = replace(RULES, known_posts=KnownPosts([OLD], others))
    bad = ["As they say: nine otters in a row and NOT one knew.", "otters do not ring bells!"]
    good = ["Nine otters in a row, and no bell.", "Otters do not ring bells in May."]
    kept, dropped = screen([*bad, *good], "", rules)
    assert [c.text for c in kept] == good
    assert {str(d.reason) for d in dropped} == {"the words of somebody else's post"}


def test_a_short_prompt_is_no_leak() -> None:
    kept, _ = screen(["Write a post."], "", replace(RULES, prompt="Write a post."))
    assert len(kept) == 1


def test_a_long_text_is_kept_as_a_thread() -> None:
    (candidate,), dropped = screen(["fog and tea " * 20], "tea", RULES)
    assert len(candidate.parts) == 3
    assert dropped == []


def test_the_same_text_is_offered_once() -> None:
    kept, dropped = screen(["Rain again.", "rain AGAIN", "Fog."], "", RULES, taken=["fog"])
    assert [c.text for c in kept] == ["Rain again."]
    assert {str(d.reason) for d in dropped} == {"the same as another candidate"}


def test_length_is_the_servers_own_count() -> None:
    rules = Rules(max_chars=5, length=lambda text: len(text) // 2, known_posts=ARCHIVE)
    kept, _ = screen(["ten chars!"], "", rules)
    assert kept[0].length == 5


@given(st.text(max_size=200))
def test_any_text_is_kept_or_dropped_never_lost(text: str) -> None:
    kept, dropped = screen([text], "tea", RULES)
    assert len(kept) + len(dropped) == 1
    assert not any(ARCHIVE.copies.is_near_copy(c.text) for c in kept)


def test_whom_the_author_mentions_again_and_again_may_be_mentioned() -> None:
    rules = replace(RULES, known_posts=KnownPosts(["Hi @Fox!", "@fox, tea?", "Bye @goose."]))
    kept, dropped = screen(["Ask @fox.", "Ask @goose.", "Ask @fox@evil.example."], "tea", rules)
    assert [c.text for c in kept] == ["Ask @fox."]
    assert len(dropped) == 2
