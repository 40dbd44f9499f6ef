"""The options of `prepare`, with the reasons for the defaults. Pure."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Literal

from trainer.archives.post import PostKind
from trainer.data.clean import OWN

Threads = Literal["keep", "join"]
PersonalChoice = Literal["mask", "drop", "keep"]


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """Which posts are learnt from, and how."""

    ner: str | None = None  # tweetnlp[:MODEL_OR_DIRECTORY]
    validation: float = 0.2
    seed: int = 0  # nothing here is random; the training takes it from dataset.json
    with_replies: bool = False
    with_quotes: bool = False
    with_retweets: bool = False
    with_private: bool = False  # for followers only; never X's Circle, a few chosen people
    with_direct: bool = False  # to those who are mentioned
    threads: Threads = "keep"  # as single posts: a joined thread is longer than a status may be
    languages: tuple[str, ...] = ()  # normal codes; none are all
    personal: PersonalChoice = "mask"  # the post still shows how its author writes

    @property
    def kinds(self) -> Set[PostKind]:
        """The kinds of posts that are learnt from."""
        asked: dict[PostKind, bool] = {
            "reply": self.with_replies,
            "quote": self.with_quotes,
            "retweet": self.with_retweets,
        }
        return OWN | {kind for kind, is_asked in asked.items() if is_asked}
