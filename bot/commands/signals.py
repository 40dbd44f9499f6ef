"""Waits for the signal to end this process."""

import asyncio
import signal

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def signalled() -> None:
    """Return at the first SIGTERM or SIGINT, which end nothing by themselves from now on."""
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
