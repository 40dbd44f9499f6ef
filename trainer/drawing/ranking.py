"""Fits the ranker of a voice: its author's newest training posts against its own drafts on them.

Reads a finished voice folder, draws a draft on the topics of each of those posts by the bot's own
path, and writes ranker.json. Touches no held-out post: those judge the ranker's choices.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from bot.voice import VOICE_FILE, PromptParts, VoiceError, load_posts
from bot.voice.ranker import RANKER_FILE, Ranker, features
from trainer.data.summary import progress_bar
from trainer.drawing.draw import draw_all
from trainer.errors import DataError

_DRAFTS = 120  # half a minute on two free cores; experiments/LOG.md has the gains of more and fewer
_FEWEST = 30  # posts: from fewer it would learn accidents
POSTS = 750  # of the author: reading them costs nothing
SEEN = 2  # texts that must have a feature, else it is about one text only
_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of the regression: the one that predicts best is used

DrawnText = tuple[str, str | None]  # a text and its topic


def rank(voice: Path, console: Console) -> None:
    """Draw drafts, fit the ranker and write it.

    Raises VoiceError, DataError if there are too few posts, ServeError if nobody can serve it.
    """
    posts = [post for post in load_posts(voice) if post.topics][-POSTS:]
    if len(posts) < _FEWEST:
        raise DataError(
            f"The voice has {len(posts)} posts with topics, and a ranker needs at least {_FEWEST}."
            " It shows its drafts in the order they were drawn."
        )
    with _without_ranker(voice) as before:
        drafts = _draft(voice, [PromptParts(post.topic) for post in posts[-_DRAFTS:]])
        fitted = fit([(post.text, post.topic) for post in posts], drafts)
        replace(before, weights=fitted.weights).save(voice)
    (voice / VOICE_FILE).touch()  # running bots look there for changes
    console.print(f"Its drafts are ranked by what sets {len(drafts)} of them apart from posts.")


@contextmanager
def _without_ranker(voice: Path) -> Iterator[Ranker]:
    """Put the old ranker away, since it would rank the drafts for the new one; yields it.

    Puts it back if the block fails, and after a kill at the next call.
    """
    file, away = voice / RANKER_FILE, voice / f".{RANKER_FILE}.before"
    if away.exists() and not file.exists():
        away.replace(file)
    before: Ranker | None = None
    with suppress(VoiceError):  # a damaged one is no loss
        before = Ranker.load(voice)
    if file.exists():
        file.replace(away)
    try:
        yield before or Ranker({})
    except BaseException:
        if away.exists():
            away.replace(file)
        raise
    away.unlink(missing_ok=True)


def _draft(voice: Path, asked: Sequence[PromptParts]) -> list[DrawnText]:
    """A draft on each topic. Raises DataError if hardly any passed the screen."""
    with progress_bar(Console(stderr=True)) as bar:
        task = bar.add_task("Drafts to rank against", total=len(asked))
        drawn = draw_all(voice, asked, 1, on_draft=lambda *_: bar.advance(task))
    drafts = [(texts[0], of.topic) for texts, of in zip(drawn, asked, strict=True) if texts]
    if len(drafts) < _FEWEST // 2:
        raise DataError(
            f"Only {len(drafts)} drafts of the voice could be used, too few to learn what sets them"
            " apart. Train it on more posts."
        )
    return drafts


def fit(posts: Sequence[DrawnText], drafts: Sequence[DrawnText], seed: int = 0) -> Ranker:
    """Learn to tell posts from drafts; the odds are as if there were as many of both."""
    texts = [*posts, *drafts]
    found = [dict.fromkeys(sorted(features(*text)), 1.0) for text in texts]
    vectors = DictVectorizer(dtype=np.float32)
    matrix = vectors.fit_transform(found)
    kept = np.asarray(matrix.sum(axis=0)).ravel() >= SEEN
    labels = np.repeat([1, 0], [len(posts), len(drafts)])
    search = GridSearchCV(
        LogisticRegression(class_weight="balanced", max_iter=2000, random_state=seed),
        {"C": _STRENGTHS},
        scoring="neg_log_loss",
        cv=5,
    )
    with threadpool_limits(1):
        search.fit(matrix[:, kept], labels)
    weights = search.best_estimator_.coef_[0]
    return Ranker(
        dict(zip(vectors.get_feature_names_out()[kept], map(float, weights), strict=True))
    )
