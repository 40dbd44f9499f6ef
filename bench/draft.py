"""How fast `/draft` is: seconds to the DM, and the first response under load, as a table.

The bot runs as in production: its own process, the embedded engine below it, real sockets to the
sandbox. `first response` is the time until Discord has the deferral; it must come within 3 s.
Run `make demo` once before, or name another voice.
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
from rich.table import Table

from bot.sandbox.server import Sandbox


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


async def first_responses(sandbox: Sandbox, number: int) -> list[float]:
    """Seconds to the first response of `number` drafts asked for at once; inf where none came."""
    records = [
        await sandbox.discord.slash("alice", "draft", topic=f"tea {i}") for i in range(number)
    ]
    await asyncio.gather(*(sandbox.discord.answer_to(r) for r in records))
    return sorted(r.ack_after_s if r.ack_after_s is not None else float("inf") for r in records)


async def measure(args: argparse.Namespace) -> None:
    """Measure and print."""
    async with running_bot(args.voices, args.voice) as sandbox:
        await seconds_to_dm(sandbox, "warm up")
        to_dm = sorted([await seconds_to_dm(sandbox, t) for t in ("tea", "fog", "rain") * 4])
        acks = await first_responses(sandbox, args.number)
    table = Table("what", "p50 ms", "p99 ms", "max ms", title=f"/draft, voice {args.voice}")
    for name, seconds in (
        (f"/draft to the DM, one at a time (n = {len(to_dm)})", to_dm),
        (f"first response, {args.number} at once", acks),
    ):
        p50, p99 = statistics.median(seconds), seconds[max(0, -(-len(seconds) * 99 // 100) - 1)]
        table.add_row(name, *(f"{s * 1000:.0f}" for s in (p50, p99, seconds[-1])))
    Console().print(table)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, default=Path(".demo/voices"))
    parser.add_argument("--voice", default="mara")
    parser.add_argument("--number", type=int, default=100, help="drafts asked for at once")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
