"""The blind test: a real post and a drafted one side by side, and a person says which is real.

People take the test that `evaluate` gives to a classifier. The real post is a held-out one, and
passes the same screen as the drafts: a link, a stranger's handle or a great length would give it
away. A voice that can follow notes drafts from those of the real post, so that both say the same.
"""

import asyncio
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.drafting import Drafting
from bot.errors import UserError
from bot.store.trials import Position, Trial
from bot.voice import VoicePost
from bot.voice.rates import Guesses
from bot.writing.composing import Request
from bot.writing.line import Notify
from bot.writing.screen import Rules, screen
from bot.writing.thread import status_length

_COUNT = 4  # candidates, as /draft shows; the first is taken, as `evaluate` does
POSITIONS: tuple[Position, ...] = (1, 2)
_MAX_CHARS = 500  # Mastodon's own default: no account is needed to play


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial as a person sees it: the texts in their order, and their topic."""

    id: int
    voice: str
    topic: str | None
    texts: tuple[str, str]
    is_from_notes: bool  # the drafted text says what the real post says


@dataclass(frozen=True, slots=True)
class GuessOutcome:
    """The result of a guess, and all guesses about this training of the voice."""

    voice: str
    real_position: Position
    guess: int  # 0: cannot tell
    guesses: Guesses


class BlindTest:
    """Deals trials, and takes the guesses."""

    def __init__(self, drafting: Drafting, chance: random.Random) -> None:
        self._drafting = drafting
        self._trials = drafting.store.trials
        self._chance = chance
        self._choosing = asyncio.Lock()  # two at once would choose the same post

    async def deal(
        self, user_id: int, voice: str | None, now: datetime, notify: Notify | None = None
    ) -> Shown:
        """Choose a real post, draft on its first topic and its notes, and store who sees them.

        Nobody gets a post again before they have had all. Raises UserError, Unavailable or Refused.
        """
        opened = await self._drafting.voices.of(user_id, voice)
        name, trained_at = opened.voice.name, opened.voice.created_at
        rules = self._drafting.rules(opened, _MAX_CHARS, status_length)
        posts = await self._drafting.voices.held_out(name)
        async with self._choosing:
            seen = await self._trials.seen(user_id, name)
            post = await asyncio.to_thread(self._choose, posts, seen, rules, name)
            at = self._chance.choice(POSITIONS)
            trial = Trial(user_id, name, trained_at, _fingerprint(post), at)
            trial = replace(trial, id=await self._trials.add(trial, now))
        topic, real = post.topic, post.text.strip()
        notes = real if opened.voice.knows_notes else None
        request = Request(topic, _COUNT, taken=[real], notes=notes)
        try:
            candidates = await self._drafting.candidates(user_id, opened, request, rules, notify)
            if candidates[0].parts:  # no real post is that long
                raise UserError("Nothing short enough was drafted. Try again.")
        except BaseException:
            await self._trials.withdraw(trial.id)
            raise
        drafted = candidates[0].text
        texts = (real, drafted) if at == 1 else (drafted, real)
        return Shown(trial.id, name, topic, texts, notes is not None)

    async def guess(self, trial_id: int, user_id: int, guess: int, now: datetime) -> GuessOutcome:
        """Take a guess: 1, 2, or 0 for “I cannot tell”. Raises UserError."""
        trial = await self._trials.get(trial_id)
        if trial is None:
            raise UserError("This blind test is not stored any more. `/which-one` begins another.")
        if trial.user_id != user_id:
            raise UserError("This blind test is somebody else's. `/which-one` begins your own.")
        await self._drafting.voices.check(user_id, trial.voice)
        if not await self._trials.answer(trial_id, guess, now):
            raise UserError("You have answered this one already. `/which-one` begins another.")
        guesses = await self._trials.guesses(trial.voice, trial.trained_at)
        return GuessOutcome(trial.voice, trial.real_position, guess, guesses)

    def _choose(
        self, posts: Sequence[VoicePost], seen: Mapping[str, int], rules: Rules, name: str
    ) -> VoicePost:
        """One of the posts that this person has seen least often."""
        different = list({post.text: post for post in posts}.values())
        self._chance.shuffle(different)
        for post in sorted(different, key=lambda post: seen.get(_fingerprint(post), 0)):
            kept, _ = screen([post.text], " ".join(post.topics), rules)
            if kept and not kept[0].parts:
                return post
        raise UserError(
            "The voice {voice} has no real posts to play with: it was trained without keeping the"
            " newest ones apart, or they hold links and names. Train it again on more posts.",
            voice=name,
        )


def _fingerprint(post: VoicePost) -> str:
    """A hash of the post's text, which is not stored itself."""
    return hashlib.sha256(post.text.encode()).hexdigest()[:16]
