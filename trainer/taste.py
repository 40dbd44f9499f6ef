"""`taste`: a voice learns from its owner's decisions which of its drafts to show.

Reads preferences.jsonl as `feedback` wrote it, and what the last evaluation drew. Writes the taste
into the voice's ranker.json, beside the author's style, where it can be taken back. The voice's own
weights stay as they are: LOG.md has the figures for that.
"""

from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.ranker import RANKER_FILE, Ranker
from bot.voice import VOICE_FILE, Voice, VoiceError
from trainer.errors import DataError
from trainer.feedback import PREFERENCES
from trainer.gate import NAMES, Gate, Judged
from trainer.liking import Taste, learn, read
from trainer.voice_folder import VoiceFolder

# Of the four drafts shown the best are wanted, and not some in proportion to how good they are: so
# more than the decisions show is tried first. LOG.md has what each brings and costs.
STRENGTHS = {4.0: "four times", 2.0: "twice", 1.0: "just", 0.5: "half", 0.25: "a quarter of"}
UNJUDGED = 0.25  # where nobody knows what it costs: it cost none of those in LOG.md anything


def taste(folder: VoiceFolder, data: Path, console: Console, *, anyway: bool = False) -> float:
    """Learn a taste and put it into the voice's ranker, as strong as it is without a loss.

    Returns how strong that is, 0 for not at all; with `anyway` the strongest. Raises DataError if
    the pairs or the voice cannot be read.
    """
    try:
        voice = Voice.load(folder.place)
        style = replace(Ranker.load(folder.place) or Ranker({}), taste={})
        learnt = learn(read(data / PREFERENCES, voice.prompt))
        gate = None if anyway or not learnt.weights else Gate.of(folder, voice)
    except VoiceError as e:
        raise DataError(str(e)) from e
    _print(console, _so_far(learnt))
    if not learnt.weights:
        return 0.0
    strength = max(STRENGTHS) if anyway else affordable(gate, style, learnt, console)
    if strength:
        _save(folder.place, replace(style, taste=learnt.times(strength)))
        _print(
            console,
            f"From now on it chooses among the drafts of {voice.name}, beside the author's style,"
            f" at {STRENGTHS[strength]} the weight that the decisions show."
            f" `python -m trainer taste {voice.name} --forget` takes it back.",
        )
    return strength


def forget(folder: VoiceFolder, console: Console) -> None:
    """Take the taste out of the ranker again. Raises DataError."""
    try:
        before = Ranker.load(folder.place)
    except VoiceError as e:
        raise DataError(str(e)) from e
    if before is None or not before.taste:
        raise DataError(f"The voice {folder.name} has no taste that could be forgotten.")
    _save(folder.place, replace(before, taste={}))
    _print(console, f"The taste is forgotten: {folder.name} chooses its drafts as before.")


def affordable(gate: Gate | None, style: Ranker, learnt: Taste, console: Console) -> float:
    """How strong the taste can be without making a measure worse; 0 if it cannot be at all."""
    if gate is None:
        _print(
            console,
            "What it costs cannot be said, as the voice was not evaluated since it was trained, or"
            " on too few posts: so it is taken at a strength that seldom costs anything. Run"
            " `evaluate`, then this again: it may become stronger.",
        )
        return UNJUDGED
    before = gate.judged(style)
    worse: list[str] = []
    for strength in STRENGTHS:
        after = gate.judged(replace(style, taste=learnt.times(strength)))
        lost = gate.losses(before, after)
        if not lost:
            if worse:
                _print(console, f"A stronger one would cost {' and '.join(worse)}.")
            _show(before, after, console)
            return strength
        worse = lost
    _print(
        console,
        f"But even at its weakest it would cost {' and '.join(worse)}, measured on"
        f" {len(gate.real)} real posts: nothing is changed. `--anyway` takes it all the same.",
    )
    _show(before, after, console)
    return 0.0


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
