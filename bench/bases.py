"""Measures what training on Gemma 3 270M takes beside the default base, and its shortlist.

Each batch of the same posts is taken in turn by the default base, by Gemma with its loss over the
shortlist, and by Gemma over its whole vocabulary, in one process and thread: one epoch, at the
recipe's rates. Bits a character on held-out posts are over the whole vocabulary always. Gemma has
to be installed (`make install-gemma`). An hour on one free core with 800 posts.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import PartialState
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine
from trainer.data import dataset
from trainer.data.dataset import Dataset
from trainer.training import base_model, finetune
from trainer.training.bases import GEMMA
from trainer.training.batches import Tokens, encode_all, some
from trainer.training.checkpoint import Training
from trainer.training.loss import with_shortlist
from trainer.training.products import Frozen, bfloat16_pays
from trainer.training.recipe import Recipe


class Way:
    """A training of one epoch, and the seconds of the processor that it took."""

    def __init__(self, name: str, base: str, data: Dataset, recipe: Recipe, dtype: str) -> None:
        """`name` begins with "whole" for a loss over the whole vocabulary."""
        quiet = Console(quiet=True)
        loaded = base_model.load_base(base, dtype)
        self.name = name
        self.recipe = finetune.settled(recipe, loaded)
        self.posts = encode_all(data.train, loaded, recipe, quiet)
        self.held_out = encode_all(data.validation, loaded, recipe, quiet)
        self.training: Training = finetune.attach_adapter(loaded, recipe, torch.device("cpu"))
        flat = self.training.flat
        assert flat
        began = time.process_time()
        whole = replace(flat, head=flat.head or Frozen(flat.weight))
        self.training.flat = whole if name.startswith("whole") else with_shortlist(flat, self.posts)
        self.seconds = time.process_time() - began
        self.bits = [self._bits()]

    def take(self, places: list[int], step: int, steps: int) -> None:
        """One of all steps, on the posts at these places."""
        batch: list[Tokens] = [self.posts[i] for i in places]
        began = time.process_time()
        rate = finetune.learning_rate(step, steps, self.recipe)
        finetune.take_step(self.training, batch, rate, self.recipe.memory_tokens)
        self.seconds += time.process_time() - began

    def end(self) -> None:
        """Validate."""
        self.bits.append(self._bits())

    def _bits(self) -> float:
        bits = finetune.validate(self.training, self.held_out, 0).bits_per_char
        assert bits
        return bits


def measure(data: Dataset, recipe: Recipe, dtype: str) -> Table:
    """All ways, batch by batch."""
    ways = [
        Way("SmolLM2-135M-Instruct", base_model.DEFAULT, data, recipe, dtype),
        Way("Gemma 3 270M, shortlist", GEMMA, data, recipe, dtype),
        Way("whole vocabulary of Gemma", GEMMA, data, recipe, dtype),
    ]
    size, count = recipe.batch_size, len(data.train)
    batches = [[*range(first, min(first + size, count))] for first in range(0, count, size)]
    for step, places in enumerate(track(batches, "Training", transient=True)):
        for way in ways:
            way.take(places, step, len(batches))
    table = Table(
        *("", "tokens", "CPU seconds", "of the first", "bits before", "after"),
        title=f"{count} posts, {len(data.validation)} held out; {machine()}; {dtype}",
    )
    for way in ways:
        way.end()
        tokens, share = sum(map(len, way.posts)), way.seconds / ways[0].seconds
        bits = [f"{value:.3f}" for value in way.bits]
        table.add_row(way.name, f"{tokens:,}", f"{way.seconds:.0f}", f"{share:.2f}", *bits)
    return table


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="prepared folder")
    parser.add_argument("--posts", type=int, default=800, help="of the newest (default: 800)")
    parser.add_argument("--held-out", type=int, default=100, help="(default: 100)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="(default: as `train`)")
    args = parser.parse_args()
    data = dataset.load(args.data)
    data = replace(
        data, train=data.train[-args.posts :], validation=some(data.validation, args.held_out)
    )
    recipe = Recipe(epochs=1, threads=1)
    finetune.share_cores(recipe, PartialState(cpu=True))
    dtype = args.dtype or ("bfloat16" if bfloat16_pays() else "float32")
    Console(width=110).print(measure(data, recipe, dtype))


if __name__ == "__main__":
    main()
