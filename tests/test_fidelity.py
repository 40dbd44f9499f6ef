"""How true texts are to their notes, and how sure that is."""

import pytest

from bot.voice.notes import Wording
from trainer.judging.fidelity import fidelity, is_all_and_only, likeness_above

POSTS = ["The ferry is late again.", "Fog on the harbour, and 3 geese in it.", "New rope today!"]


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("The goose left for Denver at 9 today.", True),
        ("Today, at 9, the goose has left for Denver!", True),
        ("The goose left for Denver today.", False),  # a figure is missing
        ("The goose left for Denver at 9 today with Mary.", False),  # somebody is added
        ("The goose left from Denver at 9 today.", False),  # the other way
        ("The goose never left for Denver at 9 today.", False),  # the contrary
        ("The goose left for Denver at 9 today, sadly.", False),  # one word more
    ],
)
def test_the_simulated_owner_takes_what_says_all_and_only_the_notes(text: str, is_so: bool) -> None:
    told = "goose left for Denver at 9 today"
    assert is_all_and_only(text, told, Wording.of(POSTS)) == is_so


def test_the_simulated_owner_takes_nothing_that_joins_what_the_notes_set_apart() -> None:
    told, wording = "goose left; Denver; no fog", Wording.of(POSTS)
    assert is_all_and_only("The goose left. Denver: no fog!", told, wording)
    assert not is_all_and_only("The goose left for Denver. No fog", told, wording)


def test_likeness_comes_with_what_chance_leaves_open() -> None:
    real = POSTS * 4
    near = [post.replace("the", "a") for post in real]
    far = ["Something else altogether." for _ in real]
    above = likeness_above(near, far, real)
    assert above.mean - above.chance > 30  # surely nearer
    assert likeness_above(near, near, real) == (0.0, 0.0)
    few = likeness_above(near[:3], far[:3], real[:3])
    assert few.mean == pytest.approx(above.mean)
    assert few.chance > 1.5 * above.chance
    one = fidelity(["Fog."], ["fog"], ["Fog."], wording=Wording.of(POSTS))
    assert (one.chrf, one.chrf_margin) == (100.0, 0.0)
