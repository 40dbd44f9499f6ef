"""Whether a voice learns its owner's taste: made-up owners decide on drafts, then on others.

Takes a folder of evaluated voices (experiments.voice leaves one). Each owner decides on up to a
hundred drafts, chosen from those that the evaluation drew on a third of its topics. The decisions
go the real way: the bot's database, `feedback`, `taste`. Then the drafts that the owner would
approve are counted on the other topics. A bot with a taste draws twice as many texts, so each voice
draws again, once. The hidden tastes know nothing of the ranker's features.
"""

import argparse
import asyncio
import io
import logging
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import structlog
from matplotlib import pyplot as plt
from rich.console import Console
from rich.progress import track

from bot.store import Store
from bot.voice import Prompt, PromptParts, Voice
from bot.voice.ranker import Ranker
from experiments.evaluated import NAMES, Evaluated, Judged
from experiments.tastes import NOW, OWNERS, Deciding, Faults
from trainer.data.preferences import PREFERENCES_FILE
from trainer.data.summary import progress_bar
from trainer.drawing.draw import shown
from trainer.drawing.kept import CANDIDATES, Drawing
from trainer.drawing.kept import read_kept as read_drawn
from trainer.errors import DataError
from trainer.taste.feedback import feedback
from trainer.taste.preference_model import Taste, learn_preferences, read_comparisons
from trainer.taste.taste import last_drawn, with_taste
from trainer.training.voice_folder import VoiceFolder

CHECKED = (0, 10, 25, 50, 100)  # decisions after which the owner trains
ASKED = 100  # topics to decide on; the others are to judge by
NO_TASTE = Taste({}, 0, 0.5, [])


class Approved(NamedTuple):
    """Shares of drafts on unseen topics: one of the four is good enough, or the first is."""

    any_of_four: float
    first: float


@dataclass(frozen=True, slots=True)
class Life:
    """One owner and one voice, from the first decision to the last."""

    voice: str
    owner: str
    seed: int
    rates: Sequence[Approved] = ()  # at each checkpoint
    possible: float = 0.0  # share of drafts of which any text drawn is good enough
    measures: Sequence[Judged] = ()  # on the unseen topics, first and second text: before, after


async def live(voices: Path, life: Life, scratch: Path) -> Life:
    """Decide, learn at each checkpoint, and look what would be approved of drafts not seen."""
    folder = VoiceFolder(scratch, life.voice)
    _copy(VoiceFolder(voices, life.voice), folder)
    drawn = Evaluated.of(folder)
    chance = random.Random(f"{life.seed} {life.owner}")  # noqa: S311 - no secret
    order = chance.sample(range(len(drawn.real)), len(drawn.real))
    asked, unseen = order[:ASKED], drawn.part(order[ASKED:])
    served = _with_more(unseen, folder)
    faults = OWNERS[life.owner](drawn.real)
    style = Ranker.load(folder.place) or Ranker({})
    tastes = [NO_TASTE]
    async with Store.open(scratch / "bot.db") as store:
        deciding = Deciding(store, life.voice, faults, chance)
        for number in asked:
            topic, texts = drawn.topics[number], drawn.texts[number]
            await deciding.decide(topic, texts, style)
            while len(tastes) < len(CHECKED) and deciding.decided >= CHECKED[len(tastes)]:
                tastes.append(_learnt(scratch, folder))
            if len(tastes) == len(CHECKED):
                break
    chosen = [
        (served, with_taste(style, learnt)) if learnt.weights else (unseen, style)
        for learnt in tastes
    ]
    ends = (chosen[0], chosen[-1])
    return replace(
        life,
        rates=[_approved(*one, faults) for one in chosen],
        possible=fmean(any(faults(text) == 0 for text in texts) for texts in served.texts),
        measures=[
            texts.judged(ranker, place)
            for place in (1, 2)
            for texts, ranker in ends
            if not life.seed
        ],
    )


def _with_more(drawn: Evaluated, folder: VoiceFolder) -> Evaluated:
    """The same with what was drawn again."""
    again = read_drawn(next(folder.evaluation.glob("again-*.jsonl")))
    rows = zip(drawn.real, drawn.texts, strict=True)
    return replace(drawn, texts=[[*texts, *again.get(real, [])] for real, texts in rows])


def draw_again(folder: VoiceFolder) -> None:
    """As many texts as the evaluation drew, on the same topics; kept beside them."""
    voice = Voice.load(folder.place)
    posts = [post for post, _ in last_drawn(folder, voice)]
    with progress_bar(Console(stderr=True)) as bar:
        asked = [PromptParts(post.topic) for post in posts]
        Drawing(folder, voice, posts, is_fresh=False, bar=bar).draw("again", asked)


def _copy(source: VoiceFolder, to: VoiceFolder) -> None:
    """The voice, and what its evaluation drew."""
    shutil.copytree(source.place, to.place)
    kept = f".{source.name}.evaluation"
    shutil.copytree(source.voices / kept, to.voices / kept)


def _learnt(scratch: Path, folder: VoiceFolder) -> Taste:
    """The taste learnt from the decisions so far, by way of `feedback`."""
    data = scratch / "liked"
    try:
        quiet = Console(file=io.StringIO())
        feedback(scratch / "bot.db", data, folder.name, folder.voices, now=NOW, console=quiet)
    except DataError:  # nothing was approved yet
        return NO_TASTE
    return learn_preferences(read_comparisons(data / PREFERENCES_FILE, Prompt()))


def _approved(drawn: Evaluated, ranker: Ranker, faults: Faults) -> Approved:
    found: list[tuple[bool, bool]] = []
    for texts, topic in zip(drawn.texts, drawn.topics, strict=True):
        for choice in range(3):
            good = [
                faults(t) == 0 for t in shown(texts, PromptParts(topic), CANDIDATES, ranker, choice)
            ]
            found.append((any(good), good[0]))
    return Approved(*(fmean(column) for column in zip(*found, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("voices", type=Path, help="folder of voices that were evaluated")
    parser.add_argument("--only", nargs="*", help="names of voices (all that were evaluated)")
    parser.add_argument("--owners", nargs="*", choices=OWNERS, default=list(OWNERS))
    parser.add_argument("--seeds", type=int, default=3, help="lives of each owner (3)")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw the curve here, as a PNG")
    args = parser.parse_args()
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)  # else every decision is a line
    names = args.only or sorted(
        file.parent.name.removeprefix(".").removesuffix(".evaluation")
        for file in args.voices.glob(".*.evaluation/voice-*.jsonl")
    )
    kinds = [(name, owner) for name in names for owner in args.owners]
    todo = [Life(*kind, seed) for kind in kinds for seed in range(args.seeds)]
    for name in names:
        draw_again(VoiceFolder(args.voices, name))
    lives: list[Life] = []
    for life in track(todo, console=Console(stderr=True)):
        with tempfile.TemporaryDirectory() as scratch:
            lives.append(asyncio.run(live(args.voices, life, Path(scratch))))
        print(lives[-1], file=sys.stderr)
    print(*table(lives), sep="\n")
    if args.draw:
        draw(lives, args.draw)


def table(lives: Sequence[Life]) -> Iterator[str]:
    """Markdown: approval by decisions, then the measures before and after."""
    kinds = list(dict.fromkeys((life.voice, life.owner) for life in lives))
    yield _row(
        *("voice, owner", *(f"after {n}" for n in CHECKED), "change", "possible"),
        *("the first shown", "change"),
    )
    yield _row(*["---"] * (5 + len(CHECKED)))
    for kind in kinds:
        own = [life for life in lives if (life.voice, life.owner) == kind]
        rates, first = (
            [fmean(life.rates[i][which] for life in own) for i in range(len(CHECKED))]
            for which in (0, 1)
        )
        yield _row(
            ", ".join(kind),
            *(f"{rate:.0%}" for rate in rates),
            f"x {rates[-1] / rates[0]:.1f}",
            f"{fmean(life.possible for life in own):.0%}",
            f"{first[0]:.0%} -> {first[-1]:.0%}",
            f"x {first[-1] / first[0]:.1f}",
        )
    yield ""
    yield _row("voice, owner", "text shown", *NAMES)
    yield _row(*["---"] * (2 + len(NAMES)))
    for life in lives:
        for place, ends in (("first", life.measures[:2]), ("second", life.measures[2:])):
            both = zip(*ends, strict=True)
            cells = [f"{a:.3f} -> {b:.3f}" for a, b in both]
            if cells:
                yield _row(f"{life.voice}, {life.owner}", place, *cells)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def draw(lives: Sequence[Life], file: Path) -> None:
    """Approval over decisions, a panel a voice; bands from an owner's worst life to the best."""
    kinds = list(dict.fromkeys((life.voice, life.owner) for life in lives))
    names = list(dict.fromkeys(life.voice for life in lives))
    figure, panels = plt.subplots(1, len(names), figsize=(4.5 * len(names), 4.1), sharey=True)
    for panel, name in zip([panels] if len(names) == 1 else panels, names, strict=True):
        for voice, owner in kinds:
            if voice == name:
                own = [life for life in lives if (life.voice, life.owner) == (voice, owner)]
                rows = [[100 * rate.any_of_four for rate in life.rates] for life in own]
                columns = [*zip(*rows, strict=True)]
                color = f"C{[*OWNERS].index(owner)}"
                panel.plot(CHECKED, [*map(fmean, columns)], marker="o", label=owner, color=color)
                low, high = [*map(min, columns)], [*map(max, columns)]
                panel.fill_between(CHECKED, low, high, color=color, alpha=0.15)
                first = [
                    fmean(100 * life.rates[i].first for life in own) for i in range(len(CHECKED))
                ]
                panel.plot(CHECKED, first, color=color, linestyle="--")
                possible = 100 * fmean(life.possible for life in own)
                panel.axhline(possible, color=color, linewidth=0.8, linestyle=":")
        panel.set(title=f"a voice of {name}", xlabel="decisions", ylim=(0, 100))
        panel.grid(alpha=0.3)
    leftmost = panels if len(names) == 1 else panels[0]
    leftmost.set_ylabel("good enough on unseen topics, %")
    handles, owners = leftmost.get_legend_handles_labels()
    figure.legend(handles, owners, title="owner", loc="lower center", ncols=len(owners))
    title = "one of the four shown (lines), the first shown (dashed), any drawn (dotted)"
    figure.suptitle(title)
    figure.tight_layout(rect=(0, 0.14, 1, 1))  # below: the owners
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    main()
