"""When memory ends: it is known in each library's words, and a training says what to lower."""

import errno
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy
import pytest
import torch
from rich.console import Console

from tests import training
from tests.fakes.prepared import invented_posts, write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from trainer.errors import ModelError
from trainer.training import finetune
from trainer.training.base_model import is_out_of_memory
from trainer.training.checkpoint import Checkpoint
from trainer.training.recipe import Recipe


class RustError(Exception):
    """As safetensors and tokenizers raise their own."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate"
            " memory: you tried to allocate 33988608 bytes. Error code 12 (Cannot allocate memory)"
        ),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),
        RuntimeError("Could not allocate memory for Tensor SizesAndStrides!"),
        RuntimeError("C10 Out of Memory. Trying to allocate 8 bytes"),
        RuntimeError("unable to mmap 8 bytes from file </model>: Cannot allocate memory (12)"),
        RuntimeError("unable to allocate shared memory(shm) for file </torch_1>"),
        RuntimeError("Couldn't allocate shared memory segment: 12"),
        RuntimeError("failed to allocate 4096 bytes for packed weights"),
        RuntimeError("std::bad_alloc"),
        RuntimeError("can't start new thread"),
        RuntimeError("could not create a primitive"),
        RuntimeError("could not create a memory object"),
        RuntimeError("Intel oneMKL DFTI ERROR: Not enough memory to allocate"),
        RuntimeError("OpenBLAS error: Memory allocation still failed after 10 retries, giving up."),
        RuntimeError("OpenBLAS: malloc failed in dgemm"),
        RuntimeError("memory allocation failed"),
        RuntimeError("Out of memory in matmul"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RustError("I/O error: Cannot allocate memory (os error 12)"),
    ],
    ids=str,
)
def test_each_library_has_its_own_words_for_memory_that_ran_out(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_numpy_says_so_by_its_own_error() -> None:
    with pytest.raises(MemoryError) as told:
        numpy.empty(1 << 50)
    assert is_out_of_memory(told.value)
    assert is_out_of_memory(RuntimeError(str(told.value)))  # as another library may pass it on


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError(
            "could not create a primitive descriptor for the matmul primitive. Run workload with"
            " environment variable ONEDNN_VERBOSE=all to get additional diagnostic information."
        ),
        RuntimeError("could not create a primitive descriptor for a gated mlp primitive"),
        RuntimeError("could not create a memory descriptor from blob"),
        RuntimeError("could not execute a primitive"),  # whose arguments are wrong, mostly
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
        RuntimeError("Cannot set memory_format both in TensorOptions and explicit argument"),
    ],
    ids=str,
)
def test_what_cannot_be_computed_at_all_is_no_lack_of_memory(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_out_of_memory_names_the_setting_to_lower() -> None:
    with pytest.raises(ModelError, match="Lower --memory-tokens"), finetune.memory_advice(Recipe()):
        torch.empty(1 << 60)


def _limited(given: list[str]) -> int:
    """Train with no more memory than so much above what is taken at the first checkpoint."""

    def limit(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith("checkpoint.pt"):
            _allow(int(given[0]))

    sys.addaudithook(limit)
    return training.main(given[1:])


def _allow(spare: int) -> None:
    """Let this process take so many bytes more than it has."""
    taken = int(Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (taken + spare, resource.RLIM_INFINITY))


@pytest.mark.parametrize(
    ("dtype", "spare"),
    [("float32", 60_000_000), ("bfloat16", 10_000_000)],  # of so little oneDNN is the first to miss
)
def test_a_training_that_runs_out_of_memory_goes_on_with_less_of_it(
    tmp_path: Path, dtype: str, spare: int, capsys: pytest.CaptureFixture[str]
) -> None:
    posts = [(topic, text * 12) for topic, text in invented_posts(40)]
    write_prepared(tmp_path / "data", posts, validation=4)
    tiny = write_tiny_model(tmp_path / "tiny")
    recipe = Recipe(epochs=1, batch_size=36, threads=1, memory_tokens=100_000)
    large = training.arguments(tmp_path, tiny, "mara", recipe, dtype)
    code, said = _ended(_limited, [str(spare), *large], tmp_path)
    assert code == 2
    assert said.startswith("There is not enough memory for this training. Lower --memory-t")
    assert said.count("\n") == 1
    less = replace(recipe, memory_tokens=2000)
    assert training.main(training.arguments(tmp_path, tiny, "mara", less, dtype)) == 0
    assert "Resuming after step" in capsys.readouterr().out


def _ended(target: Callable[[list[str]], int], given: list[str], folder: Path) -> tuple[int, str]:
    """How a process ended, and what it said on standard error."""
    process = training.started(target, given, str(folder / "said"))
    process.join()
    return process.exitcode or 0, (folder / "said").read_text("utf-8")


def _resume(given: list[str]) -> int:
    """Read a checkpoint that is larger than what may be taken."""
    file = Path(given[0])
    torch.save({"identity": {}, "adapter": torch.zeros(50_000_000)}, file)
    _allow(100_000_000)
    with finetune.memory_advice(Recipe()):
        Checkpoint(file, Recipe(), {}, is_written_here=True).resume(cast("Any", None), Console())
    return 0


def test_a_checkpoint_that_memory_does_not_hold_is_not_called_damaged(tmp_path: Path) -> None:
    """Else the advice would be --fresh, which loses it."""
    _, said = _ended(_resume, [str(tmp_path / "checkpoint.pt")], tmp_path)
    assert "ModelError: There is not enough memory for this training." in said
    assert "--fresh" not in said


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    with pytest.raises(RuntimeError, match="size"), finetune.memory_advice(Recipe()):
        torch.ones(2) @ torch.ones(3)
