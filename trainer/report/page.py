"""`report`: one page that shows a voice, from the posts it came from to the drafts it writes.

Reads the voice folder (posts, held-out posts, dataset.json, curve.json, evaluation.json), or the
folder of `prepare` for voices that lack some of these, and with `--db` the bot's database. Writes
report.html, which needs no other file or server, and the charts as PNGs in a folder of the same
name beside it.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.console import Console
from rich.progress import Progress

from bot.voice import HELD_OUT_FILE, PromptParts, Voice, VoicePost, read_posts
from bot.voice.echoes import CONCLUSIONS
from bot.voice.files import write_whole
from bot.voice.notes import Wording
from bot.voice.ranker import Ranker
from trainer.data import folder as data_folder
from trainer.data.dataset import voice_post
from trainer.data.folder import ABOUT_FILE, About, read_about
from trainer.data.summary import progress_bar
from trainer.errors import DataError, ServeError
from trainer.judging.evaluation import Verdict
from trainer.report import pictures
from trainer.report.pictures import Picture
from trainer.report.portrait import Portrait, paint
from trainer.report.reception import Reception
from trainer.training.curve import Curve

_DRAFTS = 10
_STEP = 500  # posts between two updates of the bar
NO_DATASET = (
    "This voice does not hold what became of the archive's posts: it was trained before voices"
    " did. Name the folder that `prepare` wrote with --data."
)


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """The options of `report`."""

    data: Path | None = None
    out: Path | None = None  # report.html in the voice's folder
    timezone: str = "UTC"
    with_drafts: bool = True
    database: Path | None = None  # the bot's


class SideBySide(NamedTuple):
    """A real post, and a draft of the voice on the same topics."""

    topics: str
    real: VoicePost
    draft: str | None


@dataclass(slots=True)
class Sources:
    """The sources of the report."""

    learnt: Iterator[VoicePost]
    held_out: list[VoicePost]
    about: About | None
    curve: Curve


def write_report(
    folder: Path, options: ReportOptions, *, now: datetime, stdout: Console | None = None
) -> Path:
    """Write the report of a voice and return its path. Raises VoiceError or DataError."""
    voice = Voice.load(folder)
    sources = _sources(folder, voice, options.data)
    out = options.out or folder / "report.html"
    zone = _zone(options.timezone)
    reception = Reception.load(options.database, voice, zone) if options.database else None
    with progress_bar(Console(stderr=True)) as bar:
        portrait = _paint(sources, voice, zone, bar)
        pairs, silence = _pairs(folder, sources, options, bar)
        shown = _draw(portrait, sources.curve, options.timezone, bar)
    taken = pictures.approvals(reception.weeks) if reception else None
    page = _page(
        voice=voice,
        verdict=Verdict.load(folder),
        reception=reception,
        taken=taken,
        account=_account(sources.about),
        portrait=portrait,
        pictures=shown,
        pairs=pairs,
        silence=silence,
        now=now,
        has_held_out=bool(sources.held_out),
        no_dataset=NO_DATASET,
    )
    _write(out, page, [*shown, *([taken] if taken else [])])
    (stdout or Console()).print(f"The report is in {out}.", soft_wrap=True, highlight=False)
    return out


def _sources(folder: Path, voice: Voice, data: Path | None) -> Sources:
    has_about = (folder / ABOUT_FILE).exists()
    about = read_about(folder, "Train the voice again") if has_about else None
    held_out: list[VoicePost] = []
    if (folder / HELD_OUT_FILE).exists():
        held_out = list(read_posts(folder, HELD_OUT_FILE))
    if data:
        if not (data / ABOUT_FILE).exists():
            raise DataError(f"There is no {ABOUT_FILE} in {data}. Name the folder of `prepare`.")
        about = read_about(data)
        if about.sha256 != voice.data_sha256:
            raise DataError(
                f"The voice {voice.name} did not learn from {data}, or that was prepared anew"
                " since. Name the folder it learnt from with --data, or train it again."
            )
        held_out = [
            voice_post(r) for r in data_folder.read_post_rows(data) if r.split == "validation"
        ]
    return Sources(read_posts(folder), held_out, about, _curve(folder / "curve.json"))


def _curve(file: Path) -> Curve:
    """The curve that was drawn while the voice learnt; empty where none was."""
    try:
        return Curve.from_dict(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return Curve()
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DataError(f"{file} cannot be read ({e}). Train the voice again.") from e


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise DataError(
            f"There is no time zone {name}. Name one as Europe/Lisbon with --timezone."
        ) from e


def _paint(sources: Sources, voice: Voice, zone: ZoneInfo, bar: Progress) -> Portrait:
    task = bar.add_task("Counting", total=voice.counts.get("train", 0) + len(sources.held_out))
    portrait = Portrait()
    for portrait in paint(sources.learnt, sources.held_out, zone):
        if portrait.posts % _STEP == 0:
            bar.update(task, completed=portrait.posts)
    if not portrait.posts:
        raise DataError(f"The voice {voice.name} holds no posts to report on. Train it again.")
    bar.update(task, completed=portrait.posts, total=portrait.posts)
    return portrait


def _pairs(
    folder: Path, sources: Sources, options: ReportOptions, bar: Progress
) -> tuple[list[SideBySide], str | None]:
    """Ten real posts and as many drafts, or a sentence that says why there are no drafts."""
    real = spread(sources.held_out, _DRAFTS) or list(deque(read_posts(folder), _DRAFTS))
    silent = [SideBySide(post.topic or "", post, None) for post in real]
    if not options.with_drafts:
        return silent, "Drafts were not asked for (--no-drafts)."
    task = bar.add_task("Drafting", total=len(real))
    try:
        from trainer.drawing.draw import draw_all, shown  # noqa: PLC0415 - the bot's libraries, only here

        asked = [PromptParts(post.topic) for post in real]
        drawn = draw_all(folder, asked, 1, on_draft=lambda *_: bar.advance(task))
        ranker, wording = Ranker.load(folder), Wording.of(post.text for post in read_posts(folder))
    except ServeError as e:
        return silent, f"No drafts could be written. {e}"
    except ModuleNotFoundError as e:
        return silent, f"No drafts could be written: {e.name} is not installed. Run `make install`."
    chosen = (
        shown(texts, of, 1, ranker, wording=wording) for texts, of in zip(drawn, asked, strict=True)
    )
    pairs = zip(silent, chosen, strict=True)
    return [pair._replace(draft=next(iter(texts), None)) for pair, texts in pairs], None


def spread(posts: Sequence[VoicePost], count: int) -> list[VoicePost]:
    """`count` posts at even distances, with the newest, no two on the same topics if possible.

    The same posts always give the same choice.
    """
    new = list({post.topics or (post.text,): post for post in posts}.values())
    if len(new) < count:
        new = list(posts)
    chosen = min(count, len(new))
    return [new[len(new) - 1 - i * len(new) // chosen] for i in range(chosen)][::-1]


def _draw(portrait: Portrait, curve: Curve, zone: str, bar: Progress) -> list[Picture]:
    task = bar.add_task("Drawing", total=4)
    drawn: list[Picture] = []
    for picture in (
        pictures.over_time(portrait),
        pictures.hours(portrait, zone),
        pictures.lengths(portrait),
        pictures.training(curve),
    ):
        drawn += [picture] if picture else []
        bar.advance(task)
    return drawn


class PostCount(NamedTuple):
    """A number of posts, and what became of them."""

    name: str
    posts: int
    kind: str  # learnt, held-out or dropped


class PostCounts(NamedTuple):
    """What became of every post of the archive."""

    read: int
    rows: list[PostCount]
    warnings: list[str]


def _account(about: About | None) -> PostCounts | None:
    """Give every post read a row; posts that no row names get one of their own."""
    if about is None or about.counts is None:
        return None
    counts = about.counts
    rows = [
        PostCount("learnt from", counts.train, "learnt"),
        PostCount("held out, to judge by", counts.validation, "held-out"),
        *(PostCount(f"left out: {name}", n, "dropped") for name, n in counts.left_out.items()),
        *(PostCount(f"dropped: {name}", n, "dropped") for name, n in counts.dropped.items()),
    ]
    if missing := counts.read - sum(row.posts for row in rows):
        rows.append(PostCount("not accounted for", missing, "dropped"))
    return PostCounts(counts.read, rows, about.warnings)


def _page(**shown: object) -> str:
    environment = Environment(
        loader=PackageLoader("trainer.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["times"] = _times
    environment.globals["conclusions"] = CONCLUSIONS
    return environment.get_template("page.html.jinja").render(shown)


def _times(ratio: float) -> str:
    return f"{ratio:,.2f}" if ratio < 0.95 else f"{ratio:,.1f}"


def _write(out: Path, page: str, drawn: Sequence[Picture]) -> None:
    beside = out.with_suffix("")
    if beside == out:
        raise DataError(f"{out} would stand where its pictures go. Name a file such as {out}.html.")
    try:
        beside.mkdir(parents=True, exist_ok=True)
        for picture in drawn:
            (beside / f"{picture.name}.png").write_bytes(picture.png)
        write_whole(out, page)
    except OSError as e:
        raise DataError(
            f"{out} cannot be written ({e.strerror}). Name another file with --out."
        ) from e
