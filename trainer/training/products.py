"""Products with frozen weights, and the arithmetic in which a processor does them best."""

import torch
from torch import Tensor


class Frozen:
    """A linear layer whose weight is not learnt."""

    __slots__ = ("bias", "weight")

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias  # (N, C), (N,)

    @property
    def columns(self) -> int:
        """C."""
        return self.weight.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """X (T, C) -> (T, N)."""
        return torch.nn.functional.linear(x, self.weight, self.bias)

    def backward(self, d: Tensor) -> Tensor:
        """The input's gradient (T, C) from that of the output (T, N)."""
        return d @ self.weight
