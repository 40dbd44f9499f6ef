"""Learns from pairs of a preferred and another text, as weights of the ranker's features.

Bradley and Terry's model (Biometrika 39, 1952): the odds of being preferred are a ratio of two
texts' strengths, and a strength is a sum of weights. So it is a logistic regression on differences.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from bot.voice import Prompt
from bot.voice.ranker import features, log_odds
from trainer.data import preferences
from trainer.data.preferences import Preference
from trainer.errors import DataError

_FEWEST = 8  # topics: with fewer, leaving one out proves nothing
_FOLDS = 5
_SURE = 2.0  # standard errors by which left-out topics must be predicted better than by a coin
_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # of the regression: the best predictor is used
AUDIBLE = 0.2  # of the strongest effect: a weaker one is not worth a word

Floats = np.ndarray[Any, np.dtype[np.float64]]


class Comparison(NamedTuple):
    """A text that was preferred to another, and what both are about: their topic or notes."""

    asked: str
    topic: str | None
    preferred: str
    other: str


@dataclass(frozen=True, slots=True)
class Taste:
    """A taste: what decisions have in common."""

    weights: dict[str, float]  # of the ranker's features, in nats; empty if not sure
    decisions: int  # texts that were preferred to others
    agreement: float  # share of pairs that those on other topics predict
    said: Sequence[str]  # its likings in words, strongest first

    def score(self, text: str) -> float:
        """How much it likes a text, in nats; between two texts, the log-odds."""
        return log_odds(self.weights, features(text, None))

    def times(self, strength: float) -> dict[str, float]:
        """The weights of a stronger or weaker taste of the same kind."""
        return {name: strength * weight for name, weight in self.weights.items()}


def read_comparisons(file: Path, prompt: Prompt) -> list[Comparison]:
    """Pairs as `feedback` writes them for a voice with this prompt. Raises DataError."""
    if not file.exists():
        raise DataError(
            f"There are no decisions in {file.parent}: {file.name} is missing. Write them there"
            f" with `python -m trainer feedback --db DATABASE --out {file.parent}`."
        )
    return [_pair(found, prompt) for found in preferences.read_preferences(file)]


def _pair(found: Preference, prompt: Prompt) -> Comparison:
    parts = prompt.parts(found.prompt)
    topic = parts.topic or parts.notes
    return Comparison(found.prompt[-1]["content"], topic, found.preferred, found.other)


def learn_preferences(pairs: Sequence[Comparison]) -> Taste:
    """Learn what predicts decisions on left-out topics; nothing from few or contradictory ones."""
    decisions = Counter((pair.asked, pair.preferred) for pair in pairs)
    topics = np.array([pair.topic or pair.preferred for pair in pairs])
    if len(set(topics)) < _FEWEST:
        return Taste({}, len(decisions), 0.5, [])
    vectors = DictVectorizer()
    vectors.fit([_features(text) for pair in pairs for text in (pair.preferred, pair.other)])
    better = vectors.transform([_features(pair.preferred) for pair in pairs])
    differences = (better - vectors.transform([_features(pair.other) for pair in pairs])).tocsr()
    names = vectors.get_feature_names_out()
    rooms = _rooms(names, differences)
    differences = differences.multiply(rooms).tocsr()
    shares = np.array([1 / decisions[pair.asked, pair.preferred] for pair in pairs])
    with threadpool_limits(1):
        margins = {c: _left_out(differences, topics, shares, c) for c in _STRENGTHS}
        strength = max(_STRENGTHS, key=lambda c: shares @ _gain(margins[c]))
        weights = _fit(differences, shares, strength)
    agrees = (np.sign(margins[strength]) + 1) / 2
    agreement = float(np.average(agrees, weights=shares))
    if not _is_sure(agrees, topics, shares):
        return Taste({}, len(decisions), agreement, [])
    return Taste(
        {n: float(w) for n, w in zip(names, weights * rooms, strict=True) if w},
        len(decisions),
        agreement,
        said(names, differences, weights),
    )


def _features(text: str) -> dict[str, float]:
    """A text's features for a taste.

    Leaves out pairs of words (too many for so few decisions) and the share of the topic.
    Nobody likes a text for missing its topic. But somebody who dislikes hashtags seems to if topics
    are hashtags, and a voice trained by that lost its topics (experiments/LOG.md).
    """
    return {name: 1.0 for name in sorted(features(text, None)) if not name.startswith("p ")}


def _rooms(names: Sequence[str], differences: csr_matrix) -> Floats:
    """How large each weight may become.

    What most tastes are about gets more room than a single word. Steps of an amount add up: the
    more of them set two texts apart, the less room each gets.
    """
    stems = np.array([_stem(name) for name in names])
    rooms = np.array([0.3 if name[:2] == "w " and name[2].isalnum() else 1.0 for name in names])
    for stem in set(stems[[not name.startswith("w ") for name in names]]):
        own = stems == stem
        apart = np.abs(differences[:, np.flatnonzero(own)].sum(axis=1)).mean()
        rooms[own] = 1 / sqrt(max(1.0, apart))
        rooms[own & (names == f"{stem} 1")] = 1.0  # whether there is any
    return rooms


def _left_out(differences: csr_matrix, topics: Any, shares: Floats, strength: float) -> Floats:
    """How surely the pairs on other topics predict each pair, in nats."""
    margins = np.zeros(len(shares))
    for known, rest in GroupKFold(_FOLDS).split(differences, groups=topics):
        weights = _fit(differences[known], shares[known], strength)
        margins[rest] = differences[rest] @ weights
    return margins


def _fit(differences: csr_matrix, shares: Floats, strength: float) -> Floats:
    """Weights that make the preferred text of each pair the stronger one."""
    both_ways = vstack([differences, -differences])
    labels = np.repeat([1, 0], len(shares))
    model = LogisticRegression(C=strength, fit_intercept=False, max_iter=1000)
    model.fit(both_ways, labels, sample_weight=np.tile(shares, 2))
    weights: Floats = model.coef_[0]
    return weights


def _gain(margins: Floats) -> Floats:
    """Nats by which each pair is predicted better than by a coin."""
    gained: Floats = log(2) - np.logaddexp(0, -margins)
    return gained


def _is_sure(agrees: Floats, topics: Any, shares: Floats) -> bool:
    """Whether the mean topic is predicted better than by chance: a coin agrees with half."""
    by_topic = [np.average(agrees[topics == t], weights=shares[topics == t]) for t in set(topics)]
    error = np.std(by_topic, ddof=1) / sqrt(len(by_topic))
    return bool(np.mean(by_topic) > 0.5 + _SURE * error)


LIKINGS = (  # features that show it; in words, less of it and more
    (("characters", "words", "sentences"), "shorter texts", "longer texts"),
    (("hashtags", "w <#>"), "fewer hashtags", "more hashtags"),
    (("w !",), "fewer exclamation marks", "more exclamation marks"),
    (("w ?",), "fewer questions", "more questions"),
    (("w <url>",), "fewer links", "more links"),
    (("w <@>",), "fewer handles", "more handles"),
    (("emoji",), "fewer emoji", "more emoji"),
    (("shouted",), "fewer words in capitals", "more words in capitals"),
    (("numbers", "w <9>"), "fewer numbers", "more numbers"),
    (("lines",), "fewer line breaks", "more line breaks"),
    (("words a sentence",), "shorter sentences", "longer sentences"),
    (("characters a word",), "shorter words", "longer words"),
    (("commas",), "fewer commas", "more commas"),
)


def said(names: Sequence[str], differences: csr_matrix, weights: Floats) -> list[str]:
    """The likings in weights, strongest first, by how much the texts of a pair differ in each."""
    stems = np.array([_stem(name) for name in names])
    found: dict[str, float] = {}
    for tells, less, more in LIKINGS:
        columns = np.flatnonzero(np.isin(stems, tells))
        of_it = differences[:, columns]
        nats, amount = of_it @ weights[columns], np.asarray(of_it.sum(axis=1)).ravel()
        found[more if nats @ amount > 0 else less] = float(np.abs(nats).mean())
    loud = AUDIBLE * max(found.values())
    return sorted((liking for liking in found if found[liking] > loud), key=lambda x: -found[x])


def _stem(name: str) -> str:
    """A feature's name without the number of its step."""
    stem, _, step = name.rpartition(" ")
    return stem if step.isdigit() else name
