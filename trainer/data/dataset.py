"""The data that one voice learns from: a folder of `prepare`, read and checked."""

from dataclasses import dataclass
from pathlib import Path

from bot.voice import Prompt, Voice, VoicePost
from trainer.data.folder import (
    TRAIN_FILE,
    VALIDATION_FILE,
    Example,
    PostRow,
    checksum,
    data_prompt,
    read_about,
    read_examples,
    read_post_rows,
)
from trainer.errors import DataError

MINIMUM_POSTS = 40  # with fewer, the model repeats the few it has seen, at every setting tried


@dataclass(frozen=True, slots=True)
class Dataset:
    """The data that one voice learns from."""

    train: list[Example]
    validation: list[Example]
    posts: list[VoicePost]  # the posts of `train`, oldest first
    held_out: list[VoicePost]  # those of `validation`
    prompt: Prompt
    sha256: str  # of train.jsonl and validation.jsonl
    seed: int  # from `prepare`
    folder: Path  # where all of it came from: a provider takes its files as they are


def load(folder: Path) -> Dataset:
    """Read a prepared folder. Raises DataError that names the file and line at fault."""
    if not folder.is_dir():
        raise DataError(
            f"There is no folder {folder}. Write one with"
            f" `python -m trainer prepare ARCHIVE --out {folder}`."
        )
    train, validation = (read_examples(folder / name) for name in (TRAIN_FILE, VALIDATION_FILE))
    if (found := len(train) + len(validation)) < MINIMUM_POSTS or not train:
        raise DataError(
            f"{folder} holds {found} posts ({len(train)} to train on), and a voice needs at least"
            f" {MINIMUM_POSTS}. Prepare a larger archive, or keep more with --with-replies."
        )
    about = read_about(folder)
    sides: dict[str, list[VoicePost]] = {"train": [], "validation": []}
    for row in read_post_rows(folder):
        if row.split in sides:
            sides[row.split].append(voice_post(row))
    return Dataset(
        train=train,
        validation=validation,
        posts=sides["train"],
        held_out=sides["validation"],
        prompt=data_prompt(folder, about),
        sha256=checksum(folder),
        seed=about.seed,
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


def voice_post(row: PostRow) -> VoicePost:
    """Turn a row into the post that a voice keeps."""
    return VoicePost(row.created_at, row.text, tuple(topic.text for topic in row.topics))
