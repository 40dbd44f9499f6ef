"""Measures how true texts are to what was given: nothing added, nothing lost.

Pure but for sacrebleu. Facts and words as the bot sees them (bot/voice/facts.py, notes.py); chrF
against the real post, which says the same: Popović 2015.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import NamedTuple

import sacrebleu

from bot.voice.facts import check, facts
from bot.voice.joined import joined
from bot.voice.notes import Wording, content_of, difference


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What became of what was given, over a set of texts. Shares are 0..1."""

    texts: int
    invented: float  # texts that hold a number, name, handle or link nobody gave
    invented_numbers: float  # the same, numbers alone
    facts_kept: float | None  # of those given; None if none were
    words_kept: float | None  # of the given words that say something, by stem
    chrf: float  # 0..100
    chrf_margin: float = 0.0  # more or less, 95 times in 100


class Margin(NamedTuple):
    """A difference, and by how much chance may make it more or less, 95 times in 100."""

    mean: float
    chance: float


def fidelity(
    texts: Sequence[str], given: Sequence[str], real: Sequence[str], *, wording: Wording
) -> Fidelity:
    """Measure texts, each by what was given for it and the real post; at least one.

    A name that the author writes as a matter of course is not invented.
    """
    asked = facts_given = facts_kept = words_given = words_kept = invented = numbers = 0
    for text, told in zip(texts, given, strict=True):
        found = check(told, text, wording.usual)
        kinds = {fact.kind for fact in facts(text, wording.usual) if fact.text in found.added}
        invented += bool(kinds & {"number", "name", "handle", "link"})
        numbers += "number" in kinds
        facts_kept += len(found.kept)
        facts_given += len(found.kept) + len(found.missing)
        said, wanted = set(content_of(text, wording)), content_of(told, wording)
        words_kept += sum(stem in said for stem in wanted)
        words_given += len(wanted)
        asked += 1
    return Fidelity(
        asked,
        invented / asked,
        numbers / asked,
        facts_kept / facts_given if facts_given else None,
        words_kept / words_given if words_given else None,
        sacrebleu.corpus_chrf(list(texts), [list(real)]).score,
        _margin(_likenesses(texts, real)).chance,
    )


def likeness_above(ours: Sequence[str], theirs: Sequence[str], real: Sequence[str]) -> Margin:
    """How much nearer our texts are to the real posts than others are, text by text, in chrF."""
    both = zip(_likenesses(ours, real), _likenesses(theirs, real), strict=True)
    return _margin([one - other for one, other in both])


def is_all_and_only(text: str, given: str, wording: Wording) -> bool:
    """Whether a text says all that the notes say, and only that; what they set apart, apart."""
    found = check(given, text, wording.nouns)
    if found.added or found.missing or difference(given, text, wording).stems:
        return False
    return not joined(given, text, wording)


def _likenesses(texts: Sequence[str], real: Sequence[str]) -> list[float]:
    rows = zip(texts, real, strict=True)
    return [sacrebleu.sentence_chrf(text, [post]).score for text, post in rows]


def _margin(values: Sequence[float]) -> Margin:
    spread = stdev(values) if len(values) > 1 else 0.0
    return Margin(fmean(values), 1.96 * spread / sqrt(len(values)))
