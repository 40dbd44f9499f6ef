"""The bot's work in hand: a stop waits for it, and nothing new begins meanwhile.

What is in hand for a person who has everything about them deleted ends unfinished.
"""

import asyncio
import contextvars
from collections.abc import Collection
from datetime import datetime

import discord
import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import metrics
from bot.errors import Unavailable


class Work:
    """Tasks in hand: interactions and reactions, which call `take`, and the scheduler's jobs."""

    def __init__(self, scheduler: AsyncIOScheduler) -> None:
        self.is_stopping = False
        self._scheduler = scheduler
        self._in_hand: dict[asyncio.Future[object], discord.Interaction | None] = {}
        self._whose: dict[asyncio.Future[object], int] = {}
        scheduler.add_executor(_Jobs(self))

    def take(
        self, interaction: discord.Interaction | None = None, person: int | None = None
    ) -> None:
        """Count the current task as work in hand, until it ends. Raises Unavailable at a stop.

        `person` is whose it is, if there is no interaction.
        """
        if self.is_stopping:
            raise Unavailable("I am restarting. Please try again in a minute.")
        task = asyncio.current_task()
        assert task
        self.hold(task, interaction)
        if interaction or person:
            self._whose[task] = interaction.user.id if interaction else person or 0

    def hold(
        self, task: asyncio.Future[object], interaction: discord.Interaction | None = None
    ) -> None:
        """Count a task as work in hand, until it ends."""
        if task not in self._in_hand:
            task.add_done_callback(self._done)
        self._in_hand[task] = interaction
        metrics.IN_HAND.set(len(self._in_hand))

    async def finish(self, limit_s: float) -> list[discord.Interaction]:
        """Begin nothing new and wait for the work in hand.

        Returns the interactions that were interrupted because the time was up.
        """
        self.is_stopping = True
        if self._scheduler.running:
            self._scheduler.pause()
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=limit_s)
        cut_short = [interaction for interaction in self._in_hand.values() if interaction]
        for task in list(self._in_hand):
            task.cancel()
        return cut_short

    def end_for(self, person: int) -> list[discord.Interaction]:
        """End a person's work in hand, but for the current task: nothing of it is stored.

        Returns the interactions that were interrupted.
        """
        mine = [t for t, whose in self._whose.items() if whose == person]
        others = [task for task in mine if task is not asyncio.current_task()]
        cut_short = [i for i in map(self._in_hand.get, others) if i]
        for task in others:
            task.cancel()
        return cut_short

    def __len__(self) -> int:
        return len(self._in_hand)

    def _done(self, task: asyncio.Future[object]) -> None:
        del self._in_hand[task]
        self._whose.pop(task, None)
        metrics.IN_HAND.set(len(self._in_hand))


class _Jobs(AsyncIOExecutor):  # type: ignore[misc]  # apscheduler has no types
    """Runs the scheduler's jobs as work in hand, each with a log context of its own."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._work = work

    def _do_submit_job(self, job: Job, run_times: Collection[datetime]) -> None:
        # the scheduler's timer runs in the context of whoever woke it last: an interaction, perhaps
        fresh = contextvars.Context()
        fresh.run(structlog.contextvars.bind_contextvars, job=job.name)
        fresh.run(super()._do_submit_job, job, run_times)
        for running in self._pending_futures:
            self._work.hold(running)
