"""`taste`: a voice learns from its owner's decisions which drafts to show, and how to write them.

Reads preferences.jsonl as `feedback` wrote it, and what the last evaluation drew. Writes the taste
into the voice's ranker.json, beside the author's style; with the prepared posts at hand the voice
itself goes on to learn, too (retrain.py). Both can be taken back.
"""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from math import exp
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from bot.ranker import RANKER_FILE, TOPIC, Ranker
from bot.voice import VOICE_FILE, Voice, VoiceError
from trainer.drawing import CANDIDATES
from trainer.errors import DataError
from trainer.feedback import PREFERENCES
from trainer.gate import NAMES, Gate, Judged
from trainer.liking import Taste, learn, read
from trainer.retrain import draw, expect_own, retrain, start_of
from trainer.voice_folder import VoiceFolder

# Of the texts drawn the best are wanted, and not some in proportion to how good they are: so the
# taste counts for more than the decisions show. LOG.md has what that brings.
FULL = 4.0
# The text shown first is judged beside the author's posts: as much of the taste as costs nothing.
OF_FIRST = {
    1.0: "and this taste",
    0.5: "and half of this taste",
    0.25: "and a quarter of this taste",
    0.125: "and an eighth of this taste",
    0.0: "alone",
}


def taste(
    folder: VoiceFolder,
    liked: Path,
    console: Console,
    *,
    posts: Path | None = None,
    base: str | None = None,
    anyway: bool = False,
) -> float | None:
    """Learn a taste and put it into the voice's ranker, as strong as it is without a loss.

    With `posts`, the folder that the voice learnt from, the voice is trained by it before, on
    `base` if its name does not say where that is. Returns the share of it that chooses what is
    shown first, None if the voice stays as it was; with `anyway` all. Raises a TrainerError.
    """
    try:
        voice = Voice.load(folder.place)
        data = expect_own(voice, posts, base) if posts else None
        learnt = learn(read(liked / PREFERENCES, voice.prompt))
        _print(console, _so_far(learnt))
        if not learnt.weights:
            return None
        start = start_of(folder)
        before = None if anyway else _gate(start)
        if data and not before and not anyway:
            raise DataError(
                f"What it costs cannot be said, as the voice {voice.name} was not evaluated since"
                " it was trained, or on too few posts. Run `evaluate`, then this again; or add"
                " --anyway."
            )
        tried = folder
        if data:
            now = datetime.now(UTC)
            tried = retrain(folder, data, base, learnt, now=now, console=console)
            if before:
                draw(tried, before)
        style = replace(Ranker.load(tried.place) or Ranker({}), taste={})
        of_first: float | None = max(OF_FIRST)
        if not anyway:
            after = before if tried == start else _gate(tried)
            of_first = affordable(before, after, style, learnt, console)
    except VoiceError as e:
        raise DataError(str(e)) from e
    if of_first is None:
        shutil.rmtree(folder.trial.voices, ignore_errors=True)
        return None
    _save(tried.place, tasting(style, learnt, of_first))
    if data:
        folder.put_away()
        folder.replace(tried)
        _print(
            console, f"{voice.name} has learnt anew from those of its posts that this taste likes."
        )
    _print(
        console,
        f"From now on {voice.name} draws twice as many texts a draft. The first one shown is chosen"
        f" by the author's style {OF_FIRST[of_first]}, the others by what you like most.",
    )
    _print(console, f"`python -m trainer taste {voice.name} --forget` takes it back.")
    return of_first


def forget(folder: VoiceFolder, console: Console) -> None:
    """Make the voice what it was before it learnt a taste. Raises DataError."""
    try:
        is_trained = folder.before.place.exists()
        if is_trained:
            folder.replace(folder.before)
        ranker = Ranker.load(folder.place)
    except VoiceError as e:
        raise DataError(str(e)) from e
    if ranker and ranker.taste:
        _save(folder.place, replace(ranker, taste={}))
    elif not is_trained:
        raise DataError(f"The voice {folder.name} has no taste that could be forgotten.")
    _print(console, f"The taste is forgotten: {folder.name} writes and chooses as before.")


def _gate(folder: VoiceFolder) -> Gate | None:
    return Gate.of(folder, Voice.load(folder.place))


def tasting(style: Ranker, learnt: Taste, of_first: float) -> Ranker:
    """A ranker of the author's style that has this taste: it keeps to the topic as it did without.

    So the share of the topic counts for as much more as the taste does (LOG.md).
    """
    topic = {name: w for name, w in style.weights.items() if name.startswith(TOPIC)}
    kept = {name: (FULL - 1) * weight for name, weight in topic.items()}
    return replace(style, taste=kept | learnt.times(FULL), of_first=of_first)


def affordable(
    before: Gate | None, after: Gate | None, style: Ranker, learnt: Taste, console: Console
) -> float | None:
    """The share of the taste that may choose what is shown first without making a measure worse.

    `before` are drafts of the voice without the taste, `after` those it is to choose from: if these
    are worse without any choice by taste, None.
    """
    if before is None or after is None:
        _print(
            console,
            "What it costs cannot be said, as the voice was not evaluated since it was trained, or"
            " on too few posts: so the text shown first is chosen without it. Run `evaluate`, then"
            " this again.",
        )
        return 0.0
    drawn_anew = before is not after
    if drawn_anew:
        before, after = before.beside(after)
    was, worse = before.judged(style), list[str]()
    for of_first in OF_FIRST:
        ranker = tasting(style, learnt, of_first)
        now = after.judged(ranker)
        lost = before.losses(was, now, drawn_anew=drawn_anew)
        if not lost:
            if worse:
                _print(console, f"With more of it, the first would cost {' and '.join(worse)}.")
            preferred = _preferred(learnt, before, style, after, ranker)
            _print(
                console,
                f"On {preferred:.0%} of {len(before.real)} topics that nobody decided on, one of"
                f" the {CANDIDATES} texts shown is preferred to all that were shown before, as far"
                " as the decisions tell.",
            )
            _show(was, now, console)
            return of_first
        worse = lost
    _print(
        console,
        f"But what it draws then would cost {' and '.join(worse)}, measured on {len(before.real)}"
        " real posts: nothing is changed. `--anyway` takes it all the same; without --train the"
        " taste only chooses, and the text shown first stays as it is.",
    )
    _show(was, now, console)
    return None


def _preferred(learnt: Taste, before: Gate, style: Ranker, after: Gate, ranker: Ranker) -> float:
    """Share of topics on which the owner would take a new text, by Bradley and Terry."""
    rows = zip(before.shown(style, CANDIDATES), after.shown(ranker, CANDIDATES), strict=True)
    gains = [max(map(learnt.score, new)) - max(map(learnt.score, old)) for old, new in rows]
    return fmean(1 / (1 + exp(-gain)) for gain in gains)


def _so_far(learnt: Taste) -> str:
    seen = f"{learnt.decisions} decision{'s' * (learnt.decisions != 1)} that prefer one text"
    if not learnt.weights:
        return (
            f"{seen} to another do not show a taste yet (a part of them foretells"
            f" {learnt.agreement:.0%} of the others; 50% is guessing): nothing is changed. Decide"
            " on more drafts."
        )
    return (
        f"{seen} to another show a taste: {', '.join(learnt.said) or 'many small things'}. A part"
        f" of them foretells {learnt.agreement:.0%} of the others; 50% is guessing."
    )


def _show(before: Judged, after: Judged, console: Console) -> None:
    table = Table("", "before", "with this taste", box=None, pad_edge=False)
    for name, old, new in zip(NAMES, before, after, strict=True):
        table.add_row(name, f"{old:.3f}", f"{new:.3f}")
    console.print(table)


def _save(voice: Path, ranker: Ranker) -> None:
    try:
        if ranker.weights or ranker.taste:
            ranker.save(voice)
        else:
            (voice / RANKER_FILE).unlink()
        (voice / VOICE_FILE).touch()  # running bots look there for what is new
    except OSError as e:
        raise DataError(f"{voice} cannot be written to ({e.strerror}).") from e


def _print(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False)
