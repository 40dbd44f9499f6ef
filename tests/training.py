"""A training in a process of its own, in the arithmetic that a test chooses.

`train` takes what suits the machine; here `python -m tests.training` runs the same fine-tune in
float32 or bfloat16 on every machine.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from trainer.data import dataset
from trainer.errors import TrainerError
from trainer.training import finetune
from trainer.training.recipe import Recipe
from trainer.training.voice_folder import VoiceFolder

BFLOAT16_BOUND = 1 / 256  # of a loss: what bfloat16 itself tells apart


def arguments(place: Path, base: Path, voice: str, recipe: Recipe, dtype: str) -> list[str]:
    """What `python -m tests.training` takes to make <place>/voices/<voice> of <place>/data."""
    return [str(place), str(base), voice, json.dumps(asdict(recipe)), dtype]


def losses(voice: Path) -> list[float]:
    """Those of all steps, then those of all validations."""
    curve: dict[str, Any] = json.loads((voice / "curve.json").read_text("utf-8"))
    return [row["loss"] for row in (*curve["steps"], *curve["validations"])]


def main(given: list[str]) -> int:
    """Train as `train` does, and end as it does."""
    place, base, voice, recipe, dtype = given
    try:
        finetune.train(
            dataset.load(Path(place) / "data"),
            VoiceFolder(Path(place) / "voices", voice),
            Recipe(**json.loads(recipe)),
            base,
            fresh=False,
            now=datetime.now(UTC),
            console=Console(soft_wrap=True),
            dtype=getattr(torch, dtype),
        )
    except TrainerError as e:
        print(e, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
