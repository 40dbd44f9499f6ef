"""Blind tests: who saw which real post, and what they guessed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.store.database import Database, iso
from bot.voice.rates import COUNTS, Guesses

Position = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Trial:
    """One real post and one drafted text, shown to one person. `id` is 0 until it is stored."""

    user_id: int
    voice: str
    trained_at: str  # created_at of the voice that drafted
    post: str  # a hash of the real post
    real_position: Position
    id: int = 0


class TrialTable:
    """Trials, and the guesses made in them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, trial: Trial, now: datetime) -> int:
        """Store a trial that is about to be shown; returns its id."""
        async with self._db.transaction():
            return await self._db.insert(
                "trials",
                user_id=trial.user_id,
                voice=trial.voice,
                trained_at=trial.trained_at,
                post=trial.post,
                real_position=trial.real_position,
                shown_at=iso(now),
            )

    async def withdraw(self, trial_id: int) -> None:
        """Forget a trial that could not be shown."""
        await self._db.write("DELETE FROM trials WHERE id = ?", (trial_id,))

    async def get(self, trial_id: int) -> Trial | None:
        """One trial by its id."""
        row = await self._db.row(
            "SELECT user_id, voice, trained_at, post, real_position, id FROM trials WHERE id = ?",
            (trial_id,),
        )
        return Trial(**row) if row else None

    async def seen(self, user_id: int, voice: str) -> Counter[str]:
        """How often a person has seen each real post of a voice's author."""
        rows = await self._db.rows(
            "SELECT post, count(*) AS n FROM trials WHERE user_id = ? AND voice = ? GROUP BY post",
            (user_id, voice),
        )
        return Counter({row["post"]: row["n"] for row in rows})

    async def answer(self, trial_id: int, guess: int, now: datetime) -> bool:
        """Record a guess: 1, 2, or 0 for “I cannot tell”; False if there is one already."""
        answered = await self._db.write(
            "UPDATE trials SET guess = ?, guessed_at = ? WHERE id = ? AND guess IS NULL",
            (guess, iso(now), trial_id),
        )
        return answered == 1

    async def guesses(self, voice: str, trained_at: str) -> Guesses:
        """All guesses about one training of a voice."""
        (row,) = await self._db.rows(
            f"SELECT {COUNTS} FROM trials WHERE voice = ? AND trained_at = ?", (voice, trained_at)
        )
        return Guesses(**row)
