"""Kills the bot with SIGKILL on the way from `/draft` to the posted status, again and again.

The bot is a real process; Discord and Mastodon are the sandbox's, the model answers from a list.
Each round a person asks for a draft, perhaps edits it, and approves it by a button or a reaction.
The bot is killed at a random instant of a random phase and started again. In the end it is asked
what became of every draft and every approval. Exits with 1 unless nothing was lost, posted twice
or left without an outcome.
"""

import argparse
import asyncio
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientSession, web
from rich.console import Console
from rich.table import Table

from bot.sandbox.interactions import Interaction
from bot.sandbox.server import Sandbox
from bot.voice import SCHEMA, Base, Prompt, Sampling, Voice, VoicePost, save_posts
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.stage import buttons, emoji

STATUSES = "/api/v1/statuses"
# What the Mastodon server does: request headers it never sees, and whether answers get lost.
SERVERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "honours the key": ((), False),
    "ignores the key": (("Idempotency-Key",), False),
    "ignores it, drops the answer": (("Idempotency-Key",), True),
}
STORIES = ("plain", "thread", "edited", "again")
BY = ("button", "reaction")
PATIENCE_S = 60.0  # for a process to start: the machine may be busy
ROUND_S = 6.0  # for the outcome of a round; what comes later is looked for again in the end
ANSWER_S = 10.0  # for an answer, or a restart; Discord takes one only within 3 s
LATE_S = 11.0  # after so long the bot takes a draft that nobody saw for cut short
LAST_S = 20.0

Json = dict[str, Any]  # Any: Discord's and Mastodon's JSON
T = TypeVar("T")


class Front(Proxy):
    """The proxy before the Mastodon server; counts what the server has carried out."""

    committed = 0
    asked = 0

    async def _forward(self, request: web.Request) -> web.Response:
        is_status = request.method == "POST" and request.path == STATUSES
        self.asked += is_status
        answer = await super()._forward(request)
        self.committed += is_status
        return answer


class FakeAnswers(FakeLLM):
    """The model; counts what it has answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: list[Json] = []

    def _answer(self, body: Json) -> web.Response:
        self.answered.append(body)
        return super()._answer(body)


@dataclass
class Round:
    """What is to happen in a round, and what has."""

    number: int
    story: str
    by: str
    phase: str
    wait_s: float  # from the beginning of the phase to the kill
    hesitation_s: float  # of the person, before they approve
    part: int  # of a thread, or how many reactions
    message: Json | None = None  # the draft, as they saw it
    clicked: Interaction | None = None
    acts: bool = False  # the person is about to approve
    reacted: bool = False
    has_edited: bool = False
    is_restarted: bool = False
    text: str | None = None  # the number of the text that they approved
    killed_in: str = "-"
    outcome_s: float | None = None

    @property
    def approved(self) -> bool:
        """The person said yes, and Discord confirmed it."""
        return self.reacted or bool(self.clicked and self.clicked.answered is not None)


@dataclass
class Result:
    """The figures of a series."""

    rounds: list[Round]
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    late: int = 0
    statuses: int = 0
    seconds: float = 0.0  # a round
    log: str = ""

    @property
    def is_clean(self) -> bool:
        """Nothing went wrong."""
        return not (self.lost or self.twice or self.unanswered)


class Series:
    """Rounds against one kind of Mastodon server."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, front: Front, llm: "FakeAnswers", drops: bool
    ) -> None:
        self.folder, self.sandbox, self.front, self.llm = folder, sandbox, front, llm
        self.drops = drops
        self.discord = sandbox.discord
        self.drafting: Callable[[], str] = lambda: "plain"
        self._process: asyncio.subprocess.Process | None = None
        self._log = (folder / "bot.log").open("wb")
        llm.texts = self._texts()  # type: ignore[assignment]  # an endless one, too
        llm.delay_s = 0.02

    def _texts(self) -> Iterator[str]:
        for n in count(1):
            yield _thread(n) if self.drafting() == "thread" else f"Text {n}; the fog has a view."

    # The process.

    async def start(self) -> None:
        """Start the bot and wait until it listens."""
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
        env |= self.sandbox.environment | {
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "VOICES": str(self.folder / "voices"),
            "DATABASE": str(self.folder / "bot.db"),
            "LLM_BASE_URL": self.llm.url,
            "MASTODON_BASE_URL": self.front.url,
            "MASTODON_PRIVATE_INSTANCES": self.front.url,
        }
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            env=env,
            cwd=self.folder,
            stdout=self._log,
            stderr=self._log,
        )
        await self.sandbox.wait_ready(PATIENCE_S)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert self._process
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self.until(lambda: not self.discord.gateway.is_ready, PATIENCE_S)

    async def until(self, found: Callable[[], T], limit_s: float, *, tick_s: float = 0.005) -> T:
        """What is found, or what is not after so long."""
        end = time.monotonic() + limit_s
        while not (value := found()) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(tick_s)
        return value

    # A round.

    async def play(self, this: Round) -> None:
        """One life of the bot, and the beginning of the next."""
        self.drafting = lambda: this.story
        self.front.faults.clear()
        if self.drops:
            self.front.fault("POST", STATUSES, "drop")
        begins = self._beginning(this)
        person = asyncio.create_task(self._person(this))
        began = asyncio.create_task(self.until(begins, ANSWER_S, tick_s=0.001))
        await asyncio.wait({person, began}, return_when=asyncio.FIRST_COMPLETED)
        if began.done():
            await asyncio.sleep(this.wait_s)
            this.killed_in = this.phase
        began.cancel()
        await self.kill()
        await self.start()
        this.is_restarted = True
        await person

    def _beginning(self, this: Round) -> Callable[[], bool]:
        """Tells whether the phase has begun in which the bot is to be killed."""
        asked, sent, committed = len(self.llm.asked), self.front.asked, self.front.committed
        calls, parts = len(self.discord.log), this.part if this.story == "thread" else 1
        many = 2 if this.story == "again" else 1

        def edits() -> bool:
            return any(c.method == "PATCH" for c in self.discord.log[calls:])

        phases: dict[str, Callable[[], bool]] = {
            "before the first answer": lambda: True,
            "composing": lambda: len(self.llm.asked) >= asked + many,
            "storing": lambda: len(self.llm.answered) >= asked + many,
            "shown": lambda: this.message is not None,
            "reactions being added": lambda: bool(this.message) and self._emoji(this) >= this.part,
            "editing": lambda: this.has_edited or this.acts,
            "clicked": lambda: this.acts,
            "confirmed": lambda: this.approved,
            "status in flight": lambda: self.front.asked >= sent + parts,
            "status committed": lambda: self.front.committed >= committed + parts,
            "telling": lambda: self.front.committed > committed and edits(),
        }
        return phases[this.phase]

    def _emoji(self, this: Round) -> int:
        return len(emoji(self._now(this)))

    def _now(self, this: Round) -> Json:
        """The draft's message as it is now."""
        assert this.message
        wanted = this.message["id"]
        return next(m for m in self.discord.dm_messages("alice") if m["id"] == wanted)

    async def _person(self, this: Round) -> None:
        await self.discord.slash("alice", "draft", topic=f"round {this.number}", count=1)
        if not await self._see(this, set(self._shown())):
            return
        if this.story == "again":
            before = set(self._shown())
            await self._press(this, "New ones")
            if not await self._see(this, before):
                return
        if this.story == "edited":
            await self._edit(this)
        await asyncio.sleep(this.hesitation_s)
        await self._approve(this)
        began = time.monotonic()
        if await self.until(lambda: self._is_told(this), ROUND_S):
            this.outcome_s = time.monotonic() - began

    async def _see(self, this: Round, before: set[str]) -> bool:
        """Wait for a new draft; False if the bot is back and none has come."""

        def new() -> Json | None:
            return next((m for i, m in self._shown().items() if i not in before), None)

        await self.until(lambda: new() or this.is_restarted, 2 * ANSWER_S, tick_s=0.001)
        this.message = new() or this.message
        return new() is not None

    def _shown(self) -> dict[str, Json]:
        """Messages with a draft that Alice sees in her DM."""
        messages = self.discord.dm_messages("alice")
        return {m["id"]: m for m in messages if m["embeds"] or m["content"][:1] == "✅"}

    async def _press(self, this: Round, label: str) -> Interaction | None:
        """Press a button until Discord confirms it; None if it is gone."""
        for _ in range(2):  # once more if the bot was killed before it confirmed
            found = [b for b in buttons(self._now(this)) if label in (b.get("label") or "")]
            if not found:
                return None
            clicked = await self.discord.click("alice", self._now(this), found[0]["custom_id"])
            if label == "Post 1":
                this.clicked, this.acts = clicked, True
            await self._confirmed(this, clicked)
            if clicked.answered is not None:
                break
        return clicked

    async def _confirmed(self, this: Round, clicked: Interaction) -> None:
        was_back = this.is_restarted
        await self.until(
            lambda: clicked.answered is not None or this.is_restarted != was_back, ANSWER_S
        )

    async def _edit(self, this: Round) -> None:
        opened = await self._press(this, "Edit")
        await self.until(lambda: this.is_restarted or (opened and opened.modal), PATIENCE_S)
        if not opened or not opened.modal:
            return
        text = f"Text {self._number(this)}e; mine, and only mine."
        await self.discord.submit("alice", opened, {"text": text})
        this.has_edited = True
        await self.until(lambda: self._number(this)[-1:] == "e" or this.is_restarted, PATIENCE_S)

    def _number(self, this: Round) -> str:
        return next(iter(_numbers(self._now(this)["embeds"][0]["description"])), "")

    async def _approve(self, this: Round) -> None:
        if not self._now(this)["embeds"]:
            return
        this.text = self._number(this)
        if this.by == "button":
            await self._press(this, "Post 1")
            return
        await self.discord.react("alice", self._now(this), "1️⃣")
        this.acts = this.reacted = True

    def _is_told(self, this: Round) -> bool:
        return str(self._now(this)["content"]).startswith("✅")

    # The end of a series.

    async def settle(self, result: Result) -> None:
        """Give the bot time, then ask what became of everything."""
        await asyncio.sleep(LATE_S)
        await self.kill()
        await self.start()
        approved = [r for r in result.rounds if r.approved]
        await self.until(lambda: all(map(self._is_told, approved)), LAST_S)
        posted = Counter(await self._posted())
        for this in approved:
            told = self._now(this)["content"][:1] in ("✅", "⚠")
            if not told and not _whole(this.text or "", posted):
                result.unanswered.append(_named(this))
            if this.outcome_s is None:
                result.late += 1
        await self._decide_the_rest()
        posted = Counter(await self._posted())
        result.statuses = sum(posted.values())
        result.twice = [text for text, times in posted.items() if times > 1]
        result.lost = self._lost(result.rounds, posted)

    async def _decide_the_rest(self) -> None:
        """Whoever has not said yes says so now: an open draft must still be good for that."""
        await self.until(lambda: not self._rows("message_id IS NULL"), LAST_S)
        open_ids = {str(row[2]) for row in self._rows("state = 'pending'")}
        for message in [m for i, m in self._shown().items() if i in open_ids]:
            for button in [b for b in buttons(message) if b.get("label") == "Post 1"]:
                await self.discord.click("alice", message, button["custom_id"])
        await self.until(
            lambda: not self._rows("state IN ('pending', 'publishing')"), LAST_S, tick_s=0.1
        )

    def _rows(self, where: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "bot.db")) as db:
            return db.execute(
                f"SELECT id, topic, message_id, state FROM drafts WHERE {where}"
            ).fetchall()

    def _lost(self, rounds: Sequence[Round], posted: Counter[str]) -> list[str]:
        """Rounds whose draft was stored or shown, and came to nothing."""
        states: dict[int, set[str]] = {}
        for _, topic, _, state in self._rows("TRUE"):
            states.setdefault(int(topic.split()[1]), set()).add(state)
        whole = {n for text in posted for n in _numbers(text) if _whole(n, posted)}
        return [
            f"{_named(r)} {sorted(states.get(r.number, {'not stored'}))}"
            for r in rounds
            if (r.message or r.number in states)
            and ("published" not in states.get(r.number, set()) or (r.text and r.text not in whole))
        ]

    async def _posted(self) -> list[str]:
        """The text of every status."""
        found: list[str] = []
        headers = {"Authorization": f"Bearer {self.sandbox.mastodon_token}"}
        async with ClientSession(self.sandbox.mastodon_url, headers=headers) as http:
            async with http.get("/api/v1/accounts/verify_credentials") as answer:
                account = (await answer.json())["id"]
            path, last = f"/api/v1/accounts/{account}/statuses?limit=40", ""
            while True:
                async with http.get(path + last) as answer:
                    page = await answer.json()
                found += [re.sub(r"<[^>]+>", "", status["content"]) for status in page]
                if len(page) < 40:
                    return found
                last = f"&max_id={page[-1]['id']}"


PHASES = (
    "before the first answer",
    "composing",
    "storing",
    "shown",
    "reactions being added",
    "editing",
    "clicked",
    "confirmed",
    "status in flight",
    "status committed",
    "telling",
)


def plan(number: int, chance: random.Random) -> Round:
    """A round by chance: every phase is as likely as the others."""
    return Round(
        number,
        chance.choice(STORIES),
        chance.choice(BY),
        chance.choice(PHASES),
        wait_s=chance.choice((0.0, 0.005, 0.03)) * chance.random(),
        hesitation_s=chance.choice((0.0, 0.2)) * chance.random(),
        part=chance.randint(1, 3),
    )


async def run_series(server: str, rounds: int, seed: int) -> Result:
    """Play that many rounds against one kind of server."""
    strip, drops = SERVERS[server]
    chance = random.Random(f"{seed} {server}")  # noqa: S311  a test that can be repeated
    began, sandbox = time.monotonic(), Sandbox()
    await sandbox.start()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            write_voice(Path(scratch) / "voices" / "mara")
            async with Front(sandbox.mastodon_url, strip) as front, FakeAnswers() as llm:
                series = Series(Path(scratch), sandbox, front, llm, drops)
                result = Result([plan(n, chance) for n in range(1, rounds + 1)])
                try:
                    await series.start()
                    for this in result.rounds:
                        await series.play(this)
                    result.seconds = (time.monotonic() - began) / rounds
                    await series.settle(result)
                finally:
                    await series.kill()
                result.log = (Path(scratch) / "bot.log").read_text("utf-8")
    finally:
        await sandbox.stop()
    return result


def write_voice(folder: Path) -> None:
    """A voice that a provider serves."""
    folder.mkdir(parents=True)
    save_posts(folder, [VoicePost(None, "The kettle knows what the kettle knows.", ("kettle",))])
    Voice(
        schema=SCHEMA,
        name=folder.name,
        backend="openai",
        model="ft:mara",
        base=Base("provider-base", None),
        prompt=Prompt(),
        sampling=Sampling(),
        counts={"train": 1, "validation": 0},
        data_sha256="0" * 64,
        metrics={},
        seed=0,
        created_at="2026-11-22T00:00:00+00:00",
    ).save(folder)


def _thread(n: int) -> str:
    """A text of three statuses, each of which names it."""
    return "\n\n".join(f"Text {n}; the {word} has a view. " + "Fog. " * 84 for word in "abc")


def _numbers(text: str) -> list[str]:
    return re.findall(r"Text (\d+e?);", text)


def _whole(number: str, posted: Counter[str]) -> bool:
    """Whether all of a text is posted."""
    own = [text for text in posted if number in _numbers(text)]
    parts = [found for text in own if (found := re.search(r"\((\d)/(\d)\)$", text))]
    return bool(own) and (not parts or len(parts) == int(parts[0][2]))


def _named(this: Round) -> str:
    return f"round {this.number} ({this.story}, {this.by}, killed: {this.killed_in})"


async def measure(rounds: int, seed: int) -> dict[str, Result]:
    """All kinds of server at once, each with its own bot."""
    shares = [rounds // len(SERVERS) + (i < rounds % len(SERVERS)) for i in range(len(SERVERS))]
    return dict(
        zip(
            SERVERS,
            await asyncio.gather(
                *(run_series(name, n, seed) for name, n in zip(SERVERS, shares, strict=True))
            ),
            strict=True,
        )
    )


def show(results: dict[str, Result], seed: int) -> None:
    """Print the table, and every round in which something went wrong."""
    titles = ("a Mastodon that …", "rounds", "killed on the way", "approved", "statuses")
    table = Table(
        *titles, "lost", "twice", "no outcome", "told late", "s a round", title=f"seed {seed}"
    )
    for name, r in results.items():
        killed = sum(x.killed_in != "-" for x in r.rounds)
        figures = (len(r.rounds), killed, sum(x.approved for x in r.rounds), r.statuses)
        bad = (len(r.lost), len(r.twice), len(r.unanswered), r.late)
        table.add_row(name, *map(str, (*figures, *bad)), f"{r.seconds:.1f}")
    console = Console(width=140)
    console.print(table)
    phases = Counter(x.killed_in for r in results.values() for x in r.rounds)
    console.print("killed: " + ", ".join(f"{phases[p]}x {p}" for p in (*PHASES, "-") if phases[p]))
    for r in results.values():
        for what, found in (("lost", r.lost), ("twice", r.twice), ("no outcome", r.unanswered)):
            for one in found:
                console.print(f"{what}: {one}")


def main() -> int:
    """Parse the arguments, kill and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="of all kinds together")
    parser.add_argument("--seed", type=int, default=None, help="the same plan once more")
    parser.add_argument("--log", type=Path, help="write here what the bots logged")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    results = asyncio.run(measure(args.rounds, seed))
    show(results, seed)
    if args.log:
        args.log.write_text("".join(r.log for r in results.values()), "utf-8")
    return 0 if all(r.is_clean for r in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
