"""Finding, checking, converting and loading the base model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.voice import Prompt, PromptParts
from bot.voice.weights import GGUF_FILE, GGUF_SHA256, PACKAGE
from tests.fakes.tiny_llama import write_tiny_model
from trainer.errors import ModelError
from trainer.training import base_model


def test_the_default_loads_with_its_own_chat_template() -> None:
    base = base_model.load_base(base_model.DEFAULT, "float32")
    assert base.sha256 == GGUF_SHA256
    assert base.model.num_parameters() == 134_515_008
    rendered = base.tokenizer.apply_chat_template(
        Prompt().messages(PromptParts("fog")), tokenize=False, add_generation_prompt=True
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


HUB = """
import os, sys
from pathlib import Path
from tests.fakes.hub import hub

def load(name):
    from trainer.training import base_model
    from trainer.errors import ModelError
    try:
        print("loaded", base_model.load_base(name, "float32").name)
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
