"""`taste`: learn from its owner's decisions which drafts of a voice to show.

Reads preferences.jsonl as `feedback` wrote it, and what the last evaluation drew. Writes the taste
into the voice's ranker.json, beside the author's style; it can be taken back.
"""

import shlex
from dataclasses import replace
from math import exp
from pathlib import Path
from statistics import fmean

from rich.console import Console

from bot.voice import HELD_OUT_FILE, VOICE_FILE, PromptParts, Voice, VoicePost, load_posts
from bot.voice.notes import Wording
from bot.voice.ranker import RANKER_FILE, TOPIC, Ranker
from trainer.data.preferences import PREFERENCES_FILE
from trainer.drawing.draw import shown
from trainer.drawing.kept import CANDIDATES
from trainer.drawing.kept import read_kept as read_drawn
from trainer.errors import DataError
from trainer.taste.preference_model import Taste, learn_preferences, read_comparisons
from trainer.training.voice_folder import VoiceFolder

_FEWEST = 50  # posts: a share of fewer would be a guess
# Of the texts drawn the best are wanted, and not some in proportion to how good they are: so the
# taste counts for more than the decisions show. experiments/LOG.md has what that brings.
FULL = 4.0
TOPICS = 2.0  # times the topic counts beside it once more: texts keep to it as they did before


def taste(folder: VoiceFolder, liked: Path, console: Console) -> bool:
    """Learn a taste and put it into the voice's ranker; false if the voice stays as it was.

    Raises a TrainerError or VoiceError.
    """
    voice = Voice.load(folder.place)
    learnt = learn_preferences(read_comparisons(liked / PREFERENCES_FILE, voice.prompt))
    _print(console, _so_far(learnt))
    if not learnt.weights:
        return False
    style = replace(Ranker.load(folder.place) or Ranker({}), taste={})
    tasting = with_taste(style, learnt)
    if rows := last_drawn(folder, voice):
        wording = Wording.of(post.text for post in load_posts(folder.place))
        _print(console, _preferred(learnt, rows, style, tasting, wording))
    _save(folder.place, tasting)
    _print(
        console,
        f"From now on {voice.name} draws twice as many texts a draft. The first one shown is the"
        " likest to its author, as before; the others are what you like most."
        f" `python -m trainer taste {voice.name} --forget` takes it back.",
    )
    return True


def forget_taste(folder: VoiceFolder, console: Console) -> None:
    """Choose as before a taste was learnt. Raises DataError or VoiceError.

    Version 0.1 could train a voice by its taste. The voice that it put away stays where it is.
    """
    ranker = Ranker.load(folder.place)
    before = folder.voices / f".{folder.name}.before" / folder.name
    if ranker and ranker.taste:
        _save(folder.place, replace(ranker, taste={}))
        _print(console, f"The taste is forgotten: {folder.name} chooses as before.")
    elif not before.exists():
        raise DataError(f"The voice {folder.name} has no taste that could be forgotten.")
    if before.exists():
        new, drawn, old = (shlex.quote(str(p)) for p in (folder.place, folder.evaluation, before))
        _print(
            console,
            f"An earlier version trained {folder.name} by a taste, too, and kept the voice of"
            f" before. To have that one back: rm -rf {new} {drawn} && mv {old} {new}",
        )


def last_drawn(folder: VoiceFolder, voice: Voice) -> list[tuple[VoicePost, list[str]]]:
    """Held-out posts, each with all texts that the last evaluation drew on its topic.

    Empty if the voice was not evaluated since it was trained, or on too few posts.
    """
    if not (folder.place / HELD_OUT_FILE).exists() or "distinct_2_real" not in voice.metrics:
        return []
    posts = {post.text: post for post in load_posts(folder.place, HELD_OUT_FILE)}
    drawn: dict[str, list[str]] = {}
    for file in folder.evaluation.glob("voice-*.jsonl"):
        drawn |= read_drawn(file)
    rows = [(posts[text], texts) for text, texts in drawn.items() if texts and text in posts]
    return rows if len(rows) >= _FEWEST else []


def with_taste(style: Ranker, learnt: Taste) -> Ranker:
    """The ranker with this taste beside the style; what it shows keeps to the topic as before."""
    topic = {name: TOPICS * w for name, w in style.weights.items() if name.startswith(TOPIC)}
    return replace(style, taste=topic | learnt.times(FULL))


def _preferred(
    learnt: Taste,
    rows: list[tuple[VoicePost, list[str]]],
    style: Ranker,
    tasting: Ranker,
    wording: Wording,
) -> str:
    """On how many topics the owner would take a new text, by Bradley and Terry."""

    def best(post: VoicePost, texts: list[str], ranker: Ranker) -> float:
        asked = PromptParts(post.topic)
        first = shown(texts, asked, CANDIDATES, ranker, wording=wording)
        return max(map(learnt.score, first))

    gains = [best(*row, tasting) - best(*row, style) for row in rows]
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
