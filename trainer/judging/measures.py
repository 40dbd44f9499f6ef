"""Measures how alike two sets of posts are, how much of one is copied, how varied it is.

Pure but for scikit-learn; the same texts and seed give the same figures. Sources: classifier
two-sample test, Lopez-Paz and Oquab 2017 (arXiv 1610.06545); distinct-n, Li et al. 2016
(arXiv 1510.03055).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from bot.voice.copies import words_of
from bot.voice.words import LETTERS, WORD, is_lettered, parted, words_in

FOLDS = 5

_TOKEN = re.compile(rf"https?://\S+|[@#]{LETTERS}|{WORD}|\s+|.", re.S)
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")
View = Callable[[str], str]
Split = tuple[NDArray[np.int_], NDArray[np.int_]]


class StyleView:
    """A text with its content words reduced to their shape, which leaves the manner.

    Words in at least `share` of the author's posts are manner and stay.
    """

    def __init__(self, posts: Sequence[str], share: float = 0.02) -> None:
        found = Counter(word for post in posts for word in {w.lower() for w in words_in(post)})
        least = max(2, share * len(posts))
        self._kept = {word for word, count in found.items() if count >= least and is_lettered(word)}

    def __call__(self, text: str) -> str:
        tokens = _TOKEN.findall(text)
        return "".join(self._shape(part) for token in tokens for part in parted(token))

    def _shape(self, token: str) -> str:
        if token.startswith("http"):
            return "U"
        if token[0] in "@#" and len(token) > 1:
            return token[0] + "w"
        if not token[0].isalnum() or token.lower() in self._kept:
            return token
        if any(c.isdigit() for c in token):
            return "9"
        return "A" if token.isupper() and len(token) > 1 else "X" if token[0].isupper() else "x"


def masked_view(text: str) -> str:
    """A text whose links, handles, hashtags and digits are replaced by one mark a kind."""
    text = re.sub(r"https?://\S+", "U", text)
    return re.sub(r"\d", "9", re.sub(rf"([@#]){LETTERS}", r"\1w", text))


def two_sample_accuracy(
    ours: Sequence[str],
    theirs: Sequence[str],
    view: View,
    seed: int = 0,
    *,
    paired: bool = False,
) -> float:
    """How often a classifier tells unseen texts of two sets apart: .5 is guessing.

    The longer set is cut to equal size at random. Character 1- to 4-grams, logistic regression,
    five folds; fewer than 300 a side pull the figure towards .5. Raises ValueError below 10 a side.
    Paired texts say the same: none is judged by what was learnt from its twin.
    """
    sides = [list(map(view, side)) for side in equal_sides(ours, theirs, seed, paired=paired)]
    labels = np.repeat([0, 1], len(sides[0]))
    classifier = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(1, 4), lowercase=False, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    folds = folds_of(labels, seed, paired=paired)
    guessed = cross_val_predict(classifier, [*sides[0], *sides[1]], labels, cv=folds)
    return float((guessed == labels).mean())


def chance_margin(posts: int) -> float:
    """How far from .5 chance alone brings a judge, with so many posts a side, 95 times in 100.

    As for a tossed coin, and a fifth more: folds share most of their texts (experiments/LOG.md).
    """
    return 1.96 * 1.2 * sqrt(0.25 / (2 * posts))


def folds_of(labels: NDArray[np.int_], seed: int, *, paired: bool) -> list[Split]:
    """What to learn from and what to judge, five times; pairs stay together."""
    if not paired:
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels))
    size = len(labels) // 2
    halves = KFold(FOLDS, shuffle=True, random_state=seed).split(labels[:size])
    return [(np.r_[a, a + size], np.r_[b, b + size]) for a, b in halves]


def equal_sides(
    ours: Sequence[str], theirs: Sequence[str], seed: int, *, paired: bool = False
) -> tuple[list[str], list[str]]:
    """As many texts of both, at random; pairs in one order. Raises ValueError below 10 a side."""
    size = min(len(ours), len(theirs))
    if size < 2 * FOLDS:
        raise ValueError("too few texts to tell apart")
    chance = np.random.default_rng(seed)
    orders = [chance.permutation(len(side))[:size] for side in (ours, theirs)]
    if paired:
        assert len(ours) == len(theirs)
        orders[1] = orders[0]
    return [ours[i] for i in orders[0]], [theirs[i] for i in orders[1]]


def distinct_2(texts: Iterable[str]) -> float:
    """Different pairs of neighbouring words, as a share of all."""
    pairs = [pair for text in texts for pair in _neighbours(text)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def self_overlap(groups: Iterable[Sequence[str]]) -> float:
    """Mean share of word pairs that two candidates of one draft share, 0..1."""
    shares = [
        len(a & b) / min(len(a), len(b))
        for group in groups
        for a, b in combinations([set(_neighbours(text)) for text in group], 2)
        if a and b
    ]
    return sum(shares) / len(shares) if shares else 0.0


def on_topic(texts: Sequence[str], topics: Sequence[str]) -> float:
    """How often a text holds at least as much of its own topic as of any other of the set.

    A topic is its runs of four and five letters, spaces left out (#HealthCare is about health
    care); rarer ones weigh more. A tie counts as on topic, so real posts, which are about more than
    the topic given here, are all on topic.
    """
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 5), sublinear_tf=True)
    asked = vectors.fit_transform(map(_letters, topics))
    held = vectors.transform(map(_letters, texts)).astype(bool).astype(float)
    shares = (held @ asked.multiply(asked).T.tocsr()).toarray()  # (texts, topics), 0..1
    own = shares[np.arange(len(texts)), np.arange(len(texts))]
    return float(((own > 0) & (own >= shares.max(axis=1) - 1e-6)).mean())


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())


def length_distance(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Kolmogorov-Smirnov distance of the lengths in characters, 0..1."""
    # scipy's ks_2samp computes a p-value besides, which divides by zero for one text or two
    a, b = np.sort([len(t) for t in ours]), np.sort([len(t) for t in theirs])
    points = np.concatenate([a, b])
    below_a, below_b = np.searchsorted(a, points, "right"), np.searchsorted(b, points, "right")
    return float(np.abs(below_a / len(a) - below_b / len(b)).max())


@dataclass(frozen=True, slots=True)
class Habits:
    """The looks of a set of posts; shares are of posts."""

    chars: float  # median
    emoji: float
    hashtags: float
    questions: float
    exclamations: float
    line_breaks: float
    all_caps: float  # a word of three capitals or more


def habits(texts: Sequence[str]) -> Habits:
    """Measure the features that strike the eye. Raises ValueError if there are no texts."""
    if not texts:
        raise ValueError("no texts")

    def share(pattern: str | re.Pattern[str]) -> float:
        return sum(bool(re.search(pattern, t)) for t in texts) / len(texts)

    return Habits(
        chars=float(np.median([len(t) for t in texts])),
        emoji=share(_EMOJI),
        hashtags=share(r"[#＃]\w"),
        questions=share("[?？؟]"),
        exclamations=share("[!！]"),
        line_breaks=share(r"\n"),
        all_caps=share(r"\b[A-Z]{3,}\b"),
    )


def _neighbours(text: str) -> list[tuple[str, str]]:
    return list(pairwise(words_of(text)))
