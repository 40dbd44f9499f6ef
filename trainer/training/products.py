"""Products with weights that are not learnt, and whether bfloat16 makes them faster here."""

import time

import torch
from torch import Tensor


class Frozen:
    """A linear layer whose weight is not learnt.

    In bfloat16 the weight is laid out once as oneDNN multiplies it; else that is done at each call,
    which takes longer than the product. In float32 it gained a twentieth and doubled the memory.
    """

    __slots__ = ("_backward", "_forward", "bias", "weight")

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self.weight, self.bias = weight, bias  # (N, C), (N,)
        self._forward: Tensor | None = None
        self._backward: Tensor | None = None
        if weight.dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported():
            self._forward, self._backward = _laid_out(weight), _laid_out(weight.T)

    @property
    def columns(self) -> int:
        """C."""
        return self.weight.shape[1]

    def forward(self, x: Tensor) -> Tensor:
        """X (T, C) -> (T, N)."""
        if self._forward is None:
            return torch.nn.functional.linear(x, self.weight, self.bias)
        return _product(x, self._forward, self.bias)

    def backward(self, d: Tensor) -> Tensor:
        """The input's gradient (T, C) from that of the output (T, N)."""
        return d @ self.weight if self._backward is None else _product(d, self._backward, None)


def _laid_out(weight: Tensor) -> Tensor:
    # What torch.compile makes of a frozen linear layer; there is no public name for it.
    laid_out: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), 128)
    return laid_out


def _product(x: Tensor, laid_out: Tensor, bias: Tensor | None) -> Tensor:
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x, laid_out, bias, "none", [], "")
    return y


def bfloat16_pays() -> bool:
    """Whether this processor multiplies bfloat16 at least twice as fast as float32.

    Its flags tell that it can (AVX-512 BF16, AMX), and not how fast. It is measured, in a tenth of
    a second, by the largest product of a layer of the default base; the best of several counts,
    since a neighbour may be busy.
    """
    has = torch.cpu.get_capabilities()
    if not (has.get("amx_bf16") or has.get("avx512_bf16")):
        return False
    return 2 * _seconds(torch.bfloat16) < _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    frozen = Frozen(torch.full((3072, 576), 0.01, dtype=dtype))
    x = torch.full((96, 576), 0.5, dtype=dtype)
    taken = []
    for _ in range(8):
        started = time.perf_counter()
        frozen.backward(frozen.forward(x))
        taken.append(time.perf_counter() - started)
    return min(taken)
