"""Kills the bot with SIGKILL on the way from `/draft` to the posted status, again and again.

Each round a person requests a draft, perhaps edits it, and approves it by a button or a reaction.
The bot is killed at a random instant of a random phase and started again (drills/kill_rounds.py).
In the end an audit finds out what became of every draft and every approval (drills/kill_audit.py).
Exits with 1 if anything was lost, posted twice or left without an outcome.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

from drills.kill_audit import Figures, audit
from drills.kill_rounds import PHASES, FakeAnswers, Front, Round, Series
from sandbox.server import Sandbox
from tests.fakes.voice import write_voice

NO_KEY = ("Idempotency-Key",)
# What the Mastodon server does: request headers it never sees, what becomes of each round's first
# status, and a word whose statuses its lists leave out.
SERVERS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "honours the key": ((), "", ""),
    "ignores the key": (NO_KEY, "", ""),
    "ignores it, drops the answer": (NO_KEY, "drop", ""),
    "ignores it, says 504, commits later": (NO_KEY, "late", ""),
    "… and hides what it has": (NO_KEY, "late", "has a view"),
}
BATCH = 30  # rounds between two audits, whose figures are kept


async def measure(rounds: int, seed: int, log: Path | None = None) -> list[Figures]:
    """Play rounds at all kinds of server at once, each with its own bot."""
    shares = [rounds // len(SERVERS) + (i < rounds % len(SERVERS)) for i in range(len(SERVERS))]
    async with asyncio.TaskGroup() as group:
        found = [
            group.create_task(run_series(server, share, seed, log))
            for server, share in zip(SERVERS, shares, strict=True)
            if share
        ]
    return [task.result() for task in found]


async def run_series(server: str, rounds: int, seed: int, log: Path | None = None) -> Figures:
    """Play that many rounds against one kind of server. Adds the bots' output to `log`."""
    strip, fault, hidden = SERVERS[server]
    chance = random.Random(f"{seed} {server}")  # noqa: S311  a test that can be repeated
    played = [Round.by_chance(n, chance) for n in range(1, rounds + 1)]
    sandbox = Sandbox()
    await sandbox.start()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write_voice(folder / "voices" / "mara")
            async with AsyncExitStack() as stack:
                front = await stack.enter_async_context(Front(sandbox.mastodon_url, strip, hidden))
                llm = await stack.enter_async_context(FakeAnswers())
                written = stack.enter_context((folder / "bot.log").open("wb"))
                series = Series(folder, written, sandbox, front, llm, fault)
                try:
                    await series.start()
                    for this in played:
                        await series.play(this)
                    return await audit(series, played, server, seed)
                finally:
                    await series.kill()
                    if log:
                        _append(log, (folder / "bot.log").read_bytes())
    finally:
        await sandbox.stop()


def show(found: Sequence[Figures]) -> None:
    """Print the table, and every round in which something went wrong."""
    titles = ("rounds", "killed on the way", "approved", "statuses")
    table = Table(
        *("a Mastodon that …", *titles, "drafts lost", "posted twice", "no outcome"),
        title="SIGKILL between /draft and the status",
    )
    for server in (*SERVERS, "all"):
        those = [f for f in found if server in (f.server, "all")]
        table.add_row(
            server,
            *(str(sum(f.rounds for f in those)), str(sum(f.killed for f in those))),
            *(str(sum(f.approved for f in those)), str(sum(f.statuses for f in those))),
            *(str(sum(len(f.lost) for f in those)), str(sum(len(f.twice) for f in those))),
            str(sum(len(f.unanswered) for f in those)),
            end_section=server == [*SERVERS][-1],
        )
    console = Console(width=140)
    console.print(table)
    phases = sum((Counter(f.killed_in) for f in found), Counter[str]())
    console.print("killed: " + ", ".join(f"{phases[p]}x {p}" for p in PHASES if phases[p]))
    for f in found:
        for what, named in (("lost", f.lost), ("twice", f.twice), ("no outcome", f.unanswered)):
            for one in named:
                console.print(f"{what}: seed {f.seed}, {f.server}, {one}")


def _kept(file: Path | None) -> list[Figures]:
    """The figures of earlier runs, without a line that another run is just writing."""
    if file is None or not file.exists():
        return []
    whole = [line for line in file.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [msgspec.json.decode(line, type=Figures) for line in whole]


def _append(file: Path, content: bytes) -> None:
    """Append in one write: several runs may share a file."""
    with file.open("ab", buffering=0) as out:
        out.write(content)


def main() -> int:
    """Parse the arguments, kill and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=None, help="the same plan once more")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="add the figures to it; its rounds count"
    )
    parser.add_argument("--log", type=Path, help="add to it what the bots log")
    args = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # killed bots hang up
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    found = _kept(args.keep)
    left = max(0, args.rounds - sum(f.rounds for f in found))
    batches = [min(BATCH, left - begun) for begun in range(0, left, BATCH)]
    for number, rounds in enumerate(track(batches, "Killing", console=Console(stderr=True))):
        new = asyncio.run(measure(rounds, seed + number, args.log))
        found += new
        if args.keep:
            _append(args.keep, b"".join(msgspec.json.encode(f) + b"\n" for f in new))
    show(found)
    return 0 if all(f.is_clean for f in found) and any(f.approved for f in found) else 1


if __name__ == "__main__":
    sys.exit(main())
