"""The forward pass of a voice's base and adapter in one look, as fast as a processor allows.

It reads the weights of a transformers model with a peft adapter on it and gives the same loss. The
posts of a part stand one after the other, without padding, behind the start that all prompts share.
A base that this does not know, or does not compute alike, is left to transformers (loss.py).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainer.training.batches import Tokens, shared_start
from trainer.training.kernels import (
    ACTIVATIONS,
    Activation,
    Adapted,
    Sight,
    attend,
    gated,
    nats,
    rms_norm,
)
from trainer.training.products import Frozen
from trainer.training.shortlist import Shortlist, whole_nats

FAMILIES = ("llama", "mistral", "qwen2", "qwen3", "gemma3_text")


@dataclass(frozen=True, slots=True)
class Norm:
    """A root mean square norm."""

    weight: Tensor  # float32
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.weight, self.eps)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's weights; a norm that its family does not have is None."""

    kind: str  # of its attention: what it sees, and how far its positions turn
    heads: list[int]  # of queries, keys and values
    width: int  # of a head
    scale: float  # of the scores
    before_attention: Norm
    qkv: Adapted
    of_queries: Norm | None
    of_keys: Norm | None
    out: Adapted
    after_attention: Norm | None
    before_mlp: Norm
    gate_up: Adapted
    activation: Activation
    down: Adapted
    after_mlp: Norm | None

    @property
    def size(self) -> int:
        """How many weights its products have."""
        parts = (self.qkv, self.out, self.gate_up, self.down)
        return sum(part.frozen.weight.numel() for part in parts)

    def __call__(self, x: Tensor, sight: Sight) -> Tensor:
        """X (T, C) after attention and feed-forward."""
        qkv = self.qkv(self.before_attention(x))
        q, k, v = torch.split(qkv, [heads * self.width for heads in self.heads], 1)
        q, k, v = (part.view(len(x), -1, self.width) for part in (q, k, v))
        q, k = _normed(self.of_queries, q), _normed(self.of_keys, k)
        seen = self.out(attend(q, k, v, sight, self.scale).flatten(1))
        x = x + _normed(self.after_attention, seen)
        thought = self.down(gated(self.gate_up(self.before_mlp(x)), self.activation))
        return x + _normed(self.after_mlp, thought)


def _normed(norm: Norm | None, x: Tensor) -> Tensor:
    return norm(x) if norm else x


@dataclass(frozen=True, slots=True)
class Flat:
    """A base with its adapter."""

    embed: Any  # ids -> (T, C); Gemma's scales what it finds
    rotary: Any  # positions -> cosines and sines
    is_rotary_by_kind: bool
    windows: dict[str, int | None]  # how far back each kind of layer sees
    layers: list[Layer]
    norm: Norm
    weight: Tensor  # (V, C) of the output layer
    head: Frozen | None  # the same, laid out for products; None: it costs more than the layers
    shortlist: Shortlist | None = None

    def __call__(self, part: list[Tokens]) -> Tensor:
        """Cross-entropy over the posts' tokens, summed, in nats.

        With a gradient it is over the shortlist, if there is one; else over all tokens.
        """
        states, targets = self.states(part)
        if self.head:
            return nats(states, self.head, targets)
        if self.shortlist and torch.is_grad_enabled():
            return nats(states, self.shortlist.head, self.shortlist.places[targets])
        return whole_nats(states, self.weight, targets)

    def states(self, part: list[Tokens]) -> tuple[Tensor, Tensor]:
        """What the output layer is given for each token with a loss (T, C), and these tokens."""
        packed = pack(part)
        with torch.no_grad():
            x = self.embed(torch.tensor(packed.ids))
            sights = self._sights(x, torch.tensor(packed.positions), torch.tensor(packed.owners))
        for layer in self.layers:
            x = layer(x, sights[layer.kind])
        return self.norm(x[torch.tensor(packed.asked)]), torch.tensor(packed.targets)

    def _sights(self, x: Tensor, positions: Tensor, owners: Tensor) -> dict[str, Sight]:
        """A token sees itself and those before it, of its own post or of the shared start."""
        before = torch.ones(len(x), len(x), dtype=torch.bool).tril_()
        mine = before & ((owners[:, None] == owners) | (owners == 0))
        one = self.layers[0]
        sights = {}
        for kind, window in self.windows.items():
            near = positions[:, None] - positions < (window or len(x))
            mask = torch.zeros_like(mine, dtype=x.dtype)
            mask.masked_fill_(~(mine & near), torch.finfo(x.dtype).min)
            tables = self.rotary(x, positions[None], *((kind,) if self.is_rotary_by_kind else ()))
            cos, sin = (table[0, :, None, : one.width // 2] for table in tables)
            sights[kind] = Sight(cos, sin, mask.repeat(one.heads[0] // one.heads[1], 1))
        return sights


@dataclass(frozen=True, slots=True)
class Packed:
    """Posts one after the other, behind the start that their prompts share."""

    ids: list[int]
    positions: list[int]
    owners: list[int]  # whose token it is: a post's number from 1, or 0 for the start
    asked: list[int]  # where tokens are that are followed by a token with a loss
    targets: list[int]  # those tokens


def pack(part: list[Tokens]) -> Packed:
    """The part as one row; without the posts' last tokens, which nothing follows."""
    start = shared_start([post.ids[: post.prompt - 1] for post in part])
    packed = Packed([*start], [*range(len(start))], [0] * len(start), [], [])
    for owner, post in enumerate(part, 1):
        offset = len(packed.ids) - len(start)
        own = range(len(start), len(post) - 1)
        packed.ids.extend(post.ids[len(start) : -1])
        packed.positions.extend(own)
        packed.owners.extend([owner] * len(own))
        packed.asked.extend(range(offset + post.prompt - 1, offset + len(post) - 1))
        packed.targets.extend(post.ids[post.prompt :])
    return packed


def is_known(config: Any) -> bool:
    """Whether a model of this config is likely to have a flat form; `flat_form` makes sure."""
    return config.model_type in FAMILIES and _activation(config) in ACTIVATIONS


def _activation(config: Any) -> str:
    """Its name; Gemma's configs have another word for it."""
    return str(getattr(config, "hidden_act", None) or config.hidden_activation)


def flat_of(model: Any) -> Flat | None:
    """The flat form of a peft model; None for a base that it does not know.

    Both go on to share their weights: those that are multiplied in one go become one matrix, of
    which the model's own are parts.
    """
    causal = model.get_base_model()
    config = causal.config
    if not is_known(config):
        return None
    inner, activation = causal.model, ACTIVATIONS[_activation(config)]
    fused = {id(m.base_layer.weight) for m in causal.modules() if hasattr(m, "base_layer")}
    for weight in causal.parameters():  # else one in its file keeps the whole file in memory
        if not weight.requires_grad and id(weight) not in fused:
            weight.data = weight.detach().clone()
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * len(inner.layers)
    layers = [
        _layer(layer, kind, activation) for layer, kind in zip(inner.layers, kinds, strict=True)
    ]
    weight = causal.lm_head.weight.detach()
    is_large = weight.numel() > sum(layer.size for layer in layers)
    is_windowed = {k: k == "sliding_attention" or config.model_type == "mistral" for k in kinds}
    return Flat(
        embed=inner.embed_tokens,
        rotary=inner.rotary_emb,
        is_rotary_by_kind=config.model_type.startswith("gemma"),
        windows={k: config.sliding_window if has else None for k, has in is_windowed.items()},
        layers=layers,
        norm=_norm(inner.norm),
        weight=weight,
        head=None if is_large else Frozen(weight),
    )


def _layer(layer: Any, kind: str, activation: Activation) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    queries, keys, values = attention.q_proj, attention.k_proj, attention.v_proj
    width = attention.head_dim
    is_between = hasattr(layer, "pre_feedforward_layernorm")  # Gemma has norms on both sides
    return Layer(
        kind=kind,
        heads=[p.out_features // width for p in (queries, keys, values)],
        width=width,
        scale=attention.scaling,
        before_attention=_norm(layer.input_layernorm),
        qkv=_adapted(queries, keys, values),
        of_queries=_norm_or_none(attention, "q_norm"),
        of_keys=_norm_or_none(attention, "k_norm"),
        out=_adapted(attention.o_proj),
        after_attention=_norm(layer.post_attention_layernorm) if is_between else None,
        before_mlp=_norm(
            layer.pre_feedforward_layernorm if is_between else layer.post_attention_layernorm
        ),
        gate_up=_adapted(mlp.gate_proj, mlp.up_proj),
        activation=activation,
        down=_adapted(mlp.down_proj),
        after_mlp=_norm(layer.post_feedforward_layernorm) if is_between else None,
    )


def _norm(module: Any) -> Norm:
    weight = module.weight.detach().float()
    if hasattr(module, "eps"):  # Gemma's weights are what is added to one
        return Norm(1.0 + weight, module.eps)
    return Norm(weight, module.variance_epsilon)


def _norm_or_none(module: Any, name: str) -> Norm | None:
    return _norm(getattr(module, name)) if hasattr(module, name) else None


def _adapted(*modules: Any) -> Adapted:
    """Peft's linear layers of one input."""
    bases, rows = [m.base_layer for m in modules], [m.out_features for m in modules]
    weight = torch.cat([base.weight.detach() for base in bases])
    for base, own in zip(bases, torch.split(weight, rows), strict=True):
        base.weight.data = own
    biases = [base.bias.detach() for base in bases if base.bias is not None]
    return Adapted(
        Frozen(weight, torch.cat(biases) if biases else None),
        tuple(rows),
        tuple(w for m in modules for w in (m.lora_A["default"].weight, m.lora_B["default"].weight)),
        modules[0].scaling["default"],
    )
