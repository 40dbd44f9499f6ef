"""`python -m bot run` as a real process, and its output."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests import warm

ROOT = Path(__file__).parent.parent


class Running:
    """A bot's process; `output` is all it wrote."""

    def __init__(self, process: warm.Process, out: int) -> None:
        self._process = process
        self._out: int | None = out
        self._written = ""

    @property
    def output(self) -> str:
        if self._out is not None:
            self._written = os.pread(self._out, os.fstat(self._out).st_size, 0).decode()
        return self._written

    def close(self) -> None:
        """Keep the output; nothing more comes."""
        print(self.output)  # pytest shows it if the test failed
        self._out = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code; SIGTERM is 143 where nothing handles it."""
        return await asyncio.to_thread(self._process.wait)

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return await self.ended()


@asynccontextmanager
async def bot_process(env: dict[str, str], folder: Path) -> AsyncIterator[Running]:
    """Start the bot; it is killed in the end if it still runs."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    with tempfile.TemporaryFile() as out:
        process = warm.start("bot", "run", env=keep | env, cwd=folder, stdout=out, stderr=out)
        running = Running(process, out.fileno())
        try:
            yield running
        finally:
            process.send_signal(signal.SIGKILL)
            await running.ended()
            running.close()
