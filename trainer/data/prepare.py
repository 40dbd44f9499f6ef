"""`prepare`: from archives of posts to training data.

Reads each archive once and writes DATA (folder.py says which files), and beside them others.bin:
hashes of other people's posts, if the archive holds any.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from msgspec import UNSET
from rich.console import Console
from rich.progress import Progress

from bot.voice import Prompt
from bot.voice.notes import Wording
from bot.voice.others import Others
from trainer.archives import Archive, Tally, note_others, open_archives, posts_of
from trainer.data.clean import LEFT_OUT, Reason
from trainer.data.explain import advice
from trainer.data.folder import (
    About,
    Counts,
    DroppedRow,
    Lines,
    write_about,
    write_dropped,
    write_posts,
)
from trainer.data.options import PrepareOptions
from trainer.data.own_drafts import OwnDrafts
from trainer.data.rows import NamedPost, Renderer, write_rows
from trainer.data.sift import PersonalData
from trainer.data.staged_split import choose_sides
from trainer.data.staging import Staging
from trainer.data.summary import EXAMPLES, Summary, print_summary, progress_bar
from trainer.data.topics import SAMPLE, learn_habits
from trainer.data.tweetnlp import DEFAULT_RECOGNISER, Recogniser
from trainer.data.whole_folder import replacing
from trainer.errors import ArchiveError, DataError, NoPostsError

PROMPT = Prompt()
_STEP = 500  # posts between two updates of the bar
IN_OPTIONS = ("ner", "seed")  # these stand in dataset.json by themselves


@dataclass(slots=True)
class Source:
    """One archive, its reader's tally, and its name within the path that was given."""

    path: Path
    name: str
    archive: Archive
    tally: Tally
    posts: int = 0


def prepare(
    sources: Sequence[Path],
    out: Path,
    options: PrepareOptions,
    *,
    now: datetime,
    db: Path | None = None,
    encoding: str | None = None,
    prompt: Prompt = PROMPT,
    stdout: Console | None = None,
) -> Summary:
    """Write the training data of the archives `sources` to the folder `out`, whole or not at all.

    `db` is the bot's database: the bot's own posts are left out. `encoding` is that of plain files
    that are not UTF-8. Raises ArchiveError, DataError or ModelError.
    """
    out = out.absolute()
    own_drafts = OwnDrafts.load(db) if db else OwnDrafts()
    opened, without_posts = _open_all(sources, encoding)
    with ExitStack() as stack:
        folder = stack.enter_context(replacing(out))
        recogniser = _recogniser(options.ner, out, stack)
        bar = stack.enter_context(progress_bar(Console(stderr=True)))
        staging = stack.enter_context(closing(Staging(folder / "staging.db", options, own_drafts)))
        _stage(staging, opened, bar).save(folder)
        _settle(staging, opened, options, bar)
        summary = Summary(read=staging.read, personal=staging.personal)
        summary.drafted = len(own_drafts.texts) if db else None
        if recogniser:
            _recognise(staging, recogniser, summary, bar)
        dates = _write_posts(folder, staging, recogniser, prompt, summary, bar)
        _account(folder, staging, summary)
        summary.warnings = [*without_posts, *_warnings(staging, opened, now)]
        staging.delete()
        write_about(folder, _about(opened, options, prompt, summary, dates, now))
    print_summary(stdout or Console(), summary, options)
    return summary


def _about(
    opened: Sequence[Source],
    options: PrepareOptions,
    prompt: Prompt,
    summary: Summary,
    dates: dict[str, str | None],
    now: datetime,
) -> About:
    """What dataset.json says of this run."""
    return About(
        created_at=now.isoformat(timespec="seconds"),
        sources=[{"kind": s.archive.kind, "read": s.posts} for s in opened],
        dates=dates,
        counts=_counts(summary),
        topics={"posts_with": summary.with_source, "posts_without": summary.without_topic},
        personal_data=_found(summary.personal),
        ner=dict(summary.names) if summary.names else None,
        prompt=asdict(prompt),
        seed=options.seed,
        options={k: v for k, v in asdict(options).items() if k not in IN_OPTIONS},
        warnings=list(summary.warnings),
    )


def _open_all(paths: Sequence[Path], encoding: str | None) -> tuple[list[Source], list[str]]:
    """All archives at these paths, and what to say of a part of an export that holds no posts."""
    opened, without_posts = list[Source](), dict[str, NoPostsError]()
    for path in paths:
        try:
            found = open_archives(path, encoding)
        except NoPostsError as e:
            without_posts[path.name] = e
            continue
        opened += (Source(path, name, archive, tally) for archive, tally, name in found)
    if not opened:
        raise next(iter(without_posts.values()))
    return opened, [f"{name} holds no posts." for name in without_posts]


def _recogniser(ner: str | None, out: Path, stack: ExitStack) -> Recogniser | None:
    if ner is None:
        return None
    name, _, model = ner.partition(":")
    if name != "tweetnlp":
        raise DataError(
            f"--ner {ner} is unknown: give tweetnlp, tweetnlp:MODEL or tweetnlp:FOLDER."
        )
    # Beside the data and not in it, so that hours of work outlive a run that was stopped.
    recogniser = Recogniser(model or DEFAULT_RECOGNISER, out.with_name(f".{out.name}.ner-cache.db"))
    stack.callback(recogniser.close)
    return recogniser


def _stage(staging: Staging, sources: Sequence[Source], bar: Progress) -> Others:
    """Read every archive; returns the hashes of other people's posts."""
    others = Others()
    task = bar.add_task("Reading", total=sum(s.tally.total_bytes for s in sources))
    for number, source in enumerate(sources, 1):
        before = staging.read
        posts = note_others(posts_of(source.archive, source.path), others)
        for _ in staging.add(posts, source.archive.kind, number):
            bar.update(task, completed=sum(s.tally.bytes_read for s in sources))
        source.posts = staging.read - before
        if not source.posts:
            source.tally.warnings.append(f"{source.name} holds no posts.")
        bar.update(task, completed=sum(s.tally.bytes_read for s in sources))
    if not staging.read:
        raise ArchiveError(
            f"{_named(sources)} holds no posts. Give the archive of an account that posted."
        )
    bar.update(task, completed=bar.tasks[task].total)
    return others


def _named(sources: Sequence[Source]) -> str:
    return " and ".join(dict.fromkeys(str(source.path) for source in sources))


def _settle(
    staging: Staging, sources: Sequence[Source], options: PrepareOptions, bar: Progress
) -> None:
    """Decide which posts are kept, and on which side. Raises ArchiveError if none are."""
    task = bar.add_task("Sorting", total=None)
    kept = staging.settle()
    bar.update(task, total=1, completed=1)
    if not kept:
        reason, count = staging.main_reason()
        raise ArchiveError(
            f"None of the {staging.read} posts in {_named(sources)} can be learnt from: most are"
            f" left out as '{reason}' ({count}). {advice(reason)}"
        )
    task = bar.add_task("Comparing", total=kept)
    for done in choose_sides(staging.db, kept, options.validation):
        bar.update(task, completed=done)
    bar.update(task, completed=kept)


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
    count = staging.count()
    task = bar.add_task("Topics and writing", total=count)
    wording = Wording.of(staging.texts(SAMPLE))
    renderer = Renderer(prompt, learn_habits(staging.texts(SAMPLE), wording.languages), wording)
    sides, sources = Counter[str](), Counter[str]()  # source "" counts posts without a topic
    dates: dict[str, str | None] = {"first": None, "last": None}

    def counted() -> Iterator[Lines]:
        nonlocal dates
        for row in write_rows(_with_names(staging, recogniser), renderer, count):
            post = row.post
            yield Lines(post.side, row.line, row.example)
            sides[post.side] += 1
            sources.update(row.sources or {""})
            dates = {"first": dates["first"] or post.created_at, "last": post.created_at}
            if post.side == "train" and len(summary.examples) < EXAMPLES:
                asked = prompt.messages(row.asked)[-1]["content"].replace("\n", " · ")
                summary.examples.append((asked, post.text))
            if post.row % _STEP == 0:
                bar.update(task, completed=post.row)

    write_posts(folder, counted())
    summary.without_topic = sources.pop("", 0)
    summary.with_source = dict(sources.most_common())
    summary.sides = dict(sides)
    return dates


def _with_names(staging: Staging, recogniser: Recogniser | None) -> Iterator[NamedPost]:
    for post in staging.kept():
        yield post, (recogniser.cached_names(post.text) if recogniser else None) or ()


def _account(folder: Path, staging: Staging, summary: Summary) -> None:
    """Write the reason for every post that is not learnt from; none may be missing."""
    counts = Counter[Reason]()

    def counted() -> Iterator[DroppedRow]:
        for post in staging.dropped():
            counts[post.reason] += 1
            because = UNSET if post.because is None else post.because
            yield DroppedRow(post.id, str(post.reason), because)

    write_dropped(folder, counted())
    summary.left_out = {str(r): counts.pop(r) for r in LEFT_OUT if r in counts}
    summary.dropped = {str(reason): count for reason, count in counts.most_common()}
    assert summary.read == summary.kept + counts.total(), "a post is missing in the account"
    assert summary.sides.get("left_out", 0) == sum(summary.left_out.values())


def _warnings(staging: Staging, sources: Sequence[Source], now: datetime) -> list[str]:
    several = len(sources) > 1
    warnings = [
        f"{source.name}: {warning}" if several else warning
        for source in sources
        for warning in source.tally.warnings
    ]
    undated = staging.count_undated()
    if undated == staging.count():
        warnings.append("No post has a date: the last ones of the file are taken for the newest.")
    elif undated:
        warnings.append(f"{undated} posts have no date: they are taken for the oldest.")
    for when, count, example in staging.odd_dates(now):
        warnings.append(
            f"{count} posts are dated {when}, such as {example}: if that is wrong, the order of the"
            " posts is wrong too."
        )
    return warnings


def _found(personal: PersonalData) -> dict[str, object]:
    """Personal data by kind, with a few shortened examples."""
    return {
        "posts": personal.posts,
        "found": dict(personal.found.most_common()),
        "examples": personal.examples,
    }


def _counts(summary: Summary) -> Counts:
    return Counts(
        read=summary.read,
        kept=summary.kept,
        train=summary.sides.get("train", 0),
        validation=summary.sides.get("validation", 0),
        left_out=summary.left_out,
        dropped=summary.dropped,
    )
