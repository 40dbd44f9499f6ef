"""A text too long for one status becomes a thread: nothing lost, nothing cut apart."""

import re

import grapheme
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.errors import UserError
from bot.writing.thread import split_thread, status_length

NUMBER = re.compile(r" \((\d+)/(\d+)\)\Z")
WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="@#:"), min_size=1)
    | st.sampled_from(["👩‍👩‍👧‍👦", "e\u0301", "🇩🇪", "https://example.org/a/long/way/home"]),
    min_size=1,
)


def _bare(parts: tuple[str, ...]) -> str:
    return "".join(NUMBER.sub("", part) for part in parts)


def test_a_text_that_fits_is_left_alone() -> None:
    assert split_thread("x" * 500, 500, len) == ()


@settings(deadline=None, max_examples=60)
@given(st.tuples(WORDS, st.sampled_from([" ", "\n", "\n\n", ". "])))
@example((["x" * 1000], " "))
def test_parts_fit_are_numbered_and_hold_the_whole_text(given: tuple[list[str], str]) -> None:
    words, between = given
    text = between.join(words)
    parts = split_thread(text, 60, grapheme.length)
    if not parts:
        assert grapheme.length(text.strip()) <= 60
        return
    assert all(grapheme.length(part) <= 60 for part in parts)
    numbers = [NUMBER.search(part) for part in parts]
    expected = [(str(i), str(len(parts))) for i in range(1, len(parts) + 1)]
    assert [n.groups() for n in numbers if n] == expected
    assert "".join(_bare(parts).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("One two three four five.\n\nSix seven eight nine ten.", ["five.", "ten."]),
        ("One two three four five.\nSix seven eight nine ten.", ["five.", "ten."]),
        ("One two three. Four five! Six seven eight nine ten.", ["five!", "ten."]),
        ("one two three four five six seven eight nine ten", ["six", "ten"]),
    ],
    ids=["paragraph", "line", "sentence", "word"],
)
def test_a_part_ends_where_a_reader_would_pause(text: str, ends: list[str]) -> None:
    parts = split_thread(text, 36, len)
    assert [NUMBER.sub("", part).split()[-1] for part in parts] == ends


def test_links_and_families_are_never_cut_apart() -> None:
    link, family = "https://example.org/" + "x" * 200, "👩‍👩‍👧‍👦"
    parts = split_thread(f"{'word ' * 9}{link} {family * 40}", 60, status_length)
    assert sum(link in part for part in parts) == 1
    assert sum(part.count(family) for part in parts) == 40
    assert all(status_length(part) <= 60 for part in parts)


def test_more_than_nine_parts_have_room_for_their_numbers() -> None:
    parts = split_thread("word " * 200, 60, len)
    assert parts[-1].endswith(f"({len(parts)}/{len(parts)})")
    assert len(parts) > 9
    assert all(len(part) <= 60 for part in parts)


def test_a_link_longer_than_a_status_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="longer than a status may be"):
        split_thread("https://example.org/" + "x" * 100, 60, len)


def test_length_counts_as_mastodon_does() -> None:
    assert status_length("a https://example.org/" + "x" * 80) == 2 + 23
    assert status_length("@goose@harbour.example") == len("@goose")
    assert status_length("tea", "warning") == len("tea") + len("warning")
