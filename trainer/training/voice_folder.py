"""The folders where a voice is trained and takes its place: nobody ever sees a half-written one.

<voices>/.<name>.training/        checkpoint and the new voice while it is built
<voices>/<name>/                  the voice; one that exists stays usable until the very end
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from rich.console import Console

from bot.voice import (
    HELD_OUT_FILE,
    SCHEMA,
    TEMPLATE_FILE,
    VOICE_NAME,
    Base,
    Sampling,
    Voice,
    VoiceError,
    save_posts,
)
from bot.voice.others import OTHERS_FILE
from bot.voice.ranker import Ranker
from trainer.data.dataset import Dataset
from trainer.data.folder import ABOUT_FILE
from trainer.errors import DataError
from trainer.training import curve as curves
from trainer.training.base_model import BaseModel
from trainer.training.curve import Curve
from trainer.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class VoiceFolder:
    """The folders of one voice."""

    voices: Path
    name: str

    @classmethod
    def named(cls, voices: Path, name: str) -> "VoiceFolder":
        """Check the name. Raises DataError if it cannot be a folder's and a Discord option's."""
        if not VOICE_NAME.fullmatch(name):
            raise DataError(
                f"{name!r} cannot be a voice's name: use up to 64 letters (a to z), digits, - and _"
                " only."
            )
        return cls(voices, name)

    @property
    def training(self) -> Path:
        """The folder that is there while the voice trains."""
        return self.voices / f".{self.name}.training"

    @property
    def evaluation(self) -> Path:
        """The folder of the texts that evaluations drew."""
        return self.voices / f".{self.name}.evaluation"

    @property
    def adapter(self) -> Path:
        """The PEFT folder of the voice being built."""
        return self.new / "adapter"

    @property
    def new(self) -> Path:
        """The voice being built."""
        return self.training / "voice"

    @property
    def _old(self) -> Path:
        return self.training / "replaced"

    @property
    def place(self) -> Path:
        """The voice, once it is complete."""
        return self.voices / self.name

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold the training folder, and undo what a crash left half-done. Raises DataError.

        The system releases the lock when the process dies, however it dies.
        """
        lock = FileLock(self.training / "lock", timeout=0)
        try:
            # it holds posts: the owner decides who else may read them
            self.voices.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.training.mkdir(exist_ok=True)
            lock.acquire()
            shutil.rmtree(self.new, ignore_errors=True)
            if self._old.exists() and not self.place.exists():
                self._old.rename(self.place)
        except Timeout as e:
            raise DataError(
                f"The voice {self.name} is being trained by another process. Wait until that one"
                " has ended, or give this one another name with --voice."
            ) from e
        except OSError as e:
            raise DataError(
                f"The voice cannot be written to {self.voices} ({e.strerror})."
                " Name a folder you may write to with --voices."
            ) from e
        try:
            yield
        finally:
            lock.release()

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
        """Write everything beside the adapter of a local voice, and move it in place."""
        from trainer.training import gguf  # noqa: PLC0415 - numpy, and only for an adapter

        config = base.model.config.to_dict()
        embedded = base.embedded
        if embedded and embedded.template:
            (self.new / TEMPLATE_FILE).write_text(embedded.template, "utf-8")
        if gguf.can_convert(config):
            gguf.write_gguf(self.adapter, config, self.new / "adapter.gguf")
            model = "adapter.gguf"
        else:
            model = "adapter"
            console.print(
                f"{base.name} is a {config['model_type']} model, for which no adapter.gguf can be"
                " written here: serve the PEFT adapter with vLLM, or convert it with llama.cpp."
            )
        self.complete(
            data,
            backend="local",
            model=model,
            base=embedded.base if embedded else Base(base.name, base.sha256),
            sampling=embedded.sampling if embedded else None,
            curve=curve,
            metrics=_metrics(curve, recipe, seconds),
            seed=recipe.seed,
            now=now,
            console=console,
        )

    def complete(
        self,
        data: Dataset,
        *,
        backend: Literal["local", "openai"],
        model: str,
        base: Base,
        curve: Curve,
        metrics: dict[str, float],
        seed: int,
        now: datetime,
        console: Console,
        sampling: Sampling | None = None,
    ) -> None:
        """Write what every voice has, voice.json last, and move the voice in place."""
        if curve.steps:
            curves.save(curve, self.new, f"{self.name}: {len(data.train)} posts on {base.name}")
        save_posts(self.new, data.posts)
        save_posts(self.new, data.held_out, HELD_OUT_FILE)
        shutil.copyfile(data.folder / ABOUT_FILE, self.new / ABOUT_FILE)  # for the report
        if (others := data.folder / OTHERS_FILE).exists():
            shutil.copyfile(others, self.new / OTHERS_FILE)
        self._keep_taste(console)
        Voice(
            schema=SCHEMA,
            name=self.name,
            backend=backend,
            model=model,
            base=base,
            prompt=data.prompt,
            sampling=sampling or Sampling(),
            counts=_counts(data),
            data_sha256=data.sha256,
            metrics=metrics,
            seed=seed,
            created_at=now.isoformat(timespec="seconds"),
        ).save(self.new)
        self._take_place()
        if not data.validation:
            console.print("There were no posts to validate on: the last epoch was kept unmeasured.")

    def _keep_taste(self, console: Console) -> None:
        """Keep the taste from its owner's decisions through a training."""
        before = None
        with suppress(VoiceError):  # a damaged one is no reason to lose a training
            before = Ranker.load(self.place)
        if before and before.taste:
            replace(before, weights={}).save(self.new)
            console.print(
                "It keeps the taste it learnt from decisions;"
                f" `python -m trainer taste {self.name} --forget` drops it."
            )

    def _take_place(self) -> None:
        """Move by two renames; `open` or the next run mends a crash between them."""
        shutil.rmtree(self._old, ignore_errors=True)
        if self.place.exists():
            self.place.rename(self._old)
        self.new.rename(self.place)
        shutil.rmtree(self.training)


def _counts(data: Dataset) -> dict[str, int]:
    with_notes = sum(data.prompt.parts(e.prompt).notes is not None for e in data.train)
    return {
        "train": len(data.train),
        "validation": len(data.validation),
        **({"notes": with_notes} if with_notes else {}),
    }


def _metrics(curve: Curve, recipe: Recipe, seconds: float) -> dict[str, float]:
    best = curve.best()
    bits = {
        "bits_per_char_base": curve.validations[0].bits_per_char if best else None,
        "bits_per_char": best.bits_per_char if best else None,
    }
    return {
        **{name: round(value, 4) for name, value in bits.items() if value is not None},
        "best_epoch": best.epoch if best else recipe.epochs,
        "train_seconds": round(seconds, 1),
    }
