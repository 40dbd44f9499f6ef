"""`evaluate`: does a voice sound like its author? Measured on newer posts that it has not seen.

Reads the voice folder, or DATA for voices that hold no held-out posts. Draws a draft on the topics
of each held-out post, by the bot's own path, and keeps the drafts in <voices>/.<name>.evaluation/,
so that an interrupted run goes on. Writes evaluation.json, and the headline figures to voice.json.
"""

import hashlib
import json
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from bot.voice import HELD_OUT_FILE, Prompt, Voice, VoiceError, VoicePost, load_posts
from trainer import dataset, floors, opinion
from trainer.drafts import MAX_CHARS, draft_all
from trainer.errors import DataError, ServeError
from trainer.measured import Findings, Measured, Yardstick
from trainer.summary import progress_bar
from trainer.verdict import Verdict
from trainer.voice_folder import VoiceFolder

CANDIDATES = 4  # shown in Discord; the first is judged


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line decides."""

    data: Path | None = None
    drafts: int = 300
    seed: int = 0
    with_floors: bool = True
    is_fresh: bool = False


def evaluate(folder: VoiceFolder, options: Options, console: Console) -> Verdict:
    """Judge a voice, write what was found and print it. Raises DataError or ServeError."""
    try:
        voice, learnt = Voice.load(folder.place), load_posts(folder.place)
        held_out = _held_out(folder.place, voice, options.data)
        real = choose(held_out, options.drafts, options.seed)
        with progress_bar(Console(stderr=True)) as bar:
            found = _find(folder, voice, learnt, held_out, real, options, bar, console)
        verdict = Verdict(opinion.line(found), opinion.figures(found), asdict(found))
        _note(folder.place, voice, opinion.metrics(found))
    except VoiceError as e:
        raise DataError(str(e)) from e
    verdict.save(folder.place)
    show(verdict, console)
    return verdict


def _held_out(folder: Path, voice: Voice, data: Path | None) -> list[VoicePost]:
    posts: list[VoicePost] = []
    if data:
        prepared = dataset.load(data)
        if prepared.sha256 != voice.data_sha256:
            raise DataError(
                f"The voice {voice.name} did not learn from {data}, or that was prepared anew"
                " since: it may have seen the posts it would be judged by. Name the folder it"
                " learnt from with --data, or train it again."
            )
        posts = prepared.held_out
    elif (folder / HELD_OUT_FILE).exists():
        posts = load_posts(folder, HELD_OUT_FILE)
    if not posts:
        raise DataError(
            f"The voice {voice.name} has no held-out posts to be judged by. Name the folder that"
            " `prepare` wrote with --data; if that holds none either, prepare it with --validation."
        )
    return posts


def choose(posts: Sequence[VoicePost], count: int, seed: int) -> list[VoicePost]:
    """So many different posts at random, oldest first."""
    different = list({post.text: post for post in posts}.values())
    if len(different) <= count:
        return different
    chosen = random.Random(seed).sample(range(len(different)), count)  # noqa: S311 - no secret
    return [different[i] for i in sorted(chosen)]


def _find(
    folder: VoiceFolder,
    voice: Voice,
    learnt: Sequence[VoicePost],
    held_out: Sequence[VoicePost],
    real: Sequence[VoicePost],
    options: Options,
    bar: Progress,
    console: Console,
) -> Findings:
    def draw(name: str, prompt: Prompt | None = None) -> list[list[str]]:
        return _draw(folder, voice, real, name, prompt, options.is_fresh, bar)

    drawn = draw("voice")
    if not any(drawn):
        raise DataError(
            f"None of the texts of {voice.name} passed the screen on any of {len(real)} topics:"
            " there is nothing to judge. Train it again, with more posts."
        )
    old, texts = [post.text for post in learnt], [post.text for post in real]
    topics = [_topic(post) for post in real]
    floor_texts: dict[str, list[list[str]]] = {}
    if options.with_floors:
        floor_texts["markov"] = [[t] for t in floors.markov(old, len(real), options.seed)]
        prompts = {
            "base": floors.base_prompt(),
            "examples": floors.examples_prompt(old, options.seed),
        }
        for name, prompt in prompts.items():
            try:
                floor_texts[name] = draw(name, prompt)
            except ServeError as e:
                console.print(f"Not compared with the base model: {e}", highlight=False)
                break
    floor_texts = {name: drafts for name, drafts in floor_texts.items() if any(drafts)}

    task = bar.add_task("Measuring", total=3 + len(floor_texts))
    by = Yardstick(old, texts, options.seed)

    def measure(drafts: Sequence[Sequence[str]]) -> Measured:
        kept = [(d[0], topic) for d, topic in zip(drafts, topics, strict=True) if d]
        several = [d for d in drafts if len(d) > 1]
        measured = by.measure([t for t, _ in kept], [t for _, t in kept], candidates=several)
        bar.advance(task)
        return measured

    floors_measured = {name: measure(drafts) for name, drafts in floor_texts.items()}
    measured = measure(drawn)
    halves = _halves([post.text for post in held_out], options)
    of_real = by.measure(texts, topics, halves=halves)
    bar.advance(task)
    past = by.told(old[-len(real) :])
    bar.advance(task)
    return Findings(
        voice=measured,
        real=of_real,
        past=past,
        floors=floors_measured,
        topics=len(real),
        bits=voice.metrics.get("bits_per_char"),
        bits_base=voice.metrics.get("bits_per_char_base"),
    )


def _topic(post: VoicePost) -> str | None:
    return ", ".join(post.topics) or None


def _halves(posts: Sequence[str], options: Options) -> tuple[list[str], list[str]]:
    """All held-out posts in two, at random; no more than drafts are measured."""
    different = list(dict.fromkeys(posts))
    random.Random(options.seed).shuffle(different)  # noqa: S311 - no secret
    half = min(options.drafts, (len(different) + 1) // 2)
    return different[:half], different[half : 2 * half] or different[:half]


def _draw(
    folder: VoiceFolder,
    voice: Voice,
    posts: Sequence[VoicePost],
    name: str,
    prompt: Prompt | None,
    is_fresh: bool,
    bar: Progress,
) -> list[list[str]]:
    """Candidates on the topic of each post, those from before where there are any."""
    count = 1 if prompt else CANDIDATES
    file = _cache(folder, name, _key(folder.place, voice, prompt, count))
    drawn = {} if is_fresh else _cached(file)
    missing = [post for post in posts if post.text not in drawn]
    task = bar.add_task(f"Drafting ({name})", total=len(posts), completed=len(posts) - len(missing))
    with file.open("w" if is_fresh else "a", encoding="utf-8") as lines:

        def keep(number: int, texts: list[str]) -> None:
            drawn[missing[number].text] = texts
            print(json.dumps([missing[number].text, texts]), file=lines, flush=True)
            bar.advance(task)

        if missing:
            topics = [_topic(post) for post in missing]
            draft_all(folder.place, topics, count, base_prompt=prompt, on_draft=keep)
    return [drawn[post.text] for post in posts]


def _key(folder: Path, voice: Voice, prompt: Prompt | None, count: int) -> str:
    """Names all that the drafts follow from: other drafts belong to another voice."""
    about = asdict(voice) | {"metrics": {}}
    if prompt:  # its base is asked, however it was trained
        about = {key: about[key] for key in ("base", "sampling", "data_sha256")}
        about["prompt"] = asdict(prompt)
    digest = hashlib.sha256(json.dumps([about, count, MAX_CHARS]).encode())
    if not prompt and voice.backend == "local" and (adapter := folder / voice.model).is_file():
        digest.update(adapter.read_bytes())
    return digest.hexdigest()[:16]


def _cache(folder: VoiceFolder, name: str, key: str) -> Path:
    """The file of these drafts; those of earlier voices are removed."""
    cache = folder.voices / f".{folder.name}.evaluation"
    try:
        cache.mkdir(mode=0o700, exist_ok=True)  # posts lie in there
        file = cache / f"{name}-{key}.jsonl"
        for other in set(cache.glob(f"{name}-*.jsonl")) - {file}:
            other.unlink()
        file.touch()
    except OSError as e:
        raise DataError(
            f"The drafts cannot be kept in {cache} ({e.strerror}). Name a folder of voices you may"
            " write to with --voices."
        ) from e
    return file


def _cached(file: Path) -> dict[str, list[str]]:
    drawn: dict[str, list[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        with suppress(ValueError):  # a kill cut it
            text, texts = json.loads(line)
            drawn[text] = texts
    return drawn


def _note(folder: Path, judged: Voice, metrics: dict[str, float]) -> None:
    """Put the figures into voice.json, if that is still the voice that was judged."""
    voice = Voice.load(folder)
    if voice.created_at != judged.created_at:
        raise DataError(
            f"The voice {voice.name} was trained anew while it was judged. Evaluate it again."
        )
    kept = {k: v for k, v in voice.metrics.items() if k not in opinion.METRICS}
    try:
        replace(voice, metrics=kept | metrics).save(folder)
    except OSError as e:
        raise DataError(f"{folder} cannot be written to ({e.strerror}).") from e


def show(verdict: Verdict, console: Console) -> None:
    """Print the line and the table."""
    names = ("", "this voice", "real posts", "base", "base, 5 examples", "word chain", "goal")
    table = Table(*names, box=None, pad_edge=False)
    for row in verdict.figures:
        table.add_row(
            *(row.name, f"[bold]{row.voice}[/]", row.real),
            *(row.base, row.examples, row.markov, row.goal),
        )
    console.print("", escape(verdict.line), "", table, "", highlight=False)
