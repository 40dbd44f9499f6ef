"""The measures that judge a voice: they see what they should, and cheating does not win."""

import random

import pytest

from trainer.judging.measures import (
    StyleView,
    chance_margin,
    distinct_2,
    habits,
    length_distance,
    masked_view,
    on_topic,
    self_overlap,
    two_sample_accuracy,
)
from trainer.judging.second_judge import SecondJudge
from trainer.judging.yardstick import Judge, Yardstick

NOUNS = ("kettle", "harbour", "goose", "ferry", "lantern", "bakery", "regatta", "fog", "teapot")


def _posts(seed: int, count: int = 60, end: str = ".") -> list[str]:
    chance = random.Random(seed)
    return [
        f"The {chance.choice(NOUNS)} met the {chance.choice(NOUNS)} {chance.randint(2, 99)} times"
        f" and the {chance.choice(NOUNS)} was not amused{end}"
        for _ in range(count)
    ]


JUDGES = [two_sample_accuracy, SecondJudge(_posts(1))]
both_judges = pytest.mark.parametrize("judge", JUDGES, ids=["first", "second"])


@both_judges
def test_one_manner_on_other_matters_cannot_be_told_apart(judge: Judge) -> None:
    ours = _posts(1)
    other_nouns = [p.replace("kettle", "comet").replace("goose", "probe") for p in _posts(2)]
    assert judge(ours, other_nouns, StyleView(ours, 0.9), 0) < 0.5 + chance_margin(60)


@both_judges
def test_another_manner_is_told_apart(judge: Judge) -> None:
    ours = _posts(1)
    assert judge(ours, _posts(2, end="!!"), StyleView(ours), 0) > 0.95


@both_judges
def test_word_salad_is_told_apart(judge: Judge) -> None:
    chance = random.Random(3)
    salad = [" ".join(chance.sample(p.split(), len(p.split()))) for p in _posts(2)]
    assert judge(_posts(1), salad, StyleView(_posts(1)), 0) > 0.9


@both_judges
def test_a_text_is_not_judged_by_what_was_learnt_from_its_twin(judge: Judge) -> None:
    """Nearly the same texts on both sides: else a twin, known as real, would make it real, too."""
    ours, view = _posts(1), masked_view
    theirs = [post.replace("The", "A", 1) if i % 2 else post for i, post in enumerate(ours)]
    apart = judge(ours, theirs, view, 0)
    together = judge(ours, theirs, view, 0, paired=True)
    assert apart < together - 0.1
    assert together > 0.5 - chance_margin(60)
    by = Yardstick(ours, ours, seed=0)
    told = by.measure(theirs, [None] * len(theirs), paired=True)
    assert together in (told.told.masked, told.told_second and told.told_second.masked)


@both_judges
def test_the_same_texts_give_the_same_figure(judge: Judge) -> None:
    args = _posts(1), _posts(2), masked_view, 0
    assert judge(*args) == judge(*args)


@both_judges
def test_too_few_texts_are_refused(judge: Judge) -> None:
    with pytest.raises(ValueError, match="too few"):
        judge(_posts(1, 9), _posts(2), masked_view, 0)


def test_the_second_judge_knows_how_often_small_words_stand() -> None:
    """The runs of characters are the same but where two words meet."""
    ours = [" ".join([*["the", "of"] * n, "fog"]) for n in range(4, 34)]
    theirs = [" ".join([*["the", "of", "of"] * n, "fog"]) for n in range(3, 33)]
    assert SecondJudge(_posts(1))(ours, theirs, masked_view) > 0.9


def test_few_posts_leave_much_to_chance() -> None:
    assert chance_margin(300) == pytest.approx(0.048, abs=0.001)
    assert chance_margin(20) == pytest.approx(0.186, abs=0.001)


def test_views_hide_matter_and_keep_manner() -> None:
    view = StyleView(["and the or", "the and"] * 5)
    assert view("The NHS paid £30 to @alice, and THE #Budget?!") == "The A x £9 x @w, and THE #w?!"
    assert masked_view("See https://a.example/b #Budget 2026 @al") == "See U #w 9999 @w"


def test_repeating_oneself_costs_variety() -> None:
    assert distinct_2(["a b c", "d e f"]) == 1.0
    assert distinct_2(["a b a b"]) == pytest.approx(2 / 3)
    assert self_overlap([["a b c d", "a b c e"]]) == pytest.approx(2 / 3)
    assert self_overlap([["a b", "c d"], ["only one"]]) == 0.0


def test_a_draft_is_on_topic_if_no_other_topic_is_closer() -> None:
    topics = ["the harbour", "tea kettles", "geese"]
    assert on_topic(["At the harbour again", "My kettle!", "A goose? Geese!"], topics) == 1.0
    assert on_topic(["Tea", "At the harbour again", "Nothing of it"], topics) == 0.0


def test_lengths_are_compared_as_distributions() -> None:
    assert length_distance(["aaa", "bbb"], ["ccc", "ddd"]) == 0.0
    assert length_distance(["a"] * 4, ["b" * 50] * 4) == 1.0


def test_habits_are_shares_of_posts() -> None:
    found = habits(["Fog! 🌫️ #fog", "WHY?\nno"])
    assert (found.emoji, found.hashtags, found.questions) == (0.5, 0.5, 0.5)
    assert (found.exclamations, found.line_breaks, found.all_caps) == (0.5, 0.5, 0.5)
