"""`evaluate`: does a voice sound like its author? Measures it on newer posts it has not seen.

Reads the voice folder, or DATA for voices without held-out posts; draws a draft on the topics of
each held-out post. Writes evaluation.json, and the headline figures into voice.json.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.voice import HELD_OUT_FILE, PromptParts, Voice, VoicePost, load_posts
from bot.voice.notes import Wording
from bot.voice.ranker import Ranker
from trainer.data import dataset
from trainer.data.summary import progress_bar
from trainer.drawing.draw import shown
from trainer.drawing.kept import CANDIDATES, Drawing
from trainer.errors import DataError, ServeError
from trainer.judging import baselines, verdict
from trainer.judging.evaluation import Verdict
from trainer.judging.fidelity import Fidelity, fidelity
from trainer.judging.findings import Findings
from trainer.judging.from_notes import FromNotes, asked_by_notes, compared
from trainer.judging.table import figures
from trainer.judging.yardstick import Measured, Separability, Yardstick, mean_of
from trainer.training.voice_folder import VoiceFolder

FLOOR_POSTS = 100  # topics that the base model is judged on: fewer flatter it, and it is far off
HALVES = 2  # times that real posts are told from each other: a single one differs by .03 by luck
CHOICES = 4  # random choices of the first text: a single one differs by .015 by luck


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """The options of `evaluate`."""

    data: Path | None = None
    drafts: int = 300
    seed: int = 0
    with_floors: bool = True
    is_fresh: bool = False


def evaluate(folder: VoiceFolder, options: EvaluationOptions, console: Console) -> Verdict:
    """Judge a voice, write and print the findings. Raises a TrainerError or VoiceError."""
    voice, learnt = Voice.load(folder.place), load_posts(folder.place)
    held_out = _held_out(folder.place, voice, options.data)
    real = choose(held_out, options.drafts, options.seed)
    with progress_bar(Console(stderr=True)) as bar:
        drawing = Drawing(folder, voice, real, options.is_fresh, bar)
        found = _find(drawing, learnt, held_out, options, console)
    judged = Verdict(verdict.line(found), figures(found), asdict(found))
    _note(folder.place, voice, verdict.headlines(found))
    judged.save(folder.place)
    show(judged, console)
    return judged


def _held_out(folder: Path, voice: Voice, data: Path | None) -> list[VoicePost]:
    posts: list[VoicePost] = []
    if data:
        posts = dataset.load_own(data, voice).held_out
    elif (folder / HELD_OUT_FILE).exists():
        posts = load_posts(folder, HELD_OUT_FILE)
    if not posts:
        raise DataError(
            f"The voice {voice.name} has no held-out posts to be judged by. Name the folder that"
            " `prepare` wrote with --data; if that holds none either, prepare it with --validation."
        )
    return posts


def choose(posts: Sequence[VoicePost], count: int, seed: int) -> list[VoicePost]:
    """`count` different posts at random, oldest first."""
    different = list({post.text: post for post in posts}.values())
    if len(different) <= count:
        return different
    chosen = random.Random(seed).sample(range(len(different)), count)  # noqa: S311 - no secret
    return [different[i] for i in sorted(chosen)]


def _find(
    drawing: Drawing,
    learnt: Sequence[VoicePost],
    held_out: Sequence[VoicePost],
    options: EvaluationOptions,
    console: Console,
) -> Findings:
    voice, real, bar = drawing.voice, drawing.posts, drawing.bar
    ranker = Ranker.load(drawing.folder.place)
    wording = Wording.of(post.text for post in learnt)
    topics = [post.topic for post in real]
    asked = list(map(PromptParts, topics))
    rows = list(zip(drawing.draw("voice", asked), asked, strict=True))
    drafts = {"voice": [shown(*row, CANDIDATES, ranker, wording=wording) for row in rows]}
    if not any(drafts["voice"]):
        raise DataError(
            f"None of the texts of {voice.name} passed the screen on any of {len(real)} topics:"
            " there is nothing to judge. Train it again, with more posts."
        )
    old, texts = [post.text for post in learnt], [post.text for post in real]
    some = replace(drawing, posts=choose(real, FLOOR_POSTS, options.seed))
    if options.with_floors:
        drafts |= _floors(some, old, options.seed, console)

    task = bar.add_task("Measuring", total=len(drafts))
    by = Yardstick(old, texts, options.seed)
    measured: dict[str, Measured] = {}
    for name, drawn in drafts.items():
        on = topics if name == "voice" else [post.topic for post in some.posts]
        first = [(d[0], topic) for d, topic in zip(drawn, on, strict=True) if d]
        several = [d for d in drawn if len(d) > 1]
        measured[name] = by.measure([t for t, _ in first], [t for _, t in first], several)
        bar.advance(task)
    judged = measured.pop("voice")
    if ranker:
        told, told_second = _mean_told(judged, rows, ranker, wording, by)
        judged = replace(judged, told=told, told_second=told_second)
    past, past_second = by.separability(old[-len(real) :])
    return Findings(
        voice=judged,
        real=by.measure(texts, topics, halves=_halves([p.text for p in held_out], options)),
        past=past,
        past_second=past_second,
        floors=measured,
        topics=len(real),
        bits=voice.metrics.get("bits_per_char"),
        bits_base=voice.metrics.get("bits_per_char_base"),
        bare=_bare(drafts["voice"], topics, texts, wording),
        notes=_from_notes(drawing, old, wording, by, options) if voice.knows_notes else None,
    )


def _mean_told(
    judged: Measured,
    rows: Sequence[tuple[Sequence[str], PromptParts]],
    ranker: Ranker,
    wording: Wording,
    by: Yardstick,
) -> tuple[Separability, Separability]:
    """How well the judges tell the first texts, as the mean over several choices of them."""
    several = [(judged.told, judged.told_second or judged.told)]
    for choice in range(1, CHOICES):
        others = [shown(*row, 1, ranker, choice, wording) for row in rows]
        several.append(by.separability([texts[0] for texts in others if texts]))
    return mean_of(several)


def _bare(
    drafts: Sequence[Sequence[str]],
    topics: Sequence[str | None],
    real: Sequence[str],
    wording: Wording,
) -> Fidelity:
    """How much the first texts on bare topics make up."""
    shown_on = zip(drafts, topics, real, strict=True)
    rows = [(texts[0], topic or "", post) for texts, topic, post in shown_on if texts]
    return fidelity(*(list(column) for column in zip(*rows, strict=True)), wording=wording)


def _from_notes(
    drawing: Drawing,
    old: Sequence[str],
    wording: Wording,
    by: Yardstick,
    options: EvaluationOptions,
) -> FromNotes | None:
    """Draw on notes of the posts, and measure what is shown first beside what needs no training."""
    ranker = Ranker.load(drawing.folder.place)
    asked = asked_by_notes(drawing.posts, wording)
    rows = zip(drawing.draw("notes", asked), asked, strict=True)
    sets = {
        "voice": [shown(*row, CANDIDATES, ranker, wording=wording) for row in rows],
        "notes": [[parts.notes or ""] for parts in asked],
    }
    if options.with_floors:
        with suppress(ServeError):  # said already, on bare topics
            told = [PromptParts(parts.notes) for parts in asked]
            prompt = baselines.notes_prompt(old, options.seed)
            sets["examples"] = drawing.draw("notes-examples", told, prompt)
    return compared(sets, asked, [post.text for post in drawing.posts], wording, by)


def _floors(
    drawing: Drawing, old: Sequence[str], seed: int, console: Console
) -> dict[str, list[list[str]]]:
    """Texts of what needs no training, as far as they can be had."""
    asked = [PromptParts(post.topic) for post in drawing.posts]
    drafts: dict[str, list[list[str]]] = {}
    try:
        drafts["base"] = drawing.draw("base", asked, baselines.base_prompt())
        drafts["examples"] = drawing.draw("examples", asked, baselines.examples_prompt(old, seed))
    except ServeError as e:
        console.print(f"Not compared with the base model: {e}", highlight=False, markup=False)
    return {name: drawn for name, drawn in drafts.items() if any(drawn)}


def _halves(
    posts: Sequence[str], options: EvaluationOptions
) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Random halves of the held-out posts, with no more posts than measured drafts."""
    different = list(dict.fromkeys(posts))
    half = min(options.drafts, (len(different) + 1) // 2)
    chance, pairs = random.Random(options.seed), list[tuple[Sequence[str], Sequence[str]]]()  # noqa: S311 - no secret
    for _ in range(HALVES):
        chance.shuffle(different)
        pairs.append((different[:half], different[half : 2 * half] or different[:half]))
    return pairs


def _note(folder: Path, judged: Voice, metrics: dict[str, float]) -> None:
    """Put the figures into voice.json, if it is still the judged voice."""
    voice = Voice.load(folder)
    if voice.created_at != judged.created_at:
        raise DataError(
            f"The voice {voice.name} was trained anew while it was judged. Evaluate it again."
        )
    kept = {k: v for k, v in voice.metrics.items() if k not in verdict.METRICS}
    try:
        replace(voice, metrics=kept | metrics).save(folder)
    except OSError as e:
        raise DataError(f"{folder} cannot be written to ({e.strerror}).") from e


def show(verdict: Verdict, console: Console) -> None:
    """Print the line and the table."""
    names = ("", "this voice", "real posts", "base", "base, 5 examples", "the notes", "goal")
    table = Table(*names, box=None, pad_edge=False)
    for row in verdict.figures:
        floors = (row.base, row.examples, row.notes)
        table.add_row(row.name, f"[bold]{row.voice}[/]", row.real, *floors, row.goal)
    console.print("", escape(verdict.line), "", table, "", highlight=False)
