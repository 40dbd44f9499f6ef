"""Measures how much voices sound like their authors: the tables of docs/voice.md, and drafts.

Takes a folder of authors (<name>.jsonl, oldest first). Prepares, trains and evaluates each by the
commands a person uses, with their defaults. Keeps finished steps, so an interrupted run goes on. On
two cores an author takes about an hour, most of it for 4,800 drafts.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console

from bot.voice import HELD_OUT_FILE, PromptParts, Voice, load_posts
from bot.voice.notes import Wording
from bot.voice.ranker import Ranker
from bot.voice.tongues import detect, main_languages
from experiments import word_chain
from trainer.drawing.draw import shown
from trainer.drawing.kept import CANDIDATES, kept_files, name_of, read_kept
from trainer.judging.from_notes import asked_by_notes
from trainer.training.voice_folder import VoiceFolder

SHOWN = 20  # unchosen drafts of each author, from notes and on topics
FEW = (200, 40)  # posts to learn from and to validate on: how the project began

Found = dict[str, Any]  # evaluation.json's measures, voice.json's under "training", "languages"


@dataclass(frozen=True, slots=True)
class How:
    """How every author's voice is trained and judged."""

    out: Path
    drafts: int
    base: str | None
    with_floors: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("authors", type=Path, help="folder of <name>.jsonl")
    parser.add_argument("--out", type=Path, default=Path(".bench-voice"), help="(.bench-voice)")
    parser.add_argument("--drafts", type=int, default=300, help="an author (300)")
    parser.add_argument("--only", nargs="*", help="names of authors (all)")
    parser.add_argument("--base", help="base model (as `train` chooses it)")
    parser.add_argument("--no-floors", action="store_true", help="only the voices")
    parser.add_argument("--few", help="author who is also trained on 200 posts")
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="write twenty drafts of each here"
    )
    args = parser.parse_args()
    files = [
        f for f in sorted(args.authors.glob("*.jsonl")) if not args.only or f.stem in args.only
    ]
    console = Console(stderr=True)
    how = How(args.out, args.drafts, args.base, not args.no_floors)
    found = {f.stem: judged(prepared(f, args.out), how, console) for f in files}
    print(*table(found), "", *table_from_notes(found), sep="\n")
    if args.few:
        data = cut(args.out / "data" / args.few, args.out / "data" / f"{args.few}-few")
        both = {
            f"{FEW[0]} posts": judged(data, how, console),
            "newest posts": found[args.few],
        }
        print("", *table(both), sep="\n")
    if args.show:
        args.show.write_text("\n".join(drafts_of(args.out, list(found))), "utf-8")


def prepared(author: Path, out: Path) -> Path:
    """The prepared folder of an author."""
    data = out / "data" / author.stem
    if not data.exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        _trainer("prepare", author, "--out", data)
    return data


def cut(data: Path, few: Path) -> Path:
    """A copy of a prepared folder that has the newest 200 posts and 40 to validate on.

    The posts to be judged by are all there.
    """
    if not few.exists():
        shutil.copytree(data, few)
        for name, rows in (("train", slice(-FEW[0], None)), ("validation", slice(FEW[1]))):
            file = few / f"{name}.jsonl"
            lines = file.read_text("utf-8").splitlines(keepends=True)
            file.write_text("".join(lines[rows]), "utf-8")
        posts = few / "posts.jsonl"
        lines = posts.read_text("utf-8").splitlines(keepends=True)
        learnt = [line for line in lines if json.loads(line)["split"] == "train"]
        left_out = set(learnt[: -FEW[0]])
        posts.write_text("".join(line for line in lines if line not in left_out), "utf-8")
    return few


def voice_of(out: Path, author: str) -> VoiceFolder:
    """The voice of an author; its name holds no dot, as "name.language" does."""
    return VoiceFolder(out / "voices", author.replace(".", "-"))


def judged(data: Path, how: How, console: Console) -> Found:
    """Train and evaluate, as far as that is not done."""
    voice = voice_of(how.out, data.name)
    options = ("--voices", how.out / "voices")
    if not (voice.place / "voice.json").exists():
        console.print(f"{data.name}: training")
        base = ("--base", how.base) if how.base else ()
        _trainer("train", data, "--voice", voice.name, *options, *base)
    if not (voice.place / "evaluation.json").exists():
        console.print(f"{data.name}: evaluating")
        floors = () if how.with_floors else ("--no-floors",)
        _trainer("evaluate", voice.name, *options, "--drafts", how.drafts, *floors)
    measures: Found = json.loads((voice.place / "evaluation.json").read_text("utf-8"))["measures"]
    if how.with_floors:
        measures["floors"]["markov"] = word_chain.measured(voice.place, how.drafts)
    training = Voice.load(voice.place).metrics
    return measures | {"training": training, "languages": right_languages(voice)}


def right_languages(voice: VoiceFolder) -> dict[str, float]:
    """The share of held-out posts, and of first texts, in the author's main languages."""
    main = main_languages([post.text for post in load_posts(voice.place)])
    real = load_posts(voice.place, HELD_OUT_FILE)
    sets = {"real": [post.text for post in real]}
    sets |= {kind: [text for _, text in firsts(voice, kind)] for kind in ("voice", "notes")}
    return {
        kind: fmean(detect(text)[0] in main for text in texts)
        for kind, texts in sets.items()
        if texts
    }


def firsts(voice: VoiceFolder, kind: str) -> Iterator[tuple[PromptParts, str]]:
    """What an evaluation asked for, and the text shown first; kind is "voice" or "notes"."""
    ranker = Ranker.load(voice.place)
    wording = Wording.of(post.text for post in load_posts(voice.place))
    posts = load_posts(voice.place, HELD_OUT_FILE)
    topics = [PromptParts(post.topic) for post in posts]
    asked = topics if kind == "voice" else asked_by_notes(posts, wording)
    for file in kept_files(voice.evaluation, kind):
        drawn = read_kept(file)
        for post, parts in zip(posts, asked, strict=True):
            if texts := drawn.get(name_of(post, parts)):
                yield parts, shown(texts, parts, CANDIDATES, ranker, wording=wording)[0]


def _trainer(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "trainer", *map(str, arguments)], check=True)


SOURCES = {
    "voice": "**the voice, first shown**",
    "real": "real posts (one half against the other)",
    "past": "the author's newest training posts",
    "base": "base model",
    "examples": "base model, five examples",
    "markov": "word chain (markovify)",
}
MEASURES = (
    *("style", "second", "masked", "near_copies", "distinct_2", "on_topic", "lengths"),
    "overlap",
)


def measured(found: Found, source: str) -> dict[str, float | None]:
    """The measures of the texts of one source; empty if there are none."""
    of = found.get(source) or found["floors"].get(source) or {}
    if source == "past":
        of = {"told": of, "told_second": found.get("past_second")}
    style, masked, _ = of.get("told") or (None, None, None)
    second, *_ = of.get("told_second") or (None,)
    own = {"style": style, "second": second, "masked": masked}
    return {name: of.get(name) for name in MEASURES} | own


def table(found: dict[str, Found]) -> Iterator[str]:
    """Markdown: the mean over authors beside floors and ceilings, then each author's voice."""
    yield _row(f"mean of {len(found)}", *MEASURES)
    yield _row(*["---"] * (1 + len(MEASURES)))
    for source, name in SOURCES.items():
        rows = [measured(one, source) for one in found.values()]
        yield _row(name, *(_mean([row[measure] for row in rows]) for measure in MEASURES))
    yield ""
    yield _row("voice", *MEASURES, "own past", "second", "bits", "posts", "training, s")
    yield _row(*["---"] * (6 + len(MEASURES)))
    for name, one in found.items():
        trained, own = one["training"], measured(one, "voice")
        before, after = one["bits_base"], one["bits"]
        bits = f"{before:.3f} -> {after:.3f} ({after / before - 1:+.0%})"
        past = [_mean([measured(one, "past")[judge]]) for judge in ("style", "second")]
        figures = [_mean([own[measure]]) for measure in MEASURES]
        seconds = f"{trained['train_seconds']:.0f}"
        yield _row(name, *figures, *past, bits, str(one["voice"]["texts"]), seconds)


def table_from_notes(found: dict[str, Found]) -> Iterator[str]:
    """Markdown: what each author's voice makes of notes, and in which language; then the mean."""
    yield _row(
        *("voice", "holds a number, name, handle or link nobody gave", "facts kept", "words kept"),
        *("one of four says all and only that", "chrF", "above the notes"),
        *("style", "second", "own past", "second", "near copies"),
        *("right language: from notes", "on topics", "real posts"),
    )
    yield _row(*["---"] * 15)
    rows = {name: from_notes(one) for name, one in found.items() if one.get("notes")}
    for name, row in rows.items():
        yield _row(name, *(_mean([one]) for one in row))
    if len(rows) > 1:
        yield _row(f"mean of {len(rows)}", *map(_mean, zip(*rows.values(), strict=True)))


def from_notes(found: Found) -> list[float | None]:
    """The figures of a row."""
    written, languages = found["notes"]["voice"], found["languages"]
    true, like = written["true"], written["like"]
    nearer = found["notes"]["nearer"].get("notes") or [None]
    return [
        *(true["invented"], true["facts_kept"], true["words_kept"], written["approved"]),
        *(true["chrf"], nearer[0], like["told"][0], like["told_second"][0]),
        *(found["past"][0], found["past_second"][0], like["near_copies"]),
        *(languages.get(kind) for kind in ("notes", "voice", "real")),
    ]


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def drafts_of(out: Path, authors: Sequence[str]) -> Iterator[str]:
    """Markdown: the first draft shown for twenty posts of each author, not chosen."""
    for author in authors:
        voice = voice_of(out, author)
        for kind in ("notes", "voice"):
            drafts = list(firsts(voice, kind))
            yield from (f"## {author}, {'from notes' if kind == 'notes' else 'on topics'}", "")
            for parts, first in drafts[:: max(1, len(drafts) // SHOWN)][:SHOWN]:
                asked = parts.notes or parts.topic or "anything"
                yield f"- *{' / '.join(asked.splitlines())}*: {' / '.join(first.splitlines())}"
            yield ""


if __name__ == "__main__":
    main()
