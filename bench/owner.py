"""Whether a voice learns its owner's taste: made-up owners decide on drafts, then on others.

Given a folder of voices that were evaluated (bench.voice leaves one), each owner decides on up to a
hundred drafts, chosen from what the evaluation drew on a third of its topics. The decisions go the
real way: the bot's database, `feedback`, `taste`. What the owner would approve is then counted on
the other topics. The hidden tastes know nothing of the ranker's features.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import structlog
from matplotlib import pyplot as plt
from rich.console import Console
from rich.progress import track

from bench.tastes import OWNERS, Faults
from bot.draft import Candidate, Draft, State
from bot.ranker import Ranker, by_odds
from bot.store import Store
from bot.voice import Prompt, Voice
from trainer.errors import DataError
from trainer.feedback import PREFERENCES, feedback
from trainer.gate import NAMES, Gate, Judged
from trainer.liking import learn, read
from trainer.taste import taste
from trainer.voice_folder import VoiceFolder

CHECKED = (0, 10, 25, 50, 100)  # decisions after which the owner trains
ASKED = 100  # topics to decide on; the others are to judge by
SHOWN = 4
NOISE = 0.1  # of decisions that are made without looking
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = "https://example.org @owner"


class Approved(NamedTuple):
    """Shares of drafts on unseen topics: one of the four is good enough, or the first is."""

    any_of_four: float
    first: float


class Trained(NamedTuple):
    """What became of a voice that was trained by the taste, on unseen topics."""

    topics: int
    strength: float | None  # of the taste when it chooses, too; None if it was not offered
    rates: tuple[Approved, Approved]  # before and after
    good: tuple[float, float]  # shares of all texts drawn that are good enough
    measures: tuple[Judged, Judged]


@dataclass(frozen=True, slots=True)
class Life:
    """One owner and one voice, from the first decision to the last."""

    voice: str
    owner: str
    seed: int
    strength: float = 0.0  # of the taste, as far as it costs nothing
    rates: Sequence[Approved] = ()  # at each checkpoint
    possible: float = 0.0  # share of drafts of which any text drawn is good enough
    measures: Sequence[Judged] = ()  # on the unseen topics, before and after: of the first life
    trained: Trained | None = None  # of the first life, if that was asked for


class Deciding:
    """An owner at a bot's store: looks at four texts, approves, mends, asks again or rejects."""

    def __init__(self, store: Store, voice: str, faults: Faults, chance: random.Random) -> None:
        self.decided = 0
        self._store, self._voice, self._faults, self._chance = store, voice, faults, chance

    async def decide(
        self, topic: str | None, texts: Sequence[str], scores: Sequence[float]
    ) -> None:
        """One draft, and if the owner asks for others, those in its place."""
        left = [*range(len(texts))]
        old: Draft | None = None
        for is_last in (False, True):
            order = by_odds(
                [texts[i] for i in left], [scores[i] for i in left], SHOWN, self._chance
            )
            shown = [left[i] for i in order]
            if not shown:
                return
            left = [i for i in left if i not in shown]
            draft = await self._show(topic, [texts[i] for i in shown], old)
            self.decided += 1
            position = min(range(len(shown)), key=lambda i: self._faults(texts[shown[i]]))
            if self._chance.random() < NOISE:  # without looking
                position = self._chance.randrange(len(shown))
                wish = self._chance.choice(("approve", "again", "reject"))
            else:
                wish = self._wish(texts[shown[position]])
            if wish in ("approve", "mend"):
                await self._approve(draft, position, mends=wish == "mend")
                return
            if is_last or wish == "reject" or not left:
                await self._store.drafts.close_draft(draft.id, State.REJECTED, self._now)
                return
            old = draft

    def _wish(self, best: str) -> str:
        if self._faults(best) == 0:
            return "approve"
        is_mended = self._faults(best) == 1 and self._faults(mended(best)) == 0
        return "mend" if is_mended and self._chance.random() < 0.3 else "again"

    @property
    def _now(self) -> datetime:
        return NOW + timedelta(minutes=self.decided)

    async def _show(self, topic: str | None, texts: Sequence[str], old: Draft | None) -> Draft:
        candidates = tuple(Candidate(text, len(text)) for text in texts)
        new = Draft(1, self._voice, topic, candidates, 500, self._now)
        drafts = self._store.drafts
        stored = await (drafts.replace(old.id, new, self._now, None) if old else drafts.add(new))
        assert stored
        await drafts.shown(stored, 1, stored.id)
        return stored

    async def _approve(self, draft: Draft, position: int, *, mends: bool) -> None:
        drafts, candidate = self._store.drafts, draft.candidates[position]
        if mends:
            text = mended(candidate.text)
            candidate = Candidate(text, len(text), (), candidate.text)
            assert await drafts.edit(draft.id, position, candidate, self._now)
        assert await drafts.claim(draft.id, position, candidate.fingerprint, ACCOUNT, self._now)
        await drafts.mark_published(draft.id)


def mended(text: str) -> str:
    """A text as somebody in a hurry edits it: the marks are taken off."""
    return text.replace("#", "").replace("!", ".")


async def live(
    voices: Path, life: Life, scratch: Path, strength: float | None, posts: Path | None
) -> Life:
    """Decide, learn at each checkpoint, and look what would be approved of drafts not seen.

    How strong the taste may be, `taste` says after the last decision, unless it is given. With
    `posts`, the folder the voice learnt from, it is trained in the end.
    """
    folder = VoiceFolder(scratch, life.voice)
    _copy(VoiceFolder(voices, life.voice), folder)
    gate = Gate.of(folder, Voice.load(folder.place))
    if gate is None:
        raise SystemExit(f"{life.voice} was not evaluated: `python -m trainer evaluate` does it.")
    chance = random.Random(f"{life.seed} {life.owner}")  # noqa: S311 - no secret
    order = chance.sample(range(len(gate.real)), len(gate.real))
    asked, unseen = order[:ASKED], gate.part(order[ASKED:])
    faults = OWNERS[life.owner](gate.real)
    style = Ranker.load(folder.place) or Ranker({})
    tastes = [{}]
    async with Store.open(scratch / "bot.db") as store:
        deciding = Deciding(store, life.voice, faults, chance)
        for number in asked:
            topic, texts = gate.topics[number], gate.texts[number]
            await deciding.decide(topic, texts, [style.score(text, topic) for text in texts])
            while len(tastes) < len(CHECKED) and deciding.decided >= CHECKED[len(tastes)]:
                tastes.append(_learnt(scratch, folder))
            if len(tastes) == len(CHECKED):
                break
        if strength is None:
            strength = taste(folder, scratch / "liked", Console(stderr=True)) or 0.0
    trained = None
    if posts:  # in a thread: drawing begins a loop of its own
        trained = await asyncio.to_thread(
            _trained, folder, unseen, scratch / "liked", posts, faults
        )
    chosen = [replace(style, taste={n: strength * w for n, w in t.items()}) for t in tastes]
    return replace(
        life,
        strength=strength,
        trained=trained,
        rates=[_approved(unseen, ranker, faults) for ranker in chosen],
        possible=fmean(any(faults(text) == 0 for text in texts) for texts in unseen.texts),
        measures=[unseen.judged(chosen[i]) for i in (0, -1)] if life.seed == 0 else [],
    )


def _trained(
    folder: VoiceFolder, unseen: Gate, liked: Path, posts: Path, faults: Faults
) -> Trained:
    """Train the voice by what was decided, and look at what it draws then."""
    style = Ranker.load(folder.place) or Ranker({})
    strength = taste(folder, liked, Console(stderr=True), posts=posts)
    gate = Gate.of(folder, Voice.load(folder.place))
    assert gate
    old, new = unseen.beside(gate)
    chosen = Ranker.load(folder.place) or Ranker({})
    rankers = ((old, replace(style, taste={})), (new, chosen))
    return Trained(
        len(old.real),
        strength,
        (_approved(*rankers[0], faults), _approved(*rankers[1], faults)),
        (_good(old, faults), _good(new, faults)),
        (old.judged(rankers[0][1]), new.judged(rankers[1][1])),
    )


def _good(gate: Gate, faults: Faults) -> float:
    return fmean(faults(text) == 0 for texts in gate.texts for text in texts)


def _copy(source: VoiceFolder, to: VoiceFolder) -> None:
    """The voice, and what its evaluation drew."""
    shutil.copytree(source.place, to.place)
    kept = f".{source.name}.evaluation"
    shutil.copytree(source.voices / kept, to.voices / kept)


def _learnt(scratch: Path, folder: VoiceFolder) -> dict[str, float]:
    """What the decisions so far teach, by way of `feedback`."""
    data = scratch / "liked"
    try:
        quiet = Console(file=io.StringIO())
        feedback(scratch / "bot.db", data, folder.name, folder.voices, now=NOW, console=quiet)
    except DataError:  # nothing was approved yet
        return {}
    return learn(read(data / PREFERENCES, Prompt())).weights


def _approved(gate: Gate, ranker: Ranker, faults: Faults) -> Approved:
    found: list[tuple[bool, bool]] = []
    for texts, topic in zip(gate.texts, gate.topics, strict=True):
        good = [faults(text) == 0 for text in texts]
        scores = [ranker.score(text, topic) for text in texts]
        for seed in range(3):
            chance = random.Random(seed)  # noqa: S311 - no secret
            shown = by_odds(texts, scores, SHOWN, chance)
            found.append((any(good[i] for i in shown), good[shown[0]]))
    return Approved(*(fmean(column) for column in zip(*found, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("voices", type=Path, help="folder of voices that were evaluated")
    parser.add_argument("--only", nargs="*", help="names of voices (all that were evaluated)")
    parser.add_argument("--owners", nargs="*", choices=OWNERS, default=list(OWNERS))
    parser.add_argument("--seeds", type=int, default=3, help="lives of each owner (3)")
    parser.add_argument(
        "--train", type=Path, metavar="DATA", help="train, too, with DATA/<voice>: minutes each"
    )
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
    lives: list[Life] = []
    for life in track(todo, console=Console(stderr=True)):
        strength = lives[-1].strength if life.seed else None  # is asked for once: it takes long
        with tempfile.TemporaryDirectory() as scratch:
            posts = args.train / life.voice if args.train and not life.seed else None
            lives.append(asyncio.run(live(args.voices, life, Path(scratch), strength, posts)))
        print(lives[-1], file=sys.stderr)
    print(*table(lives), sep="\n")
    if args.draw:
        draw(lives, args.draw)


def table(lives: Sequence[Life]) -> Iterator[str]:
    """Markdown: approval by decisions, then the measures before and after."""
    kinds = list(dict.fromkeys((life.voice, life.owner) for life in lives))
    yield _row(
        *("voice, owner", *(f"after {n}" for n in CHECKED), "change", "possible"),
        *("the first shown", "change", "weight"),
    )
    yield _row(*["---"] * (6 + len(CHECKED)))
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
            f"{own[0].strength:g}",
        )
    yield ""
    yield _row("voice, owner", *NAMES)
    yield _row(*["---"] * (1 + len(NAMES)))
    for life in lives:
        if life.measures:
            both = zip(*life.measures, strict=True)
            yield _row(f"{life.voice}, {life.owner}", *(f"{a:.3f} -> {b:.3f}" for a, b in both))

    if not any(life.trained for life in lives):
        return
    yield ""
    yield _row(
        *("voice, owner", "topics", "of all texts", "one of four", "change", "the first shown"),
        *("change", "chooses", *NAMES),
    )
    yield _row(*["---"] * (8 + len(NAMES)))
    for life in lives:
        if life.trained:
            yield _row(*_after_training(life, life.trained))


def _after_training(life: Life, trained: Trained) -> Iterator[str]:
    yield from (f"{life.voice}, {life.owner}", str(trained.topics))
    yield f"{trained.good[0]:.0%} -> {trained.good[1]:.0%}"
    for old, new in zip(*trained.rates, strict=True):
        yield from (f"{old:.0%} -> {new:.0%}", f"x {new / old:.1f}" if old else "")
    yield "not offered" if trained.strength is None else f"{trained.strength:g}"
    yield from (f"{a:.3f} -> {b:.3f}" for a, b in zip(*trained.measures, strict=True))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def draw(lives: Sequence[Life], file: Path) -> None:
    """Approval over decisions, a panel a voice; bands from an owner's worst life to the best."""
    kinds = list(dict.fromkeys((life.voice, life.owner) for life in lives))
    names = list(dict.fromkeys(life.voice for life in lives))
    figure, panels = plt.subplots(1, len(names), figsize=(4.5 * len(names), 3.6), sharey=True)
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
                for life in own:
                    if life.trained:
                        after = life.trained.rates[1]
                        for rate, marker in ((after.any_of_four, "*"), (after.first, "x")):
                            panel.plot(CHECKED[-1] + 4, 100 * rate, marker, color=color, ms=9)
                possible = 100 * fmean(life.possible for life in own)
                panel.axhline(possible, color=color, linewidth=0.8, linestyle=":")
        panel.set(title=f"a voice of {name}", xlabel="decisions", ylim=(0, 100))
        panel.grid(alpha=0.3)
    leftmost = panels if len(names) == 1 else panels[0]
    leftmost.set_ylabel("good enough on unseen topics, %")
    leftmost.legend(title="owner", loc="upper right", ncols=3)
    title = "one of the four shown (lines), the first shown (dashed), any drawn (dotted)"
    if any(life.trained for life in lives):
        title += "\nafter training by the taste: of the four *, the first x"
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    main()
