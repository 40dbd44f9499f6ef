"""The verdict on a voice: from figures to shortfalls, one line for a newcomer, and a table.

Pure. The goals are the project's; experiments/LOG.md and docs say how far the default base gets.
"""

from collections.abc import Callable
from math import sqrt

from trainer.judging.evaluation import Figure
from trainer.judging.findings import Findings
from trainer.judging.from_notes import FromNotes, Written
from trainer.judging.yardstick import Measured

_SURE = 300  # posts a side: fewer pull a classifier's accuracy towards .5
HINT = 100  # below, figures are a hint
STYLE_GOAL, CLOSE = 0.62, 0.75
COPIES_GOAL, PARROT = 0.03, 0.10
TOPIC_GOAL = 0.80
VARIETY_GOAL = 0.97  # of real posts' distinct pairs


def shortfalls(found: Findings) -> dict[str, float]:
    """How far each measure of the voice is from its goal: 0 is at the goal, 1 as bad as can be.

    Below 0 it is better than needed. Leaves out what could not be measured.
    """
    voice, real, past = found.voice, found.real, found.past
    chance = 1.36 * sqrt(2 / voice.texts)  # Kolmogorov-Smirnov, 5% level
    sides = {
        "copies": _short(voice.near_copies, max(COPIES_GOAL, real.near_copies), 0.3),
        "variety": _short(voice.distinct_2, VARIETY_GOAL * real.distinct_2, 0.4 * real.distinct_2),
        "length": _short(voice.lengths, 0.1 + chance, 0.9 + chance),
    }
    if voice.told.style is not None:
        sides["manner"] = _short(voice.told.style, max(STYLE_GOAL, past.style or 0.0), 1.02)
    if voice.on_topic is not None and real.on_topic is not None:
        sides["topic"] = _short(voice.on_topic, min(TOPIC_GOAL, real.on_topic), 0.0)
    return sides


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
    style = found.voice.told.style
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
    style = found.voice.told.style
    for key, name in names.items():
        floor = found.floors.get(key)
        if style is None or floor is None or floor.told.style is None:
            continue
        if floor.told.style <= style and floor.near_copies <= PARROT:
            return name
    return None


def _manner(found: Findings) -> str:
    past = found.past.style
    own = f"; of the author's own older posts, {past * 100:.0f}" if past is not None else ""
    style = found.voice.told.style or 0.0
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


def figures(found: Findings) -> list[Figure]:
    """Every measure as a row: this voice, real posts, the floors, and the goal."""
    voice, past = found.voice, found.past

    def row(name: str, show: Callable[[Measured], str], real: str = "", goal: str = "") -> Figure:
        floors = {key: show(floor) for key, floor in found.floors.items()}
        return Figure(name, show(voice), real or show(found.real), goal=goal, **floors)

    halves = f"{found.real.told.posts} a side; own past "
    rows = [
        row(
            "told from real posts by manner (0.50: by chance only)",
            lambda m: _number(m.told.style),
            f"{_number(found.real.told.style)} ({halves}{_number(past.style)})",
            f"at most {STYLE_GOAL}",
        ),
        row(
            "the same, words shown, names and numbers hidden",
            lambda m: _number(m.told.masked),
            f"{_number(found.real.told.masked)} ({halves}{_number(past.masked)})",
        ),
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
        bits = Figure(
            "bits a character of real posts", less, base=f"{found.bits_base:.2f}", goal="30 % less"
        )
        rows.insert(4, bits)
    return [*rows, *_truth(found)]


def _truth(found: Findings) -> list[Figure]:
    """What the voice makes up: on bare topics, and from notes."""
    rows = _from_notes(found.notes) if found.notes else []
    if found.bare:
        share = _percent(found.bare.invented_numbers)
        name = "bare topic: with a number that nobody gave"
        rows.insert(0, Figure(name, share, goal="at most 5 %"))
    return rows


def _from_notes(found: FromNotes) -> list[Figure]:
    """The same of texts written from notes of the held-out posts."""

    def row(name: str, show: Callable[[Written], str], goal: str = "") -> Figure:
        floors = {key: show(floor) for key, floor in found.floors.items()}
        return Figure(f"from notes: {name}", show(found.voice), goal=goal, **floors)

    return [
        row(
            "with a number, name, handle or link that nobody gave",
            lambda w: _percent(w.true.invented),
            "at most 2 %",
        ),
        row("given facts kept", lambda w: _percent(w.true.facts_kept), "at least 97 %"),
        row("given words kept", lambda w: _percent(w.true.words_kept), "at least 90 %"),
        row("likeness to the real post (chrF, 0 to 100)", lambda w: f"{w.true.chrf:.0f}"),
        row("told from real posts by manner", lambda w: _number(w.like.told.style), "at most 0.60"),
        row("the same, words shown", lambda w: _number(w.like.told.masked)),
        row("near copies", lambda w: _percent(w.like.near_copies), "0 %"),
        row("distance of lengths", lambda w: _number(w.like.lengths)),
        row("texts measured", lambda w: str(w.true.texts)),
    ]


SIDES = ("manner", "copies", "topic", "variety", "length")
METRICS = {  # names in voice.json
    "evaluated_posts",
    "c2st_style",
    "c2st_masked",
    "c2st_style_real",
    "c2st_style_past",
    "near_copies",
    "on_topic",
    "distinct_2",
    "distinct_2_real",
    "bare_invented_numbers",
    "notes_invented",
    "notes_facts_kept",
    "notes_words_kept",
    "notes_c2st_style",
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
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.0f} %"


def _posts(n: int) -> str:
    return "1 post" if n == 1 else f"{n} posts"
