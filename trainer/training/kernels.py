"""The steps between tokens and loss, each with its gradient written out.

torch's own gradients keep or copy more than these need, and its attention's is the slowest part of
a step on a processor. Frozen weights get no gradient at all. T: tokens, C: width of the model,
D: of a head, H: query heads, K: key heads, R: rank, V: vocabulary.
"""

# mypy: disable-error-code="no-untyped-call"
# torch gives an autograd function's `apply` no types.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from trainer.training.products import Frozen

_ROWS = 128  # rows of logits at once: 25 MB with the default base's vocabulary


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """X (..., C) divided by its root mean square and scaled by the float32 weight."""
    normed: Tensor = _RmsNorm.apply(x, weight, eps)
    return normed


class _RmsNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, scale)
        return (wide * scale).mul_(weight).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, weight, scale = ctx.saved_tensors
        wide, d = x.float(), gradients[0].float() * weight
        along = (d * wide).mean(-1, keepdim=True) * scale.square()
        return d.addcmul_(wide, along, value=-1).mul_(scale).to(x.dtype), None, None


@dataclass(frozen=True, slots=True)
class Adapted:
    """Frozen linear layers of one input as one product, and the LoRA of each beside it."""

    frozen: Frozen
    rows: tuple[int, ...]  # of each layer's output
    pairs: tuple[Tensor, ...]  # A (R, C) and B (rows, R) of each layer in turn
    scale: float  # alpha by rank

    def __call__(self, x: Tensor) -> Tensor:
        """The layers' outputs side by side: (T, sum of rows)."""
        y: Tensor = _Adapted.apply(x, self, *self.pairs)
        return y


class _Adapted(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: Adapted, *pairs: Tensor) -> Tensor:
        a = torch.cat(pairs[::2]).to(x.dtype)
        bs = [b.to(x.dtype) for b in pairs[1::2]]
        y, z = layer.frozen.forward(x), x @ a.T
        for part, inner, b in zip(y.split(layer.rows, 1), _ranks(z, bs), bs, strict=True):
            part.addmm_(inner, b.T, alpha=layer.scale)
        ctx.layer = layer
        ctx.save_for_backward(x, a, z, *bs)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        layer, (x, a, z, *bs) = ctx.layer, ctx.saved_tensors
        dy = gradients[0]
        dz, dbs = torch.empty_like(z), []
        parts = zip(dy.split(layer.rows, 1), _ranks(z, bs), _ranks(dz, bs), bs, strict=True)
        for part, inner, d_inner, b in parts:
            dbs.append((part.T @ inner).float().mul_(layer.scale))
            torch.mm(part, b, out=d_inner)
        dz.mul_(layer.scale)
        das = _ranks((dz.T @ x).float(), bs, 0)
        dx = layer.frozen.backward(dy).addmm_(dz, a) if ctx.needs_input_grad[0] else None
        return dx, None, *(d for pair in zip(das, dbs, strict=True) for d in pair)


def _ranks(z: Tensor, bs: Sequence[Tensor], dim: int = 1) -> Sequence[Tensor]:
    """The part of z that belongs to each B."""
    return torch.split(z, [b.shape[1] for b in bs], dim)


@dataclass(frozen=True, slots=True)
class Sight:
    """Where tokens stand and what each may see."""

    cos: Tensor  # (T, 1, D/2)
    sin: Tensor
    mask: Tensor  # (H/K x T, T): 0 where a query may see a key, else the lowest number


def attend(q: Tensor, k: Tensor, v: Tensor, sight: Sight, scale: float) -> Tensor:
    """Rotary attention by plain products: q (T, H, D), k and v (T, K, D) -> (T, H, D)."""
    seen: Tensor = _Attend.apply(q, k, v, sight, scale)
    return seen


class _Attend(Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, sight: Sight, scale: float) -> Tensor:
        (tokens, heads, width), kinds = q.shape, k.shape[1]
        q = _rotated(q, sight.cos * scale, sight.sin * scale)  # (H, T, D)
        q = q.view(kinds, -1, width)  # (K, H/K x T, D): queries of one key below each other
        k, v = _rotated(k, sight.cos, sight.sin), v.transpose(0, 1)  # (K, T, D)
        p = torch.baddbmm(sight.mask.expand(kinds, -1, -1), q, k.transpose(1, 2)).softmax(-1)
        ctx.save_for_backward(q, k, v, p)
        ctx.sight, ctx.scale = sight, scale
        return (p @ v).view(heads, tokens, width).transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, p = ctx.saved_tensors
        sight, scale = ctx.sight, ctx.scale
        d = gradients[0].transpose(0, 1).reshape(q.shape)
        dv = p.transpose(1, 2) @ d
        ds = torch._softmax_backward_data(d @ v.transpose(1, 2), p, -1, p.dtype)
        dq = (ds @ k).view(-1, *k.shape[1:]).transpose(0, 1)
        dk = (ds.transpose(1, 2) @ q).transpose(0, 1)
        dq = _rotated(dq, sight.cos * scale, sight.sin * -scale).transpose(0, 1)
        dk = _rotated(dk, sight.cos, -sight.sin).transpose(0, 1)
        return dq, dk, dv.transpose(0, 1), None, None


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """X (T, heads, D) with the two halves of each head turned: (heads, T, D)."""
    tokens, heads, width = x.shape
    turned = x.new_empty(heads, tokens, width)
    (left, right), (to_left, to_right) = x.chunk(2, -1), turned.transpose(0, 1).chunk(2, -1)
    torch.mul(left, cos, out=to_left).addcmul_(right, sin, value=-1)
    torch.mul(right, cos, out=to_right).addcmul_(left, sin)
    return turned


Activation = tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]

_aten = torch.ops.aten
ACTIVATIONS: dict[str, Activation] = {  # and the gradient of each
    "silu": (torch.nn.functional.silu, _aten.silu_backward),
    "gelu_pytorch_tanh": (
        lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        lambda d, x: _aten.gelu_backward(d, x, approximate="tanh"),
    ),
}


def gated(gate_up: Tensor, activation: Activation) -> Tensor:
    """The activated left half of gate_up (T, 2F) times its right half."""
    product: Tensor = _Gated.apply(gate_up, activation)
    return product


class _Gated(Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor, activation: Activation) -> Tensor:
        gate, up = gate_up.chunk(2, 1)
        ctx.save_for_backward(gate_up)
        ctx.activation = activation
        return activation[0](gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gate_up,) = ctx.saved_tensors
        (gate, up), (activate, slope) = gate_up.chunk(2, 1), ctx.activation
        both = torch.empty_like(gate_up)
        to_gate, to_up = both.chunk(2, 1)
        torch.mul(gradients[0], activate(gate), out=to_up)
        to_gate.copy_(slope(gradients[0] * up, gate))
        return both, None


def nats(hidden: Tensor, head: Frozen, targets: Tensor) -> Tensor:
    """Cross-entropy of the targets (T,), summed, in float32; hidden (T, C).

    The gradient of the hidden states is found at once, so logits are never kept.
    """
    total: Tensor = _Nats.apply(hidden, head, targets)
    return total


class _Nats(Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Frozen, targets: Tensor) -> Tensor:
        total, slopes = torch.zeros((), device=hidden.device), []
        for rows, own in zip(hidden.split(_ROWS), targets[:, None].split(_ROWS), strict=True):
            scores = head.forward(rows).float().log_softmax(-1)  # (_ROWS, V)
            total -= scores.gather(1, own).sum()
            if ctx.needs_input_grad[0]:
                scores.exp_().scatter_add_(1, own, scores.new_full(own.shape, -1.0))
                slopes.append(head.backward(scores.to(hidden.dtype)))
        if slopes:
            ctx.save_for_backward(torch.cat(slopes))
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0], None, None
