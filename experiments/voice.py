"""Measures how much voices sound like their authors: the table of docs/voice.md, and drafts.

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
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console

from bot.voice import HELD_OUT_FILE, PromptParts, Voice, load_posts
from bot.voice.ranker import Ranker
from experiments import word_chain
from trainer.drawing.draw import shown
from trainer.drawing.kept import CANDIDATES, read_kept
from trainer.training.voice_folder import VoiceFolder

SHOWN = 20  # unchosen drafts of each author
FEW = (200, 40)  # posts to learn from and to validate on: how the project began

Found = dict[str, Any]  # evaluation.json's measures, and voice.json's under "training"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("authors", type=Path, help="folder of <name>.jsonl")
    parser.add_argument("--out", type=Path, default=Path(".bench-voice"), help="(.bench-voice)")
    parser.add_argument("--drafts", type=int, default=300, help="an author (300)")
    parser.add_argument("--only", nargs="*", help="names of authors (all)")
    parser.add_argument("--few", help="author who is also trained on 200 posts")
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="write twenty drafts of each here"
    )
    args = parser.parse_args()
    files = [
        f for f in sorted(args.authors.glob("*.jsonl")) if not args.only or f.stem in args.only
    ]
    console = Console(stderr=True)
    found = {f.stem: judged(prepared(f, args.out), args.out, args.drafts, console) for f in files}
    print(*table(found), sep="\n")
    if args.few:
        data = cut(args.out / "data" / args.few, args.out / "data" / f"{args.few}-few")
        both = {
            f"{FEW[0]} posts": judged(data, args.out, args.drafts, console),
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


def judged(data: Path, out: Path, drafts: int, console: Console) -> Found:
    """Train and evaluate, as far as that is not done."""
    voices = out / "voices"
    folder = voices / data.name
    if not (folder / "voice.json").exists():
        console.print(f"{data.name}: training")
        _trainer("train", data, "--voice", data.name, "--voices", voices)
    if not (folder / "evaluation.json").exists():
        console.print(f"{data.name}: evaluating")
        _trainer("evaluate", data.name, "--voices", voices, "--drafts", drafts)
    measures: Found = json.loads((folder / "evaluation.json").read_text("utf-8"))["measures"]
    floors = measures["floors"] | {"markov": word_chain.measured(folder, drafts)}
    return measures | {"floors": floors, "training": Voice.load(folder).metrics}


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
MEASURES = ("style", "masked", "near_copies", "distinct_2", "on_topic", "lengths", "overlap")


def measured(found: Found, source: str) -> dict[str, float | None]:
    """The measures of the texts of one source; empty if there are none."""
    of = found.get(source) or found["floors"].get(source) or {}
    if source == "past":
        of = {"told": of}
    style, masked, _ = of.get("told") or (None, None, None)
    return {name: of.get(name) for name in MEASURES} | {"style": style, "masked": masked}


def table(found: dict[str, Found]) -> Iterator[str]:
    """Markdown: the mean over authors beside floors and ceilings, then each author's voice."""
    yield _row(f"mean of {len(found)}", *MEASURES)
    yield _row(*["---"] * (1 + len(MEASURES)))
    for source, name in SOURCES.items():
        rows = [measured(one, source) for one in found.values()]
        yield _row(name, *(_mean([row[measure] for row in rows]) for measure in MEASURES))
    yield ""
    yield _row("voice", *MEASURES, "own past, style", "bits", "posts", "training, s")
    yield _row(*["---"] * (5 + len(MEASURES)))
    for name, one in found.items():
        trained, own = one["training"], measured(one, "voice")
        before, after = one["bits_base"], one["bits"]
        bits = f"{before:.3f} -> {after:.3f} ({after / before - 1:+.0%})"
        past = _mean([measured(one, "past")["style"]])
        figures = [_mean([own[measure]]) for measure in MEASURES]
        seconds = f"{trained['train_seconds']:.0f}"
        yield _row(name, *figures, past, bits, str(one["voice"]["texts"]), seconds)


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def drafts_of(out: Path, authors: Sequence[str]) -> Iterator[str]:
    """Markdown: the first draft shown on twenty topics of each author, not chosen."""
    for author in authors:
        voice = VoiceFolder(out / "voices", author)
        drawn = read_kept(next(voice.evaluation.glob("voice-*.jsonl")))
        posts = [p for p in load_posts(voice.place, HELD_OUT_FILE) if drawn.get(p.text)]
        ranker = Ranker.load(voice.place)
        yield from (f"## {author}", "")
        for post in posts[:: max(1, len(posts) // SHOWN)][:SHOWN]:
            first = shown(drawn[post.text], PromptParts(post.topic), CANDIDATES, ranker)[0]
            yield f"- *{post.topic or 'anything'}*: {' / '.join(first.splitlines())}"
        yield ""


if __name__ == "__main__":
    main()
