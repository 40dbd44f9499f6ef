"""The verdict on a voice follows from its figures, and names the weakest of them."""

from dataclasses import replace
from typing import Any

import pytest

from trainer.judging.fidelity import Fidelity, Margin
from trainer.judging.findings import Findings
from trainer.judging.from_notes import FromNotes, Written
from trainer.judging.measures import Habits
from trainer.judging.table import figures
from trainer.judging.verdict import METRICS, headlines, line, shortfalls
from trainer.judging.yardstick import Measured, Separability

HABITS = Habits(120, 0.1, 0.2, 0.1, 0.1, 0.0, 0.05)
REAL = Measured(300, Separability(0.5, 0.51, 300), 0.016, 9, 0.98, 0.74, 0.05, HABITS)
GOOD = Measured(300, Separability(0.6, 0.62, 300), 0.0, 7, 0.85, 0.75, 0.1, HABITS, overlap=0.1)
COPIER = replace(GOOD, told=Separability(0.7, 0.7, 300), near_copies=0.4)


def found(voice: Measured = GOOD, **more: Any) -> Findings:
    past = Separability(0.61, 0.6, 300)
    return replace(Findings(voice, REAL, past, {"examples": COPIER}, 300, 0.9, 1.4), **more)


def test_a_good_voice_is_praised_with_its_weakest_point() -> None:
    told = line(found())
    assert told.startswith("It sounds like its author as far as can be measured. Weakest point,")
    assert "though good enough" in told
    assert max(shortfalls(found()).values()) <= 0


@pytest.mark.parametrize(
    ("change", "head", "point"),
    [
        (
            {"told": Separability(0.73, 0.7, 300)},
            "It comes close",
            "its manner (a classifier knows",
        ),
        ({"told": Separability(0.95, 0.9, 300)}, "It can easily be told", "95 times in 100"),
        ({"on_topic": 0.3}, "It sounds like its author", "topics (30 of 100 drafts"),
        ({"near_copies": 0.2}, "It repeats its author's old posts", "copies (20 of 100"),
        ({"near_copies": 0.08}, "It sounds like its author", "copies (8 of 100"),
        ({"distinct_2": 0.4}, "It sounds like its author", "variety (0.40 of its word pairs"),
        ({"lengths": 0.8}, "It sounds like its author", "lengths (half of the drafts are"),
    ],
)
def test_the_weakest_point_is_named(change: dict[str, Any], head: str, point: str) -> None:
    told = line(found(replace(GOOD, **change)))
    assert told.startswith(head)
    assert f"Weakest point: {point}" in told or point in told.split("Weakest point: ")[1]


@pytest.mark.parametrize(
    ("second", "past", "head"),
    [
        (0.60, 0.61, "It sounds like its author"),  # they agree
        (0.73, 0.61, "It comes close"),  # the second tells it more easily
        (0.80, 0.61, "It can easily be told"),
        (0.68, 0.64, "It sounds like its author"),  # no more easily than the author's own past
        (0.54, 0.40, "It sounds like its author"),  # by chance; the own past by less, at few posts
        (None, None, "It sounds like its author"),  # one judge alone, as in evaluations of before
    ],
)
def test_a_voice_is_held_to_the_judge_that_tells_it_more_easily(
    second: float | None, past: float | None, head: str
) -> None:
    told, own = (None if one is None else Separability(one, one, 300) for one in (second, past))
    judged = found(replace(GOOD, told_second=told), past_second=own)
    assert line(judged).startswith(head)
    if second and second > 0.7:
        assert f"drafts from real posts {second * 100:.0f} times in 100" in line(judged)
        assert "own older posts, 61)" in line(judged)
    row = figures(judged)[1]
    assert (row.name, row.voice) == (
        "told from real posts by manner, by the second judge",
        f"{second:.2f}" if second else "",
    )


def test_what_the_author_does_too_is_no_fault() -> None:
    voice = replace(GOOD, told=Separability(0.7, 0.7, 300), near_copies=0.09, on_topic=0.7)
    real = replace(REAL, near_copies=0.1, on_topic=0.7)
    assert line(found(voice)) != line(found(voice, real=real, past=Separability(0.72, 0.7, 300)))
    short = shortfalls(found(voice, real=real, past=Separability(0.72, 0.7, 300)))
    assert max(short.values()) <= 0


@pytest.mark.parametrize(
    ("posts", "words"),
    [
        (300, "of the author's own older posts, 61)."),
        (180, "Judged by 180 posts; 300 would make it surer."),
        (40, "Judged by 40 posts only, which flatters: take it as a hint."),
    ],
)
def test_few_posts_are_owned_up_to(posts: int, words: str) -> None:
    voice = replace(GOOD, texts=posts, told=Separability(0.65, 0.6, posts))
    assert line(found(voice)).endswith(words)
    assert ("Judged" in line(found(voice))) == (posts < 300)


def test_too_few_posts_for_a_classifier_are_said_to_be() -> None:
    voice = replace(GOOD, texts=9, told=Separability(None, None, 9))
    told = line(found(voice, past=Separability(None, None, 9)))
    assert told.startswith("Whether it sounds like its author cannot be said by 9 posts.")
    assert "manner" not in shortfalls(found(voice))
    assert "c2st_style" not in headlines(found(voice))
    assert figures(found(voice))[0].voice == ""


def test_a_voice_no_better_than_its_base_is_exposed() -> None:
    base = replace(GOOD, told=Separability(0.58, 0.6, 300))
    assert "The base model does as well without any training." in line(
        found(floors={"base": base, "examples": COPIER})
    )
    copier = replace(COPIER, told=Separability(0.55, 0.55, 300))
    assert "does as well" not in line(found(floors={"examples": copier}))


def test_every_row_shows_the_floors_that_were_measured() -> None:
    rows = {row.name: row for row in figures(found())}
    copies = rows["near copies"]
    assert (copies.voice, copies.real, copies.examples, copies.base) == ("0 %", "2 %", "40 %", "")
    assert rows["bits a character of real posts"].voice == "0.90 (36% less)"
    style = rows["told from real posts by manner (0.50: by chance only)"]
    assert style.real == "0.50 ± 0.05 (300 a side; own past 0.61)"
    assert style.goal == "at most 0.66"


def test_the_figures_for_the_bot_have_known_names() -> None:
    true = Fidelity(300, 0.02, 0.01, 0.97, 0.91, 71.5)
    nearer = {"notes": Margin(3.21, 0.87)}
    both = replace(GOOD, told_second=GOOD.told)
    notes = FromNotes(Written(both, true, 0.9), {"notes": Written(REAL, true)}, nearer)
    judged = found(both, past_second=Separability(0.61, 0.6, 300), bare=true, notes=notes)
    assert headlines(judged).keys() == METRICS
    rows = {row.name: row for row in figures(judged)}
    kept = rows["from notes: given facts kept"]
    assert (kept.voice, kept.notes, kept.examples) == ("97 %", "97 %", "")
    assert rows["from notes: one of four says all and only that"].voice == "90 %"
    assert rows["from notes: this voice is more like it by"].notes == "+3.2 ± 0.9"
    assert rows["from notes: told from real posts by manner"].goal == "at most 0.61"
