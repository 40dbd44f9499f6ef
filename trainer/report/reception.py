"""What people say of a voice: decisions, guesses and counts, from the bot's database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from pathlib import Path

from bot.voice import Voice
from bot.voice.echoes import Heard, Standing, by_hour, by_topic
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
    heard: Sequence[Heard]  # posts that were counted
    standings: Mapping[str, Sequence[Standing]]  # by what: topics, hours; the surest first

    @classmethod
    def load(cls, db: Path, voice: Voice, zone: tzinfo) -> "Reception":
        """Read the bot's database; hours are those of this zone. Raises DataError."""
        with bot_database.reading(db) as opened:
            drafts = bot_database.drafts(opened, voice.name)
            guesses = bot_database.guesses(opened, voice.name, voice.created_at)
            heard = bot_database.heard(opened, voice.name)
        return cls(
            bot_database.counted(drafts),
            bot_database.by_week(drafts),
            bot_database.reasons(drafts),
            guesses,
            heard,
            {"Topic": by_topic(heard), f"Hours ({zone})": by_hour(heard, zone)},
        )

    @property
    def all_guesses(self) -> Guesses:
        """The guesses of everybody together."""
        return sum(self.guesses.values(), Guesses())

    @property
    def sums(self) -> tuple[int, int, int]:
        """Boosts, favourites and replies of all posts within a day of each."""
        counts = [(post.boosts, post.favourites, post.replies) for post in self.heard]
        boosts, favourites, replies = (sum(column) for column in zip(*counts, strict=True))
        return boosts, favourites, replies

    @property
    def listed(self) -> list[tuple[date, Approvals]]:
        """The newest weeks with a decision, newest first."""
        decided = [(monday, found) for monday, found in self.weeks.items() if found.decided]
        return decided[::-1][:WEEKS_LISTED]
