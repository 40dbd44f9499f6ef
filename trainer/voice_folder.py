"""Where a voice is trained and how it takes its place: nothing half-written is ever seen.

<voices>/.<name>.training/        checkpoint and the new voice while it is built
<voices>/<name>/                  the voice; one that exists stays usable until the very end
"""

import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from bot.voice import SCHEMA, Base, Sampling, Voice, save_posts
from trainer import curve as curves
from trainer import gguf
from trainer.base_model import BaseModel
from trainer.curve import Curve
from trainer.dataset import Dataset
from trainer.errors import DataError
from trainer.recipe import Recipe


@dataclass(frozen=True, slots=True)
class VoiceFolder:
    """The folders of one voice."""

    voices: Path
    name: str

    @classmethod
    def named(cls, voices: Path, name: str) -> "VoiceFolder":
        """Check the name. Raises DataError if it cannot be a folder's and a Discord option's."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise DataError(
                f"{name!r} cannot be a voice's name: use up to 64 letters (a to z), digits, - and _"
                " only."
            )
        return cls(voices, name)

    @property
    def training(self) -> Path:
        """What is there while the voice trains."""
        return self.voices / f".{self.name}.training"

    @property
    def adapter(self) -> Path:
        """The PEFT folder of the voice being built."""
        return self._new / "adapter"

    @property
    def _new(self) -> Path:
        return self.training / "voice"

    @property
    def _old(self) -> Path:
        return self.training / "replaced"

    @property
    def _place(self) -> Path:
        return self.voices / self.name

    def open(self) -> None:
        """Make the training folder and undo what a crash left half-done. Raises DataError."""
        try:
            shutil.rmtree(self._new, ignore_errors=True)
            self.training.mkdir(parents=True, exist_ok=True)
            if self._old.exists() and not self._place.exists():
                self._old.rename(self._place)
        except OSError as e:
            raise DataError(
                f"The voice cannot be written to {self.voices} ({e.strerror})."
                " Name a folder you may write to with --voices."
            ) from e

    def publish(
        self,
        data: Dataset,
        base: BaseModel,
        recipe: Recipe,
        curve: Curve,
        seconds: float,
        *,
        now: datetime,
        console: Console,
    ) -> None:
        """Write everything beside the adapter, voice.json last, and move the voice in place."""
        config = base.model.config.to_dict()
        if gguf.can_convert(config):
            gguf.write_adapter(self.adapter, config, self._new / "adapter.gguf")
            model = "adapter.gguf"
        else:
            model = "adapter"
            console.print(
                f"{base.name} is a {config['model_type']} model, for which no adapter.gguf can be"
                " written here: serve the PEFT adapter with vLLM, or convert it with llama.cpp."
            )
        curves.save(curve, self._new, f"{self.name}: {len(data.train)} posts on {base.name}")
        save_posts(self._new, data.posts)
        Voice(
            schema=SCHEMA,
            name=self.name,
            backend="local",
            model=model,
            base=Base(base.name, base.sha256),
            prompt=data.prompt,
            sampling=Sampling(),
            counts={"train": len(data.train), "validation": len(data.validation)},
            data_sha256=data.sha256,
            metrics=_metrics(curve, recipe, seconds),
            seed=recipe.seed,
            created_at=now.isoformat(timespec="seconds"),
        ).save(self._new)
        self._take_place()
        if not data.validation:
            console.print("There were no posts to validate on: the last epoch was kept unmeasured.")
        console.print(f"The voice {self.name} is ready in {self._place}.")

    def _take_place(self) -> None:
        """Two renames: in the moment between them `open` or the next run can mend a crash."""
        shutil.rmtree(self._old, ignore_errors=True)
        if self._place.exists():
            self._place.rename(self._old)
        self._new.rename(self._place)
        shutil.rmtree(self.training)


def _metrics(curve: Curve, recipe: Recipe, seconds: float) -> dict[str, float]:
    best = curve.best()
    measured = (
        {
            "bits_per_char_base": round(curve.validations[0].bits_per_char, 4),
            "bits_per_char": round(best.bits_per_char, 4),
        }
        if best
        else {}
    )
    return {
        **measured,
        "best_epoch": best.epoch if best else recipe.epochs,
        "train_seconds": round(seconds, 1),
    }
