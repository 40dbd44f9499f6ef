"""Measures how long a start takes and what a bot that waits has in memory, as two tables.

The bot is its own process, connected to the sandbox, with a voice that a provider serves, so the
embedded engine's memory is not in it. Its second figure is that after a first draft.
"""

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.draft import seconds_to_dm
from bench.machine import machine
from sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.fakes.voice import write_voice

TIMES = 7
REST_S = 5  # until a bot that has just connected is idle
STARTS = {
    "import bot": ["-c", "import bot"],
    "python -m bot --help": ["-m", "bot", "--help"],
    "python -m bot run --help": ["-m", "bot", "run", "--help"],
    "python -m trainer --help": ["-m", "trainer", "--help"],
    "python -m trainer train --help": ["-m", "trainer", "train", "--help"],
    "all that `bot run` imports": ["-c", "import bot.chat.client, bot.health, bot.commands.run"],
}


def seconds(arguments: list[str]) -> tuple[float, float]:
    """Of a whole process: what a clock shows, and what the processor worked."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, worked


def megabytes(pid: int) -> float:
    """What a process has in memory (resident)."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def waiting_bot() -> tuple[float, float]:
    """Megabytes of a bot that has drafted nothing yet, and after one draft."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, sandbox = Path(scratch), Sandbox()
        write_voice(folder / "voices" / "mara")
        await sandbox.start()
        async with FakeLLM() as llm:
            settings = {"DATABASE": str(folder / "bot.db"), "LOG_LEVEL": "ERROR"}
            settings |= {"VOICES": str(folder / "voices"), "LLM_BASE_URL": llm.url}
            # None of tests.process: a fork has the libraries of what it was forked from
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env=os.environ | sandbox.environment | settings,
                cwd=folder,
            )
            try:
                await sandbox.wait_ready(60)
                await asyncio.sleep(REST_S)
                before = megabytes(bot.pid)
                await seconds_to_dm(sandbox, {"topic": "tea"})
                await asyncio.sleep(REST_S)
                after = megabytes(bot.pid)
            finally:
                bot.kill()
                await bot.wait()
        await sandbox.stop()
        return before, after


def main() -> None:
    """Measure and print."""
    table = Table("start", "s", "s of the processor", title=f"{TIMES} each, medians; {machine()}")
    for name, arguments in STARTS.items():
        seconds(arguments)  # the first may compile
        found = [seconds(arguments) for _ in range(TIMES)]
        clock, worked = (statistics.median(column) for column in zip(*found, strict=True))
        table.add_row(name, f"{clock:.2f}", f"{worked:.2f}")
    Console(width=110).print(table)
    idle, drafted = asyncio.run(waiting_bot())
    table = Table("the bot's process", "resident MB")
    table.add_row("connected, before a draft", f"{idle:.0f}")
    table.add_row("after a draft", f"{drafted:.0f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
