"""The settings of a fine-tune, each with its reason; what was measured is in LOG.md."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a local voice is trained."""

    epochs: int = 2  # a third gains little or overfits at 200 posts
    rank: int = 16  # 8 gives up some, 32 gains nothing that can be measured
    learning_rate: float = 2e-3  # half of it learns less in two epochs
    batch_size: int = 8  # posts a step: 25 steps an epoch for 200 posts
    max_tokens: int = 512  # of prompt and post: what one slot of the bot's server holds
    memory_tokens: int = 512  # in memory at once, about 2 MB each with the default base
    seed: int = 0
    threads: int = 0  # 0: every core this process may use
    checkpoint_every: int = 10  # steps: half a minute's work is lost at most, 0.2 s spent

    def changes_from(self, other: dict[str, Any]) -> list[str]:
        """Names of settings that give other weights than `other` would."""
        names = [f.name for f in fields(self) if f.name not in ("threads", "checkpoint_every")]
        return [name for name in names if other.get(name) != getattr(self, name)]
