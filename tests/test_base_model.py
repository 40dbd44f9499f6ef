"""Finding, checking, converting and loading the base model."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch

from bot.voice import Prompt, Turn
from bot.voice.weights import GGUF_FILE, GGUF_SHA256, PACKAGE
from tests.fakes.tiny_llama import write_tiny_model
from trainer.errors import ModelError
from trainer.training import base_model
from trainer.training.base_model import is_out_of_memory


def test_the_default_loads_with_its_own_chat_template() -> None:
    base = base_model.load_base(base_model.DEFAULT, "float32")
    assert base.sha256 == GGUF_SHA256
    assert base.model.num_parameters() == 134_515_008
    rendered = base.tokenizer.apply_chat_template(
        Prompt().messages(Turn("fog")), tokenize=False, add_generation_prompt=True
    )
    assert rendered == (
        "<|im_start|>system\nWrite a post in the author's voice.<|im_end|>\n"
        "<|im_start|>user\nfog<|im_end|>\n<|im_start|>assistant\n"
    )
    assert base.tokenizer.decode([base.tokenizer.eos_token_id]) == "<|im_end|>"


def test_a_folder_is_known_by_its_last_name_only(tmp_path: Path) -> None:
    base = base_model.load_base(str(write_tiny_model(tmp_path / "tiny")), "float32")
    assert (base.name, base.sha256) == ("tiny", None)


def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tiny_model(tmp_path / "tiny")
    capfd.readouterr()
    base_model.load_base(str(tmp_path / "tiny"), "float32")
    assert capfd.readouterr() == ("", "")


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "plain", template=None)
    with pytest.raises(ModelError, match="no chat template"):
        base_model.load_base(str(tmp_path / "plain"), "float32")


def test_a_template_that_takes_no_system_message_is_refused(tmp_path: Path) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    write_tiny_model(tmp_path / "odd", template=template)
    with pytest.raises(ModelError, match="takes no system message"):
        base_model.load_base(str(tmp_path / "odd"), "float32")


def test_a_model_of_another_kind_than_attention_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "odd", kind="mamba")
    with pytest.raises(ModelError, match="is a mamba model, and only models of attention alone"):
        base_model.load_base(str(tmp_path / "odd"), "float32")


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


HUB = """
import os, sys
from pathlib import Path
from tests.fakes.hub import hub

def load(name):
    from trainer.training import base_model
    from trainer.errors import ModelError
    try:
        print("loaded", base_model.load(name, "float32").name)
    except ModelError as e:
        print(e)

with hub({"some/tiny": Path(sys.argv[1]), "some/gated": None}) as server:
    os.environ["HF_ENDPOINT"] = server.url  # read when huggingface_hub is imported
    load("nobody/none")
    print(sum("nobody/none" in path for path in server.asked), "call")
    load("no/id/of a model")
    load("some/gated")
    load("some/tiny")
load("some/tiny")
load("nobody/none")
"""


def test_what_the_hub_says_of_a_name_is_said_at_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUB, str(write_tiny_model(tmp_path / "tiny"))],
        env={**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    unknown, calls, no_id, gated, loaded, again, unreachable = done.stdout.splitlines()
    assert unknown.startswith("The base model nobody/none is not there: there is no such folder")
    assert calls == "1 call"
    assert no_id.startswith("The base model no/id/of a model is not there")
    assert "Accept them at https://huggingface.co/some/gated" in gated
    assert loaded == again == "loaded some/tiny"  # the second time without the hub
    assert "Hugging Face cannot be reached from here" in unreachable


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no complete Hugging Face"):
        base_model.load_base(str(tmp_path), "float32")


@pytest.mark.parametrize(
    ("weights", "said"),
    [(b"GGUF, but not the known one", "are damaged"), (None, "are not installed")],
    ids=["other weights", "no weights"],
)
def test_the_packages_weights_are_checked(tmp_path: Path, weights: bytes | None, said: str) -> None:
    """Another package of that name, first on the path of a new process."""
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it must not be imported')")
    if weights:
        (package / GGUF_FILE).write_bytes(weights)
    code = "from trainer.training import base_model; base_model.default_gguf()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "VoiceError" in done.stderr
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_that_convert_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    code = "from trainer.training import base_model; print(base_model.default_folder())"
    converters = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    folders = {process.communicate()[0].strip() for process in converters}
    assert [process.returncode for process in converters] == [0, 0]
    (folder,) = folders
    assert Path(folder).is_relative_to(tmp_path / "write-my-posts")
    assert [p.name for p in Path(folder).parent.iterdir()] == [Path(folder).name]
    assert base_model.load_base(folder, "float32").tokenizer.chat_template
