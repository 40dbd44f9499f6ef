"""`import-openai`: the files of an earlier OpenAI fine-tune as data for a local voice.

Reads them from disk, or from the provider as long as it keeps them. Writes a DATA folder like
that of `prepare`: each line is an example, or stands in dropped.jsonl with the reason.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bot.voice import Prompt, PromptParts
from trainer.data.folder import (
    About,
    Counts,
    DroppedRow,
    Example,
    Lines,
    PostRow,
    TopicRow,
    to_line,
    write_about,
    write_dropped,
    write_posts,
)
from trainer.data.near_copies import NearCopies
from trainer.data.split import count_validation
from trainer.data.whole_folder import replacing
from trainer.errors import DataError, ProviderError
from trainer.provider.chat_lines import (
    BadLine,
    Chat,
    Fault,
    read_chats,
    split_topics,
    template_of,
    without_stops,
)
from trainer.provider.client import Missing, Provider

SHARE = 0.2  # of the posts, the last in the file, if there is no validation file


@dataclass(slots=True)
class ImportedLines:
    """What became of every line of a file."""

    name: str  # train or validation
    kept: list[Chat] = field(default_factory=list)
    dropped: list[BadLine] = field(default_factory=list)


def import_openai(
    source: str,
    validation: Path | None,
    out: Path,
    connect: Callable[[], Provider],
    *,
    now: datetime,
    console: Console,
) -> None:
    """Write the data of a job's files, or of files on disk, to `out`, whole or not at all.

    Raises DataError or ProviderError. Connects for a job's id only.
    """
    about: dict[str, Any] = {"kind": "OpenAI fine-tune"}
    with ExitStack() as stack:
        if is_file(source):
            files = [Path(source), *([validation] if validation else [])]
            lines: list[Iterable[bytes]] = [stack.enter_context(_opened(file)) for file in files]
        else:
            lines, found = _download(connect(), source, console)
            about |= found
        accounts = [_read(n, li) for n, li in zip(("train", "validation"), lines, strict=False)]
    train, *rest = accounts
    _refuse_nothing(accounts, source)
    held_out = rest[0] if rest else _hold_out(train)
    _leave_out_copies(train, held_out)
    _write(out, [train, held_out], about, now, console)


def is_file(source: str) -> bool:
    """Whether this names a file. Raises DataError if it looks like a file that is missing."""
    if Path(source).is_file():
        return True
    if Path(source).suffix or "/" in source or Path(source).exists():
        raise DataError(
            f"There is no file {source}. Give the JSONL file that was uploaded for the fine-tune,"
            " or the id of its job, as ftjob-abc123."
        )
    return False


def _opened(file: Path) -> io.BufferedReader:
    try:
        return file.open("rb")
    except OSError as e:
        raise DataError(f"{file} cannot be read ({e.strerror}). Name another file.") from e


def _download(
    provider: Provider, job_id: str, console: Console
) -> tuple[list[Iterable[bytes]], dict[str, Any]]:
    job = provider.job(job_id)
    if not job.training_file:
        raise ProviderError(
            f"The job {job_id} names no training file. Give the JSONL file that you uploaded."
        )
    console.print(
        f"The job {job_id} made {job.fine_tuned_model or 'nothing yet'} of {job.model}.",
        highlight=False,
        markup=False,
    )
    try:
        lines: list[Iterable[bytes]] = [provider.download(job.training_file).splitlines()]
    except Missing as e:
        raise ProviderError(
            f"{provider.host} does not keep the training file {job.training_file} any more."
            " Give the JSONL file that you uploaded instead of the job."
        ) from e
    if job.validation_file:
        try:
            lines.append(provider.download(job.validation_file).splitlines())
        except Missing:
            console.print("The validation file is gone: the last posts of the other validate.")
    return lines, {"job": job_id, "model": job.model, "fine_tuned_model": job.fine_tuned_model}


# --- which lines


def _read(name: str, lines: Iterable[bytes]) -> ImportedLines:
    account = ImportedLines(name)
    seen: set[str] = set()
    for row in read_chats(lines):
        if isinstance(row, BadLine):
            account.dropped.append(row)
        elif row.text in seen:
            account.dropped.append(BadLine(row.line, Fault.DUPLICATE))
        else:
            seen.add(row.text)
            account.kept.append(row)
    account.kept = without_stops(account.kept)
    return account


def _refuse_nothing(accounts: Sequence[ImportedLines], source: str) -> None:
    if accounts[0].kept:
        return
    reasons = Counter(d.reason for d in accounts[0].dropped).most_common(1)
    if not reasons:
        raise DataError(f"{source} holds no lines. Give the file that was uploaded to train on.")
    reason, count = reasons[0]
    raise DataError(
        f"None of the {len(accounts[0].dropped)} lines of {source} can be learnt from: most are"
        f" '{reason}' ({count}). Give a file of chat examples, one JSON object a line."
    )


def _hold_out(train: ImportedLines) -> ImportedLines:
    """Hold out the last posts: a file is mostly in the order of its archive."""
    first = len(train.kept) - count_validation(len(train.kept), SHARE)
    held_out = ImportedLines("train", train.kept[first:])  # its lines are those of the same file
    del train.kept[first:]
    return held_out


def _leave_out_copies(train: ImportedLines, validation: ImportedLines) -> None:
    """Drop training posts that nearly copy one of validation: they would flatter the voice."""
    known = NearCopies([[chat.text for chat in validation.kept]])
    copies = {number for number, _ in known.copied_by([chat.text for chat in train.kept])}
    train.dropped += (BadLine(train.kept[n].line, Fault.NEAR_COPY) for n in sorted(copies))
    train.kept = [chat for number, chat in enumerate(train.kept) if number not in copies]


# --- the folder


def _write(
    out: Path,
    accounts: Sequence[ImportedLines],
    about: dict[str, Any],
    now: datetime,
    console: Console,
) -> None:
    chats = [chat for account in accounts for chat in account.kept]
    prompt, asked = template_of(chats)
    sides = list(zip(("train", "validation"), accounts, strict=True))
    counts, warnings = _counts(dict(sides)), _warnings(chats, prompt)
    with replacing(out.absolute()) as folder:
        write_posts(folder, _lines(prompt, sides, map(split_topics, asked)))
        write_dropped(
            folder,
            (
                DroppedRow(f"{account.name}:{row.line}", row.reason)
                for account in accounts
                for row in account.dropped
            ),
        )
        described = About(
            created_at=now.isoformat(timespec="seconds"),
            sources=[about | {"read": counts.read}],
            dates={"first": None, "last": None},
            counts=counts,
            prompt=asdict(prompt),
            seed=0,
            warnings=warnings,
        )
        write_about(folder, described)
    _print(counts, prompt, warnings, console)


def _lines(
    prompt: Prompt, sides: Iterable[tuple[str, ImportedLines]], topics: Iterator[list[str]]
) -> Iterator[Lines]:
    for side, account in sides:
        for chat in account.kept:
            words = next(topics)
            post = PostRow(
                id=f"{account.name}:{chat.line}",
                created_at=None,
                text=chat.text,
                topics=[TopicRow(word, "import") for word in words],
                split=side,
            )
            example = Example.of(prompt, PromptParts(", ".join(words)), chat.text)
            yield Lines(side, to_line(post), example.line())


def _counts(sides: dict[str, ImportedLines]) -> Counts:
    dropped = Counter(str(d.reason) for account in sides.values() for d in account.dropped)
    kept = {side: len(account.kept) for side, account in sides.items()}
    return Counts(
        read=sum(kept.values()) + dropped.total(),
        kept=sum(kept.values()),
        **kept,
        left_out={},
        dropped=dict(dropped.most_common()),
    )


def _warnings(chats: Sequence[Chat], prompt: Prompt) -> list[str]:
    found = []
    if several := sum(chat.turns > 1 for chat in chats):
        found.append(f"{several} chats have several answers: only the last of each is taken.")
    if len(systems := {chat.system for chat in chats}) > 1:
        found.append(
            f"There are {len(systems)} different system prompts:"
            f" '{prompt.system}' stands for all of them."
        )
    return found


def _print(counts: Counts, prompt: Prompt, warnings: Sequence[str], console: Console) -> None:
    table = Table("lines read", f"{counts.read:,}", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    table.add_row("  train", f"{counts.train:,}")
    table.add_row("  validation", f"{counts.validation:,}")
    for reason, count in counts.dropped.items():
        table.add_row(f"  dropped: {reason}", f"{count:,}")
    console.print(table)
    console.print(f"Prompt: {prompt.system} | {prompt.user}", highlight=False, markup=False)
    for warning in warnings:
        console.print(f"Note: {warning}", highlight=False, markup=False)
