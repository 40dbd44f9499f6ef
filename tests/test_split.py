import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.split import count_validation, leaving_side


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
