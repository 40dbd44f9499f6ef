"""Reads and checks the folder that `prepare` wrote, for training.

Reads train.jsonl, validation.jsonl, posts.jsonl and dataset.json; writes nothing.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bot.voice import Message, Prompt, Voice, VoicePost
from trainer.errors import DataError

ABOUT_FILE = "dataset.json"
MINIMUM_POSTS = 40  # with fewer, the model repeats the few it has seen, at every setting tried


@dataclass(frozen=True, slots=True)
class Example:
    """One training row: the request to the author, and the post that answers it."""

    prompt: list[Message]
    completion: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The data that one voice learns from."""

    train: list[Example]
    validation: list[Example]
    posts: list[VoicePost]  # the posts of `train`, oldest first
    held_out: list[VoicePost]  # those of `validation`
    prompt: Prompt
    sha256: str  # of train.jsonl and validation.jsonl
    seed: int  # what `prepare` was told
    folder: Path  # where all of it came from: a provider takes its files as they are


def load(folder: Path) -> Dataset:
    """Read a prepared folder. Raises DataError that names the file and line at fault."""
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}. Write one with"
            f" `python -m trainer prepare ARCHIVE --out {folder}`."
        )
    files = [folder / "train.jsonl", folder / "validation.jsonl"]
    train, validation = ([_example(*row) for row in _rows(file)] for file in files)
    if (found := len(train) + len(validation)) < MINIMUM_POSTS or not train:
        raise DataError(
            f"{folder} holds {found} posts ({len(train)} to train on), and a voice needs at least"
            f" {MINIMUM_POSTS}. Prepare a larger archive, or keep more with --with-replies."
        )
    prompt, seed = _about(folder / ABOUT_FILE)
    sides: dict[str, list[VoicePost]] = {"train": [], "validation": []}
    for row, where in _rows(folder / "posts.jsonl"):
        if (side := row.get("split")) in sides:
            sides[side].append(_post(row, where))
    return Dataset(
        train=train,
        validation=validation,
        posts=sides["train"],
        held_out=sides["validation"],
        prompt=prompt,
        sha256=hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest(),
        seed=seed,
        folder=folder,
    )


def load_own(folder: Path, voice: Voice) -> Dataset:
    """Read the folder that a voice learnt from. Raises DataError, also for another folder."""
    data = load(folder)
    if data.sha256 != voice.data_sha256:
        raise DataError(
            f"The voice {voice.name} did not learn from {folder}, or that was prepared anew since:"
            " it may have seen posts that are held out there. Name the folder it learnt from, or"
            " train it again."
        )
    return data


Row = tuple[dict[str, Any], str]  # a JSON object, and its place, for whoever must mend it


def _rows(file: Path) -> Iterator[Row]:
    for number, line in enumerate(_read(file).splitlines(), start=1):
        where = f"{file}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as e:
            raise _damaged(where, "is not JSON") from e
        if not isinstance(row, dict):
            raise _damaged(where, "is not a JSON object")
        yield row, where


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as e:
        raise DataError(
            f"{file} cannot be read ({e.strerror}). Run `python -m trainer prepare` again."
        ) from e


def _damaged(where: str, what: str) -> DataError:
    return DataError(f"{where}: {what}. Run `python -m trainer prepare` again, or mend it.")


def _example(row: dict[str, Any], where: str) -> Example:
    messages = row.get("messages")
    if not (isinstance(messages, list) and all(_is_message(m) for m in messages)):
        raise _damaged(where, '\'messages\' is not a list of {"role", "content"}')
    if [m["role"] for m in messages] != ["system", "user", "assistant"]:
        raise _damaged(where, "'messages' are not system, user and assistant in this order")
    if not messages[-1]["content"].strip():
        raise _damaged(where, "the assistant's message is empty")
    return Example(messages[:-1], messages[-1]["content"])


def _is_message(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(k), str) for k in _MESSAGE_KEYS)


_MESSAGE_KEYS = ("role", "content")


def _post(row: dict[str, Any], where: str) -> VoicePost:
    try:
        topics = tuple(str(topic["text"]) for topic in row["topics"])
        return VoicePost(row["created_at"], str(row["text"]), topics)
    except (KeyError, TypeError) as e:
        raise _damaged(where, f"field {e} is missing or not what it should be") from e


def _about(file: Path) -> tuple[Prompt, int]:
    """Seed and the template of the examples; without that the voice would be asked wrongly."""
    try:
        about = json.loads(_read(file))
        prompt = Prompt(**{field.name: about["prompt"][field.name] for field in fields(Prompt)})
        return prompt, int(about["seed"])
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged(str(file), "the prompt template or the seed is missing or damaged") from e
