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
        (NEW * 4 + OLD, "It’s the goose’s “fog” (“tea”) and “rope”… or…"),
        (OLD + NEW * 4, 'It\'s the goose\'s "fog" ("tea") and "rope"... or...'),
        (["no marks at all"], MIXED),
        ([], MIXED),
    ],
)
def test_marks_take_the_form_of_the_newest_posts(posts: list[str], shown: str) -> None:
    assert Marks.of(posts).set_in(MIXED) == shown


def test_whose_newest_posts_have_both_forms_gets_either_as_often_but_one_a_text() -> None:
    marks = Marks.of(OLD + NEW)  # 70 of one device, 30 of the other
    texts = [marks.set_in(f'It\'s goose number {n}: "honk"... don’t') for n in range(400)]
    curly = [text for text in texts if "’" in text]
    assert 0.6 < len(curly) / len(texts) < 0.8
    assert all("'" not in text and '"' not in text and "..." not in text for text in curly)
    for n in range(50):
        twins = (marks.set_in(f"It's goose {n}"), marks.set_in(f"it’s GOOSE; {n}"))
        assert len({"’" in text for text in twins}) == 1, "the same words, the same device"


def test_an_apostrophe_that_begins_or_ends_a_word_stays() -> None:
    assert Marks.of(OLD).set_in("rock 'n' roll, 'tis the boys' goose") == (
        "rock 'n' roll, 'tis the boys' goose"
    )


def test_the_longest_post_says_what_a_service_allows_if_there_are_enough() -> None:
    assert Marks.of(["x" * 280, *OLD]).longest == 280
    assert Marks.of(OLD[:20]).longest is None
