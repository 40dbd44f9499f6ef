"""Rounds of the kill test: a person requests, edits, approves; the bot dies and is started again.

The bot is a real process; Discord and Mastodon are the sandbox's, the model answers from a list.
`Series` plays rounds against one Mastodon server; drills/kill_audit.py checks the outcomes.
"""

import asyncio
import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from aiohttp import web

from sandbox.interactions import Interaction
from sandbox.server import Sandbox
from tests import warm
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.stage import buttons, emoji

STATUSES = "/api/v1/statuses"
PATIENCE_S = 180.0  # for a process to start: the machine may be busy
ROUND_S = 6.0  # for the outcome after the restart; the audit finds later ones
ANSWER_S = 10.0  # for an answer, or a restart; Discord takes one only within 3 s

Json = dict[str, Any]  # Any: Discord's and Mastodon's JSON
T = TypeVar("T")

STORIES = ("plain", "thread", "edited", "again")
BY = ("button", "reaction")
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


def start_hasty(
    sandbox: Sandbox, folder: Path, llm: FakeLLM, log: BinaryIO, settings: Mapping[str, str]
) -> warm.Process:
    """Start a bot in a process of its own, with these settings besides."""
    env = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    env |= sandbox.environment | {
        "VOICES": str(folder / "voices"),
        "DATABASE": str(folder / "bot.db"),
        "LLM_BASE_URL": llm.url,
    }
    hasty = ("drills.hasty", "run")
    return warm.start(*hasty, env={**env, **settings}, cwd=folder, stdout=log, stderr=log)


class Front(Proxy):
    """The proxy before the Mastodon server; counts the requests the server has carried out."""

    committed = 0
    asked = 0

    async def _forward(self, request: web.Request) -> web.Response:
        is_status = request.method == "POST" and request.path == STATUSES
        self.asked += is_status
        answer = await super()._forward(request)
        self.committed += is_status
        return answer


class FakeAnswers(FakeLLM):
    """The model; counts its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: list[Json] = []

    def _answer(self, body: Json) -> web.Response:
        self.answered.append(body)
        return super()._answer(body)


@dataclass
class Round:
    """The plan of a round, and what has happened in it."""

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
    was_asked: bool = False  # whether the status is there
    killed_in: str = "-"

    @classmethod
    def by_chance(cls, number: int, chance: random.Random) -> "Round":
        """A random round; every phase is equally likely."""
        return cls(
            number,
            chance.choice(STORIES),
            chance.choice(BY),
            chance.choice(PHASES),
            wait_s=chance.choice((0.0, 0.005, 0.03)) * chance.random(),
            hesitation_s=chance.choice((0.0, 0.2)) * chance.random(),
            part=chance.randint(1, 3),
        )

    @property
    def approved(self) -> bool:
        """The person said yes, and Discord confirmed it."""
        return self.reacted or bool(self.clicked and self.clicked.answered is not None)

    def __str__(self) -> str:
        return f"round {self.number} ({self.story}, {self.by}, killed: {self.killed_in})"


class Series:
    """Rounds against one kind of Mastodon server."""

    def __init__(
        self,
        folder: Path,
        log: BinaryIO,
        sandbox: Sandbox,
        front: Front,
        llm: FakeAnswers,
        fault: str,
    ) -> None:
        self.folder, self.sandbox, self.front, self.llm = folder, sandbox, front, llm
        self.fault = fault  # of each round's first status
        self.discord = sandbox.discord
        self.drafting: Callable[[], str] = lambda: "plain"
        self._process: warm.Process | None = None
        self._log = log
        llm.texts = self._texts()
        llm.delay_s = 0.02

    def _texts(self) -> Iterator[str]:
        for n in count(1):
            yield _thread(n) if self.drafting() == "thread" else f"Text {n}; the fog has a view."

    # The process.

    async def start(self) -> None:
        """Start the bot and wait until it listens."""
        front = {
            "MASTODON_BASE_URL": self.front.url,
            "MASTODON_PRIVATE_INSTANCES": self.front.url,
        }
        self._process = start_hasty(self.sandbox, self.folder, self.llm, self._log, front)
        await self.sandbox.wait_ready(PATIENCE_S)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self._process.wait)
        await self.until(lambda: not self.discord.gateway.is_ready, PATIENCE_S)

    async def until(self, found: Callable[[], T], limit_s: float, *, tick_s: float = 0.005) -> T:
        """Wait until `found` gives something; returns its last value when the time is up."""
        end = time.monotonic() + limit_s
        while not (value := found()) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(tick_s)
        return value

    # A round.

    async def play(self, this: Round) -> None:
        """One life of the bot, and the beginning of the next."""
        self.drafting = lambda: this.story
        self.front.faults.clear()
        if self.fault:
            self.front.late_s = 2 * this.hesitation_s + 100 * this.wait_s  # up to 3.4 s
            self.front.fault("POST", STATUSES, self.fault)
        begins = self._beginning(this)
        person = asyncio.create_task(self._person(this))
        began = asyncio.create_task(self.until(begins, ANSWER_S, tick_s=0.001))
        await asyncio.wait({person, began}, return_when=asyncio.FIRST_COMPLETED)
        if began.done() and began.result():
            await asyncio.sleep(this.wait_s)
            this.killed_in = this.phase
        began.cancel()
        await self.kill()
        await self.start()
        this.is_restarted = True
        await person

    def _beginning(self, this: Round) -> Callable[[], bool]:
        """A function that says whether the phase for the kill has begun."""
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
        return len(emoji(self.message(this)))

    def message(self, this: Round) -> Json:
        """The draft's message as it is now."""
        assert this.message
        wanted = this.message["id"]
        return next(m for m in self.discord.dm_messages("alice") if m["id"] == wanted)

    def shown(self) -> dict[str, Json]:
        """Messages with a draft that Alice sees in her DM."""
        messages = self.discord.dm_messages("alice")
        return {m["id"]: m for m in messages if m["embeds"] or m["content"][:1] == "✅"}

    def is_told(self, this: Round) -> bool:
        """Whether the draft's message shows the approval's outcome."""
        lines = str(self.message(this)["content"]).splitlines()
        this.was_asked |= lines[0][:1] == "❓"
        return this.was_asked or any(line[:1] in ("✅", "⚠") for line in lines)

    async def _person(self, this: Round) -> None:
        await self.discord.slash("alice", "draft", topic=f"round {this.number}", count=1)
        if not await self._see(this, set(self.shown())):
            return
        if this.story == "again":
            before = set(self.shown())
            await self._press(this, "New ones")
            if not await self._see(this, before):
                return
        if this.story == "edited":
            await self._edit(this)
        await asyncio.sleep(this.hesitation_s)
        await self._approve(this)
        await self.until(lambda: self.is_told(this) or this.is_restarted, PATIENCE_S)
        await self.until(lambda: self.is_told(this), ROUND_S)

    async def _see(self, this: Round, before: set[str]) -> bool:
        """Wait for a new draft; False if the bot is back and none has come."""

        def new() -> Json | None:
            """The new draft, not one of an earlier round, which a restart shows late."""
            messages = (m for i, m in self.shown().items() if i not in before)
            return next((m for m in messages if f"**round {this.number}**" in m["content"]), None)

        await self.until(lambda: new() or this.is_restarted, 2 * ANSWER_S, tick_s=0.001)
        this.message = new() or this.message
        return new() is not None

    async def _press(self, this: Round, label: str) -> Interaction | None:
        """Press a button until Discord confirms it; None if it is gone."""
        for _ in range(2):  # once more if the bot was killed before it confirmed
            found = [b for b in buttons(self.message(this)) if label in (b.get("label") or "")]
            if not found:
                return None
            clicked = await self.discord.click("alice", self.message(this), found[0]["custom_id"])
            if label == "Post 1":
                this.clicked, this.acts = clicked, True
            if await self._is_confirmed(this, clicked):
                break
        return clicked

    async def _is_confirmed(self, this: Round, clicked: Interaction) -> bool:
        await self._or_restarted(this, lambda: clicked.answered is not None, ANSWER_S)
        return clicked.answered is not None

    async def _or_restarted(self, this: Round, found: Callable[[], bool], limit_s: float) -> None:
        was_back = this.is_restarted
        await self.until(lambda: found() or this.is_restarted != was_back, limit_s)

    async def _edit(self, this: Round) -> None:
        opened = await self._press(this, "Edit")
        await self.until(lambda: this.is_restarted or (opened and opened.modal), PATIENCE_S)
        if not opened or not opened.modal:
            return
        text = f"Text {self._number(this)}e; mine, and only mine."
        await self.discord.submit("alice", opened, {"text": text})
        this.has_edited = True
        await self._or_restarted(this, lambda: self._number(this)[-1:] == "e", PATIENCE_S)

    def _number(self, this: Round) -> str:
        return next(iter(numbers(self.message(this)["embeds"][0]["description"])), "")

    async def _approve(self, this: Round) -> None:
        if not self.message(this)["embeds"]:
            return
        this.text = self._number(this)
        if this.by == "button":
            await self._press(this, "Post 1")
            return
        await self.discord.react("alice", self.message(this), "1️⃣")
        this.acts = this.reacted = True


def numbers(text: str) -> list[str]:
    """The numbers of the texts in this one."""
    return re.findall(r"Text (\d+e?);", text)


def _thread(n: int) -> str:
    """A text of three statuses, each of which names it."""
    return "\n\n".join(f"Text {n}; the {word} has a view. " + "Fog. " * 84 for word in "abc")
