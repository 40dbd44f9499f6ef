"""Writes and reads the folder of training data: its files and their rows.

DATA/posts.jsonl       every kept post, oldest first, with its topics and its `split`: train,
                       validation, or left_out for what would leak from one to the other
DATA/train.jsonl, validation.jsonl   chat fine-tuning format; row i of train.jsonl is the i-th post
                       with split "train"
DATA/dropped.jsonl     id and reason of every post that is not learnt from; `because` is the post
                       it gave way to
DATA/dataset.json      counts, options, prompt, checksum
`prepare`, `feedback` and `import-openai` write it. Training, judging and the report read it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bot.voice import Message, Prompt, PromptParts
from trainer.errors import DataError

DATA_SCHEMA = 1
ABOUT_FILE = "dataset.json"
POST_ROWS_FILE = "posts.jsonl"
TRAIN_FILE = "train.jsonl"
VALIDATION_FILE = "validation.jsonl"
DROPPED_FILE = "dropped.jsonl"
FILES = frozenset((ABOUT_FILE, POST_ROWS_FILE, TRAIN_FILE, VALIDATION_FILE, DROPPED_FILE))
PREPARE_AGAIN = "Run `python -m trainer prepare` again"

_R = TypeVar("_R", bound=Struct)
JsonObject = dict[str, Any]  # an object for people; no code reads its fields


class TopicRow(Struct, frozen=True):
    """A topic of a post, and the layer that found it."""

    text: str
    source: str


class PostRow(Struct, frozen=True, kw_only=True):
    """A row of posts.jsonl."""

    id: str = ""
    created_at: str | None  # ISO 8601, or None if the archive did not say
    text: str
    kind: str = "original"
    topics: list[TopicRow]
    split: str  # train, validation or left_out


class DroppedRow(Struct, frozen=True):
    """A row of dropped.jsonl."""

    id: str
    reason: str
    because: str | UnsetType = UNSET


class Example(Struct, frozen=True):
    """One training row: the request to the author, and the post that answers it."""

    prompt: list[Message]
    completion: str

    @classmethod
    def of(cls, prompt: Prompt, parts: PromptParts, text: str) -> "Example":
        """Build the row in which the post answers these parts, prompted like the finished voice."""
        return cls(prompt.messages(parts), text)

    def line(self) -> bytes:
        """Render the row in the chat format that every provider reads."""
        answer: Message = {"role": "assistant", "content": self.completion}
        return to_line({"messages": [*self.prompt, answer]})


class Counts(Struct, frozen=True):
    """Counts of posts. read = kept + dropped; kept = train + validation + left_out."""

    read: int
    kept: int
    train: int
    validation: int
    left_out: dict[str, int]
    dropped: dict[str, int]


class About(Struct, frozen=True, kw_only=True):
    """dataset.json. Some writers, and old versions, leave out fields that have a default."""

    schema: int = DATA_SCHEMA
    created_at: str = ""  # ISO 8601, UTC
    sources: list[JsonObject] = []  # {"kind": ..., "read": ...}
    dates: JsonObject = {}  # {"first": ..., "last": ...}
    counts: Counts | None = None
    topics: JsonObject | UnsetType = UNSET
    personal_data: JsonObject | UnsetType = UNSET
    ner: JsonObject | UnsetType | None = UNSET  # None without a recogniser
    preferences: dict[str, int] | UnsetType = UNSET  # pairs by their origin
    prompt: dict[str, str]
    sha256: str = ""  # from `checksum`
    seed: int
    options: JsonObject | UnsetType = UNSET
    warnings: list[str] = []


class Lines(NamedTuple):
    """The lines of one post: in posts.jsonl, and in the file of its side."""

    side: str
    post: bytes
    example: bytes


class _Mark(Struct):
    schema: Any
    counts: Any


class _Message(Struct):
    role: str
    content: str


class _ExampleRow(Struct):
    messages: list[_Message]


def to_line(row: object) -> bytes:
    """Encode a row of any of the files."""
    return msgspec.json.encode(row) + b"\n"


def write_posts(folder: Path, posts: Iterable[Lines]) -> None:
    """Write posts.jsonl, train.jsonl and validation.jsonl, a post after the other."""
    with (
        (folder / POST_ROWS_FILE).open("wb") as all_posts,
        (folder / TRAIN_FILE).open("wb") as train,
        (folder / VALIDATION_FILE).open("wb") as validation,
    ):
        examples = {"train": train, "validation": validation}
        for side, post, example in posts:
            all_posts.write(post)
            if side in examples:
                examples[side].write(example)


def write_dropped(folder: Path, rows: Iterable[DroppedRow]) -> None:
    """Write dropped.jsonl."""
    with (folder / DROPPED_FILE).open("wb") as file:
        file.writelines(map(to_line, rows))


def write_about(folder: Path, about: About) -> None:
    """Write dataset.json last: it takes the checksum of the files beside it."""
    whole = msgspec.structs.replace(about, sha256=checksum(folder))
    text = msgspec.json.format(msgspec.json.encode(whole), indent=2)
    (folder / ABOUT_FILE).write_bytes(text + b"\n")


def checksum(folder: Path) -> str:
    """Hash train.jsonl and validation.jsonl (sha256). A voice knows its data by this."""
    digest = hashlib.sha256()
    for name in (TRAIN_FILE, VALIDATION_FILE):
        with (folder / name).open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def read_about(folder: Path, advice: str = PREPARE_AGAIN) -> About:
    """Read dataset.json. Raises DataError that names the field at fault."""
    file = folder / ABOUT_FILE
    try:
        return _decode(file.read_bytes(), About, str(file), advice)
    except OSError as e:
        raise _unreadable(file, e, advice) from e


def is_written(folder: Path) -> bool:
    """Whether these commands wrote dataset.json, even a damaged one: only such is replaced."""
    try:
        msgspec.json.decode((folder / ABOUT_FILE).read_bytes(), type=_Mark)
    except (OSError, ValueError, RecursionError):
        return False
    return True


def data_prompt(folder: Path, about: About) -> Prompt:
    """Return the template of the examples. Raises DataError if one of its parts is missing."""
    try:
        return Prompt(**{field.name: about.prompt[field.name] for field in fields(Prompt)})
    except KeyError as e:
        raise _damaged(str(folder / ABOUT_FILE), f"field 'prompt.{e.args[0]}' is missing") from e


def read_post_rows(folder: Path, holding: bytes = b"") -> Iterator[PostRow]:
    """Yield the rows of posts.jsonl whose lines hold these bytes. Raises DataError."""
    return (row for row, _ in _rows(folder / POST_ROWS_FILE, PostRow, holding))


def read_dropped(folder: Path, holding: bytes = b"") -> Iterator[DroppedRow]:
    """Yield the rows of dropped.jsonl whose lines hold these bytes. Raises DataError."""
    return (row for row, _ in _rows(folder / DROPPED_FILE, DroppedRow, holding))


def read_examples(file: Path) -> list[Example]:
    """Read train.jsonl or validation.jsonl. Raises DataError that names the line."""
    return [_example(row.messages, where) for row, where in _rows(file, _ExampleRow)]


def _example(messages: list[_Message], where: str) -> Example:
    if [m.role for m in messages] != ["system", "user", "assistant"]:
        raise _damaged(where, "'messages' are not system, user and assistant in this order")
    *asked, answer = messages
    if not answer.content.strip():
        raise _damaged(where, "the assistant's message is empty")
    return Example([{"role": m.role, "content": m.content} for m in asked], answer.content)


def _rows(file: Path, kind: type[_R], holding: bytes = b"") -> Iterator[tuple[_R, str]]:
    """Yield each row and its place, for the person who must mend it."""
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if holding in line:
                    where = f"{file}, line {number}"
                    yield _decode(line, kind, where), where
    except OSError as e:
        raise _unreadable(file, e) from e


def _decode(text: bytes, kind: type[_R], where: str, advice: str = PREPARE_AGAIN) -> _R:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as e:
        raise _damaged(where, _fault(str(e)), advice) from e
    except (ValueError, RecursionError) as e:
        raise _damaged(where, "is not JSON", advice) from e


def _fault(said: str) -> str:
    """Translate msgspec's fault into our words; its message ends with the path of the field."""
    found = re.search(r" - at `\$\.?(.+)`", said), re.search(r"required field `(.+?)`", said)
    field = ".".join(match[1] for match in found if match)
    if field.startswith("messages"):
        return '\'messages\' is not a list of {"role", "content"}'
    return (
        f"field '{field}' is missing or not what it should be" if field else "is not a JSON object"
    )


def _damaged(where: str, what: str, advice: str = PREPARE_AGAIN) -> DataError:
    return DataError(f"{where}: {what}. {advice}, or mend it.")


def _unreadable(file: Path, e: OSError, advice: str = PREPARE_AGAIN) -> DataError:
    return DataError(f"{file} cannot be read ({e.strerror}). {advice}.")
