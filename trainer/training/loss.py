"""The loss of a part of a batch: by the flat forward if there is one, else by transformers' own."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from trainer.training.batches import Tokens, shared_start
from trainer.training.checkpoint import Training
from trainer.training.flat import Flat, flat_of
from trainer.training.shortlist import Shortlist

_ASKED = 32  # posts that tell which tokens the base expects in the author's
IGNORED = -100  # the label that cross_entropy skips: a prompt's tokens and padding


def summed_loss(training: Training, part: list[Tokens]) -> Tensor:
    """Cross-entropy over the posts' tokens, summed, in nats."""
    return training.flat(part) if training.flat else transformers_loss(training.model, part)


def with_shortlist(flat: Flat | None, posts: list[Tokens]) -> Flat | None:
    """The flat form for a training on these posts: with a shortlist, if its vocabulary is large."""
    if flat is None or flat.head:
        return flat
    step = max(1, len(posts) // _ASKED)
    with torch.no_grad():
        states = torch.cat([flat.states([post])[0] for post in posts[::step]])
        used = {token for post in posts for token in post.ids[post.prompt :]}
        return replace(flat, shortlist=Shortlist.of(flat.weight, states, used))


def transformers_loss(model: Any, part: list[Tokens]) -> Tensor:
    """The same, by the model's own forward.

    The shared start of the prompts is read once for all: a third of the tokens of short posts.
    """
    device = model.device
    shared = shared_start([e.ids[: e.prompt - 1] for e in part])
    ids, mask, labels = padded(part, len(shared))
    # No logits without a label: the vocabulary is a fifth of the cost of a token.
    first = min(e.prompt for e in part) - len(shared) - 1
    kept = torch.arange(first, ids.shape[1] - 1, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=model.dtype == torch.bfloat16):
        cache = DynamicCache()
        if shared:
            start = torch.tensor([shared], device=device)  # (1, S)
            model(input_ids=start, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_repeat_interleave(len(part))
        logits = model(  # (B, K, V)
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=kept,
        ).logits
    targets = labels[:, first + 1 :].flatten().to(device)
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum"
    )


def padded(part: list[Tokens], shared: int) -> tuple[Tensor, Tensor, Tensor]:
    """Ids and labels (B, T) after the shared tokens, and the mask (B, S + T)."""
    length = max(map(len, part))
    ids = torch.zeros(len(part), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for row, example in enumerate(part):
        tokens = torch.tensor(example.ids)
        ids[row, : len(example)] = tokens
        mask[row, : len(example)] = 1
        labels[row, example.prompt : len(example)] = tokens[example.prompt :]
    return ids[:, shared:], mask, labels[:, shared:]


def flat_form(model: Any) -> Flat | None:
    """The flat form of a model on a processor, if it gives the loss that transformers gives.

    What a config may ask for is more than any list of ours: the two are compared, in a blink.
    """
    if model.device.type != "cpu":
        return None
    flat = flat_of(model)
    if flat is None:
        return None
    ids = [(7919 * i) % model.config.vocab_size for i in range(48)]
    part = [Tokens(ids[:30], 8, 0), Tokens([*ids[:6], *ids[20:]], 9, 0)]
    with torch.no_grad():
        ours, theirs = flat(part).item(), transformers_loss(model, part).item()
    bound = 1e-4 if model.dtype == torch.float32 else 1e-2
    return flat if abs(ours - theirs) <= bound * theirs else None
