"""Wakes whoever waits for a change, without saying which."""

import asyncio


class Pulse:
    """A count of changes; waiting for the next count misses none between two looks."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Count a change and wake whoever waits."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, count: int, timeout_s: float) -> int:
        """Wait until the count is past `count` or the time is up; returns it."""
        if self.count == count:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._next.wait()
            except TimeoutError:
                pass
        return self.count
