"""Marks of a device take the newest posts' form."""

import pytest

from bot.voice.marks import NEWEST, Marks

OLD = ["It’s “old”… and don’t ask"] * NEWEST
NEW = ["It's \"new\"... and don't ask"] * 30
MIXED = 'It\'s the goose’s "fog" ("tea") and “rope”... or…'


@pytest.mark.parametrize(
    ("posts", "shown"),
    [
        (OLD, "It’s the goose’s “fog” (“tea”) and “rope”… or…"),
        (OLD + NEW, "It’s the goose’s “fog” (“tea”) and “rope”… or…"),
        (OLD + NEW * 2, 'It\'s the goose\'s "fog" ("tea") and "rope"... or...'),
        (["no marks at all"], MIXED),
        ([], MIXED),
    ],
)
def test_marks_take_the_form_of_most_of_the_newest_posts(posts: list[str], shown: str) -> None:
    assert Marks.of(posts).set_in(MIXED) == shown


def test_an_apostrophe_that_begins_or_ends_a_word_stays() -> None:
    assert Marks.of(OLD).set_in("rock 'n' roll, 'tis the boys' goose") == (
        "rock 'n' roll, 'tis the boys' goose"
    )


def test_the_longest_post_says_what_a_service_allows_if_there_are_enough() -> None:
    assert Marks.of(["x" * 280, *OLD]).longest == 280
    assert Marks.of(OLD[:20]).longest is None
