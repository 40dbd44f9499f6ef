import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.near_copies import KEYS, NearCopies, keys_of, runs_in

WORDS = [f"word{n}" for n in range(500)]


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
    known = NearCopies([["Zzq flurb kwa"], [other, other]])
    assert list(known.copied_by(["Nothing of the kind", one])) == ([(1, 1)] if expected else [])


def test_most_near_copies_find_each_other_by_a_key() -> None:
    rng = random.Random(1)
    found = tried = 0
    for _ in range(300):
        words = rng.sample(WORDS, 30)
        changed = [*words[:-4], *rng.sample(WORDS, 4)]
        one, other = (runs_in([" ".join(some)]).hashes.tolist() for some in (words, changed))
        if len({*one} & {*other}) >= 0.6 * len({*one, *other}):
            tried += 1
            found += bool({*one[:KEYS]} & {*other[:KEYS]})
    assert tried > 250
    assert found / tried > 0.9


def test_whoever_has_no_posts_is_copied_by_nobody() -> None:
    assert list(NearCopies([]).copied_by(["Fog again", ""])) == []


@given(st.lists(st.text("ab 🎉", max_size=12), max_size=5))
def test_the_runs_of_several_texts_are_those_of_each(texts: list[str]) -> None:
    together = runs_in(texts)
    smallest = keys_of(together)
    for number, text in enumerate(texts):
        alone = runs_in([text]).hashes.tolist()
        assert alone == sorted(set(alone))
        assert together.hashes[together.of == number].tolist() == alone
        assert smallest.hashes[smallest.of == number].tolist() == alone[:KEYS]
