"""Measures how fast `/draft` is: seconds to the DM, as a table. drills/load.py does under load.

The bot runs as in production: its own process, the embedded engine below it, real sockets to the
sandbox. Run `make demo` once before, or name another voice.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox.server import Sandbox

PAUSE_S = 13  # one person has five drafts a minute


@asynccontextmanager
async def running_bot(voices: Path, voice: str) -> AsyncIterator[Sandbox]:
    """A sandbox with a bot process connected to it."""
    sandbox = Sandbox()
    await sandbox.start()
    with tempfile.TemporaryDirectory() as scratch:
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=os.environ
            | sandbox.environment
            | {
                "VOICES": str(voices),
                "VOICE": voice,
                "DATABASE": str(Path(scratch) / "bot.db"),
                "LOG_LEVEL": "ERROR",
            },
        )
        try:
            await sandbox.wait_ready(60)
            yield sandbox
        finally:
            bot.terminate()
            await bot.wait()
            await sandbox.stop()


async def seconds_to_dm(sandbox: Sandbox, topic: str) -> float:
    """From the interaction to the message in the DM."""
    discord, began = sandbox.discord, time.monotonic()
    before = len(discord.dm_messages("alice"))
    await discord.slash("alice", "draft", topic=topic)
    await discord.until(lambda: len(discord.dm_messages("alice")) > before, 120)
    return time.monotonic() - began


async def measure(args: argparse.Namespace) -> None:
    """Measure and print."""
    async with running_bot(args.voices, args.voice) as sandbox:
        await seconds_to_dm(sandbox, "warm up")
        seconds = []
        for topic in track(("tea", "fog", "rain") * 4, "Drafting", console=Console(stderr=True)):
            await asyncio.sleep(PAUSE_S)
            seconds.append(await seconds_to_dm(sandbox, topic))
    table = Table("drafts", "p50 s", "max s", title=f"/draft to the DM, voice {args.voice}")
    p50, longest = statistics.median(seconds), max(seconds)
    table.add_row(str(len(seconds)), f"{p50:.1f}", f"{longest:.1f}")
    Console().print(table)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, default=Path(".demo/voices"))
    parser.add_argument("--voice", default="mara")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
