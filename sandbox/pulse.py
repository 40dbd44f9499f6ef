"""Tells whoever waits that something changed, without saying what."""

import asyncio


class Pulse:
    """A count of changes that can be waited for, so that none is missed between two looks."""

    def __init__(self) -> None:
        self.count = 0
        self._next = asyncio.Event()

    def beat(self) -> None:
        """Something changed."""
        self.count += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, count: int, timeout_s: float) -> int:
        """The count once it is past `count`, or as it is when the time is up."""
        if self.count == count:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._next.wait()
            except TimeoutError:
                pass
        return self.count
