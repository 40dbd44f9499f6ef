"""Measures how fast a voice trains: by the flat forward, by transformers' own, and by trl.

Each way takes the same posts in turn, several times, in one process; the medians make a table. trl
is measured if it can be imported; it is no dependency. Three minutes on two free cores. Seconds of
the processor are counted too: on a busy machine they tell more.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import torch
from accelerate import PartialState
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine
from experiments.training import sample_data
from trainer.data import dataset
from trainer.data.folder import Example
from trainer.training import base_model, finetune
from trainer.training.base_model import BaseModel
from trainer.training.batches import Tokens, encode_all, learnt_tokens, shares
from trainer.training.checkpoint import Training
from trainer.training.flat import Flat, Layer, pack
from trainer.training.kernels import Adapted
from trainer.training.products import Frozen, bfloat16_pays
from trainer.training.recipe import Recipe

CPU = torch.device("cpu")
Taken = tuple[float, float]  # seconds of the clock, of the processor
Way = Callable[[], None]  # takes all posts once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="prepared folder (the sample's)")
    parser.add_argument("--posts", type=int, default=16, help="of the newest (default: 16)")
    parser.add_argument("--runs", type=int, default=5, help="of each way (default: 5)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="(default: as `train`)")
    parser.add_argument("--threads", type=int, default=0, help="(default: every core)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        examples = dataset.load(args.data or sample_data(Path(scratch))).train[-args.posts :]
        dtype = args.dtype or ("bfloat16" if bfloat16_pays() else "float32")
        Console(width=110).print(measure(examples, dtype, args, Path(scratch)))


def measure(examples: list[Example], dtype: str, args: argparse.Namespace, scratch: Path) -> Table:
    """All ways in turn, `runs` times, after one for warmth."""
    recipe = Recipe(epochs=1, threads=args.threads)
    workers = finetune.share_cores(recipe, PartialState(cpu=True))
    flat, plain = (_training(dtype, recipe, workers) for _ in range(2))
    base = base_model.load_base(base_model.DEFAULT, dtype)
    recipe = finetune.settled(recipe, base)
    posts = encode_all(examples, base, recipe, Console(quiet=True))
    batches = [posts[i : i + recipe.batch_size] for i in range(0, len(posts), recipe.batch_size)]
    assert flat.flat
    plain.flat = None
    ways: dict[str, Way] = {
        "transformers' forward": lambda: _steps(plain, batches, recipe),
        "the flat forward": lambda: _steps(flat, batches, recipe),
        "its frozen products alone": _products(flat.flat, batches, workers),
    }
    if find_spec("trl"):
        ways["trl, its defaults, batch 4"] = _trl(base, examples, recipe, scratch)
    taken: dict[str, list[Taken]] = {way: [] for way in ways}
    for run in track(range(args.runs + 1), "Measuring", transient=True):
        for way, take in ways.items():
            wall, busy = time.perf_counter(), time.process_time()
            take()
            if run:
                taken[way].append((time.perf_counter() - wall, time.process_time() - busy))
    return _table(taken, sum(map(len, posts)), f"{machine()}; {dtype}, {workers} threads")


def _table(taken: dict[str, list[Taken]], tokens: int, title: str) -> Table:
    table = Table(
        "tokens a second", "median", "from", "to", "a CPU second", "flat is x", title=title
    )
    clock = {way: statistics.median(wall for wall, _ in t) for way, t in taken.items()}
    busy = {way: statistics.median(cpu for _, cpu in t) for way, t in taken.items()}
    ours = busy["the flat forward"]
    for way, runs in taken.items():
        speeds = sorted(tokens / wall for wall, _ in runs)
        figures = (tokens / clock[way], speeds[0], speeds[-1], tokens / busy[way])
        table.add_row(way, *(f"{f:.0f}" for f in figures), f"{busy[way] / ours:.2f}")
    return table


def _training(dtype: str, recipe: Recipe, workers: int) -> Training:
    base = base_model.load_base(base_model.DEFAULT, dtype)
    return finetune.attach_adapter(base, recipe, CPU, workers)


def _steps(training: Training, batches: list[list[Tokens]], recipe: Recipe) -> None:
    for batch in batches:
        finetune.take_step(training, batch, recipe.learning_rate / 10, recipe.memory_tokens)


def _products(flat: Flat, batches: list[list[Tokens]], workers: int) -> Way:
    """The frozen products of the same steps, forward and backward, and nothing else."""
    frozen = [a.frozen for layer in flat.layers for a in _adapted(layer)]
    most = max(sum(map(len, batch)) for batch in batches)
    head = flat.head
    assert head, "the default base's vocabulary is small"
    kind = head.weight.dtype
    inputs = {f.columns: torch.randn(most, f.columns).to(kind) for f in (*frozen, head)}

    def both_ways(product: Frozen, rows: int) -> None:
        product.backward(product.forward(inputs[product.columns][:rows]))

    def products(part: list[Tokens]) -> None:
        rows = len(pack(part).ids)
        for product in frozen:
            both_ways(product, rows)
        both_ways(head, learnt_tokens(part))

    def take() -> None:
        # A thread that asks for no number of threads would multiply with every core.
        with ThreadPoolExecutor(workers, initializer=torch.get_num_threads) as pool:
            for batch in batches:
                list(pool.map(products, shares(batch, workers)))

    return take


def _adapted(layer: Layer) -> tuple[Adapted, ...]:
    return layer.qkv, layer.out, layer.gate_up, layer.down


def _trl(base: BaseModel, examples: list[Example], recipe: Recipe, scratch: Path) -> Way:
    """Trl's trainer as it comes, but for base, rank, batch, and that it reports to nobody."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    rows = [
        {"prompt": e.prompt, "completion": [{"role": "assistant", "content": e.completion}]}
        for e in examples
    ]
    settings = SFTConfig(
        output_dir=str(scratch / "trl"),
        per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=1,
        bf16=base.model.dtype == torch.bfloat16,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    rank = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    trainer = SFTTrainer(
        model=base.model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=base.tokenizer,
        peft_config=rank,
    )

    def take() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(recipe.threads or len(os.sched_getaffinity(0)))
        with redirect_stdout(io.StringIO()):
            trainer.train()
        torch.set_num_threads(before)

    return take


if __name__ == "__main__":
    main()
