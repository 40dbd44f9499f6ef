"""What came of each post: its counts, read a day and a week after it from its owner's own account.

A server that is away, or an account that is not connected, is asked again, less and less often; two
days later the count is given up, as an older one says something else. Nothing else waits for this,
and nothing of it goes into the voice or the taste.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot import metrics
from bot.draft import Echo
from bot.errors import BotError
from bot.posting.accounts import Accounts
from bot.store import Store
from bot.store.echoes import DueEcho

log = structlog.stdlib.get_logger(__name__)

AFTER_DAYS = (1, 7)
UNTIL = timedelta(days=2)  # after it was due, a count is given up
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=10), timedelta(hours=12)
_AT_MOST = 10  # of one account a minute
_AT_ONCE = 2  # accounts: whoever posts needs threads, too


class Echoes:
    """Reads the counts that are due."""

    def __init__(self, accounts: Accounts, store: Store) -> None:
        self._accounts = accounts
        self._stored = store.echoes
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def listen(self, now: datetime) -> None:
        """Read what is due: some of each account's, and nobody waits for another's server."""
        due = defaultdict[tuple[int, str], list[DueEcho]](list)
        for days in AFTER_DAYS:
            for each in await self._stored.due(days, now, UNTIL):
                due[each.owner_id, each.account].append(each)
        await asyncio.gather(*(self._read(of_one[:_AT_MOST], now) for of_one in due.values()))

    async def _read(self, of_one: Sequence[DueEcho], now: datetime) -> None:
        """Read one account's; after the first failure the others wait for the next minute."""
        async with self._turns:
            for due in of_one:
                try:
                    account = await self._accounts.named(due.owner_id, due.account)
                    echo = await account.echo(due.status)
                except BotError as e:
                    await self._wait(due, now, e)
                    return
                await self._stored.keep(due, echo and _of_others(echo, due), now)
                metrics.ECHOES.labels("read" if echo else "gone").inc()

    async def _wait(self, due: DueEcho, now: datetime, why: BotError) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(due.tries, 10), _LONGEST_PAUSE)
        is_over = now + pause >= due.posted_at + timedelta(due.days) + UNTIL
        log.warning("a post's counts cannot be read", draft=due.draft_id, why=why.words.template)
        await self._stored.wait(due, now, None if is_over else now + pause)
        metrics.ECHOES.labels("given up" if is_over else "later").inc()


def _of_others(echo: Echo, due: DueEcho) -> Echo:
    """Without the reply that is the second part of the thread itself.

    A thread counts by its first part: that is what people see and boost, and a sum over its parts
    would praise length.
    """
    if due.parts < 2 or not echo.replies:
        return echo
    return replace(echo, replies=echo.replies - 1)
