"""Shares with their intervals, and the conclusions they allow."""

import pytest
from scipy.stats import binomtest

from bot.draft import State
from bot.voice.rates import APPROVED, Approvals, Guesses, interval


@pytest.mark.parametrize(("hits", "count"), [(0, 1), (1, 1), (3, 5), (8, 12), (52, 100), (0, 40)])
def test_the_interval_is_wilsons_as_scipy_has_it(hits: int, count: int) -> None:
    theirs = binomtest(hits, count).proportion_ci(0.95, "wilson")
    assert interval(hits, count) == pytest.approx((theirs.low, theirs.high), abs=1e-4)


def test_of_nothing_there_is_no_share() -> None:
    with pytest.raises(ValueError, match="nothing"):
        interval(0, 0)


@pytest.mark.parametrize(
    ("guesses", "meaning"),
    [
        (Guesses(1, 0), "few"),
        (Guesses(5, 1), "few"),
        (Guesses(6, 0), "told apart"),
        (Guesses(52, 48), "guessing"),
        (Guesses(20, 19, 3), "guessing"),
        (Guesses(unsure=60), "guessing"),
        (Guesses(80, 20), "told apart"),
        (Guesses(20, 80), "mistaken"),
    ],
    ids=str,
)
def test_few_guesses_are_not_over_read(guesses: Guesses, meaning: str) -> None:
    assert guesses.meaning == meaning


def test_who_cannot_tell_counts_as_a_coin_tossed() -> None:
    guesses = Guesses(right=6, wrong=2, unsure=4)
    assert guesses.share == pytest.approx(8 / 12)
    told = str(guesses.words())
    assert told.startswith("6 of 12 guesses were right, 4 × “I cannot tell” counting half: 67%.")
    assert "50% is guessing" in told


def test_what_became_of_drafts_is_counted_once_each() -> None:
    rows = [(state.value, False, 1) for state in State if state is not State.PENDING]
    found = Approvals.counted([*rows, ("published", True, 2), ("undone", True, 1)])
    assert found.decided == len(rows) + 3
    assert (found.approved, found.edited, found.undone) == (len(APPROVED) + 2, 2, 2)
    assert (found.rejected, found.again, found.ignored) == (1, 1, 1)
    assert found.approval_rate == pytest.approx(6 / 11)
    assert found.edit_rate == pytest.approx(2 / 6)
