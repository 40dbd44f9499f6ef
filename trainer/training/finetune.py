"""The LoRA fine-tune of a local voice, from prepared data to a voice folder, top to bottom.

Reads a Dataset; writes <voices>/.<name>.training/ while it runs (a checkpoint, so that the same
command resumes) and <voices>/<name>/ at the very end. Started by `accelerate launch`, every process
runs all of this on its share of each batch; only the main one writes and speaks.
"""

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, reduce
from peft import LoraConfig, get_peft_model
from rich.console import Console

from trainer.data.dataset import Dataset
from trainer.errors import ModelError
from trainer.training import base_model
from trainer.training.base_model import BaseModel, is_out_of_memory
from trainer.training.batches import (
    Tokens,
    digest,
    encode_all,
    epoch_batches,
    last,
    learnt_tokens,
    memory_batches,
    shares,
    some,
)
from trainer.training.checkpoint import (
    CHECKPOINT_FILE,
    Checkpoint,
    Training,
    adapter_weights,
    began_in,
    set_adapter_weights,
)
from trainer.training.curve import Step, Validation
from trainer.training.flat import is_known
from trainer.training.loss import flat_form, summed_loss, with_shortlist
from trainer.training.products import bfloat16_pays
from trainer.training.progress import TrainingProgress
from trainer.training.recipe import LEARNING_RATE, Recipe
from trainer.training.voice_folder import VoiceFolder

_T = TypeVar("_T")


def train(
    data: Dataset,
    folder: VoiceFolder,
    recipe: Recipe,
    base_name: str,
    *,
    fresh: bool,
    now: datetime,
    console: Console,
    dtype: torch.dtype | None = None,
) -> bool:
    """Fine-tune and write the voice folder; false in a process that has only helped.

    `dtype` is what the base computes in, else what suits the machine. Raises ModelError if the base
    cannot be used.
    """
    with memory_advice(recipe):
        processes = PartialState(cpu=not torch.cuda.is_available())
        if not processes.is_main_process:
            console = Console(quiet=True)
        if not fresh:  # it goes on in the arithmetic in which it began
            dtype = dtype or began_in(folder.training / CHECKPOINT_FILE)
        with console.status("Loading the base model (the first time it is converted: a minute) …"):
            base = load_fitting(base_name, dtype, processes)
        train_set = last(data.train, base, recipe, console)
        recipe = settled(recipe, base)
        validation_set = encode_all(some(data.validation), base, recipe, console)
        with folder.open() if processes.is_main_process else nullcontext():
            training = attach_adapter(
                base, recipe, processes.device, share_cores(recipe, processes)
            )
            training.flat = with_shortlist(training.flat, train_set)
            checkpoint = Checkpoint(
                folder.training / CHECKPOINT_FILE,
                recipe,
                {"base": base.name, "data": f"{data.sha256} {digest(train_set)}"},
                is_written_here=processes.is_main_process,
            )
            if not fresh:
                checkpoint.resume(training, console)
            processes.wait_for_everyone()  # the first new checkpoint must not be read as an old one
            fine_tune(training, train_set, validation_set, recipe, checkpoint, console)
            if processes.is_main_process:
                save_adapter(training, base, folder.adapter)
                folder.publish(
                    data, base, recipe, training.curve, training.seconds, now=now, console=console
                )
    processes.destroy_process_group()
    return bool(processes.is_main_process)


def share_cores(recipe: Recipe, processes: PartialState) -> int:
    """How many parts of a batch are computed at once; the cores are shared out among them.

    Two threads with a part each wait for one another once a step. Two threads within each matrix
    product wait thousands of times: slower by a third, and tenfold where a core is busy
    (experiments/LOG.md).
    """
    # Not every system can say which cores are ours.
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cores = recipe.threads or max(1, ours // processes.num_processes)
    workers = 1 if processes.device.type == "cuda" else min(cores, 2, recipe.batch_size)
    torch.set_num_threads(cores // workers)
    return workers


def load_fitting(base_name: str, dtype: torch.dtype | None, processes: PartialState) -> BaseModel:
    """The base in the given arithmetic, or else in what this machine computes fastest.

    That is bfloat16 on a GPU that multiplies it itself, and on a processor that does so much faster
    than float32, for a base that the flat forward knows: by transformers' own forward it brought
    nothing there (64 to 150 tokens a second, float32 97 to 118).
    """
    if dtype is None and processes.device.type == "cuda":
        can = torch.cuda.is_bf16_supported(including_emulation=False)
        dtype = torch.bfloat16 if can else torch.float32
    base = base_model.load_base(base_name, str(dtype or torch.float32).removeprefix("torch."))
    if dtype is None:
        chosen = [is_known(base.model.config) and bfloat16_pays()]
        if broadcast_object_list(chosen)[0]:  # all processes as the main one
            base = base_model.load_base(base_name, "bfloat16")
    return base


def settled(recipe: Recipe, base: BaseModel) -> Recipe:
    """The recipe with what it leaves to the base."""
    rate = base.embedded.learning_rate if base.embedded else LEARNING_RATE
    return replace(recipe, epochs=recipe.epochs or 1, learning_rate=recipe.learning_rate or rate)


# --- the fine-tune itself


def attach_adapter(
    base: BaseModel, recipe: Recipe, device: torch.device, workers: int = 1
) -> Training:
    """Put a fresh adapter on the base.

    It is LoRA on every linear layer, alpha twice the rank: q and v alone reach .924 bits per
    character where all layers reach .831 (experiments/LOG.md).
    """
    torch.manual_seed(recipe.seed)
    lora = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks what transformers renamed
        try:
            model = get_peft_model(base.model, lora).to(device)  # adapter weights stay float32
        except ValueError as e:
            raise ModelError(
                f"No adapter can be put on {base.name}: {e} Choose another model for --base."
            ) from e
    # No dropout, even if the base was trained with it: it gained nothing (experiments/LOG.md), and
    # without it neither threads nor a kill change the numbers.
    model.eval()
    weights = [p for p in model.parameters() if p.requires_grad]
    # Fused: one call for all weights, of which there are hundreds.
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
    return Training(model, optimizer, flat=flat_form(model), workers=workers)


def fine_tune(
    training: Training,
    train_set: list[Tokens],
    validation_set: list[Tokens],
    recipe: Recipe,
    checkpoint: Checkpoint,
    console: Console,
) -> None:
    """Train the remaining epochs and leave the best one's weights in the model."""
    per_epoch = math.ceil(len(train_set) / recipe.batch_size)
    total = per_epoch * recipe.epochs
    with TrainingProgress(console, total, recipe.epochs, training.step) as progress:
        if training.step == 0:
            end_epoch(training, validation_set, 0, progress, checkpoint)
        while training.step < total and training.curve.epochs_since_best() < recipe.patience:
            epoch, done = training.step // per_epoch + 1, training.step % per_epoch
            for batch in epoch_batches(train_set, recipe, epoch)[done:]:
                rate = learning_rate(training.step, total, recipe)
                loss = take_step(training, batch, rate, recipe.memory_tokens)
                training.step += 1
                training.curve.steps.append(Step(training.step, epoch, loss, rate))
                progress.advance(epoch, loss, sum(map(len, batch)))
                # The epoch's last step waits for its validation: one checkpoint holds both.
                if training.step % recipe.checkpoint_every == 0 and training.step % per_epoch:
                    checkpoint.save(training)
            end_epoch(training, validation_set, epoch, progress, checkpoint)
        progress.summarize(training.curve)
    if training.step < total:
        console.print(
            f"Stopped after epoch {training.step // per_epoch} of {recipe.epochs}: the loss on the"
            " validation posts rises."
        )
    assert training.best is not None, "no epoch was trained"
    set_adapter_weights(training, training.best)


def end_epoch(
    training: Training,
    validation_set: list[Tokens],
    epoch: int,
    progress: TrainingProgress,
    checkpoint: Checkpoint,
) -> None:
    """Validate, keep the weights if they are the best so far, and save; epoch 0 is the base."""
    if validation_set:
        training.curve.validations.append(validate(training, validation_set, epoch))
    best = training.curve.best()
    if best is None or best.epoch == epoch:  # without validation posts the last epoch is kept
        training.best = {n: w.detach().cpu().clone() for n, w in adapter_weights(training).items()}
    progress.end_epoch(training.curve, epoch, training.seconds)
    checkpoint.save(training)


def take_step(training: Training, batch: list[Tokens], rate: float, memory_tokens: int) -> float:
    """One optimizer step on a batch; returns its mean loss in nats a token."""
    tokens, weights = learnt_tokens(batch), list(adapter_weights(training).values())

    def gradients(part: list[Tokens]) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        loss = summed_loss(training, part) / tokens
        return loss.detach(), torch.autograd.grad(loss, weights)

    sums = [torch.zeros((), device=training.model.device), *map(torch.zeros_like, weights)]
    for loss, parts in in_parts(gradients, training, batch, memory_tokens):
        for so_far, value in zip(sums, (loss, *parts), strict=True):
            so_far.add_(value)
    mean, *averaged = reduce(sums, "sum")  # over all processes: each divided by all tokens
    for weight, gradient in zip(weights, averaged, strict=True):
        weight.grad = gradient
    total: float = mean.item()
    if not math.isfinite(total):
        raise ModelError(
            "The training diverged: its loss is no number any more."
            " Lower --learning-rate and run it again with --fresh."
        )
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    for group in training.optimizer.param_groups:
        group["lr"] = rate
    training.optimizer.step()
    training.optimizer.zero_grad(set_to_none=True)
    return total


def in_parts(
    compute: Callable[[list[Tokens]], _T],
    training: Training,
    examples: list[Tokens],
    memory_tokens: int,
) -> Iterator[_T]:
    """Results for this process's parts of the examples, one part a worker at once."""
    processes, workers = PartialState(), training.workers
    first = processes.process_index * workers
    dealt = shares(examples, processes.num_processes * workers)[first : first + workers]
    limit = memory_tokens // workers
    parts = [part for share in dealt if share for part in memory_batches(share, limit)]
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(compute, parts)


def learning_rate(step: int, total: int, recipe: Recipe) -> float:
    """Warm up over the first 6% of the steps, and decay to 5% of the peak in the last 30%.

    A cosine hardly learns from the last posts, which are the newest (warm-up, stable, decay: Hu et
    al., MiniCPM, 2024). Posts that are read again are learnt by heart at the full rate, so they
    get the cosine (experiments/LOG.md).
    """
    warm, left = min(1.0, (step + 1) / max(1.0, 0.06 * total)), 1 - step / total
    share = min(1.0, left / 0.3) if recipe.epochs == 1 else (1 - math.cos(math.pi * left)) / 2
    return recipe.learning_rate * warm * (0.05 + 0.95 * share)


def validate(training: Training, examples: list[Tokens], epoch: int) -> Validation:
    """Loss and bits per character on the validation posts."""

    @torch.no_grad()  # it holds only in the thread that sets it
    def loss(part: list[Tokens]) -> float:
        return summed_loss(training, part).item()

    # No gradients: twice as many tokens need less memory than a training step.
    nats = sum(in_parts(loss, training, examples, 1024))
    nats = reduce(
        torch.tensor(nats, dtype=torch.float64, device=training.model.device), "sum"
    ).item()
    bits = nats / math.log(2) / sum(e.chars for e in examples)
    return Validation(training.step, epoch, nats / learnt_tokens(examples), bits)


def save_adapter(training: Training, base: BaseModel, folder: Path) -> None:
    """Write the PEFT folder, without the path of the base on this machine."""
    training.model.peft_config["default"].base_model_name_or_path = base.name
    # False: else peft looks on the hub for layers that were never trained.
    training.model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's form of a model card, not filled in
    # safetensors lets nobody but us read its file, whatever the umask; the server may be another.
    mode = (folder / "adapter_config.json").stat().st_mode
    (folder / "adapter_model.safetensors").chmod(mode)


@contextmanager
def memory_advice(recipe: Recipe) -> Iterator[None]:
    """Turn an out-of-memory error into a sentence that names the setting to lower."""
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as e:
        if not is_out_of_memory(e):
            raise
        raise ModelError(
            "There is not enough memory for this training. Lower --memory-tokens"
            f" (now {recipe.memory_tokens}) and run the same command again: it goes on where it"
            f" was. If that is not enough, lower --max-tokens (now {recipe.max_tokens}) or choose a"
            " smaller model for --base."
        ) from e
