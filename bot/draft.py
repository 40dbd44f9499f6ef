"""A draft: a topic or notes and its candidates, awaiting a decision; the order of its states."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.sentences import say

UNDO_FOR = timedelta(hours=1)  # how long a status can be taken back


class Network(StrEnum):
    """Where statuses are published."""

    MASTODON = "mastodon"
    BLUESKY = "bluesky"

    @property
    def proper(self) -> str:
        """Its own name."""
        return self.value.capitalize()

    @classmethod
    def of(cls, account: str) -> "Network":
        """The network of an account, by its name."""
        return cls.BLUESKY if account.startswith("bluesky ") else cls.MASTODON


def is_same_account(one: str, other: str) -> bool:
    """Whether two names are one account's: a Bluesky account keeps its DID under any handle."""
    if Network.of(one) is Network.of(other) is Network.BLUESKY:
        return one.rsplit(maxsplit=1)[-1] == other.rsplit(maxsplit=1)[-1]
    return one == other


def account_words(account: str) -> str:
    """The name of an account as a person reads it, without its DID."""
    if Network.of(account) is Network.BLUESKY:
        return f"{Network.BLUESKY.proper} {account.split()[1]}"
    return account


class State(StrEnum):
    """The state of a draft."""

    PENDING = "pending"  # shown and open
    SCHEDULED = "scheduled"  # approved for later; can be taken back until then
    PUBLISHING = "publishing"  # approved; a status may or may not exist already
    UNKNOWN = "unknown"  # the same, for too long: its owner must look
    PUBLISHED = "published"
    UNDONE = "undone"  # published, and deleted again by its owner
    REJECTED = "rejected"
    REPLACED = "replaced"  # its owner wanted new candidates; another draft took its place
    EXPIRED = "expired"  # nobody decided in time


FOLLOWS = {
    State.PENDING: {
        State.SCHEDULED,
        State.PUBLISHING,
        State.REJECTED,
        State.REPLACED,
        State.EXPIRED,
        State.UNDONE,  # the parts of a thread that broke off
    },
    State.SCHEDULED: {State.PUBLISHING, State.PENDING},
    State.PUBLISHING: {State.PUBLISHED, State.PENDING, State.UNKNOWN},  # pending: surely not posted
    State.UNKNOWN: {State.PUBLISHING, State.PENDING},  # its owner says which
    State.PUBLISHED: {State.UNDONE},
    State.UNDONE: set[State](),
    State.REJECTED: set[State](),
    State.REPLACED: set[State](),
    State.EXPIRED: set[State](),
}

STATE_WORDS = {  # as in "it is …"
    State.PENDING: say("open"),
    State.SCHEDULED: say("scheduled"),
    State.PUBLISHING: say("being posted"),
    State.UNKNOWN: say("unclear"),
    State.PUBLISHED: say("posted"),
    State.UNDONE: say("deleted again"),
    State.REJECTED: say("rejected"),
    State.REPLACED: say("replaced"),
    State.EXPIRED: say("expired"),
}


class RejectionReason(StrEnum):
    """Why its owner rejected a draft; `voice/rates.py` has the words."""

    UNTRUE = "untrue"
    UNLIKE = "unlike"  # its author
    DULL = "dull"
    UNTIMELY = "untimely"


@dataclass(frozen=True, slots=True)
class Style:
    """How a status is posted; None leaves it to the account's own settings."""

    visibility: str | None = None
    language: str | None = None
    content_warning: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What a network published: one part of a draft's text, mostly all of it.

    Both fields are empty if only its owner's word says that it is there.
    """

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Echo:
    """What came of a status so far, as its server counts; None where that gives no number."""

    boosts: int | None = None
    favourites: int | None = None
    replies: int | None = None

    @classmethod
    def of(cls, *counts: object) -> "Echo":
        """From what a server says of each; only whole numbers from 0 on are any."""
        return cls(*(n if type(n) is int and n >= 0 else None for n in counts))


@dataclass(frozen=True, slots=True)
class Before:
    """An account right before a text is sent: what is new afterwards may be it."""

    ids: frozenset[str]  # of its newest statuses
    count: int | None = None  # of all its statuses, as the server says
    at: datetime | None = None  # by the server's clock


@dataclass(frozen=True, slots=True)
class Sent:
    """A text on its way: it was sent, and nobody knows yet what became of it."""

    at: datetime  # when it was last sent
    times: int
    before: Before | None  # None if the account could not be looked at


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text, exactly as it would be posted."""

    text: str
    length: int  # characters as the network counts them; the larger count, for two
    parts: tuple[str, ...] = ()  # the statuses of a thread, if the text is too long for one
    original: str | None = None  # the voice's own text, once its owner has edited it
    also: tuple[str, ...] = ()  # the statuses on a draft's second network, if they are others

    @property
    def statuses(self) -> tuple[str, ...]:
        """The texts to post, one after the other."""
        return self.parts or (self.text,)

    @property
    def there(self) -> tuple[str, ...]:
        """The texts to post on a draft's second network."""
        return self.also or self.statuses

    @property
    def fingerprint(self) -> str:
        """Eight hex digits for the exact text: the text approved is the text shown."""
        there = ("\x01", *self.also) if self.also else ()
        exact = "\x00".join((self.text, *self.parts, *there))
        return hashlib.sha256(exact.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of one owner. `id` is 0 until the store has given it one."""

    owner_id: int  # Discord user id
    voice: str
    topic: str | None
    candidates: tuple[Candidate, ...]
    max_chars: int  # the server's limit when the candidates were shown
    created_at: datetime
    style: Style = Style()
    instruction: str | None = None  # its owner's wish besides the topic
    notes: str | None = None  # what its owner wants said
    id: int = 0
    state: State = State.PENDING
    channel_id: int | None = None  # where it was shown; None until then
    message_id: int | None = None
    shown: str | None = None  # fingerprint of the candidates as that message shows them
    networks: tuple[Network, ...] = (Network.MASTODON,)  # where it is to go
    account: str | None = None  # what it is approved for, a line each: "https://server @name"
    twin_of: int | None = None  # the draft whose approval was for this one's network, too
    chosen: int | None = None  # index of the approved candidate
    attempted_at: datetime | None = None  # when posting was first tried
    sent: Sent | None = None  # the status that may or may not be there
    post_at: datetime | None = None  # when a scheduled draft is to be posted; None: queue paused
    slot: datetime | None = None  # the slot that it holds in its owner's queue
    statuses: tuple[Status, ...] = ()  # those that exist, in the order of the parts
    posted_at: datetime | None = None  # when the last of them was posted
    reason: RejectionReason | None = None  # why it was rejected, if its owner said so

    @property
    def given(self) -> str:
        """All that its owner typed: nothing else in a candidate is theirs."""
        return "\n".join(part for part in (self.topic, self.notes, self.instruction) if part)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that it is approved for, one a network; one alone once claimed."""
        return tuple((self.account or "").splitlines())

    @property
    def approved(self) -> Candidate:
        """The approved candidate."""
        assert self.chosen is not None
        return self.candidates[self.chosen]

    @property
    def fingerprint(self) -> str:
        """A hash of the exact texts of all candidates."""
        texts = "".join(c.fingerprint for c in self.candidates)
        return hashlib.sha256(texts.encode()).hexdigest()[:8]

    @property
    def status_url(self) -> str | None:
        """Link to the status, or to the first of a thread."""
        return self.statuses[0].url if self.statuses else None

    @property
    def is_broken_thread(self) -> bool:
        """Whether a thread broke off: it can only be finished or deleted."""
        return self.state is State.PENDING and bool(self.statuses)

    def can_undo(self, now: datetime) -> bool:
        """Whether its statuses can still be deleted again."""
        if self.state is State.PUBLISHED:
            return self.posted_at is not None and now - self.posted_at <= UNDO_FOR
        return self.is_broken_thread

    def idempotency_key(self, part: int) -> str:
        """One key for one part of one approval, the same after a restart."""
        assert self.attempted_at is not None
        return f"draft-{self.id}-{self.chosen}-{part}-{self.attempted_at.timestamp():.6f}"
