"""A draft: a topic and its candidates, awaiting a decision; and which state may follow which.

And a schedule: when an owner wants a draft without asking for it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What has become of a draft."""

    PENDING = "pending"  # shown, nobody has decided yet
    PUBLISHING = "publishing"  # approved; a status may or may not exist already
    PUBLISHED = "published"
    REJECTED = "rejected"
    REPLACED = "replaced"  # new candidates were asked for; another draft took its place


FOLLOWS = {
    State.PENDING: {State.PUBLISHING, State.REJECTED, State.REPLACED},
    State.PUBLISHING: {State.PUBLISHED, State.PENDING},  # back to pending: surely not posted
    State.PUBLISHED: set[State](),
    State.REJECTED: set[State](),
    State.REPLACED: set[State](),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One generated text, exactly as it would be posted."""

    text: str
    length: int  # characters as the Mastodon server counts them


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of one owner. `id` is 0 until the store has given it one."""

    owner_id: int  # Discord user id
    voice: str
    topic: str | None
    candidates: tuple[Candidate, ...]
    max_chars: int  # the server's limit when the candidates were shown
    created_at: datetime
    id: int = 0
    state: State = State.PENDING
    channel_id: int | None = None  # where it was shown; None while it was not
    message_id: int | None = None
    chosen: int | None = None  # index of the approved candidate
    attempted_at: datetime | None = None  # when posting was first tried
    status_url: str | None = None

    @property
    def approved_text(self) -> str:
        """Text of the approved candidate."""
        assert self.chosen is not None
        return self.candidates[self.chosen].text

    @property
    def idempotency_key(self) -> str:
        """One key for one approval, the same after a restart."""
        assert self.attempted_at is not None
        return f"draft-{self.id}-{self.chosen}-{self.attempted_at.timestamp():.6f}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an owner wants the daily suggestion."""

    owner_id: int
    local_time: str  # HH:MM
    timezone: str  # IANA name
    next_at: datetime  # UTC
