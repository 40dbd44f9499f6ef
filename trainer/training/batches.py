"""Examples -> tokens -> batches: the fine-tune's input, its order, and its size in memory.

Pure but for the line that says how many posts were cut.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from rich.console import Console

from trainer.data.folder import Example
from trainer.training.base_model import BaseModel
from trainer.training.recipe import FEW_POSTS, Recipe

WINDOW = 16  # batches: a month or less of those who post a lot
VALIDATED = 100  # posts: with all of a large archive, validation took longer than training


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example as the model reads it: the prompt's ids, then the post's."""

    ids: list[int]
    prompt: int  # how many of them are the prompt
    chars: int  # of the post, as far as it is kept

    def __len__(self) -> int:
        return len(self.ids)


def encode_all(
    examples: list[Example], base: BaseModel, recipe: Recipe, console: Console
) -> list[Tokens]:
    """Tokens of all examples; prints how many were too long to be learnt whole."""
    encoded = [encode(e, base.tokenizer, recipe.max_tokens) for e in examples]
    _tell_cut(encoded, base, recipe, console)
    return encoded


def _tell_cut(encoded: list[Tokens], base: BaseModel, recipe: Recipe, console: Console) -> None:
    cut = sum(t.ids[-1] != base.tokenizer.eos_token_id for t in encoded)
    if cut:
        console.print(f"{cut} of {len(encoded)} posts were cut to {recipe.max_tokens} tokens.")


def last(
    examples: list[Example], base: BaseModel, recipe: Recipe, console: Console
) -> list[Tokens]:
    """Tokens of the last examples, as many as an epoch reads.

    They come oldest first, since people change: the newer of two posts says more about how they
    write now.
    """
    kept: list[Tokens] = []
    read = 0
    for example in reversed(examples):
        tokens = encode(example, base.tokenizer, recipe.max_tokens)
        read += len(tokens)
        if kept and read > recipe.tokens:
            break
        kept.append(tokens)
    if len(kept) < len(examples):
        console.print(
            f"Learning from {len(kept):,} of {len(examples):,} posts: as many as"
            f" {recipe.tokens:,} tokens hold."
        )
    _tell_cut(kept, base, recipe, console)
    return kept[::-1]


def some(examples: list[Example], count: int = VALIDATED) -> list[Example]:
    """At most VALIDATED, evenly spaced: a hundred posts give the loss well enough."""
    step = max(1.0, len(examples) / count)
    return [examples[int(i * step)] for i in range(min(count, len(examples)))]


def encode(example: Example, tokenizer: Any, max_tokens: int) -> Tokens:
    """The prompt exactly as a server renders it, then the post and the end-of-turn token.

    A post too long is cut without that token, so the voice does not learn to stop in mid-sentence.
    """
    rendered = tokenizer.apply_chat_template(
        example.prompt, tokenize=False, add_generation_prompt=True
    )
    prompt = tokenizer(rendered, add_special_tokens=False).input_ids[: max_tokens // 2]
    post = tokenizer(example.completion, add_special_tokens=False).input_ids
    room = max_tokens - len(prompt)
    kept = [*post, tokenizer.eos_token_id][:room]
    is_cut = len(kept) <= len(post)
    chars = len(tokenizer.decode(kept)) if is_cut else len(example.completion)
    return Tokens(prompt + kept, len(prompt), chars)


def epoch_batches(examples: list[Tokens], recipe: Recipe, epoch: int) -> list[list[Tokens]]:
    """Batches in the order of the examples, the newest last, and the same again when resumed.

    Posts learnt last are kept best, and people change. Within a window the order is random, and
    batches have similar lengths, so little padding. Few posts, or posts read again, are one window:
    they were learnt worse in the order of time (experiments/LOG.md).
    """
    rng = random.Random(f"{recipe.seed}:{epoch}")  # noqa: S311 - an order, not a secret
    size = recipe.batch_size
    are_few = sum(map(len, examples)) <= FEW_POSTS * recipe.tokens
    is_in_order = recipe.epochs == 1 and not are_few
    at_once = WINDOW * size if is_in_order else max(1, len(examples))
    batches: list[list[Tokens]] = []
    for first in range(0, len(examples), at_once):
        window = examples[first : first + at_once]
        order = sorted(window, key=lambda e: len(e) + 8 * rng.random())
        alike = [order[i : i + size] for i in range(0, len(order), size)]
        rng.shuffle(alike)
        batches += alike
    return batches


def shares(examples: list[Tokens], count: int) -> list[list[Tokens]]:
    """The examples dealt out to as many workers, which are done at about the same time."""
    dealt: list[list[Tokens]] = [[] for _ in range(count)]
    for example in sorted(examples, key=len, reverse=True):
        min(dealt, key=lambda share: sum(map(len, share))).append(example)
    return dealt


def memory_batches(examples: list[Tokens], memory_tokens: int) -> Iterator[list[Tokens]]:
    """Parts of a batch that fit into memory together; a longer example goes alone."""
    part: list[Tokens] = []
    for example in sorted(examples, key=len):  # the last one added is the longest: all pad to it
        if part and len(example) * (len(part) + 1) > memory_tokens:
            yield part
            part = []
        part.append(example)
    yield part


def shared_start(prompts: list[list[int]]) -> list[int]:
    """The tokens that all prompts share at the start: mostly the system prompt's."""
    columns = zip(*prompts, strict=False)  # as long as the shortest
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]


def digest(examples: list[Tokens]) -> str:
    """A hash of the examples and their order."""
    return hashlib.sha256(repr([e.ids for e in examples]).encode()).hexdigest()[:16]


def learnt_tokens(examples: list[Tokens]) -> int:
    """How many tokens of these examples carry a loss."""
    return sum(len(e) - e.prompt for e in examples)
