"""When to try again what Discord did not take: pauses double, and some day they end. Sends nothing.

Discord bars an address from which ten thousand refused requests come in ten minutes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import discord

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
REFUSALS = 5  # the first may be a fault of Discord's; somebody who blocks the bot stays so
GIVE_UP_AFTER = timedelta(days=1)  # longer than any outage of Discord's
_TOO_FAST = 40003  # Discord's code for opening many direct messages; its status is 400
_NOT_NOW = (408, 429)  # status codes that are no refusal


@dataclass(slots=True)
class _Tried:
    owner_id: int
    since: datetime
    next_at: datetime
    pause: timedelta = FIRST_PAUSE
    refusals: int = 0
    is_given_up: bool = False


class Tries:
    """What failed so far, by its key; only what failed is remembered."""

    def __init__(self) -> None:
        self._of: dict[int, _Tried] = {}

    def is_due(self, key: int, now: datetime) -> bool:
        """Whether it is time to try: always, unless it failed a short while ago or for good."""
        tried = self._of.get(key)
        return tried is None or (not tried.is_given_up and tried.next_at <= now)

    def go_on(self, key: int, owner_id: int, error: Exception, now: datetime) -> bool:
        """Note a failure; False if it was the last try."""
        tried = self._of.setdefault(key, _Tried(owner_id, now, now))
        tried.next_at = now + tried.pause
        tried.pause = min(2 * tried.pause, LONGEST_PAUSE)
        tried.refusals += _is_refusal(error)
        tried.is_given_up = tried.refusals >= REFUSALS or now - tried.since > GIVE_UP_AFTER
        return not tried.is_given_up

    def end(self, key: int) -> None:
        """Forget the failures: it worked, or it is gone."""
        self._of.pop(key, None)

    def begin_again(self, owner_id: int) -> None:
        """Try at once what is this person's: they are here."""
        self._of = {key: tried for key, tried in self._of.items() if tried.owner_id != owner_id}


def _is_refusal(error: Exception) -> bool:
    return (
        isinstance(error, discord.HTTPException)
        and 400 <= error.status < 500
        and error.status not in _NOT_NOW
        and error.code != _TOO_FAST
    )
