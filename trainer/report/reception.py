"""People's decisions on a voice's drafts and their blind tests, from the bot's database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.voice import Voice
from bot.voice.rates import Approvals, Guesses
from trainer import bot_database

WEEKS_LISTED = 26  # the newest; the picture shows all


@dataclass(frozen=True, slots=True)
class Reception:
    """People's decisions and guesses."""

    approvals: Approvals
    weeks: Mapping[date, Approvals]  # by their Mondays
    reasons: Mapping[str, int]  # why drafts were rejected, by the words for it
    guesses: Mapping[str, Guesses]  # about this training of the voice, by who guessed

    @classmethod
    def load(cls, db: Path, voice: Voice) -> "Reception":
        """Read the bot's database. Raises DataError."""
        with bot_database.reading(db) as opened:
            drafts = bot_database.drafts(opened, voice.name)
            guesses = bot_database.guesses(opened, voice.name, voice.created_at)
        return cls(
            bot_database.counted(drafts),
            bot_database.by_week(drafts),
            bot_database.reasons(drafts),
            guesses,
        )

    @property
    def all_guesses(self) -> Guesses:
        """The guesses of everybody together."""
        return sum(self.guesses.values(), Guesses())

    @property
    def listed(self) -> list[tuple[date, Approvals]]:
        """The newest weeks with a decision, newest first."""
        decided = [(monday, found) for monday, found in self.weeks.items() if found.decided]
        return decided[::-1][:WEEKS_LISTED]
