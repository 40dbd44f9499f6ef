"""What an evaluation drew on held-out topics, measured as a ranker would show it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from bot.voice import PromptParts, Voice, load_posts
from bot.voice.ranker import Ranker
from trainer.drawing import draw
from trainer.judging.yardstick import Yardstick
from trainer.taste.taste import last_drawn
from trainer.training.voice_folder import VoiceFolder

ROUNDS = 2  # times it is chosen by the odds: the mean is judged
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
class Evaluated:
    """Held-out posts, and all texts that the voice drew on the topic of each."""

    real: Sequence[str]
    topics: Sequence[str | None]
    texts: Sequence[Sequence[str]]
    by: Yardstick

    @classmethod
    def of(cls, folder: VoiceFolder) -> "Evaluated":
        """What the last evaluation of the voice drew. Ends the program if there is none."""
        rows = last_drawn(folder, Voice.load(folder.place))
        if not rows:
            raise SystemExit(
                f"{folder.name} was not evaluated: `python -m trainer evaluate` does it."
            )
        real = [post.text for post, _ in rows]
        learnt = [post.text for post in load_posts(folder.place)]
        return cls(
            real,
            [post.topic for post, _ in rows],
            [texts for _, texts in rows],
            Yardstick(learnt, real, seed=0),
        )

    def part(self, numbers: Sequence[int]) -> "Evaluated":
        """The same by some of the posts only."""
        real = [self.real[i] for i in numbers]
        topics, texts = [self.topics[i] for i in numbers], [self.texts[i] for i in numbers]
        return replace(self, real=real, topics=topics, texts=texts, by=self.by.on(real))

    def judged(self, ranker: Ranker, place: int = 1) -> Judged:
        """Measure what is shown first, or at another place, if this ranker chooses."""
        rounds = [self._round(ranker, place, choice) for choice in range(ROUNDS)]
        return Judged(*map(fmean, zip(*rounds, strict=True)))

    def _round(self, ranker: Ranker, place: int, choice: int) -> Judged:
        rows = zip(self.texts, self.topics, strict=True)
        shown = [
            draw.shown(texts, PromptParts(topic), place, ranker, choice)[-1]
            for texts, topic in rows
        ]
        found = self.by.measure(shown, self.topics)
        told = (found.told.style or 0.0, found.told.masked or 0.0)
        return Judged(*told, found.near_copies, found.distinct_2, found.on_topic or 0.0)
