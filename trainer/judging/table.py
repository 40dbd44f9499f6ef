"""The findings about a voice as rows of a table, for people: this voice, real posts, the floors.

Pure. The goals are the project's; docs/voice.md says what each row means.
"""

from collections.abc import Callable

from trainer.judging.evaluation import Figure
from trainer.judging.fidelity import Margin
from trainer.judging.findings import Findings
from trainer.judging.from_notes import FromNotes, Written
from trainer.judging.measures import chance_margin
from trainer.judging.verdict import style_goal
from trainer.judging.yardstick import Measured, Separability

_MANNER = "told from real posts by manner"
_SECOND = "the same, by the second judge"
_WORDS = "the same, words shown, names and numbers hidden"


def figures(found: Findings) -> list[Figure]:
    """Every measure as a row: this voice, real posts, the floors, and the goal."""

    def row(name: str, show: Callable[[Measured], str], real: str = "", goal: str = "") -> Figure:
        floors = {key: show(floor) for key, floor in found.floors.items()}
        return Figure(name, show(found.voice), real or show(found.real), goal=goal, **floors)

    rows = [
        *_manner(found),
        row("near copies", lambda m: _percent(m.near_copies), goal="at most 3 %"),
        row("longest passage shared with old posts", lambda m: f"{m.longest_run} words"),
        row("on topic", lambda m: _percent(m.on_topic), goal="at least 80 %"),
        row("different word pairs", lambda m: _number(m.distinct_2), goal="as real posts"),
        row("shared by two candidates of a draft", lambda m: _percent(m.overlap)),
        row("distance of lengths", lambda m: _number(m.lengths)),
        row("characters, half are under", lambda m: f"{m.habits.chars:.0f}"),
        row("with emoji", lambda m: _percent(m.habits.emoji)),
        row("with hashtags", lambda m: _percent(m.habits.hashtags)),
        row("with a question mark", lambda m: _percent(m.habits.questions)),
        row("with an exclamation mark", lambda m: _percent(m.habits.exclamations)),
        row("with line breaks", lambda m: _percent(m.habits.line_breaks)),
        row("with words IN CAPITALS", lambda m: _percent(m.habits.all_caps)),
        row("texts measured", lambda m: str(m.texts)),
    ]
    if found.bits and found.bits_base:
        less = f"{found.bits:.2f} ({1 - found.bits / found.bits_base:.0%} less)"
        base = f"{found.bits_base:.2f}"
        bits = Figure("bits a character of real posts", less, base=base, goal="30 % less")
        rows.insert(6, bits)
    return [*rows, *_truth(found)]


def _manner(found: Findings) -> list[Figure]:
    """What both judges say, in both views, with what real posts and the own past have."""
    first = (found.past, lambda m: m.told)
    second = (found.past_second, lambda m: m.told_second)
    return [
        _judge(found, f"{_MANNER} (0.50: by chance only)", *first, _style),
        _judge(found, f"{_MANNER}, by the second judge", *second, _style),
        _judge(found, _WORDS, *first, _masked),
        _judge(found, f"{_WORDS}, by the second judge", *second, _masked),
    ]


def _judge(
    found: Findings,
    name: str,
    past: Separability | None,
    told: Callable[[Measured], Separability | None],
    view: Callable[[Separability | None], float | None],
) -> Figure:
    floors = {key: _number(view(told(floor))) for key, floor in found.floors.items()}
    real, posts, own = view(told(found.real)), found.real.told.posts, view(past)
    cell = f"({posts} a side; own past {_number(own)})"
    if real is not None:
        cell = f"{real:.2f} ± {chance_margin(posts):.2f} {cell}"
    goal = f"at most {style_goal(own):.2f}" if view is _style else ""
    return Figure(name, _number(view(told(found.voice))), cell, goal=goal, **floors)


def _truth(found: Findings) -> list[Figure]:
    """What the voice makes up: on bare topics, and from notes."""
    rows = _from_notes(found.notes, found) if found.notes else []
    if found.bare:
        share = _percent(found.bare.invented_numbers)
        name = "bare topic: with a number that nobody gave"
        rows.insert(0, Figure(name, share, goal="at most 5 %"))
    return rows


def _from_notes(notes: FromNotes, found: Findings) -> list[Figure]:
    """The same of texts written from notes of the held-out posts."""

    def row(name: str, show: Callable[[Written], str], goal: str = "") -> Figure:
        floors = {key: show(floor) for key, floor in notes.floors.items()}
        return Figure(f"from notes: {name}", show(notes.voice), goal=goal, **floors)

    def style(name: str, told: Callable[[Measured], Separability | None], own: float) -> Figure:
        return row(name, lambda w: _number(_style(told(w.like))), f"at most {own:.2f}")

    own = [max(0.5, _style(past) or 0.6) for past in (found.past, found.past_second)]
    nearer = {key: _signed(margin) for key, margin in notes.nearer.items()}
    return [
        row(
            "with a number, name, handle or link that nobody gave",
            lambda w: _percent(w.true.invented),
            "at most 2 %",
        ),
        row("given facts kept", lambda w: _percent(w.true.facts_kept), "at least 97 %"),
        row("given words kept", lambda w: _percent(w.true.words_kept), "at least 90 %"),
        row("one of four says all and only that", lambda w: _percent(w.approved), "at least 90 %"),
        row(
            "likeness to the real post (chrF, 0 to 100)",
            lambda w: f"{w.true.chrf:.0f} ± {w.true.chrf_margin:.0f}",
        ),
        Figure("from notes: this voice is more like it by", "", goal="more than the ±", **nearer),
        style(_MANNER, lambda m: m.told, own[0]),
        style(_SECOND, lambda m: m.told_second, own[1]),
        row("the same, words shown", lambda w: _number(_masked(w.like.told))),
        row(
            "the same, words shown, by the second judge",
            lambda w: _number(_masked(w.like.told_second)),
        ),
        row("near copies", lambda w: _percent(w.like.near_copies), "0 %"),
        row("distance of lengths", lambda w: _number(w.like.lengths)),
        row("texts measured", lambda w: str(w.true.texts)),
    ]


def _style(told: Separability | None) -> float | None:
    return told.style if told else None


def _masked(told: Separability | None) -> float | None:
    return told.masked if told else None


def _signed(margin: Margin) -> str:
    return f"{margin.mean:+.1f} ± {margin.chance:.1f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.0f} %"
