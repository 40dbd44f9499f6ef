"""Shows a provider's job to a person: a live bar on a terminal, a line an event elsewhere."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import TextColumn, TimeElapsedColumn

from trainer.training.progress import LiveBar


class JobProgress(LiveBar):
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
