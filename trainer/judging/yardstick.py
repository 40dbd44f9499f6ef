"""All the figures of `measures` on one set of texts, beside the author's real held-out posts.

Pure but for scikit-learn: the same texts and seed give the same figures.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple, Protocol

from threadpoolctl import threadpool_limits

from bot.voice.copies import Copies
from trainer.judging.measures import (
    FOLDS,
    Habits,
    StyleView,
    View,
    distinct_2,
    habits,
    length_distance,
    masked_view,
    on_topic,
    self_overlap,
    two_sample_accuracy,
)
from trainer.judging.second_judge import SecondJudge


class Judge(Protocol):
    """Says how often it tells texts of two sets apart; `paired` ones say the same, one by one."""

    def __call__(
        self,
        ours: Sequence[str],
        theirs: Sequence[str],
        view: View,
        seed: int = 0,
        *,
        paired: bool = False,
    ) -> float: ...


class Separability(NamedTuple):
    """How well one judge tells two sets apart, in each view; None below ten texts a side."""

    style: float | None
    masked: float | None
    posts: int  # a side


def mean(several: Sequence[Separability]) -> Separability:
    """The mean over several choices of as many texts."""
    styles = [one.style for one in several if one.style is not None]
    masked = [one.masked for one in several if one.masked is not None]
    return Separability(
        fmean(styles) if styles else None, fmean(masked) if masked else None, several[0].posts
    )


def mean_of(
    several: Sequence[tuple[Separability, Separability]],
) -> tuple[Separability, Separability]:
    """The mean by each judge."""
    first, second = map(mean, zip(*several, strict=True))
    return first, second


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of one set of texts."""

    texts: int
    told: Separability  # from real posts; evaluation.json has this key, so it stays
    near_copies: float
    longest_run: int  # words
    on_topic: float | None
    distinct_2: float
    lengths: float  # distance to those of real posts
    habits: Habits
    overlap: float | None = None  # among the candidates of a draft
    told_second: Separability | None = None  # by the second judge

    @property
    def style(self) -> float | None:
        """How often its manner is told from real posts, by the judge that does so more often."""
        both = [one.style for one in (self.told, self.told_second) if one]
        return max((style for style in both if style is not None), default=None)


class Yardstick:
    """The author's posts to measure texts by: `learnt` by the voice, and `real`, unseen ones."""

    def __init__(self, learnt: Sequence[str], real: Sequence[str], seed: int) -> None:
        self._style, self._copies = StyleView(learnt), Copies(learnt)
        self._judges: tuple[Judge, Judge] = (two_sample_accuracy, SecondJudge(learnt))
        self._real, self._seed = real, seed

    def on(self, real: Sequence[str]) -> "Yardstick":
        """The same with other real posts."""
        other = copy(self)
        other._real = real
        return other

    def separability(
        self,
        texts: Sequence[str],
        others: Sequence[str] | None = None,
        *,
        paired: bool = False,
    ) -> tuple[Separability, Separability]:
        """How well each of the two judges tells texts from real posts, or from others."""
        others = self._real if others is None else others
        size = min(len(texts), len(others))

        def by(judge: Judge) -> Separability:
            if size < 2 * FOLDS:
                return Separability(None, None, size)
            style = judge(texts, others, self._style, self._seed, paired=paired)
            masked = judge(texts, others, masked_view, self._seed, paired=paired)
            return Separability(style, masked, size)

        first, second = self._judges
        with threadpool_limits(1):  # with so little data, threads wait more than they work
            return by(first), by(second)

    def measure(
        self,
        texts: Sequence[str],
        topics: Sequence[str | None],
        candidates: Sequence[Sequence[str]] = (),
        *,
        halves: Sequence[tuple[Sequence[str], Sequence[str]]] = (),
        paired: bool = False,
    ) -> Measured:
        """Measure texts, each on its topic; at least one.

        For real posts, give pairs of halves to tell apart: they cannot be told from themselves.
        Texts that are `paired` each say the same as the real post of their number.
        """
        asked = [(text, topic) for text, topic in zip(texts, topics, strict=True) if topic]
        kept = None
        if len({topic for _, topic in asked}) > 1:  # with one topic, no text can be on another
            kept = on_topic([text for text, _ in asked], [topic for _, topic in asked])
        first, second = mean_of(
            [self.separability(*pair, paired=paired) for pair in halves or [(texts, self._real)]]
        )
        return Measured(
            texts=len(texts),
            told=first,
            told_second=second,
            near_copies=sum(map(self._copies.is_near_copy, texts)) / len(texts),
            longest_run=max(map(self._copies.longest_run, texts)),
            on_topic=kept,
            distinct_2=distinct_2(texts),
            lengths=length_distance(*(halves[0] if halves else (texts, self._real))),
            habits=habits(texts),
            overlap=self_overlap(candidates) if candidates else None,
        )
