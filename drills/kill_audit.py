"""Finds out what became of every draft and approval after a series of drills/kill_rounds.py."""

import asyncio
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from typing import Any

from aiohttp import ClientSession
from msgspec import Struct

from bot.posting.evidence import plain_text
from drills.kill_rounds import ANSWER_S, Round, Series, numbers
from sandbox.server import Sandbox
from tests.stage import buttons

LATE_S = 11.0  # after that, the bot takes a draft that nobody saw for interrupted
LAST_S = 60.0  # for the rest to settle; only something lost takes that long


class Figures(Struct):
    """The counts of a series. The lists name the rounds in which something went wrong."""

    server: str
    seed: int
    rounds: int
    approved: int
    statuses: int
    lost: list[str]  # drafts that were stored or shown, and came to nothing
    twice: list[str]  # texts of statuses
    unanswered: list[str]  # approvals without an outcome
    killed_in: dict[str, int]  # phase -> rounds

    @property
    def is_clean(self) -> bool:
        """Nothing went wrong."""
        return not (self.lost or self.twice or self.unanswered)

    @property
    def killed(self) -> int:
        """Rounds in which the bot was killed on the way, and not after it."""
        return sum(self.killed_in.values())


async def audit(series: Series, rounds: Sequence[Round], server: str, seed: int) -> Figures:
    """Give the bot time and one more start, then find out what became of everything."""
    await asyncio.sleep(LATE_S)
    await series.kill()
    await series.start()
    approved = [r for r in rounds if r.approved]
    await series.until(lambda: all(map(series.is_told, approved)), LAST_S, tick_s=0.1)
    await _answer_questions(series)
    posted = Counter(await all_posted(series.sandbox))
    refused = [r for r in approved if not _whole(r.text or "", posted)]
    unanswered = [str(r) for r in refused if not series.is_told(r)]
    await _decide_the_rest(series)
    await _answer_questions(series)
    posted = Counter(await all_posted(series.sandbox))
    return Figures(
        server=server,
        seed=seed,
        rounds=len(rounds),
        approved=len(approved),
        statuses=sum(posted.values()),
        lost=_lost(series, rounds, [r.number for r in refused], posted),
        twice=[text for text, times in posted.items() if times > 1],
        unanswered=unanswered,
        killed_in=dict(Counter(r.killed_in for r in rounds if r.killed_in != "-")),
    )


async def _answer_questions(series: Series) -> None:
    """Tell the bot, truly, whether what it could not find is there, part by part."""

    def is_asking() -> bool:
        return bool(_rows(series, "state = 'unknown'"))

    def is_busy() -> bool:
        return bool(_rows(series, "state = 'publishing'"))

    await series.until(lambda: not is_busy(), LAST_S, tick_s=0.1)
    while is_asking():
        posted = set(await all_posted(series.sandbox))
        for draft_id, _, message_id, _ in _rows(series, "state = 'unknown'"):
            label = "It is there" if _next_part(series, draft_id) in posted else "It is not there"
            asks = partial(_button, series, message_id, label)  # what is stored is shown soon
            if not (button := await series.until(asks, LAST_S, tick_s=0.1)):
                return  # nobody was asked: the audit counts it
            await series.discord.click("alice", series.shown()[str(message_id)], button)
        await series.until(lambda: not is_asking(), ANSWER_S, tick_s=0.1)
        await series.until(lambda: not is_busy(), LAST_S, tick_s=0.1)


def _button(series: Series, message_id: int | None, label: str) -> str:
    """The id of a message's button; "" as long as it has none of that name."""
    shown = buttons(series.shown()[str(message_id)]) if message_id else []
    return next((str(b["custom_id"]) for b in shown if b.get("label") == label), "")


def _next_part(series: Series, draft_id: int) -> str:
    """The status that the bot asks about."""
    with closing(sqlite3.connect(series.folder / "bot.db")) as db:
        text, parts = db.execute(
            "SELECT text, parts FROM candidates JOIN drafts ON id = draft_id"
            " WHERE id = ? AND position = chosen",
            (draft_id,),
        ).fetchone()
        done = "SELECT count(*) FROM statuses WHERE draft_id = ?"
        (count,) = db.execute(done, (draft_id,)).fetchone()
    return " ".join(str(json.loads(parts)[count] if parts else text).split())


async def _decide_the_rest(series: Series) -> None:
    """Approve every open draft now: it must still work."""

    def is_shown() -> bool:
        return not _rows(series, "state = 'pending' AND message_id IS NULL")

    def is_over() -> bool:
        return not _rows(series, "state IN ('pending', 'publishing')")

    await series.until(is_shown, LAST_S, tick_s=0.1)
    open_ids = {str(row[2]) for row in _rows(series, "state = 'pending'")}
    for message in [m for i, m in series.shown().items() if i in open_ids]:
        for button in [b for b in buttons(message) if b.get("label") == "Post 1"]:
            await series.discord.click("alice", message, button["custom_id"])
    await series.until(is_over, LAST_S, tick_s=0.1)


def _rows(series: Series, where: str) -> list[Any]:  # Any: sqlite3's rows
    with closing(sqlite3.connect(series.folder / "bot.db")) as db:
        return db.execute(
            f"SELECT id, topic, message_id, state FROM drafts WHERE {where}"
        ).fetchall()


def _lost(
    series: Series, rounds: Sequence[Round], refused: Sequence[int], posted: Counter[str]
) -> list[str]:
    """Rounds whose draft was stored or shown, and neither it nor what was approved is posted.

    If an approval was refused because the text had changed, another text of the round counts.
    """
    states: dict[int, set[str]] = {}
    for _, topic, _, state in _rows(series, "TRUE"):
        states.setdefault(int(topic.split()[1]), set()).add(state)
    whole = {n for text in posted for n in numbers(text) if _whole(n, posted)}

    def is_lost(this: Round) -> bool:
        is_expected = this.text and this.number not in refused
        return "published" not in states.get(this.number, ()) or bool(
            is_expected and this.text not in whole
        )

    return [
        f"{r} {sorted(states.get(r.number, {'not stored'}))}"
        for r in rounds
        if (r.message or r.number in states) and is_lost(r)
    ]


def _whole(number: str, posted: Counter[str]) -> bool:
    """Whether all of a text is posted."""
    own = [text for text in posted if number in numbers(text)]
    parts = [found for text in own if (found := re.search(r"\((\d)/(\d)\)$", text))]
    return bool(own) and (not parts or len(parts) == int(parts[0][2]))


async def all_posted(sandbox: Sandbox) -> list[str]:
    """The text of every status of the sandbox's Mastodon."""
    found: list[str] = []
    headers = {"Authorization": f"Bearer {sandbox.mastodon_token}"}
    async with ClientSession(sandbox.mastodon_url, headers=headers) as http:
        async with http.get("/api/v1/accounts/verify_credentials") as answer:
            account = (await answer.json())["id"]
        path, last = f"/api/v1/accounts/{account}/statuses?limit=40", ""
        while True:
            async with http.get(path + last) as answer:
                page = await answer.json()
            found += [" ".join(plain_text(status["content"]).split()) for status in page]
            if len(page) < 40:
                return found
            last = f"&max_id={page[-1]['id']}"
