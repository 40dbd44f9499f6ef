"""`python -m bot run` as a real process, and its output."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Running:
    """A bot's process; `output` is all it wrote, whole once it has ended."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._written: list[bytes] = []
        self._reading = asyncio.create_task(self._read())

    @property
    def output(self) -> str:
        return b"".join(self._written).decode()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code; SIGTERM is 143 where nothing handles it."""
        await self._reading
        return await self._process.wait()

    async def stop(self) -> int:
        if self._process.returncode is None:
            self._process.terminate()
        return await self.ended()

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def _read(self) -> None:
        assert self._process.stdout
        while chunk := await self._process.stdout.read(1 << 16):
            self._written.append(chunk)


@asynccontextmanager
async def bot_process(env: dict[str, str], folder: Path) -> AsyncIterator[Running]:
    """Start the bot; it is killed in the end if it still runs."""
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        env=keep | {"PYTHONPATH": str(ROOT)} | env,
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
    )
    running = Running(process)
    try:
        yield running
    finally:
        running.kill()
        await running.ended()
        print(running.output)  # pytest shows it if the test failed
