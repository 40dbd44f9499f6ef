"""How a voice writes from notes: true to them, and in its author's manner?

Each held-out post is asked for by notes made of it, so the post says what the draft should say. The
floors need no training: the notes as they are, and the base model with five examples.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.voice import PromptParts, VoicePost
from bot.voice.notes import Wording, notes_of
from trainer.data.rows import SMALL_WORDS
from trainer.judging.fidelity import Fidelity, Margin, fidelity, is_all_and_only, likeness_above
from trainer.judging.yardstick import Measured, Yardstick


@dataclass(frozen=True, slots=True)
class Written:
    """The measures of one set of texts that were written from notes."""

    like: Measured
    true: Fidelity
    approved: float = 0.0  # drafts with a text among four that says all and only the notes


@dataclass(frozen=True, slots=True)
class FromNotes:
    """What was found about texts from notes."""

    voice: Written
    floors: dict[str, Written]  # notes, examples: those that could be measured
    nearer: dict[str, Margin] = field(default_factory=dict)  # to the real posts than each floor


def asked_by_notes(posts: Sequence[VoicePost], wording: Wording) -> list[PromptParts]:
    """Notes of each post, as somebody might have jotted them down; always the same ones."""
    asked = []
    for post in posts:
        chance = random.Random(post.text)  # noqa: S311 - no secret
        notes = notes_of(post.text, wording, chance.choice(SMALL_WORDS), chance)
        asked.append(PromptParts(notes=notes))
    return asked


def compared(
    sets: dict[str, list[list[str]]],
    asked: Sequence[PromptParts],
    real: Sequence[str],
    wording: Wording,
    by: Yardstick,
) -> FromNotes | None:
    """Measure the voice's texts beside those of the floors; None if it has none."""
    found = {name: _written(drawn, asked, real, wording, by) for name, drawn in sets.items()}
    voice = found.pop("voice")
    if voice is None:
        return None
    nearer = {}
    for name in found:
        rows = zip(sets["voice"], sets[name], real, strict=True)
        both = [(ours[0], theirs[0], post) for ours, theirs, post in rows if ours and theirs]
        if len(both) > 1:
            nearer[name] = likeness_above(*(list(column) for column in zip(*both, strict=True)))
    return FromNotes(voice, {n: one for n, one in found.items() if one}, nearer)


def _written(
    drawn: Sequence[Sequence[str]],
    asked: Sequence[PromptParts],
    real: Sequence[str],
    wording: Wording,
    by: Yardstick,
) -> Written | None:
    """Measure the first text of each draft; None if there is none at all."""
    rows = [
        (texts, parts.notes or "", post)
        for texts, parts, post in zip(drawn, asked, real, strict=True)
        if texts
    ]
    if not rows:
        return None
    several, notes, posts = (list(column) for column in zip(*rows, strict=True))
    texts = [texts[0] for texts in several]
    candidates = [texts for texts in several if len(texts) > 1]
    like = by.on(posts).measure(texts, [None] * len(texts), candidates, paired=True)
    true = fidelity(texts, notes, posts, wording=wording)
    approved = sum(
        any(is_all_and_only(text, told, wording) for text in texts) for texts, told, post in rows
    )
    return Written(like, true, approved / len(drawn))
