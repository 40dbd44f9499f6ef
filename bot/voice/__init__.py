"""A voice: the folder that the trainer writes and the bot mounts read-only.

<name>/voice.json              data about the voice, written last: it exists once all is there
<name>/posts.jsonl             the posts it learnt from: topics, and texts that must not be copied
<name>/held-out.jsonl          newer posts it has not seen, which judge it
<name>/adapter/, adapter.gguf  the LoRA weights of a local voice
<name>/chat_template.jinja     how its base is asked, where the base itself does not say
Standard library only: the trainer renders its examples with the same `Prompt` that serves them.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bot.errors import VoiceError
from bot.voice.files import write_whole
from bot.voice.prompt import Message, Prompt, PromptParts

__all__ = [
    "HELD_OUT_FILE",
    "POSTS_FILE",
    "SCHEMA",
    "TEMPLATE_FILE",
    "VOICE_NAME",
    "Base",
    "Message",
    "Prompt",
    "PromptParts",
    "Sampling",
    "Voice",
    "VoiceError",
    "VoicePost",
    "list_voices",
    "load_posts",
    "read_posts",
    "save_posts",
]

SCHEMA = 1
VOICE_FILE = "voice.json"
POSTS_FILE = "posts.jsonl"
HELD_OUT_FILE = "held-out.jsonl"
TEMPLATE_FILE = "chat_template.jinja"
VOICE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # a folder's, and an option's in Discord


@dataclass(frozen=True, slots=True)
class Sampling:
    """How candidates are drawn. `min_p` is sent only to servers of local voices."""

    temperature: float = 1.0
    min_p: float = 0.005  # with more, posts end too early, after a sentence (experiments/LOG.md)
    max_tokens: int = 160

    def colder(self) -> "Sampling":
        """For requests that say what the text is to say: the likelier words are the truer ones."""
        return replace(self, temperature=min(self.temperature, 0.8), min_p=max(self.min_p, 0.1))


@dataclass(frozen=True, slots=True)
class Base:
    """The base model a voice continues; `sha256` is that of its GGUF weights, if they are local."""

    name: str
    sha256: str | None
    terms: str | None = None  # those that it hands on to every voice, and where they stand


@dataclass(frozen=True, slots=True)
class VoicePost:
    """One post the voice learnt from."""

    created_at: str | None  # ISO 8601, or None if the archive did not say
    text: str
    topics: tuple[str, ...]

    @property
    def topic(self) -> str | None:
        """The first topic: people request one."""
        return self.topics[0] if self.topics else None


@dataclass(frozen=True, slots=True)
class Voice:
    """One trained persona, as `voice.json` describes it. No key, URL or person's id is in it."""

    schema: int
    name: str
    backend: Literal["local", "openai"]
    model: str  # the provider's id, or the adapter's path relative to voice.json
    base: Base
    prompt: Prompt
    sampling: Sampling
    counts: dict[str, int]  # examples: {"train", "validation"}; "notes": of "train", with notes
    data_sha256: str
    metrics: dict[str, float]
    seed: int
    created_at: str  # ISO 8601, UTC

    @property
    def knows_notes(self) -> bool:
        """Whether it learnt to write from notes; voices trained before 0.3 did not."""
        return self.counts.get("notes", 0) > 0

    def colder(self) -> "Voice":
        """The same voice for notes, if it is a local one: what others need was not measured."""
        return replace(self, sampling=self.sampling.colder()) if self.backend == "local" else self

    def messages(self, parts: PromptParts) -> list[Message]:
        """Chat messages that request a post from this voice."""
        return self.prompt.messages(parts)

    def save(self, folder: Path) -> None:
        """Write voice.json, whole or not at all: call this last."""
        data = asdict(self)
        if self.base.terms is None:  # so that programs of before read it
            del data["base"]["terms"]
        text = json.dumps(data, indent=2, ensure_ascii=False)
        write_whole(folder / VOICE_FILE, text + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Voice":
        """Read and check voice.json. Raises VoiceError that names the file and the field."""
        file = folder / VOICE_FILE
        try:
            data = json.loads(file.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError) as e:
            raise VoiceError(_missing(folder)) from e
        except (OSError, ValueError) as e:
            raise _unreadable(file, e) from e
        if isinstance(data, dict) and data.get("schema") != SCHEMA:
            raise VoiceError(
                f"{file}: field 'schema' is {data.get('schema')!r}, not {SCHEMA}."
                " Train the voice again with this version."
            )
        voice: Voice = _read(cls, data, file, "")
        if voice.name != folder.name:  # rights are by name
            raise VoiceError(
                f"{file}: this is the voice {voice.name}, in a folder named {folder.name}."
                f" Name the folder {voice.name} again."
            )
        if voice.backend == "local" and not (folder / voice.model).exists():
            raise VoiceError(
                f"{file}: field 'model' names {voice.model}, which is not in the folder."
                " Train the voice again, or copy the whole folder."
            )
        return voice


def load_posts(folder: Path, name: str = POSTS_FILE) -> list[VoicePost]:
    """Posts the voice learnt from, oldest first. Raises VoiceError if the file is damaged."""
    return list(read_posts(folder, name))


def read_posts(folder: Path, name: str = POSTS_FILE) -> Iterator[VoicePost]:
    """The same, one by one, for archives of any size."""
    file = folder / name
    try:
        with file.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                yield VoicePost(row["created_at"], row["text"], tuple(row["topics"]))
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise _unreadable(file, e) from e


def save_posts(folder: Path, posts: Iterable[VoicePost], name: str = POSTS_FILE) -> None:
    """Write the posts a voice learnt from, one JSON object a line."""
    with (folder / name).open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(asdict(p), ensure_ascii=False) + "\n" for p in posts)


def list_voices(folder: Path) -> list[str]:
    """Names of the complete voices in a voices folder, sorted; empty if there is no folder.

    Raises VoiceError if the folder cannot be read. A voice that cannot is listed: its use says why.
    """
    try:
        return sorted(place.name for place in folder.iterdir() if _is_voice(place))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as e:
        raise _unreadable(folder, e) from e


def _is_voice(place: Path) -> bool:
    try:
        return (place / VOICE_FILE).is_file()
    except PermissionError:
        return bool(VOICE_NAME.fullmatch(place.name))  # not lost+found, root's on many a disk


def _missing(folder: Path) -> str:
    if (folder.parent / f".{folder.name}.training").is_dir():
        return (
            f"The training of {folder.name} is not finished. Run the same"
            " `python -m trainer train` command again: it goes on where it was."
        )
    return (
        f"There is no voice at {folder}: {VOICE_FILE} is missing. Train one with"
        f" `python -m trainer train DATA --voice {folder.name}`, or name the right folder."
    )


def _unreadable(place: Path, error: Exception) -> VoiceError:
    if isinstance(error, PermissionError):
        return VoiceError(
            f"{place} cannot be read ({error.strerror}). Give the user that this runs as (its"
            f" number is {os.geteuid()}) the right to read the whole folder of the voices."
        )
    return VoiceError(f"{place} cannot be read ({error}). Train the voice again.")


def _read(kind: Any, value: Any, file: Path, path: str) -> Any:  # Any: JSON in, a checked value out
    """Check `value` against a type annotation and build it; the annotation is the schema."""
    wrong = VoiceError(f"{file}: field '{path}' is not what it should be. Train the voice again.")
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, Mapping):
            raise wrong
        hints, names = get_type_hints(kind), {f.name for f in fields(kind)}
        optional = {f.name for f in fields(kind) if f.default is None}  # they came later
        dot = f"{path}." if path else ""
        for name in sorted(names - value.keys() - optional):
            raise VoiceError(f"{file}: field '{dot}{name}' is missing. Train the voice again.")
        for name in sorted(value.keys() - names):
            raise VoiceError(f"{file}: field '{dot}{name}' is unknown. Is the bot too old for it?")
        return kind(**{n: _read(hints[n], value[n], file, dot + n) for n in names & value.keys()})
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in args:
            raise wrong
        return value
    if origin in (Union, UnionType):
        return None if value is None else _read(args[0], value, file, path)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise wrong
        return {str(k): _read(args[1], v, file, f"{path}.{k}") for k, v in value.items()}
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):
        raise wrong
    return value
