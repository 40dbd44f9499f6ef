"""The tokens that a training's loss is over, where the whole vocabulary costs more than the layers.

Gemma 3 270M chooses from 262,144 tokens, and an author uses a few thousand. Those are on the list,
and the ones that the base itself expects most in their posts, so it holds the words of the author's
languages without a table of ours. What is told of a voice is always over the whole vocabulary.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.training.products import Frozen

EXPECTED = 8192  # tokens besides the author's own
_ROWS = 64  # rows of logits at once: 67 MB with Gemma's vocabulary


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Tokens, and the part of the output layer that has them."""

    places: Tensor  # (V,): the row of a token, or -1
    head: Frozen

    @classmethod
    def of(cls, weight: Tensor, states: Tensor, used: Iterable[int]) -> "Shortlist":
        """The tokens used, and those likeliest after these states (T, C); weight (V, C)."""
        expected = torch.zeros(len(weight))
        for rows in torch.split(states, _ROWS):
            expected += torch.nn.functional.linear(rows, weight).float().softmax(-1).sum(0)
        expected[list(used)] = torch.inf
        kept = int(expected.isinf().sum()) + EXPECTED
        tokens = expected.topk(min(kept, len(weight))).indices.sort().values
        places = torch.full((len(weight),), -1)
        places[tokens] = torch.arange(len(tokens))
        return cls(places, Frozen(weight[tokens]))


def whole_nats(states: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of the targets (T,) over the whole vocabulary, summed; without a gradient."""
    total = torch.zeros(())
    for rows, own in zip(
        torch.split(states, _ROWS), torch.split(targets[:, None], _ROWS), strict=True
    ):
        scores = torch.nn.functional.linear(rows, weight).float()
        total += (scores.logsumexp(-1, keepdim=True) - scores.gather(1, own)).sum()
    return total
