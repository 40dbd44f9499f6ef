"""Training with several processes, as `accelerate launch` starts them; here two on the CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.voice import Voice
from tests.fakes.prepared import invented_posts, write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from trainer.__main__ import main

LAUNCH = "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1"
QUIETLY = "--mixed_precision no --dynamo_backend no --main_process_port 0"  # what it would ask for


def _arguments(place: Path, voice: str, *more: str) -> list[str]:
    where = ["--voice", voice, "--voices", str(place / "voices"), "--base", str(place / "tiny")]
    return ["train", str(place / "data"), *where, *more]


@pytest.mark.timeout(300)
def test_two_processes_make_one_voice_and_it_is_the_one_that_a_single_process_makes(
    tmp_path: Path,
) -> None:
    """Each gives the gradients of its half of a batch; only the main one writes and speaks."""
    write_tiny_model(tmp_path / "tiny")
    write_prepared(tmp_path / "data", invented_posts(42), validation=9)  # an odd post at each end
    launch = [sys.executable, "-m", *f"{LAUNCH} {QUIETLY} -m trainer".split()]
    two = subprocess.run(
        [*launch, *_arguments(tmp_path, "two")], stdout=subprocess.PIPE, text=True, check=True
    )
    before, first, second, ready, unranked = two.stdout.splitlines()
    assert (before[:7], first[:9], second[:9]) == ("before ", "epoch 1/2", "epoch 2/2")
    assert ready.startswith("The voice two is ready")
    assert unranked.startswith("Its drafts are not ranked. ")

    assert main(_arguments(tmp_path, "one", "--threads", "2")) == 0
    assert [p.name for p in sorted((tmp_path / "voices").iterdir())] == ["one", "two"]
    assert Voice.load(tmp_path / "voices" / "two").model == "adapter.gguf"
    assert _losses(tmp_path / "voices" / "two") == pytest.approx(
        _losses(tmp_path / "voices" / "one"), rel=1e-4
    )


def _losses(voice: Path) -> list[float]:
    curve: dict[str, Any] = json.loads((voice / "curve.json").read_text("utf-8"))
    return [row["loss"] for row in (*curve["steps"], *curve["validations"])]
