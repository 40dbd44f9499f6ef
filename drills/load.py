"""Many people at once: is everybody answered in time, served in turn, and does memory stay flat?

The bot runs as in production: its own process, real sockets to the sandbox. The model is a server
that answers after a given time. Three tables:

rush    everybody sends `/draft` within a second, while the model is slow. `first response` is the
        time until Discord has the deferral, which must come within 3 s. The places shown are
        compared with the order in which the model then got the requests
fair    one person requests ten drafts, and then nine others one each
memory  thousands of drafts, one after the other, and the bot's resident memory at intervals
"""

import argparse
import asyncio
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from aiohttp import web
from rich.console import Console
from rich.table import Table

from sandbox.interactions import Interaction
from sandbox.server import Sandbox
from tests.fakes.llm import FakeLLM
from tests.fakes.voice import write_voice
from tests.stage import Json, buttons

LOOK_S = 0.02  # between two looks at what people see
COOLDOWN_S = 61.0
DONE = re.compile(r"Draft \d+ is in|^🔁")  # a new draft, or one that a new draft has replaced
PLACE = re.compile(r"number (\d+) in the line|(the next one)")
NO = re.compile(r"more I do not take on")


class SlowLLM(FakeLLM):
    """A slow model; records when it first got a request about each topic."""

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__()
        self.delay_s = delay_s
        self.begun: dict[str, float] = {}  # topic -> time

    async def _complete(self, request: web.Request) -> web.Response:
        topic = (await request.json())["messages"][-1]["content"]
        self.begun.setdefault(topic, time.monotonic())
        self.asked.clear()
        return await super()._complete(request)


@dataclass
class Place:
    """The bot's process, and the servers around it."""

    sandbox: Sandbox
    llm: SlowLLM
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """Processor time of the bot so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    @property
    def rss_mb(self) -> float:
        """Resident memory of the bot."""
        return float(self.process.memory_info().rss) / 1e6


@dataclass
class Asked:
    """A requested draft, and the places shown to its person."""

    person: str
    topic: str
    record: Interaction
    told: list[tuple[float, int]] = field(default_factory=list)  # time, place
    done_s: float | None = None  # after the request

    @property
    def is_over(self) -> bool:
        """Whether they have their draft or a no, or Discord has given up on the bot."""
        is_silent = self.record.answered is None and self.record.age_s > 9
        return self.done_s is not None or is_silent or bool(NO.search(self.says))

    @property
    def says(self) -> str:
        """The text in the place of “thinking…”."""
        return str(self.record.original["content"]) if self.record.original else ""

    def look(self) -> None:
        """Note what is new."""
        if found := PLACE.search(self.says):
            place = int(found[1] or 1)
            if not self.told or self.told[-1][1] != place:
                self.told.append((time.monotonic(), place))
        if self.done_s is None and DONE.search(self.says):
            self.done_s = self.record.age_s


@asynccontextmanager
async def running(people: Sequence[str], delay_s: float) -> AsyncIterator[Place]:
    """A sandbox with so many people, a slow model, and a bot that all of them may use."""
    sandbox = Sandbox(people=people)
    await sandbox.start()
    with tempfile.TemporaryDirectory() as scratch:
        write_voice(Path(scratch) / "voices" / "mara")
        async with SlowLLM(delay_s) as llm:
            environment = {
                "PYTHONPATH": str(Path(__file__).parent.parent),
                "OWNER_IDS": ",".join(p["id"] for p in sandbox.people.values()),
                "VOICES": str(Path(scratch) / "voices"),
                "DATABASE": str(Path(scratch) / "bot.db"),
                "LLM_BASE_URL": llm.url,
                "LOG_LEVEL": "ERROR",
            }
            bot = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env=os.environ | sandbox.environment | environment,
                cwd=scratch,
            )
            try:
                await sandbox.wait_ready(60)
                yield Place(sandbox, llm, psutil.Process(bot.pid))
            finally:
                bot.terminate()
                await bot.wait()
                await sandbox.stop()


async def ask(place: Place, person: str, topic: str) -> Asked:
    """Send `/draft`."""
    record = await place.sandbox.discord.slash(person, "draft", topic=topic, count=1)
    return Asked(person, topic, record)


async def renew(place: Place, message: Json) -> Asked:
    """Press “New ones” below a draft."""
    button = next(b for b in buttons(message) if "New ones" in (b.get("label") or ""))
    record = await place.sandbox.discord.click("greedy", message, button["custom_id"])
    return Asked("greedy", "", record)


async def watch(asked: Sequence[Asked], limit_s: float) -> None:
    """Note the places each of them sees, until it is over for all or the time is up."""
    end = time.monotonic() + limit_s
    while (under_way := [a for a in asked if not a.is_over]) and time.monotonic() < end:
        for a in under_way:
            a.look()
        await asyncio.sleep(LOOK_S)


# Everybody at once.


async def rush(number: int, delay_s: float) -> Table:
    """Let `number` people send `/draft` within a second."""
    people = [f"p{i}" for i in range(number)]
    async with running(people, delay_s) as place:
        idle_mb, idle_s = place.rss_mb, place.cpu_s
        asked: list[Asked] = []
        began = time.monotonic()
        for i, person in enumerate(people):
            await asyncio.sleep(max(0.0, began + i / number - time.monotonic()))
            asked.append(await ask(place, person, f"topic {i}"))
        within_s = time.monotonic() - began
        await watch(asked, 30 + number * (2 + delay_s))
        late_mb, cpu_s = place.rss_mb, place.cpu_s - idle_s
        off = [_off(a, place.llm.begun) for a in asked if a.told]
    acks = sorted(a.record.ack_after_s or float("inf") for a in asked)
    table = Table("", "figure", title=f"{number} people, a model that takes {delay_s:g} s")
    table.add_row("asked within", f"{within_s:.1f} s")
    table.add_row("first response, median", f"{statistics.median(acks) * 1000:.0f} ms")
    table.add_row("first response, 99%", f"{_percentile(acks, 99) * 1000:.0f} ms")
    table.add_row("first response, slowest", f"{acks[-1] * 1000:.0f} ms")
    table.add_row("answered within 3 s", f"{sum(s <= 3 for s in acks)} of {number}")
    table.add_row("got their draft", f"{sum(a.done_s is not None for a in asked)} of {number}")
    table.add_row("the last after", f"{max(a.done_s or 0 for a in asked):.0f} s")
    table.add_row("told their place", f"{len(off)} of {number}")
    table.add_row("longest line told", str(max((p for a in asked for _, p in a.told), default=0)))
    table.add_row("place off by, once it was seen", f"{max(off, default=0)} at most")
    table.add_row("told that the line is full", str(sum(bool(NO.search(a.says)) for a in asked)))
    table.add_row("processor time of the bot, a draft", f"{cpu_s / number * 1000:.0f} ms")
    table.add_row("memory before and after", f"{idle_mb:.0f} MB, {late_mb:.0f} MB")
    return table


def _off(asked: Asked, begun: dict[str, float]) -> int:
    """How far the first place shown is from the number of drafts started before this one."""
    told_s, place = asked.told[0]
    own_s = begun.get(asked.topic, float("inf"))
    return abs(sum(told_s <= s <= own_s for s in begun.values()) - place)


# One who wants many.


async def fair(delay_s: float) -> Table:
    """Ten drafts of one person, then one each of nine others."""
    others = [f"p{i}" for i in range(9)]
    async with running(["greedy", *others], 0.0) as place:
        earlier = [await ask(place, "greedy", f"earlier {i}") for i in range(5)]
        await watch(earlier, 60)
        await asyncio.sleep(COOLDOWN_S)  # one person has five commands a minute
        place.llm.delay_s = delay_s
        asked = [await renew(place, m) for m in place.sandbox.discord.dm_messages("greedy")]
        asked += [await ask(place, "greedy", f"greedy {i}") for i in range(5)]
        await asyncio.sleep(delay_s / 2)
        asked += [await ask(place, person, f"topic of {person}") for person in others]
        await watch(asked, 60 + 40 * delay_s)
    title = f"Ten drafts of one, then nine of others; a model that takes {delay_s:g} s"
    table = Table("", "got their draft", "the first after", "the last after", title=title)
    for name, those in (("the nine others", asked[10:]), ("the one who wants ten", asked[:10])):
        waited = [a.done_s for a in those if a.done_s is not None] or [float("inf")]
        got = f"{sum(a.done_s is not None for a in those)} of {len(those)}"
        table.add_row(name, got, f"{min(waited):.1f} s", f"{max(waited):.1f} s")
    return table


# Thousands.


async def memory(drafts: int, people: int, at_once: int = 8) -> Table:
    """Write drafts, `at_once` in progress; read the bot's memory ten times."""
    names, every = [f"p{i}" for i in range(people)], max(1, drafts // 10)
    title = f"{drafts} drafts of {people} people"
    columns = ("drafts", "memory", "since the row before", "drafts a second", "did not come")
    table = Table(*columns, title=title)
    async with running(names, 0.0) as place:
        rows = [place.rss_mb]
        table.add_row("0", f"{rows[0]:.0f} MB")
        for begun in range(0, drafts, every):
            since = time.monotonic()
            numbers = iter(range(begun, min(begun + every, drafts)))
            missing = sum(
                await asyncio.gather(*(_write(place, names, numbers) for _ in range(at_once)))
            )
            _forget(place)
            rows.append(place.rss_mb)
            speed = every / (time.monotonic() - since)
            growth = f"{rows[-1] - rows[-2]:+.1f} MB"
            table.add_row(
                str(begun + every), f"{rows[-1]:.0f} MB", growth, f"{speed:.0f}", str(missing)
            )
    return table


async def _write(place: Place, names: Sequence[str], numbers: Iterator[int]) -> int:
    """Request the drafts of these numbers; returns how many did not come."""
    missing = 0
    for i in numbers:
        asked = await ask(place, names[i % len(names)], f"topic {i}")
        await watch([asked], 120)
        missing += asked.done_s is None
    return missing


def _forget(place: Place) -> None:
    """Keep the sandbox small: it remembers everything."""
    discord = place.sandbox.discord
    discord.log.clear()
    discord.world.messages.clear()
    discord.callbacks.interactions.clear()
    place.llm.begun.clear()


def _percentile(values: Sequence[float], percent: int) -> float:
    return values[max(0, -(-len(values) * percent // 100) - 1)]


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=200, help="who ask within a second")
    parser.add_argument("--delay", type=float, default=1.0, help="seconds the model takes")
    parser.add_argument("--drafts", type=int, default=10_000, help="for the table of memory")
    args = parser.parse_args()
    console = Console()
    console.print(asyncio.run(rush(args.people, args.delay)))
    console.print(asyncio.run(fair(args.delay)))
    if args.drafts:
        console.print(asyncio.run(memory(args.drafts, people=1000)))


if __name__ == "__main__":
    main()
