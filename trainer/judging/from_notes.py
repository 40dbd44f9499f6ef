"""How a voice writes from notes: true to them, and in its author's manner?

Each held-out post is asked for by notes made of it, so the post says what the draft should say. The
floors need no training: the notes as they are, and the base model with five examples.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bot.voice import PromptParts, VoicePost
from bot.voice.notes import Wording, notes_of
from trainer.data.rows import SMALL_WORDS
from trainer.judging.fidelity import Fidelity, fidelity
from trainer.judging.yardstick import Measured, Yardstick


@dataclass(frozen=True, slots=True)
class Written:
    """The measures of one set of texts that were written from notes."""

    like: Measured
    true: Fidelity


@dataclass(frozen=True, slots=True)
class FromNotes:
    """What was found about texts from notes."""

    voice: Written
    floors: dict[str, Written]  # notes, examples: those that could be measured


def asked_by_notes(posts: Sequence[VoicePost], wording: Wording) -> list[PromptParts]:
    """Notes of each post, as somebody might have jotted them down; always the same ones."""
    asked = []
    for post in posts:
        chance = random.Random(post.text)  # noqa: S311 - no secret
        notes = notes_of(post.text, wording, chance.choice(SMALL_WORDS), chance)
        asked.append(PromptParts(notes=notes))
    return asked


def written(
    drawn: Sequence[Sequence[str]],
    asked: Sequence[PromptParts],
    real: Sequence[str],
    wording: Wording,
    by: Yardstick,
) -> Written | None:
    """Measure the first text of each draft; None if there is none at all."""
    rows = [
        (texts[0], parts.notes or "", post)
        for texts, parts, post in zip(drawn, asked, real, strict=True)
        if texts
    ]
    if not rows:
        return None
    texts, notes, posts = (list(column) for column in zip(*rows, strict=True))
    several = [texts for texts in drawn if len(texts) > 1]
    like = by.measure(texts, [None] * len(texts), several)
    return Written(like, fidelity(texts, notes, posts, wording=wording))
