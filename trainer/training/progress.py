"""Shows a training to a person: a live bar on a terminal, lines elsewhere."""

import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from trainer.training.curve import Curve

_LINES = 10  # of a training, where there is no bar


class LiveBar:
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


class TrainingProgress(LiveBar):
    """Shows steps, loss, tokens a second and time left."""

    def __init__(self, console: Console, total: int, epochs: int, done: int) -> None:
        figures = TextColumn("{task.fields[figures]}")
        super().__init__(console, MofNCompleteColumn(), figures, TimeRemainingColumn())
        self._epochs, self._total, self._done = epochs, total, done
        self._started = time.monotonic()
        self._tokens = 0
        self._task = self._bar.add_task("Starting", total=total, completed=done, figures="")

    def advance(self, epoch: int, loss: float, tokens: int) -> None:
        """Count one step."""
        self._tokens += tokens
        self._done += 1
        speed = self._tokens / (time.monotonic() - self._started)
        if not self._console.is_terminal and self._done * _LINES % self._total < _LINES:
            share = self._done / self._total
            self._console.print(f"{share:.0%}, loss {loss:.3f}, {speed:.0f} tokens/s")
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


def _table(curve: Curve) -> Table:
    table = Table("epoch", "training loss", "validation loss", "bits per character", box=None)
    best = curve.best()
    for v in curve.validations:
        training = f"{curve.training_loss(v.epoch):.3f}" if v.epoch else ""
        kept = "  kept" if best and v.epoch == best.epoch else ""
        name = str(v.epoch) if v.epoch else "before"
        table.add_row(name, training, f"{v.loss:.3f}", f"{v.bits_per_char:.3f}{kept}")
    return table
