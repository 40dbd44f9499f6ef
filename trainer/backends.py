"""Who teaches a voice: this machine, or a provider. `train --backend` chooses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rich.console import Console

from trainer.data.dataset import Dataset
from trainer.errors import DataError, ServeError
from trainer.training.recipe import Recipe
from trainer.training.voice_folder import VoiceFolder


class Backend(Protocol):
    """Teaches a voice from prepared data and writes its folder, the last rename at the very end.

    Called again after a kill at any point, it goes on where it was.
    """

    def train(
        self, data: Dataset, folder: VoiceFolder, *, fresh: bool, now: datetime, console: Console
    ) -> None:
        """Raises a TrainerError. `fresh` forgets what an earlier call left unfinished."""


@dataclass(frozen=True, slots=True)
class Local:
    """On this machine: local.py and torch are imported only when it starts."""

    recipe: Recipe
    base: str

    def train(
        self, data: Dataset, folder: VoiceFolder, *, fresh: bool, now: datetime, console: Console
    ) -> None:
        """Fine-tune a LoRA adapter here, then fit the ranker of its drafts."""
        with console.status("Starting torch …"):
            from trainer.training.finetune import train  # noqa: PLC0415 - seconds, and only for this backend

        if not train(data, folder, self.recipe, self.base, fresh=fresh, now=now, console=console):
            return
        console.print(f"The voice {folder.name} is ready in {folder.place}.")
        from trainer.drawing.ranking import rank  # noqa: PLC0415 - memory, which the training needs

        try:
            rank(folder.place, console)
        except (DataError, ServeError) as e:
            console.print(f"Its drafts are not ranked. {e}", highlight=False, markup=False)
