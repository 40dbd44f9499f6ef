"""Shows a training to a person: a live bar on a terminal, a line an epoch elsewhere."""

import time
from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from trainer.training.curve import Curve


class _Live:
    """A context manager that shows a bar on a terminal, and nothing elsewhere."""

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *columns,
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


class TrainingProgress(_Live):
    """Shows steps, loss, tokens a second and time left."""

    def __init__(self, console: Console, total: int, epochs: int, done: int) -> None:
        figures = TextColumn("{task.fields[figures]}")
        super().__init__(console, MofNCompleteColumn(), figures, TimeRemainingColumn())
        self._epochs = epochs
        self._started = time.monotonic()
        self._tokens = 0
        self._task = self._bar.add_task("Starting", total=total, completed=done, figures="")

    def advance(self, epoch: int, loss: float, tokens: int) -> None:
        """Count one step."""
        self._tokens += tokens
        speed = self._tokens / (time.monotonic() - self._started)
        self._bar.update(
            self._task,
            advance=1,
            description=f"Epoch {epoch}/{self._epochs}",
            figures=f"loss {loss:.3f}  {speed:.0f} tokens/s",
        )

    def end_epoch(self, curve: Curve, epoch: int, seconds: float) -> None:
        """Print an epoch's figures, if there is no bar."""
        if self._console.is_terminal:
            return
        name = f"epoch {epoch}/{self._epochs}" if epoch else "before training"
        figures = [f"training loss {curve.training_loss(epoch):.3f}"] if epoch else []
        if curve.validations:
            last = curve.validations[-1]
            figures.append(f"validation loss {last.loss:.3f}")
            figures.append(f"{last.bits_per_char:.3f} bits per character")
        self._console.print(f"{name}: {', '.join([*figures, f'{seconds:.0f} s'])}", highlight=False)

    def summarize(self, curve: Curve) -> None:
        """Print each epoch's figures as a table."""
        if self._console.is_terminal and curve.validations:
            self._bar.stop()
            self._console.print(_table(curve))


class JobProgress(_Live):
    """Shows the progress of a provider's job, and the provider's messages about it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console, TextColumn("{task.fields[figures]}"), TimeElapsedColumn())
        self._task = self._bar.add_task("Asking", total=None, figures="")
        self._status = ""

    def status(self, status: str) -> None:
        """Print a new status."""
        if status != self._status:
            self._status = status
            words = status.replace("_", " ")
            if status == "paused":
                words += ": go on with it on the provider's page"
            self._console.print(f"The job's status: {words}.", highlight=False, markup=False)
            self._bar.update(self._task, description=status.replace("_", " ").capitalize())

    def show(self, message: str, figures: Mapping[str, Any] | None) -> None:  # Any: see losses.Row
        """Show an event; a step with its losses moves the bar, or is a line without one."""
        if figures is None or not self._console.is_terminal:
            self._console.print(f"  {message}", highlight=False, markup=False)
        if figures is not None:
            losses = [f"{n} {v:.3f}" for n, v in figures.items() if n.endswith("loss") and v]
            self._bar.update(
                self._task,
                completed=figures["step"],
                total=figures.get("total_steps"),
                figures="  ".join(losses),
            )


def _table(curve: Curve) -> Table:
    table = Table("epoch", "training loss", "validation loss", "bits per character", box=None)
    best = curve.best()
    for v in curve.validations:
        training = f"{curve.training_loss(v.epoch):.3f}" if v.epoch else ""
        kept = "  kept" if best and v.epoch == best.epoch else ""
        name = str(v.epoch) if v.epoch else "before"
        table.add_row(name, training, f"{v.loss:.3f}", f"{v.bits_per_char:.3f}{kept}")
    return table
