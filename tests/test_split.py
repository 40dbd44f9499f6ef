import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.split import count_validation, is_near_copy, keys, leaving_side, shingles

WORDS = [f"word{n}" for n in range(500)]


@pytest.mark.parametrize(
    ("posts", "share", "expected"),
    [
        (100, 0.2, 20),
        (101, 0.2, 20),
        (5, 0.2, 1),
        (2, 0.01, 1),
        (2, 0.99, 1),
        (1, 0.2, 0),
        (9, 0, 0),
    ],
)
def test_the_share_is_taken_of_the_posts(posts: int, share: float, expected: int) -> None:
    assert count_validation(posts, share) == expected


@given(st.integers(2, 10**6), st.floats(0.001, 0.999))
def test_both_sides_have_posts(posts: int, share: float) -> None:
    assert 1 <= count_validation(posts, share) < posts


def test_the_smaller_part_of_a_thread_leaves() -> None:
    assert leaving_side(train=5, validation=1) == "validation"
    assert leaving_side(train=1, validation=5) == "train"
    assert leaving_side(train=1, validation=1) == "train"  # fewer are left to validate


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Fog report: it is fog again today", "FOG REPORT. It is fog, again, today!", True),
        ("The kettle is on and the goose is out", "The kettle is on and the goose is in", True),
        ("Thank you all for coming", "Thank you all for the lovely harbour lights", False),
        ("Yes", "yes!", True),
        ("Yes", "No", False),
        ("🎉", "🎈", True),  # no words in either
    ],
)
def test_near_copies_share_most_of_their_runs(one: str, other: str, expected: bool) -> None:
    assert is_near_copy(shingles(one), shingles(other)) is expected


def test_most_near_copies_find_each_other_by_a_key() -> None:
    rng = random.Random(1)
    found = tried = 0
    for _ in range(300):
        words = rng.sample(WORDS, 30)
        changed = [*words[:-4], *rng.sample(WORDS, 4)]
        one, other = shingles(" ".join(words)), shingles(" ".join(changed))
        if is_near_copy(one, other):
            tried += 1
            found += bool(set(keys(one)) & set(keys(other)))
    assert tried > 250
    assert found / tried > 0.9
