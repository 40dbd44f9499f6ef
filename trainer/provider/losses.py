"""A provider's losses as the training curve: from its result file, or from a job's events.

Pure. The result file is CSV, in base64 at OpenAI. Columns are read by their header, since their
order and number changed more than once.
"""

import base64
import binascii
import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from trainer.provider.client import Event, Job
from trainer.training.curve import Curve, Step, Validation

LossRow = Mapping[str, Any]  # Any: text from the file, numbers from an event
VALIDATION = ("full_valid_loss", "valid_loss", "validation_loss", "eval_loss")  # best first


def rows(content: bytes) -> list[LossRow]:
    """Rows of a result file; none if it is not a table of losses."""
    try:
        text = base64.b64decode(b"".join(content.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        text = content.decode("utf-8", errors="replace")
    return [row for row in csv.DictReader(text.splitlines()) if _number(row, "step") is not None]


def final_losses(event: Event) -> LossRow | None:
    """The numbers of an event that reports a step, or None."""
    return event.data if _number(event.data, "step") is not None else None


def curve(measured: Iterable[LossRow], epochs: int) -> Curve:
    """The training curve. Providers do not say the epochs, so they are counted from the steps."""
    table = sorted(measured, key=_step)
    last = max(map(_step, table), default=0)
    # A full validation ends each epoch; batches of it in between are far noisier.
    column = next((name for name in VALIDATION if any(_losses(table, name))), VALIDATION[0])

    def epoch(step: int) -> int:
        return math.ceil(step * epochs / last) if last else 1

    return Curve(
        [Step(step, epoch(step), loss, None) for step, loss in _losses(table, "train_loss")],
        [Validation(step, epoch(step), loss, None) for step, loss in _losses(table, column)],
    )


def summary(measured: Curve, job: Job) -> dict[str, float]:
    """Figures for voice.json."""
    found: dict[str, float | None] = {
        "train_loss": measured.steps[-1].loss if measured.steps else None,
        "validation_loss": measured.validations[-1].loss if measured.validations else None,
        "trained_tokens": job.trained_tokens,
        "train_seconds": job.seconds,
    }
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def _losses(table: Iterable[LossRow], name: str) -> Iterator[tuple[int, float]]:
    return ((_step(row), loss) for row in table if (loss := _number(row, name)) is not None)


def _step(row: LossRow) -> int:
    return int(_number(row, "step") or 0)


def _number(row: LossRow, name: str) -> float | None:
    try:
        value = float(row[name])
    except (KeyError, TypeError, ValueError):
        return None
    return value if math.isfinite(value) and value >= 0 else None  # -1: not measured
