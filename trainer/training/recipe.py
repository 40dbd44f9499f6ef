"""The settings of a fine-tune, each with its reason; experiments/LOG.md has the measurements."""

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a local voice is trained."""

    tokens: int = 55_000  # an epoch, of the newest posts: seven minutes on two cores
    epochs: int = 0  # 0: one, and two at a provider
    patience: int = (
        1  # epochs without gain before the end: past the best, runs got worse (experiments/LOG.md)
    )
    rank: int = 16  # on every linear layer
    learning_rate: float = 0.0  # 0: what suits the base
    batch_size: int = 4  # posts a step: better than 8 on every author, at the same speed
    max_tokens: int = 512  # of prompt and post: what one slot of the bot's server holds
    memory_tokens: int = 512  # in memory at once, about 2 MB each with the default base
    seed: int = 0
    threads: int = 0  # 0: every core this process may use
    checkpoint_every: int = 10  # steps: half a minute's work is lost at most, 0.2 s spent

    def changes_from(self, other: dict[str, Any]) -> list[str]:
        """Names of the settings that make this training differ from `other` up to the same step."""
        names = [f.name for f in fields(self) if f.name not in _SAME_STEPS]
        return [name for name in names if other.get(name) != getattr(self, name)]


LEARNING_RATE = 1e-3  # twice that overfitted in the second epoch, at batch size 8
FEW_POSTS = 0.5  # of an epoch's tokens: posts that hold fewer are read in random order

_SAME_STEPS = ("patience", "memory_tokens", "threads", "checkpoint_every")
