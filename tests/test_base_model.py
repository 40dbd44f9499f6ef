"""Finding, checking, converting and loading the base model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.voice import Prompt
from tests.fakes.tiny_llama import write_tiny_model
from trainer import base_model
from trainer.errors import ModelError


def test_the_default_loads_with_its_own_chat_template() -> None:
    base = base_model.load(base_model.DEFAULT, "float32")
    assert base.sha256 == base_model.GGUF_SHA256
    assert base.model.num_parameters() == 134_515_008
    rendered = base.tokenizer.apply_chat_template(
        Prompt().messages("fog"), tokenize=False, add_generation_prompt=True
    )
    assert rendered == (
        "<|im_start|>system\nWrite a post in the author's voice.<|im_end|>\n"
        "<|im_start|>user\nfog<|im_end|>\n<|im_start|>assistant\n"
    )
    assert base.tokenizer.decode([base.tokenizer.eos_token_id]) == "<|im_end|>"


def test_a_folder_is_known_by_its_last_name_only(tmp_path: Path) -> None:
    base = base_model.load(str(write_tiny_model(tmp_path / "tiny")), "float32")
    assert (base.name, base.sha256) == ("tiny", None)


def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_tiny_model(tmp_path / "tiny")
    capfd.readouterr()
    base_model.load(str(tmp_path / "tiny"), "float32")
    assert capfd.readouterr() == ("", "")


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "plain", template=None)
    with pytest.raises(ModelError, match="no chat template"):
        base_model.load(str(tmp_path / "plain"), "float32")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no complete Hugging Face"):
        base_model.load(str(tmp_path), "float32")


@pytest.mark.parametrize(
    ("weights", "said"),
    [(b"GGUF, but not the known one", "are damaged"), (None, "are not installed")],
    ids=["other weights", "no weights"],
)
def test_the_packages_weights_are_checked(tmp_path: Path, weights: bytes | None, said: str) -> None:
    """Another package of that name, first on the path of a new process."""
    package = tmp_path / base_model.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it must not be imported')")
    if weights:
        (package / base_model.GGUF_FILE).write_bytes(weights)
    code = "from trainer import base_model; base_model.default_gguf()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ModelError" in done.stderr
    assert said in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_that_convert_at_once_leave_one_whole_folder(tmp_path: Path) -> None:
    code = "from trainer import base_model; print(base_model.default_folder())"
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
    assert base_model.load(folder, "float32").tokenizer.chat_template
