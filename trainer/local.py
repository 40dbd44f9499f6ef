"""The LoRA fine-tune of a local voice, from prepared data to a voice folder, top to bottom.

Reads a Dataset; writes <voices>/.<name>.training/ while it runs (a checkpoint, so that the same
command resumes) and <voices>/<name>/ at the very end. The only importer of torch in this project;
of the rest only base_model.py touches transformers.
"""

import math
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import torch
from peft import LoraConfig, get_peft_model
from rich.console import Console
from transformers import DynamicCache

from trainer import base_model
from trainer.base_model import BaseModel
from trainer.batches import (
    Tokens,
    encode_all,
    epoch_batches,
    learnt_tokens,
    memory_batches,
    shared_start,
)
from trainer.curve import Curve, Step, Validation
from trainer.dataset import Dataset
from trainer.errors import ModelError
from trainer.progress import TrainingProgress
from trainer.recipe import Recipe
from trainer.voice_folder import VoiceFolder

IGNORED = -100  # the label that cross_entropy skips: a prompt's tokens and padding
CHECKPOINT = "checkpoint.pt"

Weights = dict[str, torch.Tensor]
T = TypeVar("T")


@dataclass(slots=True)
class Training:
    """A fine-tune on its way; a checkpoint holds all of it but the base's weights."""

    model: Any  # PeftModel around whatever architecture the base has
    optimizer: torch.optim.AdamW
    step: int = 0
    curve: Curve = field(default_factory=Curve)
    best: Weights | None = None
    started: float = field(default_factory=time.monotonic)
    workers: int = 1  # threads that each compute a part of a batch

    @property
    def seconds(self) -> float:
        """Time spent, that of earlier runs included."""
        return time.monotonic() - self.started


def train(
    data: Dataset,
    folder: VoiceFolder,
    recipe: Recipe,
    base_name: str,
    *,
    fresh: bool,
    now: datetime,
    console: Console,
) -> None:
    """Fine-tune and write the voice folder. Raises ModelError if the base cannot be used."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = compute_dtype(device)
    with console.status("Loading the base model (the first time it is converted: a minute) …"):
        base = base_model.load(base_name, str(dtype).removeprefix("torch."))
    train_set = encode_all(data.train, base, recipe, console)
    validation_set = encode_all(data.validation, base, recipe, console)

    with memory_advice(recipe):
        training = begin(base, recipe, device, share_cores(recipe, device))
        identity = {**asdict(recipe), "base": base.name, "data": data.sha256}
        folder.open()
        resume(training, folder.training / CHECKPOINT, recipe, identity, console, fresh=fresh)
        checkpoint = Checkpoint(folder.training / CHECKPOINT, identity)
        fine_tune(training, train_set, validation_set, recipe, checkpoint, console)
    write_adapter(training, base, folder.adapter)
    folder.publish(data, base, recipe, training.curve, training.seconds, now=now, console=console)


def share_cores(recipe: Recipe, device: torch.device) -> int:
    """How many parts of a batch are computed at once; the cores are shared out among them.

    Two threads with a part each wait for one another once a step. Two threads within each matrix
    product wait thousands of times: slower by a third, and tenfold where a core is busy (LOG.md).
    """
    cores = recipe.threads or len(os.sched_getaffinity(0))
    workers = 1 if device.type == "cuda" else min(cores, 2, recipe.batch_size)
    torch.set_num_threads(cores // workers)
    return workers


def compute_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor itself multiplies it, else float32: emulation is slower."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    can = torch.cpu.get_capabilities()
    return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32


# --- loss


def summed_loss(training: Training, part: list[Tokens]) -> torch.Tensor:
    """Cross-entropy over the posts' tokens, summed, in nats.

    What all prompts begin with is read once for all of them: a third of the tokens of short posts.
    """
    model, device = training.model, training.model.device
    shared = shared_start([e.ids[: e.prompt - 1] for e in part])
    ids, mask, labels = padded(part, len(shared))
    # No logits where no label is: the vocabulary is a fifth of the cost of a token.
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


def padded(part: list[Tokens], shared: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids and labels (B, T) from the token after the shared ones on, and the mask (B, S + T)."""
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


# --- the fine-tune itself


def begin(base: BaseModel, recipe: Recipe, device: torch.device, workers: int = 1) -> Training:
    """Put a fresh adapter on the base: LoRA on every linear layer, alpha twice the rank.

    q and v alone reach .924 bits per character where all layers reach .831 (LOG.md).
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
        model = get_peft_model(base.model, lora).to(device)  # adapter weights stay float32
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=0.0)
    return Training(model, optimizer, workers=workers)


def fine_tune(
    training: Training,
    train_set: list[Tokens],
    validation_set: list[Tokens],
    recipe: Recipe,
    checkpoint: "Checkpoint",
    console: Console,
) -> None:
    """Train the epochs that are not done yet and leave the best one's weights in the model."""
    per_epoch = math.ceil(len(train_set) / recipe.batch_size)
    total = per_epoch * recipe.epochs
    with TrainingProgress(console, total, recipe.epochs, training.step) as progress:
        if training.step == 0:
            end_epoch(training, validation_set, 0, progress, checkpoint)
        while training.step < total:
            epoch, done = training.step // per_epoch + 1, training.step % per_epoch
            for batch in epoch_batches(train_set, recipe, epoch)[done:]:
                rate = learning_rate(training.step, total, recipe.learning_rate)
                loss = take_step(training, batch, rate, recipe.memory_tokens)
                training.step += 1
                training.curve.steps.append(Step(training.step, epoch, loss, rate))
                progress.advance(epoch, loss, sum(map(len, batch)))
                # The epoch's last step waits for its validation: one checkpoint holds both.
                if training.step % recipe.checkpoint_every == 0 and training.step % per_epoch:
                    checkpoint.save(training)
            end_epoch(training, validation_set, epoch, progress, checkpoint)
        progress.summarize(training.curve)
    assert training.best is not None, "no epoch was trained"
    set_adapter_weights(training, training.best)


def end_epoch(
    training: Training,
    validation_set: list[Tokens],
    epoch: int,
    progress: TrainingProgress,
    checkpoint: "Checkpoint",
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
    training.model.train()
    tokens, weights = learnt_tokens(batch), list(adapter_weights(training).values())

    def gradients(part: list[Tokens]) -> tuple[float, Sequence[torch.Tensor]]:
        loss = summed_loss(training, part) / tokens
        return loss.item(), torch.autograd.grad(loss, weights)

    total = 0.0
    for loss, parts in in_parts(gradients, training, batch, memory_tokens):
        total += loss
        for weight, gradient in zip(weights, parts, strict=True):
            weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)
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
    compute: Callable[[list[Tokens]], T],
    training: Training,
    examples: list[Tokens],
    memory_tokens: int,
) -> Iterator[T]:
    """Results for all parts of the examples, in order, as many at once as there are workers."""
    shares = [sorted(examples, key=len)[i :: training.workers] for i in range(training.workers)]
    limit = memory_tokens // training.workers
    parts = [part for share in shares if share for part in memory_batches(share, limit)]
    with ThreadPoolExecutor(training.workers) as pool:
        yield from pool.map(compute, parts)


def learning_rate(step: int, total: int, peak: float) -> float:
    """Warm-up over the first 6% of the steps, then a cosine down to 5% of the peak."""
    warm = min(1.0, (step + 1) / max(1.0, 0.06 * total))
    return peak * warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / total)))


def validate(training: Training, examples: list[Tokens], epoch: int) -> Validation:
    """Loss and bits per character on the validation posts."""
    training.model.eval()

    @torch.no_grad()  # it holds for the thread it is set in only
    def loss(part: list[Tokens]) -> float:
        return summed_loss(training, part).item()

    # No gradients: twice as many tokens take less memory than a step of training.
    nats = sum(in_parts(loss, training, examples, 1024))
    bits = nats / math.log(2) / sum(e.chars for e in examples)
    return Validation(training.step, epoch, nats / learnt_tokens(examples), bits)


def adapter_weights(training: Training) -> Weights:
    """The trained parameters by name: the adapter and nothing else."""
    return {n: p for n, p in training.model.named_parameters() if p.requires_grad}


def set_adapter_weights(training: Training, weights: Weights) -> None:
    """Copy saved weights into the model."""
    with torch.no_grad():
        for name, parameter in adapter_weights(training).items():
            parameter.copy_(weights[name])


def write_adapter(training: Training, base: BaseModel, folder: Path) -> None:
    """Write the PEFT folder, without the path of the base on this machine."""
    training.model.peft_config["default"].base_model_name_or_path = base.name
    # False: else peft looks on the hub for what was never trained.
    training.model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's form of a model card, not filled in


# --- checkpoints


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The one file that a killed training goes on from."""

    file: Path
    identity: dict[str, Any]  # settings, base and data: another identity is another training

    def save(self, training: Training) -> None:
        """Write to a temporary name, then move it in place: the file is always whole."""
        partial = self.file.with_suffix(".partial")
        state = {
            "identity": self.identity,
            "step": training.step,
            "adapter": adapter_weights(training),
            "best": training.best,
            "optimizer": training.optimizer.state_dict(),
            "rng": torch.get_rng_state(),  # a base with dropout draws from it
            "curve": training.curve.to_dict(),
            "seconds": training.seconds,
        }
        torch.save(state, partial)
        partial.replace(self.file)


def resume(
    training: Training,
    file: Path,
    recipe: Recipe,
    identity: dict[str, Any],
    console: Console,
    *,
    fresh: bool,
) -> None:
    """Go on from the checkpoint if it is of the same data and settings; says what it did."""
    if fresh or not file.exists():
        return
    try:
        state = torch.load(file, weights_only=True, map_location="cpu")
    except Exception as e:  # a torn pickle makes torch raise nearly anything
        raise ModelError(
            f"The checkpoint {file} is damaged. Run this again with --fresh to start anew."
        ) from e
    saved = state["identity"]
    changed = recipe.changes_from(saved)
    changed += [name for name in ("base", "data") if saved[name] != identity[name]]
    if changed:
        names = ", ".join(name.replace("_", " ") for name in changed)
        console.print(f"Starting anew: {names} changed since the last checkpoint.")
        return
    set_adapter_weights(training, state["adapter"])
    training.optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["rng"])
    training.step, training.best = state["step"], state["best"]
    training.started -= state["seconds"]
    training.curve = Curve.from_dict(state["curve"])
    console.print(f"Resuming after step {training.step}.")


@contextmanager
def memory_advice(recipe: Recipe) -> Iterator[None]:
    """Turn an out-of-memory error into a sentence that names the setting to lower."""
    try:
        yield
    except (RuntimeError, MemoryError) as e:
        is_memory = isinstance(e, MemoryError | torch.OutOfMemoryError)
        if not is_memory and "not enough memory" not in str(e) and "allocate" not in str(e):
            raise
        raise ModelError(
            "There is not enough memory for this training. Lower --memory-tokens"
            f" (now {recipe.memory_tokens}) or --max-tokens (now {recipe.max_tokens}),"
            " or choose a smaller base model; the same command then resumes or starts anew."
        ) from e
