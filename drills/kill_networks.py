"""Kills the bot while it posts to Bluesky, or to Bluesky and Mastodon with one approval.

Some texts go out by a slot of the queue, and some are threads. A proxy before each server loses
requests and answers. In the end each approved text must stand once at each place, or its owner must
know at which it does not. With `--real` the Bluesky server is the real one that `make test-pds`
installs. Exits with 1 if anything was lost or posted twice.
"""

import argparse
import asyncio
import json
import logging
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from drills.kill_audit import all_posted
from drills.kill_rounds import PATIENCE_S, STATUSES, start_hasty
from sandbox.server import Sandbox
from tests import warm
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.fakes.real_pds import real_pds
from tests.fakes.voice import write_voice
from tests.stage import buttons

PUT = "/xrpc/com.atproto.repo.putRecord"
FAULTS = ("", "drop", "late", "garbage", 502)  # 502: the request never arrives
PLACES = {"bluesky": "bluesky", "both": "mastodon bluesky"}


@dataclass
class Field:
    """All that a series plays on."""

    folder: Path
    sandbox: Sandbox
    bluesky: Proxy
    mastodon: Proxy
    llm: FakeLLM
    account: tuple[str, str, str]  # handle, DID, app password
    process: warm.Process | None = None
    approved: dict[int, str] = field(default_factory=dict)  # draft -> its text

    async def start(self) -> None:
        """Start the bot, and wait until it listens."""
        handle, _, password = self.account
        networks = {
            "MASTODON_BASE_URL": self.mastodon.url,
            "MASTODON_PRIVATE_INSTANCES": self.mastodon.url,
            "BLUESKY_PRIVATE_SERVERS": self.bluesky.url,
            "BLUESKY_HANDLE": handle,
            "BLUESKY_APP_PASSWORD": password,
        }
        with (self.folder / "bot.log").open("ab") as log:
            self.process = start_hasty(self.sandbox, self.folder, self.llm, log, networks)
        await self.sandbox.wait_ready(PATIENCE_S)

    async def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(self.process.wait)
        await self.sandbox.discord.until(
            lambda: not self.sandbox.discord.gateway.is_ready, PATIENCE_S
        )

    def rows(self, sql: str) -> list[Any]:  # Any: sqlite3's rows
        """What the bot has stored."""
        with closing(sqlite3.connect(self.folder / "bot.db")) as db:
            return db.execute(sql).fetchall()

    async def play(self, number: int, to: str, chance: random.Random) -> None:
        """One draft, approved or queued, and a kill at any moment after that, or at its slot."""
        self.llm.texts = _texts(number)
        self.bluesky.faults.clear()
        self.mastodon.faults.clear()
        self.bluesky.late_s = self.mastodon.late_s = 0.5
        for proxy, path in ((self.bluesky, PUT), (self.mastodon, STATUSES)):
            for _ in range(chance.choice((0, 1, 1, 2))):
                if do := chance.choice(FAULTS):
                    proxy.fault("POST", path, do)
        discord = self.sandbox.discord
        await discord.slash("alice", "draft", topic=f"round {number}", count=1, to=to)

        def shown() -> Any:
            messages = discord.dm_messages("alice")
            named = (m for m in messages if f"**round {number}**" in m["content"])
            return next((m for m in named if m["embeds"]), None)

        message = await discord.until(shown, PATIENCE_S)
        label = chance.choice(("Post 1", "Post 1", "Queue"))
        button = next(b for b in buttons(message) if b.get("label") == label)
        clicked = await discord.click("alice", message, button["custom_id"])
        await discord.until(lambda: clicked.answered is not None, PATIENCE_S)
        if label == "Queue":
            await self._bring_forward(f"round {number}")
        await asyncio.sleep(chance.random() * chance.choice((0.05, 0.5, 2.0)))
        await self.kill()
        sql = "SELECT draft_id, text FROM candidates JOIN drafts ON id = draft_id"
        ((draft, text),) = self.rows(f"{sql} WHERE topic = 'round {number}' AND twin_of IS NULL")
        self.approved[draft] = text
        await self.start()

    async def _bring_forward(self, topic: str) -> None:
        """Let a queued text's slot come while no bot runs: the next one finds it due."""
        held = f"topic = '{topic}' AND slot NOT NULL"
        find = f"SELECT 1 FROM drafts WHERE {held}"
        await self.sandbox.discord.until(lambda: self.rows(find), PATIENCE_S)
        await self.kill()
        now = datetime.now(UTC).isoformat()
        with closing(sqlite3.connect(self.folder / "bot.db")) as db, db:
            db.execute(f"UPDATE drafts SET slot = ?1, post_at = ?1 WHERE {held}", (now,))
        await self.start()

    async def texts(self) -> Counter[tuple[str, str]]:
        """How often each text stands at each place."""
        found = Counter[tuple[str, str]]()
        query = f"repo={self.account[1]}&collection=app.bsky.feed.post&limit=100"
        cursor = ""
        async with ClientSession() as http:
            while True:
                url = f"{self.bluesky.target}/xrpc/com.atproto.repo.listRecords?{query}{cursor}"
                async with http.get(url) as answer:
                    said = await answer.json()
                found.update(
                    ("bluesky", _words(record["value"]["text"])) for record in said["records"]
                )
                if not said.get("cursor"):
                    break
                cursor = f"&cursor={said['cursor']}"
        found.update(("mastodon", text) for text in await all_posted(self.sandbox))
        return found


async def run_networks(to: str, rounds: int, seed: int, *, is_real: bool) -> Counter[str]:
    """Play a series; counts of what stands, is lost, stands twice, and was asked or told."""
    chance = random.Random(f"{seed} {to}")  # noqa: S311  a test that can be repeated
    async with _field(is_real=is_real) as play:
        await play.start()
        asked = {"at": "9:00", "timezone": "UTC"}
        told = await play.sandbox.discord.slash("alice", "queue slots", asked)
        await play.sandbox.discord.until(lambda: told.answered is not None, PATIENCE_S)
        for number in range(1, rounds + 1):
            await play.play(number, PLACES[to], chance)
        for _ in range(600):
            busy = "SELECT 1 FROM drafts WHERE state IN ('publishing', 'scheduled')"
            busy += " UNION SELECT 1 FROM begun"
            if not play.rows(busy):
                break
            await asyncio.sleep(0.2)
        return await _audit(play)


async def _audit(play: Field) -> Counter[str]:
    there = await play.texts()
    twice = [text for text, times in there.items() if times > 1]
    found = Counter(approved=len(play.approved), statuses=there.total(), twice=len(twice), lost=0)
    ((found["queued"],),) = play.rows("SELECT count(*) FROM decisions WHERE action = 'later'")
    sql = "SELECT coalesce(twin_of, id), networks, state, text, parts FROM drafts"
    for draft, networks, state, text, parts in play.rows(
        f"{sql} JOIN candidates ON draft_id = id AND position = coalesce(chosen, 0)"
    ):
        if draft not in play.approved:
            continue
        wanted = json.loads(parts) if parts else [text]
        places = networks.split()
        stands = all(there[place, _words(each)] for place in places for each in wanted)
        found["whole"] += stands * len(places)
        if state in ("published", "publishing", "scheduled"):
            found["lost"] += not stands
        else:
            found["told"] += not stands
    return found


def _words(text: str) -> str:
    return " ".join(text.split())


@asynccontextmanager
async def _field(*, is_real: bool) -> AsyncIterator[Field]:
    async with AsyncExitStack() as stack:
        sandbox = Sandbox()
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        write_voice(folder / "voices" / "mara")
        url, account = sandbox.bluesky.url, ("you.test", sandbox.bluesky.did("you.test"), "")
        account = (*account[:2], sandbox.app_passwords["you.test"])
        if is_real:
            real = await stack.enter_async_context(real_pds())
            ann = real["accounts"]["ann.test"]
            url, account = real["url"], ("ann.test", ann["did"], ann["app"])
        bluesky = await stack.enter_async_context(Proxy(url))
        mastodon = await stack.enter_async_context(Proxy(sandbox.mastodon_url))
        llm = await stack.enter_async_context(FakeLLM())
        play = Field(folder, sandbox, bluesky, mastodon, llm, account)
        try:
            yield play
        finally:
            await play.kill()


def _texts(number: int) -> Iterator[str]:
    """Short ones, and in every second round such that are threads on Bluesky, or on both.

    No two parts of a series are the same.
    """
    piers = range((0, 8, 0, 15)[number % 4])
    more = "".join(f" In round {number} the fog had a view of pier {pier}." for pier in piers)
    for n in count(1):
        yield f"Text {number}.{n}; the fog has a view.{more}"


def main() -> int:
    """Parse the arguments, kill and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300, help="of both kinds together")
    parser.add_argument("--seed", type=int, default=None, help="the same plan once more")
    parser.add_argument("--real", action="store_true", help="at the real Bluesky server")
    args = parser.parse_args()
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # killed bots hang up
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    is_clean = True
    for to in PLACES:
        found = asyncio.run(run_networks(to, args.rounds // 2, seed, is_real=args.real))
        print(f"{to}, seed {seed}: {dict(found)}", flush=True)
        is_clean &= not (found["lost"] or found["twice"]) and found["whole"] > 0
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
