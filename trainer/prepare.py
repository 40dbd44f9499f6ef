"""`prepare`: from an archive of posts to training data.

Reads the archive once and writes DATA: posts.jsonl (every kept post, oldest first, with its
topics; `split` says where it went: train, validation, or left_out for what would leak from one to
the other; row i of train.jsonl is the i-th post with split "train"), train.jsonl and
validation.jsonl (chat fine-tuning format), and dataset.json (counts, options, prompt, checksum).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Set
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from bot.voice import Prompt
from trainer.archives import Archive, Tally, open_archive, read_posts
from trainer.clean import OWN, Reason
from trainer.errors import ArchiveError, DataError
from trainer.examples import to_example
from trainer.post import Kind
from trainer.staging import Kept, Staging
from trainer.summary import EXAMPLES, Summary, print_summary, progress_bar
from trainer.target import replacing
from trainer.topics import SAMPLE, Topic, find_topics, learn_habits
from trainer.tweetnlp import DEFAULT_MODEL, Recogniser

SCHEMA = 1
PROMPT = Prompt()
STEP = 500  # posts between two updates of the bar


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides."""

    ner: str | None = None  # tweetnlp[:MODEL_OR_DIRECTORY]
    validation: float = 0.2
    seed: int = 0  # nothing here is random; the training takes it from dataset.json
    with_replies: bool = False
    with_quotes: bool = False

    @property
    def kinds(self) -> Set[Kind]:
        """The kinds of posts that are learnt from."""
        replies: set[Kind] = {"reply"} if self.with_replies else set()
        quotes: set[Kind] = {"quote"} if self.with_quotes else set()
        return OWN | replies | quotes


def prepare(
    source: Path,
    out: Path,
    options: Options,
    *,
    now: datetime,
    prompt: Prompt = PROMPT,
    stdout: Console | None = None,
) -> Summary:
    """Write the training data of the archive `source` to the folder `out`, whole or not at all.

    Raises ArchiveError, DataError or ModelError.
    """
    out = out.absolute()
    tally = Tally()
    with ExitStack() as stack:
        archive = open_archive(source, tally)
        folder = stack.enter_context(replacing(out))
        recogniser = _recogniser(options.ner, out, stack)
        bar = stack.enter_context(progress_bar(Console(stderr=True)))
        staging = stack.enter_context(closing(Staging(folder / "staging.db", options.kinds)))
        _stage(staging, archive, source, tally, bar)
        summary = _settle(staging, tally, source)
        staging.split(options.validation)
        if recogniser:
            _recognise(staging, recogniser, summary, bar)
        dates = _write_posts(folder, staging, recogniser, prompt, summary, bar)
        staging.delete()
        about = {
            "schema": SCHEMA,
            "created_at": now.isoformat(timespec="seconds"),
            "source": archive.kind,
            "dates": dates,
            "counts": _counts(summary),
            "topics": {"posts_with": summary.with_source, "posts_without": summary.without_topic},
            "ner": summary.names,
            "prompt": asdict(prompt),
            "sha256": _sha256(folder / "train.jsonl", folder / "validation.jsonl"),
            "seed": options.seed,
            "options": {k: v for k, v in asdict(options).items() if k not in ("ner", "seed")},
            "warnings": list(summary.warnings),
        }
        text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        (folder / "dataset.json").write_text(text, "utf-8")
    print_summary(stdout or Console(), summary)
    return summary


def _recogniser(ner: str | None, out: Path, stack: ExitStack) -> Recogniser | None:
    if ner is None:
        return None
    name, _, model = ner.partition(":")
    if name != "tweetnlp":
        raise DataError(
            f"--ner {ner} is unknown: give tweetnlp, tweetnlp:MODEL or tweetnlp:FOLDER."
        )
    # Beside the data and not in it: what took hours to find outlives a run that was stopped.
    recogniser = Recogniser(model or DEFAULT_MODEL, out.with_name(f".{out.name}.ner-cache.db"))
    stack.callback(recogniser.close)
    return recogniser


def _stage(staging: Staging, archive: Archive, source: Path, tally: Tally, bar: Progress) -> None:
    task = bar.add_task("Reading", total=tally.total_bytes)
    for _ in staging.add(read_posts(archive, source)):
        bar.update(task, completed=tally.bytes_read)
    bar.update(task, completed=tally.total_bytes)


def _settle(staging: Staging, tally: Tally, source: Path) -> Summary:
    """Know what is kept. Raises ArchiveError if it is nothing."""
    kept = staging.settle()
    dropped = staging.dropped + Counter({Reason.UNREADABLE: tally.unreadable})
    summary = Summary(
        read=staging.read + tally.unreadable,
        dropped={str(reason): count for reason, count in dropped.most_common()},
        warnings=tally.warnings,
    )
    if not summary.read:
        raise ArchiveError(f"{source} holds no posts. Give the archive of an account that posted.")
    if not kept:
        reason, count = dropped.most_common(1)[0]
        raise ArchiveError(
            f"None of the {summary.read} posts in {source} can be learnt from: most are left out"
            f" as '{reason}' ({count}). Replies and quotes come in with --with-replies and"
            " --with-quotes; otherwise give another archive."
        )
    return summary


def _recognise(staging: Staging, recogniser: Recogniser, summary: Summary, bar: Progress) -> None:
    task = bar.add_task("Names (tweetnlp)", total=staging.count())
    for done in recogniser.learn(post.text for post in staging.kept()):
        bar.update(task, completed=done)
    summary.names = {"asked": recogniser.asked, "cached": recogniser.cached}


def _write_posts(
    folder: Path,
    staging: Staging,
    recogniser: Recogniser | None,
    prompt: Prompt,
    summary: Summary,
    bar: Progress,
) -> dict[str, str | None]:
    """Write every kept post with its topics and count them; returns the first and last date."""
    task = bar.add_task("Topics and writing", total=staging.count())
    habits = learn_habits(staging.texts(SAMPLE))
    sides, sources = Counter[str](), Counter[str]()  # source "" counts posts without a topic
    dates: dict[str, str | None] = {"first": None, "last": None}
    with (
        (folder / "posts.jsonl").open("wb") as posts,
        (folder / "train.jsonl").open("wb") as train,
        (folder / "validation.jsonl").open("wb") as validation,
    ):
        examples = {"train": train, "validation": validation}
        for post in staging.kept():
            names = recogniser.cached_names(post.text) if recogniser else None
            topics = find_topics(post.text, post.tags, names or (), habits)
            asked = [topic.text for topic in topics]
            posts.write(_line(_post_row(post, topics)))
            if post.side in examples:
                examples[post.side].write(_line(to_example(prompt, asked, post.text)))
            sides[post.side] += 1
            sources.update({str(topic.source) for topic in topics} or {""})
            dates = {"first": dates["first"] or post.created_at, "last": post.created_at}
            if post.side == "train" and len(summary.examples) < EXAMPLES:
                summary.examples.append(
                    (prompt.messages(", ".join(asked))[-1]["content"], post.text)
                )
            if post.row % STEP == 0:
                bar.update(task, completed=post.row)
    summary.without_topic = sources.pop("", 0)
    summary.with_source = dict(sources.most_common())
    summary.sides, summary.left_out = dict(sides), dict(+staging.left_out)
    return dates


def _post_row(post: Kept, topics: list[Topic]) -> dict[str, object]:
    return {
        "id": post.id,
        "created_at": post.created_at,
        "text": post.text,
        "kind": post.kind,
        "topics": [{"text": t.text, "source": t.source} for t in topics],
        "split": post.side,
    }


def _line(row: object) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _counts(summary: Summary) -> dict[str, object]:
    """`read` is `kept` and all of `dropped`; `kept` is train, validation and all of `left_out`."""
    return {
        "read": summary.read,
        "kept": summary.kept,
        "train": summary.sides.get("train", 0),
        "validation": summary.sides.get("validation", 0),
        "left_out": summary.left_out,
        "dropped": summary.dropped,
    }


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
