"""Measures how fast the engine draws: a voice by its adapter, merged, and merged without our front.

Each way draws 16 texts side by side on one thread, in turn, several times; the medians make a
table. Seconds of the processor are counted too: on a busy machine they tell more. Run `make demo`
once before, or name another voice. A minute on two free cores.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import openai
import psutil
from rich.console import Console
from rich.table import Table

from bench.machine import machine
from bot.voice import PromptParts, Voice
from bot.writing.engine import Engine
from bot.writing.engine_child import SAMPLERS
from bot.writing.merging import MERGED_AT_MOST, merged_file

REQUESTS, TEXTS = 4, 4  # side by side, and texts of each
BARE = """
import sys, pathlib
from bot.writing.engine_child import llama_server
server = llama_server(pathlib.Path(sys.argv[1]), (), 1)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that draws, and its process."""

    client: openai.AsyncOpenAI
    process: psutil.Process
    voice: Voice

    async def draw(self, topic: str, tokens: int) -> tuple[float, float]:
        """Seconds of the clock and of the processor for all texts, each of so many tokens."""
        began, before = time.monotonic(), self._cpu_s()
        await asyncio.gather(*(self._ask(f"{topic} {i}", tokens) for i in range(REQUESTS)))
        return time.monotonic() - began, self._cpu_s() - before

    async def _ask(self, topic: str, tokens: int) -> None:
        more = {"ignore_eos": True, "samplers": SAMPLERS, "min_p": self.voice.sampling.min_p}
        messages = self.voice.messages(PromptParts(topic))
        await self.client.with_options(timeout=1200).post(
            "/chat/completions",
            body={"model": self.voice.name, "messages": messages, "n": TEXTS}
            | {"max_tokens": tokens}
            | more,
            cast_to=object,
        )

    def _cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@asynccontextmanager
async def by_the_engine(voice: Path, folder: Path, copies: int) -> AsyncIterator[Server]:
    """An engine with a voice, and copies of it: of too many it merges none.

    A file that was merged before stays behind: the engine would take it, however many there are.
    """
    for number in range(copies):
        name = voice.name if number == 0 else f"{voice.name}-{number}"
        shutil.copytree(voice, folder / name, ignore=shutil.ignore_patterns("merged-*"))
        replace(Voice.load(voice), name=name).save(folder / name)
    async with Engine(folder, servers=1) as engine:  # as the bot's, but at normal priority
        client = openai.AsyncOpenAI(base_url=engine.base_url, api_key="none")
        yield Server(client, psutil.Process(engine.pid), Voice.load(voice))
        await client.close()


@asynccontextmanager
async def bare(voice: Path, merged: Path) -> AsyncIterator[Server]:
    """llama.cpp's own server with the merged file, and nothing before it."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", BARE, str(merged)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stdout
        address = (await child.stdout.readline()).decode().strip()
        client = openai.AsyncOpenAI(base_url=f"{address}/v1", api_key="none")
        yield Server(client, psutil.Process(child.pid), Voice.load(voice))
        await client.close()
    finally:
        child.kill()
        await child.wait()


async def measure(args: argparse.Namespace) -> Table:
    """All ways in turn, after one for warmth."""
    voice = args.voices / args.voice
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        enter = stack.enter_async_context
        merged = await enter(by_the_engine(voice, scratch / "merged", 1))
        file = merged_file(scratch / "merged" / args.voice, merged.voice)
        assert file.exists(), "not merged: `python -m bot doctor` says why"
        ways = {
            "by its adapter": await enter(
                by_the_engine(voice, scratch / "adapter", MERGED_AT_MOST + 1)
            ),
            "merged": merged,
            "merged, llama.cpp alone": await enter(bare(voice, file)),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for run in range(args.runs + 1):
            for name, server in ways.items():
                found = await server.draw(f"topic {run}", args.tokens)
                if run:
                    taken[name].append(found)
        memory = {name: server.process.memory_info().rss / 1e6 for name, server in ways.items()}
    return _table(taken, memory, args)


def _table(
    taken: dict[str, list[tuple[float, float]]], memory: dict[str, float], args: argparse.Namespace
) -> Table:
    columns = ("", "tokens/s", "of the first", "tokens/CPU s", "of the first", "resident")
    title = f"{REQUESTS * TEXTS} texts of {args.tokens} tokens, medians of {args.runs}\n{machine()}"
    table = Table(*columns, title=title)
    tokens = REQUESTS * TEXTS * args.tokens
    speeds = {
        name: [tokens / statistics.median(column) for column in zip(*runs, strict=True)]
        for name, runs in taken.items()
    }
    first = next(iter(speeds.values()))
    for name, (clock, cpu) in speeds.items():
        shares = f"{clock / first[0]:.2f}", f"{cpu / first[1]:.2f}"
        row = (f"{clock:.0f}", shares[0], f"{cpu:.0f}", shares[1], f"{memory[name]:.0f} MB")
        table.add_row(name, *row)
    return table


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--voices", type=Path, default=Path(".demo/voices"))
    parser.add_argument("--voice", default="mara")
    parser.add_argument("--tokens", type=int, default=40, help="of each text (default: 40)")
    parser.add_argument("--runs", type=int, default=5, help="of each way (default: 5)")
    Console(width=110).print(asyncio.run(measure(parser.parse_args())))


if __name__ == "__main__":
    main()
