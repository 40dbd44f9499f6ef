"""A training in a process of its own, and in the arithmetic that a test chooses.

`train` takes what suits the machine; here `python -m tests.training` runs the same fine-tune in
float32 or bfloat16 on every machine, one after another. `started` gives a process that has torch
already: to import it takes longer than most trainings of a test.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
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
    """What `main` takes to make <place>/voices/<voice> of <place>/data."""
    return [json.dumps([str(place), str(base), voice, asdict(recipe), dtype])]


def losses(voice: Path) -> list[float]:
    """Those of all steps, then those of all validations."""
    curve: dict[str, Any] = json.loads((voice / "curve.json").read_text("utf-8"))
    return [row["loss"] for row in (*curve["steps"], *curve["validations"])]


def started(
    target: Callable[[list[str]], int], given: list[str], stderr: str = os.devnull
) -> ForkServerProcess:
    """Call a function with its arguments in a process, which exits with what it returns."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_exit_with, args=(target, given, stderr))
    process.start()
    return process


def one_of_two(given: list[str]) -> int:
    """`main` as one of the processes that `accelerate launch` starts; its rank and a port first."""
    rank, port, *asked = given
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return main(asked)


def _exit_with(target: Callable[[list[str]], int], given: list[str], stderr: str) -> None:
    for number, file in ((1, os.devnull), (2, stderr)):
        with Path(file).open("w") as out:
            os.dup2(out.fileno(), number)
    sys.exit(target(given))


def main(given: list[str]) -> int:
    """Train as `train` does, and end as it does."""
    for place, base, voice, recipe, dtype in map(json.loads, given):
        try:
            finetune.train(
                dataset.load(Path(place) / "data"),
                VoiceFolder(Path(place) / "voices", voice),
                Recipe(**recipe),
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
