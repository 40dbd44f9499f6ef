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

from bot.voice import VOICE_FILE, Voice
from bot.voice.ranker import RANKER_FILE, TOPIC, Ranker
from trainer.data.preferences import PREFERENCES_FILE
from trainer.drawing.kept import CANDIDATES
from trainer.errors import DataError
from trainer.taste.gate import NAMES, Gate, Judged
from trainer.taste.preference_model import Taste, learn, read
from trainer.taste.retrain import draw, expect_own, retrain, start_of
from trainer.training.voice_folder import VoiceFolder

# Of the texts drawn the best are wanted, and not some in proportion to how good they are: so the
# taste counts for more than the decisions show. LOG.md has what that brings.
FULL = 4.0
TOPICS = 2.0  # times the topic counts beside it once more: texts keep to it as they did before


def taste(
    folder: VoiceFolder,
    liked: Path,
    console: Console,
    *,
    posts: Path | None = None,
    base: str | None = None,
    anyway: bool = False,
) -> bool:
    """Learn a taste and put it into the voice's ranker; false if the voice stays as it was.

    With `posts`, the folder that the voice learnt from, the voice is trained by it before, on
    `base` if its name does not say where that is, and must not get worse, unless `anyway`. Raises a
    TrainerError or VoiceError.
    """
    voice = Voice.load(folder.place)
    data = expect_own(voice, posts, base) if posts else None
    learnt = learn(read(liked / PREFERENCES_FILE, voice.prompt))
    _print(console, _so_far(learnt))
    if not learnt.weights:
        return False
    start = start_of(folder)
    before = _gate(start)
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
        if before and not anyway:
            draw(tried, before)
    after = before if tried == start else _gate(tried)
    style = replace(Ranker.load(tried.place) or Ranker({}), taste={})
    if data and before and after and _is_worse(before, after, style, console):
        shutil.rmtree(folder.trial.voices, ignore_errors=True)
        return False
    tasting = with_taste(style, learnt)
    if before and after:
        _print(console, _preferred(learnt, *before.beside(after), style, tasting))
    _save(tried.place, tasting)
    if data:
        folder.put_away()
        folder.replace(tried)
        _print(
            console, f"{voice.name} has learnt anew from those of its posts that this taste likes."
        )
    _print(
        console,
        f"From now on {voice.name} draws twice as many texts a draft. The first one shown is the"
        " likest to its author, as before; the others are what you like most."
        f" `python -m trainer taste {voice.name} --forget` takes it back.",
    )
    return True


def forget(folder: VoiceFolder, console: Console) -> None:
    """Make the voice what it was before it learnt a taste. Raises DataError or VoiceError."""
    is_trained = folder.before.place.exists()
    if is_trained:
        folder.replace(folder.before)
    ranker = Ranker.load(folder.place)
    if ranker and ranker.taste:
        _save(folder.place, replace(ranker, taste={}))
    elif not is_trained:
        raise DataError(f"The voice {folder.name} has no taste that could be forgotten.")
    _print(console, f"The taste is forgotten: {folder.name} writes and chooses as before.")


def _gate(folder: VoiceFolder) -> Gate | None:
    return Gate.of(folder, Voice.load(folder.place))


def with_taste(style: Ranker, learnt: Taste) -> Ranker:
    """The ranker with this taste beside the style; what it shows keeps to the topic as before."""
    topic = {name: TOPICS * w for name, w in style.weights.items() if name.startswith(TOPIC)}
    return replace(style, taste=topic | learnt.times(FULL))


def _is_worse(before: Gate, after: Gate, style: Ranker, console: Console) -> bool:
    """Whether a voice that was trained by a taste lost more by it than chance explains."""
    before, after = before.beside(after)
    was, now = before.judged(style), after.judged(style)
    lost = before.losses(was, now)
    if lost:
        _print(
            console,
            f"But what it draws then would cost {' and '.join(lost)}, measured on"
            f" {len(before.real)} real posts: nothing is changed. `--anyway` takes it all the same;"
            " without --train the taste only chooses, and the text shown first stays as it is.",
        )
    _show(was, now, console)
    return bool(lost)


def _preferred(learnt: Taste, before: Gate, after: Gate, style: Ranker, tasting: Ranker) -> str:
    """On how many topics the owner would take a new text, by Bradley and Terry."""
    rows = zip(before.shown(style, CANDIDATES), after.shown(tasting, CANDIDATES), strict=True)
    gains = [max(map(learnt.score, new)) - max(map(learnt.score, old)) for old, new in rows]
    share = fmean(1 / (1 + exp(-gain)) for gain in gains)
    return (
        f"On {share:.0%} of {len(gains)} topics that nobody decided on, one of the {CANDIDATES}"
        " texts shown is preferred to all that were shown before, as far as the decisions tell."
    )


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
