"""Measures how fast `/draft` is: seconds to the DM, as a table. drills/load.py does under load.

The bot runs as in production: its own process, the embedded engine below it, real sockets to the
sandbox. Run `make demo` once before, or name another voice. With `--against CHECKOUT` the bot of
another checkout runs beside it and writes in turn with this one, from a copy of the voice.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.machine import machine
from sandbox.server import Sandbox

PAUSE_S = 13  # one person has five drafts a minute
ASKED = {  # what is typed, in turn
    "on a topic": [
        {"topic": topic} for topic in ("tea", "fog", "rain", "goose", "ferry", "kettle")
    ],
    "from notes": [
        {"notes": notes}
        for notes in (
            "ferry 40 minutes late; nobody surprised",
            "The kettle broke this morning. I blame the goose.",
            "bread at Fennimore's, 3 loaves, still warm",
            "fog since Monday, no boats out",
            "harbour meeting: 12 people, 2 dogs, no decision",
            "I did not feed the gull and I will not feed the gull",
        )
    ],
}


@asynccontextmanager
async def running_bot(checkout: Path, voice: Path) -> AsyncIterator[Sandbox]:
    """A sandbox with a bot process of a checkout connected to it, and a copy of one voice."""
    sandbox = Sandbox()
    await sandbox.start()
    with tempfile.TemporaryDirectory() as scratch:
        voices = Path(scratch) / "voices"
        merged = shutil.ignore_patterns("merged-*")  # each checkout makes its own
        shutil.copytree(voice, voices / voice.name, ignore=merged)
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=os.environ
            | sandbox.environment
            | {
                "VOICES": str(voices),
                "VOICE": voice.name,
                "PYTHONPATH": str(checkout),
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


async def seconds_to_dm(sandbox: Sandbox, asked: dict[str, str]) -> float:
    """From the interaction to the message in the DM."""
    discord, began = sandbox.discord, time.monotonic()
    before = len(discord.dm_messages("alice"))
    await discord.slash("alice", "draft", asked)
    await discord.until(lambda: len(discord.dm_messages("alice")) > before, 120)
    return time.monotonic() - began


async def measure(args: argparse.Namespace) -> None:
    """Measure and print."""
    here = Path(__file__).parent.parent
    checkouts = {"this checkout": here} | ({"the other": args.against} if args.against else {})
    async with AsyncExitStack() as stack:
        voice = args.voices / args.voice
        bots = {
            name: await stack.enter_async_context(running_bot(checkout.resolve(), voice))
            for name, checkout in checkouts.items()
        }
        for sandbox in bots.values():
            await seconds_to_dm(sandbox, {"topic": "warm up"})
        seconds: dict[tuple[str, str], list[float]] = {
            (how, name): [] for how in ASKED for name in bots
        }
        turns = [
            (how, asked)
            for rows in zip(*ASKED.values(), strict=True)
            for how, asked in zip(ASKED, rows, strict=True)
        ]
        for how, asked in track(2 * turns, "Drafting", console=Console(stderr=True)):
            await asyncio.sleep(PAUSE_S)
            for name, sandbox in bots.items():
                seconds[how, name].append(await seconds_to_dm(sandbox, asked))
    title = f"/draft to the DM, voice {args.voice}\n{machine()}"
    table = Table("", "", "drafts", "p50 s", "max s", title=title)
    for (how, name), found in seconds.items():
        p50, longest = statistics.median(found), max(found)
        table.add_row(how, name, str(len(found)), f"{p50:.1f}", f"{longest:.1f}")
    Console(width=110).print(table)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, default=Path(".demo/voices"))
    parser.add_argument("--voice", default="mara")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout's bot")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
