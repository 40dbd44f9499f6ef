"""A fine-tune in progress, and the checkpoint that a killed one goes on from.

Reads and writes <voices>/.<name>.training/checkpoint.pt.
"""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from trainer.errors import ModelError
from trainer.training.base_model import is_out_of_memory
from trainer.training.curve import Curve
from trainer.training.flat import Flat
from trainer.training.recipe import Recipe

Weights = dict[str, torch.Tensor]


@dataclass(slots=True)
class Training:
    """A fine-tune in progress; a checkpoint holds all of it but the base's weights."""

    model: Any  # PeftModel around whatever architecture the base has
    optimizer: torch.optim.AdamW
    flat: Flat | None = None  # a faster form of the model, which shares its weights
    step: int = 0
    curve: Curve = field(default_factory=Curve)
    best: Weights | None = None
    started: float = field(default_factory=time.monotonic)
    workers: int = 1  # threads, each computing a part of a batch

    @property
    def seconds(self) -> float:
        """Time spent, including earlier runs."""
        return time.monotonic() - self.started


def adapter_weights(training: Training) -> Weights:
    """The trained parameters by name: only the adapter."""
    return {n: p for n, p in training.model.named_parameters() if p.requires_grad}


def set_adapter_weights(training: Training, weights: Weights) -> None:
    """Copy saved weights into the model."""
    with torch.no_grad():
        for name, parameter in adapter_weights(training).items():
            parameter.copy_(weights[name])


CHECKPOINT_FILE = "checkpoint.pt"


def began_in(file: Path) -> torch.dtype | None:
    """The arithmetic of the checkpoint in this file, if there is one that can be read."""
    with suppress(Exception):  # `resume` says what is wrong with it
        state = torch.load(file, weights_only=True, map_location="cpu")
        return _DTYPES[state["dtype"]]
    return None


_DTYPES = {str(dtype): dtype for dtype in (torch.float32, torch.bfloat16)}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The one file that a killed training goes on from."""

    file: Path
    recipe: Recipe
    about: dict[str, str]  # base and data: it fits no others, and no other recipe
    is_written_here: bool  # of several processes only the main one writes

    def save(self, training: Training) -> None:
        """Write to a temporary name, then move it in place: the file is always whole."""
        if not self.is_written_here:
            return
        partial = self.file.with_suffix(".partial")
        state = {
            "identity": {**asdict(self.recipe), **self.about},
            "dtype": str(training.model.dtype),
            "step": training.step,
            "adapter": adapter_weights(training),
            "best": training.best,
            "optimizer": training.optimizer.state_dict(),
            "curve": training.curve.to_dict(),
            "seconds": training.seconds,
        }
        try:
            torch.save(state, partial)
            partial.replace(self.file)
        except (OSError, RuntimeError) as e:  # torch's own writer raises the latter
            if is_out_of_memory(e):
                raise
            raise ModelError(
                f"The checkpoint {self.file} cannot be written. Is the disk full? Make room, then"
                " run the same command again: it goes on from the checkpoint before."
            ) from e

    def resume(self, training: Training, console: Console) -> None:
        """Go on from the file if it has the same data and settings; prints what it did."""
        if not self.file.exists():
            return
        try:
            state = torch.load(self.file, weights_only=True, map_location="cpu")
        except Exception as e:  # a torn pickle makes torch raise nearly anything
            if is_out_of_memory(e):
                raise
            raise ModelError(
                f"The checkpoint {self.file} is damaged. Run this again with --fresh to start anew."
            ) from e
        saved = state["identity"]
        changed = self.recipe.changes_from(saved)
        changed += [name for name, value in self.about.items() if saved[name] != value]
        if changed:
            names = ", ".join(name.replace("_", " ") for name in changed)
            console.print(f"Starting anew: {names} changed since the last checkpoint.")
            return
        set_adapter_weights(training, state["adapter"])
        training.optimizer.load_state_dict(state["optimizer"])
        training.step, training.best = state["step"], state["best"]
        training.started -= state["seconds"]
        training.curve = Curve.from_dict(state["curve"])
        console.print(f"Resuming after step {training.step}.")
