"""The training curve: losses over steps, as data (curve.json) and as a picture (curve.png)."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step: the mean loss of its batch, in nats a token."""

    step: int
    epoch: int
    loss: float
    learning_rate: float | None  # a provider does not say


@dataclass(frozen=True, slots=True)
class Validation:
    """The model on the validation posts after an epoch; epoch 0 is the base model's own."""

    step: int
    epoch: int
    loss: float  # nats a token
    bits_per_char: float | None  # a provider does not say


@dataclass(frozen=True, slots=True)
class Curve:
    """All measurements of a training, oldest first."""

    steps: list[Step] = field(default_factory=list)
    validations: list[Validation] = field(default_factory=list)

    def best(self) -> Validation | None:
        """The epoch with the lowest validation loss, without the base model's own."""
        trained = [v for v in self.validations if v.epoch > 0]
        return min(trained, key=lambda v: v.loss, default=None)

    def epochs_since_best(self) -> int:
        """How many epochs have passed since the lowest validation loss."""
        best = self.best()
        return self.validations[-1].epoch - best.epoch if best else 0

    def training_loss(self, epoch: int) -> float:
        """Mean loss of an epoch's steps, measured during it."""
        losses = [s.loss for s in self.steps if s.epoch == epoch]
        return sum(losses) / len(losses)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Curve":
        steps = [Step(**row) for row in data["steps"]]
        return cls(steps, [Validation(**row) for row in data["validations"]])


def save(curve: Curve, folder: Path, title: str) -> None:
    """Write curve.json and curve.png."""
    text = json.dumps(curve.to_dict(), indent=1)
    (folder / "curve.json").write_text(text + "\n", encoding="utf-8")
    _draw(curve, folder / "curve.png", title)


def _draw(curve: Curve, file: Path, title: str) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - half a second that only this needs

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    steps = [s.step for s in curve.steps]
    axes.plot(steps, [s.loss for s in curve.steps], color="#c9c9c9", lw=1, label="each batch")
    axes.plot(steps, smooth([s.loss for s in curve.steps]), color="#1f5fa8", lw=2, label="training")
    if curve.validations:
        measured = curve.validations[0].bits_per_char is not None
        points = [(v.step, v.loss) for v in curve.validations]
        axes.plot(
            *zip(*points, strict=True),
            "o-",
            color="#c8501e",
            lw=2,
            label="validation, and its bits per character" if measured else "validation",
        )
        for v in curve.validations:
            note = "" if v.bits_per_char is None else f"{v.bits_per_char:.3f}"
            axes.annotate(note, (v.step, v.loss), (6, 6), textcoords="offset points", fontsize=9)
    if (best := curve.best()) and best.bits_per_char:  # a provider keeps the last epoch
        axes.axvline(best.step, color="#c8501e", ls=":", lw=1, label=f"kept: epoch {best.epoch}")
    axes.set(xlabel="step", ylabel="loss, nats a token", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(frameon=False)
    figure.savefig(file)


def smooth(losses: list[float], weight: float = 0.9) -> list[float]:
    """Exponential moving average, unbiased at its start."""
    smooth, total, norm = [], 0.0, 0.0
    for loss in losses:
        total = weight * total + (1 - weight) * loss
        norm = weight * norm + (1 - weight)
        smooth.append(total / norm)
    return smooth
