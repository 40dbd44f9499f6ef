"""The line before the language model: a few drafts are written at once, the others wait.

Turns go round by person (start-time fair queueing): somebody who wants ten drafts gets the second
after everybody else's first. The line is bounded, for each person and in all.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from bot import metrics
from bot.errors import Unavailable
from bot.sentences import Words, say

OF_ONE = 10  # drafts of a person, waiting or in progress
IN_ALL = 300  # drafts waiting: at 10 s a draft, four at once, the last is due within the 15 minutes
#               for which Discord lets an interaction be answered
NOTIFY_AFTER_S = 1.0  # after a shorter wait nobody needs to see their place
NOTIFY_EVERY_S = 5.0  # and only if the place has changed

Notify = Callable[[Words], Awaitable[None]]


@dataclass(frozen=True, order=True, slots=True)
class Waiting:
    """A waiting draft. Earlier rounds go first, then earlier arrivals."""

    round: int
    number: int
    person: int = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Line:
    """The drafts that wait for the language model, in the order of their turns."""

    def __init__(
        self,
        at_once: int,
        of_one: int = OF_ONE,
        in_all: int = IN_ALL,
        notify_after_s: float = NOTIFY_AFTER_S,
        notify_every_s: float = NOTIFY_EVERY_S,
    ) -> None:
        self._at_once = at_once
        self._of_one = of_one
        self._in_all = in_all
        self._notify_after_s = notify_after_s
        self._notify_every_s = notify_every_s
        self._waiting: list[Waiting] = []  # sorted
        self._in_hand: list[Waiting] = []
        self._round = 0  # of the last turn that was given
        self._numbers = count()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, person: int, notify: Notify | None = None) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the block; `notify` gets the place in the line.

        Raises Unavailable if the line is full, or the bot stops meanwhile.
        """
        mine = self._join(person)
        try:
            await self._wait(mine, notify)
            yield
        finally:
            self._leave(mine)

    def close(self) -> None:
        """Dismiss everybody who waits: the bot is stopping. Turns in progress go on."""
        self._is_closed = True
        for mine in self._waiting:
            mine.turn.set_exception(_restarting())
        self._waiting.clear()

    def _join(self, person: int) -> Waiting:
        own = [w.round for w in (*self._in_hand, *self._waiting) if w.person == person]
        if self._is_closed:
            raise _restarting()
        if len(own) >= self._of_one:
            raise Unavailable(
                "I am still writing {n} drafts for you. Ask again when one of them has come.",
                n=len(own),
            )
        if len(self._waiting) >= self._in_all:
            raise Unavailable(
                "{n} drafts are waiting to be written, and more I do not take on."
                " Ask again in a few minutes.",
                n=len(self._waiting),
            )
        turn = asyncio.get_running_loop().create_future()
        mine = Waiting(max([self._round, *(r + 1 for r in own)]), next(self._numbers), person, turn)
        insort(self._waiting, mine)
        self._move_up()
        return mine

    @metrics.timed("wait")
    async def _wait(self, mine: Waiting, notify: Notify | None) -> None:
        last_place, pause_s = 0, self._notify_after_s
        while not (await asyncio.wait({mine.turn}, timeout=pause_s))[0]:
            place, pause_s = self._waiting.index(mine) + 1, self._notify_every_s
            if notify and place != last_place:
                last_place = place
                await notify(_place(place))
        mine.turn.result()
        if notify and last_place:
            await notify(say("It is your turn: I am writing."))

    def _leave(self, mine: Waiting) -> None:
        for those in (self._waiting, self._in_hand):
            if mine in those:
                those.remove(mine)
        self._move_up()

    def _move_up(self) -> None:
        while self._waiting and len(self._in_hand) < self._at_once:
            first = self._waiting.pop(0)
            self._round = first.round
            self._in_hand.append(first)
            first.turn.set_result(None)
        metrics.WAITING.set(len(self._waiting))


def _place(place: int) -> Words:
    if place == 1:
        return say("Many drafts are being asked for. Yours is the next one to be written.")
    return say(
        "Many drafts are being asked for. Yours is number {place} in the line; there is nothing"
        " you need to do.",
        place=place,
    )


def _restarting() -> Unavailable:
    return Unavailable("I am restarting. Please try again in a minute.")
