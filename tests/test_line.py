"""The line for the language model: its order, its limits, and the places that people see."""

import asyncio
import random
import re
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from bot import metrics
from bot.drafting import Drafting
from bot.errors import Unavailable
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.vault import Vault
from bot.sentences import Words
from bot.store import Store
from bot.writing.composing import Request
from bot.writing.line import Line, Notify
from bot.writing.llm import CONCURRENT, LLM
from bot.writing.voices import Voices
from sandbox.interactions import Interaction
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.stage import Stage

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GREEDY, OTHERS = 100, range(1, 10)


class HeldLLM(FakeLLM):
    """A model that answers nothing until `gate` is open; knows the order in which it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.topics: list[str] = []

    async def _complete(self, request: web.Request) -> web.Response:
        topic = str((await request.json())["messages"][-1]["content"])
        if topic not in self.topics:
            self.topics.append(topic)
        await self.gate.wait()
        return await super()._complete(request)


class Desk:
    """Where turns are taken: in which order, and held until they are ended."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.served: list[int] = []
        self._ends = asyncio.Semaphore(0)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> "Desk":
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.serve(len(self.line) + 9)
        await self._group.__aexit__(None, None, None)

    async def join(self, *people: int, notify: Notify | None = None) -> "list[asyncio.Task[None]]":
        """Let them get in line, one after the other."""
        tasks = [self._group.create_task(self._take(person, notify)) for person in people]
        await _settled()
        return tasks

    async def serve(self, number: int = 1) -> None:
        """End so many turns, which gives as many new ones."""
        for _ in range(number):
            self._ends.release()
            await _settled()

    async def _take(self, person: int, notify: Notify | None) -> None:
        async with self.line.turn(person, notify):
            self.served.append(person)
            await self._ends.acquire()


async def test_ten_drafts_of_one_person_do_not_hold_up_nine_others() -> None:
    async with Desk(Line(at_once=1)) as desk:
        await desk.join(*[GREEDY] * 10)
        await desk.join(*OTHERS)
        await desk.serve(18)
        assert desk.served == [GREEDY, *OTHERS, *[GREEDY] * 9]


async def test_two_who_ask_for_much_take_turns_and_newcomers_wait_a_round_at_most() -> None:
    async with Desk(Line(at_once=1)) as desk:
        await desk.join(*[1] * 5)
        await desk.join(*[2] * 5)
        await desk.serve(4)
        assert desk.served == [1, 2, 1, 2, 1]
        await desk.join(3)
        await desk.serve(5)
        assert desk.served[5:] == [2, 3, 1, 2, 1]


async def test_nobody_has_three_turns_while_another_person_waits_for_one() -> None:
    chance = random.Random(7)
    line = Line(at_once=1, of_one=100, in_all=1000)
    joined: dict[int, list[int]] = defaultdict(list)  # person -> turns given by when they joined
    async with Desk(line) as desk:
        for _ in range(150):
            person = chance.choice([1, 1, 1, 1, 2, 2, 3, 4, 5, 6])
            joined[person].append(len(desk.served))
            await desk.join(person)
            if chance.random() < 0.5:
                await desk.serve()
        await desk.serve(len(line))
    for person, times in joined.items():
        own = [i for i, served in enumerate(desk.served) if served == person]
        for since, turn, before in zip(times, own, [0, *own], strict=False):
            meanwhile = Counter(desk.served[max(since, before) : turn])
            assert all(n <= 2 for p, n in meanwhile.items() if p != person)


async def test_several_turns_at_once_are_given_and_no_more() -> None:
    async with Desk(Line(at_once=4)) as desk:
        await desk.join(*[GREEDY] * 6)
        await desk.join(1, 2)
        assert desk.served == [GREEDY] * 4
        assert len(desk.line) == 4
        assert metrics.WAITING._value.get() == 4
        await desk.serve(2)
        assert desk.served[4:] == [1, 2]


async def test_a_person_and_the_line_have_their_limits() -> None:
    async with Desk(Line(at_once=1, of_one=3, in_all=4)) as desk:
        await desk.join(*[GREEDY] * 3)
        with pytest.raises(Unavailable, match="still writing 3 drafts for you"):
            async with desk.line.turn(GREEDY):
                pass
        await desk.join(1, 2)
        with pytest.raises(Unavailable, match="4 drafts are waiting"):
            async with desk.line.turn(3):
                pass
        await desk.serve()
        await desk.join(GREEDY)  # there is room again
        await desk.serve(5)
        assert desk.served == [GREEDY, 1, 2, GREEDY, GREEDY, GREEDY]


async def test_the_place_is_told_and_told_again_when_it_changes() -> None:
    told: list[str] = []

    async def notify(words: Words) -> None:
        told.extend(re.findall(r"number \d|next|your turn", str(words)))

    async with Desk(Line(at_once=1, notify_after_s=0.001, notify_every_s=0.001)) as desk:
        await desk.join(GREEDY, GREEDY)
        await desk.join(GREEDY, notify=notify)
        await _until(lambda: told == ["number 2"])
        await desk.join(1)  # goes before both
        await _until(lambda: told[1:] == ["number 3"])
        await desk.serve(2)
        await _until(lambda: told[2:] == ["next"])
        await desk.serve()
        await _until(lambda: told[3:] == ["your turn"])


async def test_whoever_gives_up_makes_room_and_so_does_who_fails() -> None:
    line = Line(at_once=1)
    async with Desk(line) as desk:
        await desk.join(GREEDY)
        _, waiting = await desk.join(1, 2)
        waiting.cancel()
        await _settled()
        assert len(line) == 1
        await desk.serve(2)
        assert desk.served == [GREEDY, 1]
        with pytest.raises(ZeroDivisionError):
            async with line.turn(3):
                raise ZeroDivisionError
        async with line.turn(4):
            assert len(line) == 0


async def test_a_stop_sends_away_who_waits_and_lets_who_has_a_turn_finish() -> None:
    line = Line(at_once=1)
    async with line.turn(1):
        waiting = asyncio.create_task(_pass_through(line))
        await _settled()
        line.close()
        with pytest.raises(Unavailable, match="restarting"):
            await waiting
        with pytest.raises(Unavailable, match="restarting"):
            await _pass_through(line)


async def _pass_through(line: Line) -> None:
    async with line.turn(2):
        pass


# The line in the bot.


@asynccontextmanager
async def _drafting(folder: Path, llm: FakeLLM, proxy: Proxy) -> AsyncIterator[Drafting]:
    """The use cases of a bot with many operators, who all may draft."""
    client = LLM(llm.url, "none")
    mastodon = Mastodon(proxy.url, "alice_token", pauses_s=(0.01,))
    async with Store.open(folder.parent / "bot.db") as store:
        people = frozenset({GREEDY, *OTHERS})
        vault = Vault.open(None, folder.parent / "bot.db")
        accounts = Accounts(people, [mastodon], store, vault, frozenset({proxy.url}))
        yield Drafting(Voices(folder, store, people), client, accounts, store)
    await client.close()


async def test_drafts_and_revisions_are_written_in_turns(voice_folder: Path, proxy: Proxy) -> None:
    async with HeldLLM() as llm, _drafting(voice_folder.parent, llm, proxy) as drafting:
        llm.gate.set()
        first = await drafting.write_draft(GREEDY, Request("first", 1), NOW)
        llm.gate.clear()
        async with asyncio.TaskGroup() as group:
            for i in range(CONCURRENT):
                group.create_task(drafting.write_draft(GREEDY, Request(f"greedy {i}", 1), NOW))
            await _until(lambda: len(llm.topics) == 1 + CONCURRENT)
            group.create_task(drafting.revise(first, NOW, "revised"))
            await _until(lambda: len(drafting.line) == 1)
            for person in OTHERS:
                group.create_task(drafting.write_draft(person, Request(f"other {person}", 1), NOW))
            await _until(lambda: len(drafting.line) == 1 + len(OTHERS))
            assert len(llm.topics) == 1 + CONCURRENT
            llm.gate.set()
    assert llm.topics[-1] == "first\nrevised"
    assert set(llm.topics[1 + CONCURRENT : -1]) == {f"other {person}" for person in OTHERS}


async def test_people_are_told_their_place_and_then_get_their_draft(stage: Stage) -> None:
    llm = stage.llm = HeldLLM()
    async with llm, stage.running() as bot:
        bot.drafting.line = Line(at_once=1, notify_after_s=0.05, notify_every_s=0.05)
        discord = stage.sandbox.discord
        await discord.slash("alice", "draft", topic="first", count=1)
        await _until(lambda: llm.topics == ["first"])
        second = await discord.slash("alice", "draft", topic="second", count=1)
        await _until(lambda: "next one to be written" in _text(second))
        third = await discord.slash("alice", "draft", topic="third", count=1)
        await _until(lambda: "number 2 in the line" in _text(third))
        llm.gate.set()
        await _until(lambda: all("direct messages" in _text(asked) for asked in (second, third)))
        assert llm.topics == ["first", "second", "third"]
        assert len(discord.dm_messages("alice")) == 3


async def test_new_ones_by_button_and_by_reaction_wait_in_the_same_line(stage: Stage) -> None:
    llm = stage.llm = HeldLLM()
    llm.gate.set()
    async with llm, stage.running() as bot:
        bot.drafting.line = Line(at_once=1, notify_after_s=0.05, notify_every_s=0.05)
        discord = stage.sandbox.discord
        for topic in ("first", "second"):
            await discord.slash("alice", "draft", topic=topic, count=1)
        first, second = await stage.dm(1), await stage.dm(2)
        llm.gate.clear()
        await discord.slash("alice", "draft", topic="third", count=1)
        await _until(lambda: "third" in llm.topics)
        clicked = await stage.press(first, "New ones")
        await _until(lambda: "next one" in "".join(m["content"] for m in clicked.followups))
        await discord.react("alice", second, "🔁")
        await _until(lambda: "number 2" in discord.dm_messages("alice")[-1]["content"])
        llm.gate.set()
        await stage.story("🔁", 1)
        await stage.story("🔁", 2)
        assert clicked.followups[0]["content"] == "It is your turn: I am writing."


def _text(asked: Interaction) -> str:
    return str(asked.original["content"]) if asked.original else ""


async def _settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def _until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not found():
            await asyncio.sleep(0.005)
