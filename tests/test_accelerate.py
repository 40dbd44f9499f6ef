"""Training with several processes, as `accelerate launch` starts them; here two on the CPU."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bot.voice import Voice
from tests.fakes.prepared import invented_posts, write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from tests.training import BFLOAT16_BOUND, arguments, losses, one_of_two, started
from tests.training import main as training
from trainer.__main__ import main
from trainer.training.recipe import Recipe

LAUNCH = "accelerate.commands.launch --multi_gpu --num_processes 2 --num_machines 1"
QUIETLY = "--mixed_precision no --dynamo_backend no --main_process_port 0"  # what it would ask for


def _arguments(place: Path, voice: str, *more: str) -> list[str]:
    where = ["--voice", voice, "--voices", str(place / "voices"), "--base", str(place / "tiny")]
    return ["train", str(place / "data"), *where, *more]


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _launched(arguments: list[str]) -> str:
    command = [sys.executable, "-m", *f"{LAUNCH} {QUIETLY} -m trainer".split(), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


@pytest.mark.timeout(300)
def test_two_processes_make_one_voice_and_it_is_the_one_that_a_single_process_makes(
    tmp_path: Path,
) -> None:
    """Each gives the gradients of its half of a batch; only the main one writes and speaks.

    On a processor: in float32. Where they compute the same parts of a batch as the two threads of
    one process, and add them up in the same order, the adapters are equal byte for byte. The parts
    of a validation are larger, so its losses are rounded otherwise.
    """
    write_tiny_model(tmp_path / "tiny")
    write_prepared(tmp_path / "data", invented_posts(42), validation=9)  # an odd post at each end
    said = _launched(_arguments(tmp_path, "two", "--threads", "1"))
    lines = [line for line in said.splitlines() if "%, loss " not in line]
    before, first, ready, unranked = lines
    assert (before[:7], first[:9]) == ("before ", "epoch 1/1")
    assert said.count("100%, loss ") == 1  # the main process alone speaks
    assert ready.startswith("The voice two is ready")
    assert unranked.startswith("Its drafts are not ranked. ")

    assert main(_arguments(tmp_path, "one", "--threads", "2")) == 0
    two, one = tmp_path / "voices" / "two", tmp_path / "voices" / "one"
    assert sorted(p.name for p in (tmp_path / "voices").iterdir()) == ["one", "two"]
    assert Voice.load(two).model == "adapter.gguf"
    assert (two / "adapter.gguf").read_bytes() == (one / "adapter.gguf").read_bytes()
    assert losses(two) == pytest.approx(losses(one), rel=1e-6)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-5), ("bfloat16", BFLOAT16_BOUND)])
def test_two_processes_learn_what_one_does_however_the_batch_is_shared_out(
    tmp_path: Path, dtype: str, bound: float
) -> None:
    """The same sums in another order: as near as the arithmetic's own rounding."""
    base = write_tiny_model(tmp_path / "tiny")
    write_prepared(tmp_path / "data", invented_posts(42), validation=9)
    recipe = Recipe(threads=1)
    asked = [_free_port(), *arguments(tmp_path, base, "two", recipe, dtype)]
    both = [started(one_of_two, [rank, *asked]) for rank in ("0", "1")]
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert training(arguments(tmp_path, base, "one", recipe, dtype)) == 0
    two, one = (losses(tmp_path / "voices" / name) for name in ("two", "one"))
    assert two == pytest.approx(one, rel=bound)
