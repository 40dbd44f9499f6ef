"""The second judge of manner: another classifier, by features that the first one does not see.

The first (measures.py) weighs runs of characters by how rare they are. This one knows whether a
run of two to five is there, without capitals and hashed, and how often each mark and small word is
used. A voice is held to the judge that tells it from its author more easily. Pure but for
scikit-learn.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler

from bot.voice.tongues import main_languages, tongue
from bot.voice.words import words_in
from trainer.judging.measures import View, equal_sides, folds_of

_BUCKETS = 2**16
_MARKS = ".,;:!?-–—…'’\"“”()[]&@#/%$€£+*\n"
_WEIGHT = 0.05  # of a rate one deviation from the mean, beside a text's runs, of length 1 together
_FARTHEST = 4.0  # deviations: one text of emoji alone must not stand for all


class SecondJudge:
    """Tells texts apart; knows the function words of an author's languages."""

    def __init__(self, posts: Sequence[str]) -> None:
        tongues = map(tongue, main_languages(posts))
        words = (told.small | told.who | told.connectives for told in tongues)
        self._small = sorted(frozenset[str]().union(*words))
        self._runs = HashingVectorizer(
            analyzer="char", ngram_range=(2, 5), n_features=_BUCKETS, binary=True, norm="l2",
            alternate_sign=False,
        )  # fmt: skip

    def __call__(
        self,
        ours: Sequence[str],
        theirs: Sequence[str],
        view: View,
        seed: int = 0,
        *,
        paired: bool = False,
    ) -> float:
        """How often a classifier tells unseen texts of two sets apart: .5 is guessing.

        Logistic regression, five folds, sides of equal size; pairs as the first judge has them.
        Raises ValueError below 10 a side.
        """
        sides = equal_sides(ours, theirs, seed, paired=paired)
        texts = [*sides[0], *sides[1]]
        labels = np.repeat([0, 1], len(sides[0]))
        # The scale needs no labels, so it may be that of all texts.
        rates = StandardScaler().fit_transform(np.array([self._rates(text) for text in texts]))
        rates = _WEIGHT * np.clip(rates, -_FARTHEST, _FARTHEST)
        runs = self._runs.transform(map(view, texts))
        runs = runs[:, np.unique(runs.indices)]  # the others weigh nothing
        seen = hstack([runs, csr_matrix(rates)]).tocsr()
        folds = folds_of(labels, seed, paired=paired)
        classifier = LogisticRegression(C=10, max_iter=1000)
        guessed = cross_val_predict(classifier, seen, labels, cv=folds)
        return float((guessed == labels).mean())

    def _rates(self, text: str) -> NDArray[np.float64]:
        """Each mark a character, each small word a word; length, capitals and digits."""
        words = words_in(text)
        found, length = Counter(word.casefold() for word in words), max(1, len(text))
        marks = [text.count(mark) for mark in _MARKS]
        marks += [sum(map(str.isupper, text)), sum(map(str.isdigit, text)), sum(map(len, words))]
        small = [found[word] for word in self._small]
        rates = [np.array(marks) / length, np.array(small) / max(1, len(words))]
        return np.concatenate([*rates, np.log([length, max(1, len(words))])])
