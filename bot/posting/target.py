"""Where statuses go: one account on one network. mastodon.py and bluesky.py are the two.

The use cases know this alone. Publishing is not idempotent by itself: once.py asks `look` before it
sends anything a second time, and a network that takes the same call twice as one says so there.
"""

from collections.abc import AsyncIterator, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.draft import Before, Echo, Network, Status, Style
from bot.posting.evidence import Glance

AS_THE_ACCOUNT = Style()
PAUSES_S = (1.0, 3.0)  # between tries, or looks, while the owner waits


@dataclass(frozen=True, slots=True)
class Part:
    """One status to be: all it takes to post it once, and to find it again."""

    text: str
    key: str  # the same after a restart
    since: datetime  # the first attempt
    style: Style = AS_THE_ACCOUNT
    thread: tuple[Status, ...] = ()  # what stands before it in its thread
    known: Set[str] = frozenset()  # ids of statuses that are something else
    before: Before | None = None  # the account before the first attempt, if that was seen
    was_sent: bool = False  # before now: it may be there although this attempt is turned away


class Target(Protocol):
    """An account to post to. Every call raises Unavailable or Refused, with a sentence."""

    @property
    def network(self) -> Network:
        """Which network it is on."""
        ...

    @property
    def place(self) -> str:
        """Its server or network, as people know it."""
        ...

    @property
    def name(self) -> str:
        """The account's name, as stored with its drafts; known once it is identified."""
        ...

    @property
    def is_identified(self) -> bool:
        """Whether the name is known."""
        ...

    async def identify(self) -> str:
        """The name; requests it if it is not known yet."""
        ...

    async def verify(self) -> str:
        """The handle, if the server still takes the bot's posts."""
        ...

    async def max_chars(self) -> int:
        """How many characters a status may have."""
        ...

    def length(self, text: str, asked: Style = AS_THE_ACCOUNT) -> int:
        """Characters of a status of that style, as this place counts them."""
        ...

    def style(self, asked: Style) -> Style:
        """How a status is posted. Raises UserError if it cannot be had here."""
        ...

    async def survey(self) -> Before | None:
        """The account before something is sent; None if that proves nothing here."""
        ...

    async def publish(self, part: Part) -> Status:
        """Post it. Refused: surely not there; NotSent: not there yet; Unavailable: look."""
        ...

    async def look(self, part: Part) -> Glance:
        """Look whether it is there."""
        ...

    async def delete(self, status: Status) -> None:
        """Delete a status; one that is gone already is fine."""
        ...

    async def echo(self, status: Status) -> Echo | None:
        """What came of a status so far; None if it is not there any more."""
        ...

    def posts(self) -> AsyncIterator[str]:
        """Everything the account has posted: JSON lines as its server gives them, in pieces."""
        ...
