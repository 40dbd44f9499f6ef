"""The verdict on a voice: from figures to shortfalls, and one line for a newcomer.

Pure. The goals are the project's; experiments/LOG.md and docs say how far the default base gets.
"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

from trainer.judging.findings import Findings
from trainer.judging.from_notes import Written

_SURE = 300  # posts a side: fewer pull a classifier's accuracy towards .5
HINT = 100  # below, figures are a hint
STYLE_GOAL, CLOSE = 0.62, 0.75  # the former where an author's own past is not known
STYLE_SPARE = 0.05  # of being told more easily than one's own past: the goal on topics
COPIES_GOAL, PARROT = 0.03, 0.10
TOPIC_GOAL = 0.80
VARIETY_GOAL = 0.97  # of real posts' distinct pairs


def shortfalls(found: Findings) -> dict[str, float]:
    """How far each measure of the voice is from its goal: 0 is at the goal, 1 as bad as can be.

    Below 0 it is better than needed. Leaves out what could not be measured.
    """
    voice, real = found.voice, found.real
    chance = 1.36 * sqrt(2 / voice.texts)  # Kolmogorov-Smirnov, 5% level
    sides = {
        "copies": _short(voice.near_copies, max(COPIES_GOAL, real.near_copies), 0.3),
        "variety": _short(voice.distinct_2, VARIETY_GOAL * real.distinct_2, 0.4 * real.distinct_2),
        "length": _short(voice.lengths, 0.1 + chance, 0.9 + chance),
    }
    if judged := _judged(found):
        sides["manner"] = max(_short(one.style, one.goal, 1.02) for one in judged)
    if voice.on_topic is not None and real.on_topic is not None:
        sides["topic"] = _short(voice.on_topic, min(TOPIC_GOAL, real.on_topic), 0.0)
    return sides


def style_goal(past: float | None) -> float:
    """How often a judge may tell drafts on topics, if it tells the author's own past so often."""
    return STYLE_GOAL if past is None else max(0.5, past) + STYLE_SPARE


class _Judged(NamedTuple):
    """What one judge says of a voice's manner, beside the author's own past."""

    style: float
    past: float | None

    @property
    def goal(self) -> float:
        return style_goal(self.past)


def _judged(found: Findings) -> list[_Judged]:
    """What each judge says, the harder one first."""
    second = found.past_second.style if found.past_second else None
    both = [(found.voice.told, found.past.style), (found.voice.told_second, second)]
    judged = [_Judged(told.style, past) for told, past in both if told and told.style is not None]
    return sorted(judged, key=lambda one: one.goal - one.style)


def _short(value: float, goal: float, worst: float) -> float:
    return (value - goal) / (worst - goal) if worst != goal else 0.0


def line(found: Findings) -> str:
    """The verdict for a newcomer in one line, with the weakest point."""
    short = shortfalls(found)
    weakest = max(short, key=lambda side: short[side])
    but = "Weakest point" if short[weakest] > 0 else "Weakest point, though good enough"
    sentences = [_head(found, short), f"{but}: {_WEAK[weakest](found)}."]
    if beaten := _beaten_by(found):
        sentences.append(f"{beaten} does as well without any training.")
    posts = found.voice.texts
    if posts < HINT:
        sentences.append(f"Judged by {_posts(posts)} only, which flatters: take it as a hint.")
    elif found.voice.told.posts < _SURE:
        sentences.append(f"Judged by {posts} posts; {_SURE} would make it surer.")
    return " ".join(sentences)


def _head(found: Findings, short: dict[str, float]) -> str:
    style = found.voice.style
    if found.voice.near_copies > PARROT:
        return "It repeats its author's old posts instead of writing new ones."
    if style is None:
        posts = _posts(found.voice.told.posts)
        return f"Whether it sounds like its author cannot be said by {posts}."
    if short["manner"] <= 0:
        good = all(value <= 0 for value in short.values())
        end = "." if good else ", with one weakness or more."
        return f"It sounds like its author as far as can be measured{end}"
    if style <= CLOSE:
        return "It comes close to its author, but can be told apart."
    return "It can easily be told from its author."


def _beaten_by(found: Findings) -> str | None:
    """The floor that is as near to the author in manner, without being a copying machine."""
    names = {
        "base": "The base model",
        "examples": "The base model with five posts as examples",
    }
    style = found.voice.style
    for key, name in names.items():
        floor = found.floors.get(key)
        if style is None or floor is None or floor.style is None:
            continue
        if floor.style <= style and floor.near_copies <= PARROT:
            return name
    return None


def _manner(found: Findings) -> str:
    style, past = _judged(found)[0]
    own = f"; of the author's own older posts, {past * 100:.0f}" if past is not None else ""
    return (
        f"its manner (a classifier knows drafts from real posts {style * 100:.0f} times in 100;"
        f" 50 is guessing{own})"
    )


def _lengths(found: Findings) -> str:
    ours, theirs = found.voice.habits.chars, found.real.habits.chars
    return (
        f"lengths (half of the drafts are under {ours:.0f} characters, of real posts {theirs:.0f})"
    )


_WEAK: dict[str, Callable[[Findings], str]] = {
    "manner": _manner,
    "copies": lambda f: f"copies ({f.voice.near_copies * 100:.0f} of 100 drafts repeat old posts)",
    "topic": lambda f: f"topics ({(f.voice.on_topic or 0) * 100:.0f} of 100 drafts keep to theirs)",
    "variety": lambda f: (
        f"variety ({f.voice.distinct_2:.2f} of its word pairs are new,"
        f" {f.real.distinct_2:.2f} in real posts)"
    ),
    "length": _lengths,
}


SIDES = ("manner", "copies", "topic", "variety", "length")
METRICS = {  # names in voice.json
    "evaluated_posts",
    "c2st_style",
    "c2st_masked",
    "c2st_style_real",
    "c2st_style_past",
    "c2st_style_second",
    "c2st_style_past_second",
    "near_copies",
    "on_topic",
    "distinct_2",
    "distinct_2_real",
    "bare_invented_numbers",
    "notes_invented",
    "notes_facts_kept",
    "notes_words_kept",
    "notes_c2st_style",
    "notes_c2st_style_second",
    "notes_approved",
    *(f"short_{side}" for side in SIDES),
}


def headlines(found: Findings) -> dict[str, float]:
    """The headline figures for voice.json; `short_…` names the weakest point for the bot."""
    voice = found.voice
    all_of_them = {
        "evaluated_posts": voice.texts,
        "c2st_style": voice.told.style,
        "c2st_masked": voice.told.masked,
        "c2st_style_real": found.real.told.style,
        "c2st_style_past": found.past.style,
        "c2st_style_second": voice.told_second and voice.told_second.style,
        "c2st_style_past_second": found.past_second and found.past_second.style,
        "near_copies": voice.near_copies,
        "on_topic": voice.on_topic,
        "distinct_2": voice.distinct_2,
        "distinct_2_real": found.real.distinct_2,
        "bare_invented_numbers": found.bare.invented_numbers if found.bare else None,
        **({} if found.notes is None else _of_notes(found.notes.voice)),
        **{f"short_{side}": value for side, value in shortfalls(found).items()},
    }
    return {name: round(value, 4) for name, value in all_of_them.items() if value is not None}


def _of_notes(written: Written) -> dict[str, float | None]:
    return {
        "notes_invented": written.true.invented,
        "notes_facts_kept": written.true.facts_kept,
        "notes_words_kept": written.true.words_kept,
        "notes_c2st_style": written.like.told.style,
        "notes_c2st_style_second": written.like.told_second and written.like.told_second.style,
        "notes_approved": written.approved,
    }


def _posts(n: int) -> str:
    return "1 post" if n == 1 else f"{n} posts"
