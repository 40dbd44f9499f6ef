"""What training by a taste costs: what the voice drew on held-out topics before and after.

Each new voice is compared with the one that `train` made, so that several small losses, one after
the other, cannot add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import fmean
from typing import NamedTuple

from bot.voice import HELD_OUT_FILE, Voice, VoicePost, load_posts
from bot.voice.ranker import Ranker
from trainer.drawing import draw
from trainer.drawing.kept import read
from trainer.judging.verdict import COPIES_GOAL, STYLE_GOAL, TOPIC_GOAL, VARIETY_GOAL
from trainer.judging.yardstick import Yardstick
from trainer.training.voice_folder import VoiceFolder

FEWEST = 50  # posts: by fewer a loss would not be seen
ROUNDS = 2  # times it is chosen by the odds: the mean is judged
VARIETY_NOISE = 0.015  # between two such means of distinct-2
NAMES = (
    *("told from real posts by manner (0.5: by chance)", "the same, by words too"),
    *("near copies", "different word pairs", "on topic"),
)


class Judged(NamedTuple):
    """The measures of what is shown first; what could not be measured is 0."""

    style: float
    masked: float
    near_copies: float
    distinct_2: float
    on_topic: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Held-out posts, and all texts that the voice drew on the topic of each."""

    real: Sequence[str]
    topics: Sequence[str | None]
    texts: Sequence[Sequence[str]]
    by: Yardstick
    real_distinct_2: float

    @classmethod
    def of(cls, folder: VoiceFolder, voice: Voice) -> "Gate | None":
        """What the last evaluation of the voice drew; None if it was not evaluated since trained.

        Raises VoiceError.
        """
        if not (folder.place / HELD_OUT_FILE).exists() or "distinct_2_real" not in voice.metrics:
            return None
        asked = {post.text: post.topic for post in load_posts(folder.place, HELD_OUT_FILE)}
        drawn: dict[str, list[str]] = {}
        for file in folder.evaluation.glob("voice-*.jsonl"):
            drawn |= read(file)
        rows = [(post, texts) for post, texts in drawn.items() if texts and post in asked]
        if len(rows) < FEWEST:
            return None
        real = [post for post, _ in rows]
        return cls(
            real,
            [asked[post] for post in real],
            [texts for _, texts in rows],
            Yardstick([post.text for post in load_posts(folder.place)], real, seed=0),
            voice.metrics["distinct_2_real"],
        )

    @property
    def asked(self) -> list[VoicePost]:
        """The posts, each with the one topic that was drawn on."""
        rows = zip(self.real, self.topics, strict=True)
        return [VoicePost(None, text, (topic,) if topic else ()) for text, topic in rows]

    def beside(self, other: "Gate") -> tuple["Gate", "Gate"]:
        """Both by the posts that both have drafts on."""
        of_other = {real: i for i, real in enumerate(other.real)}
        both = [i for i, real in enumerate(self.real) if real in of_other]
        return self.part(both), other.part([of_other[self.real[i]] for i in both])

    def part(self, numbers: Sequence[int]) -> "Gate":
        """The same by some of the posts only."""
        real = [self.real[i] for i in numbers]
        topics, texts = [self.topics[i] for i in numbers], [self.texts[i] for i in numbers]
        return replace(self, real=real, topics=topics, texts=texts, by=self.by.on(real))

    def judged(self, ranker: Ranker, place: int = 1) -> Judged:
        """Measure what is shown first, or at another place, if this ranker chooses."""
        chosen = (self.shown(ranker, place, choice) for choice in range(ROUNDS))
        rounds = [self._round([texts[-1] for texts in shown]) for shown in chosen]
        return Judged(*map(fmean, zip(*rounds, strict=True)))

    def shown(self, ranker: Ranker, count: int, choice: int = 0) -> list[list[str]]:
        """What is shown on each topic if this ranker chooses; another choice is as likely."""
        rows = zip(self.texts, self.topics, strict=True)
        return [draw.shown(texts, topic, count, ranker, choice) for texts, topic in rows]

    def _round(self, shown: Sequence[str]) -> Judged:
        found = self.by.measure(shown, self.topics)
        told = (found.told.style or 0.0, found.told.masked or 0.0)
        return Judged(*told, found.near_copies, found.distinct_2, found.on_topic or 0.0)

    def losses(self, before: Judged, after: Judged) -> list[str]:
        """What is worse than before, by more than chance, and short of its goal.

        For chance is taken one standard error of the difference of two shares of so many texts. Two
        would be surer, and let through what nobody would call chance if they saw it on both views.
        """
        n = len(self.real) / 2
        told = sqrt(0.25 / (2 * n))  # it guesses at both sides
        variety = min(VARIETY_GOAL * self.real_distinct_2, before.distinct_2) - VARIETY_NOISE
        copies = max(COPIES_GOAL, before.near_copies) + _error(COPIES_GOAL, n)
        topics = min(TOPIC_GOAL, before.on_topic) - _error(before.on_topic, n)
        worse = {
            "manner": after.style > max(STYLE_GOAL, before.style) + told,
            "choice of words": after.masked > max(STYLE_GOAL, before.masked) + told,
            "originality": after.near_copies > copies,
            "variety": after.distinct_2 < variety,
            "keeping to the topic": after.on_topic < topics,
        }
        return [name for name, is_worse in worse.items() if is_worse]


def _error(share: float, n: float) -> float:
    return sqrt(share * (1 - share) / n)
