"""Drafts with their candidates and statuses: stored, shown, and found again.

The decisions on them are in decisions.py.
"""

import json
import sqlite3
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import structlog

from bot.draft import Before, Candidate, Draft, Network, RejectionReason, Sent, State, Status, Style
from bot.store.database import Database, iso, moment

log = structlog.stdlib.get_logger(__name__)

_OF_DRAFTS = "WHERE draft_id IN (SELECT value FROM json_each(?))"  # any number of them


class DraftTable:
    """Drafts with their candidates, statuses and reactions."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft: Draft) -> Draft:
        """Store a new draft; returns it with its id."""
        async with self._db.transaction():
            return await self.insert(draft)

    async def insert(self, draft: Draft, replaces: int | None = None) -> Draft:
        """The same inside a transaction; `replaces` is the draft that it takes the place of."""
        draft_id = await self._db.insert(
            "drafts",
            owner_id=draft.owner_id,
            voice=draft.voice,
            topic=draft.topic,
            instruction=draft.instruction,
            notes=draft.notes,
            max_chars=draft.max_chars,
            visibility=draft.style.visibility,
            language=draft.style.language,
            content_warning=draft.style.content_warning,
            networks=" ".join(draft.networks),
            created_at=iso(draft.created_at),
            replaces=replaces,
        )
        for position, candidate in enumerate(draft.candidates):
            await self.put(draft_id, position, candidate)
        structlog.contextvars.bind_contextvars(draft=draft_id)
        log.info("drafted", voice=draft.voice, candidates=len(draft.candidates))
        return replace(draft, id=draft_id)

    async def put(self, draft_id: int, position: int, candidate: Candidate) -> None:
        """Store or replace a candidate; only inside a transaction."""
        await self._db.run(
            "INSERT OR REPLACE INTO candidates"
            " (draft_id, position, text, length, parts, original, also)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                draft_id,
                position,
                candidate.text,
                candidate.length,
                json.dumps(candidate.parts) if candidate.parts else None,
                candidate.original,
                json.dumps(candidate.also) if candidate.also else None,
            ),
        )

    async def shown(self, draft: Draft, channel_id: int | None, message_id: int) -> None:
        """Record where, and with which texts, a draft is shown: a reaction there finds it.

        Without a channel only its owner sees it, and decides by buttons.
        """
        await self._db.write(
            "UPDATE drafts SET channel_id = ?, message_id = ?, shown = ?, told = ? WHERE id = ?",
            (channel_id, message_id, draft.fingerprint, draft.state, draft.id),
        )

    async def told(self, draft: Draft) -> None:
        """Record that a draft's message shows the state that it is in."""
        await self._db.write("UPDATE drafts SET told = ? WHERE id = ?", (draft.state, draft.id))

    async def reacted(self, draft: Draft, emoji: str) -> None:
        """Record an owner's reaction below a draft."""
        await self._db.write(
            "INSERT OR IGNORE INTO reactions (draft_id, message_id, emoji) VALUES (?, ?, ?)",
            (draft.id, draft.message_id, emoji),
        )

    async def has_reacted(self, draft: Draft, emoji: str) -> bool:
        """Whether this reaction is recorded."""
        row = await self._db.row(
            "SELECT 1 FROM reactions WHERE message_id = ? AND emoji = ?", (draft.message_id, emoji)
        )
        return row is not None

    # Finding drafts again.

    async def get(self, draft_id: int) -> Draft | None:
        """One draft by its id."""
        return await self._first("WHERE id = ?", draft_id)

    async def by_message(self, message_id: int) -> Draft | None:
        """The draft that a Discord message shows."""
        return await self._first("WHERE message_id = ?", message_id)

    async def in_state(self, state: State) -> list[Draft]:
        """Drafts in a state, oldest first."""
        return await self._select("WHERE state = ? ORDER BY id", state)

    async def counts(self) -> dict[str, int]:
        """How many drafts are in each state that there is."""
        rows = await self._db.rows("SELECT state, count(*) AS n FROM drafts GROUP BY state")
        return {row["state"]: row["n"] for row in rows}

    async def census(self) -> dict[str, int]:
        """The same, with nought for the states that no draft is in."""
        return {**dict.fromkeys(map(str, State), 0), **await self.counts()}

    async def unshown(self, before: datetime) -> list[Draft]:
        """Open drafts from before then that nobody has seen, and twins that are there."""
        return await self._select(
            "WHERE message_id IS NULL AND created_at < ?"
            " AND (state IN (?, ?) OR twin_of NOT NULL AND state = ?) ORDER BY id",
            iso(before),
            State.PENDING,
            State.UNKNOWN,
            State.PUBLISHED,
        )

    async def untold(self) -> list[Draft]:
        """Drafts whose messages show another state than theirs."""
        return await self._select("WHERE channel_id NOT NULL AND told IS NOT state ORDER BY id")

    async def twins(self, draft_id: int) -> list[Draft]:
        """The drafts that an approval for two networks made beside this one."""
        return await self._select("WHERE twin_of = ? ORDER BY id", draft_id)

    async def due(self, now: datetime) -> list[Draft]:
        """Scheduled drafts that are due."""
        return await self._select(
            "WHERE state = ? AND post_at <= ? ORDER BY id", State.SCHEDULED, iso(now)
        )

    async def queued(self, owner_id: int) -> list[Draft]:
        """Scheduled drafts that hold a slot of their owner's queue, in their order."""
        return await self._select(
            "WHERE state = ? AND owner_id = ? AND slot NOT NULL ORDER BY slot",
            State.SCHEDULED,
            owner_id,
        )

    async def approved(self, owner_id: int, limit: int) -> list[Draft]:
        """The newest drafts of a person's that are posted, or will be."""
        return await self._select(
            "WHERE owner_id = ? AND chosen NOT NULL AND state IN (?, ?, ?, ?)"
            " ORDER BY id DESC LIMIT ?",
            owner_id,
            *(State.PUBLISHED, State.PUBLISHING, State.UNKNOWN, State.SCHEDULED),
            limit,
        )

    async def untouched_since(self, then: datetime) -> list[Draft]:
        """Pending drafts without a decision since; without threads that broke off."""
        return await self._select(
            "WHERE state = ?1 AND created_at < ?2"
            " AND NOT EXISTS (SELECT 1 FROM statuses WHERE draft_id = drafts.id)"
            " AND NOT EXISTS (SELECT 1 FROM decisions WHERE draft_id = drafts.id"
            " AND decided_at >= ?2) ORDER BY id",
            State.PENDING,
            iso(then),
        )

    async def of_owner(
        self, owner_id: int, state: State | None = None, limit: int = 25, offset: int = 0
    ) -> list[Draft]:
        """A person's drafts, newest first."""
        return await self._select(
            "WHERE owner_id = ? AND state = coalesce(?, state) ORDER BY id DESC LIMIT ? OFFSET ?",
            owner_id,
            state,
            limit,
            offset,
        )

    async def count(self, owner_id: int, state: State | None = None) -> int:
        """How many drafts a person has."""
        (row,) = await self._db.rows(
            "SELECT count(*) AS n FROM drafts WHERE owner_id = ? AND state = coalesce(?, state)",
            (owner_id, state),
        )
        return int(row["n"])

    async def last_posted(self, owner_id: int) -> Draft | None:
        """The draft of a person's newest status."""
        return await self._first(
            "WHERE owner_id = ? AND state = ? ORDER BY"
            " (SELECT max(posted_at) FROM statuses WHERE draft_id = drafts.id) DESC LIMIT 1",
            owner_id,
            State.PUBLISHED,
        )

    async def posted_since(self, then: datetime) -> list[Draft]:
        """Drafts posted since."""
        return await self._select(
            "WHERE state = ? AND id IN (SELECT draft_id FROM statuses WHERE posted_at >= ?)",
            State.PUBLISHED,
            iso(then),
        )

    async def status_ids(self, account: str) -> set[str]:
        """The known statuses of an account's drafts."""
        rows = await self._db.rows(
            "SELECT status_id FROM statuses JOIN drafts ON id = draft_id WHERE account = ?",
            (account,),
        )
        return {row["status_id"] for row in rows}

    async def topics_used(self, owner_id: int) -> dict[str, datetime]:
        """When the owner last drafted or was asked about each topic, by its name in lower case."""
        rows = await self._db.rows(
            "SELECT topic, at FROM (SELECT owner_id, topic, created_at AS at FROM drafts"
            " UNION ALL SELECT owner_id, topic, asked_at FROM questions)"
            " WHERE owner_id = ? AND topic NOT NULL ORDER BY at",
            (owner_id,),
        )
        return {row["topic"].casefold(): datetime.fromisoformat(row["at"]) for row in rows}

    async def candidate(self, draft_id: int, position: int) -> Candidate | None:
        """One text of a draft as it is now."""
        row = await self._db.row(
            "SELECT * FROM candidates WHERE draft_id = ? AND position = ?", (draft_id, position)
        )
        return _candidate(row) if row else None

    async def _first(self, where: str, *values: object) -> Draft | None:
        return next(iter(await self._select(where, *values)), None)

    async def _select(self, where: str, *values: object) -> list[Draft]:
        """Drafts with candidates and statuses: three statements for any number of drafts."""
        rows = await self._db.rows(f"SELECT * FROM drafts {where}", values)
        if not rows:
            return []
        ids = (json.dumps([row["id"] for row in rows]),)
        candidates = defaultdict[int, list[Candidate]](list)
        for row in await self._db.rows(
            f"SELECT * FROM candidates {_OF_DRAFTS} ORDER BY draft_id, position", ids
        ):
            candidates[row["draft_id"]].append(_candidate(row))
        statuses = defaultdict[int, list[sqlite3.Row]](list)
        for row in await self._db.rows(
            f"SELECT * FROM statuses {_OF_DRAFTS} ORDER BY draft_id, part", ids
        ):
            statuses[row["draft_id"]].append(row)
        return [_draft(row, candidates[row["id"]], statuses[row["id"]]) for row in rows]


def _draft(row: sqlite3.Row, candidates: list[Candidate], statuses: list[sqlite3.Row]) -> Draft:
    return Draft(
        id=row["id"],
        owner_id=row["owner_id"],
        voice=row["voice"],
        topic=row["topic"],
        instruction=row["instruction"],
        notes=row["notes"],
        max_chars=row["max_chars"],
        style=Style(row["visibility"], row["language"], row["content_warning"]),
        state=State(row["state"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        shown=row["shown"],
        networks=tuple(map(Network, row["networks"].split())),
        account=row["account"],
        twin_of=row["twin_of"],
        chosen=row["chosen"],
        attempted_at=moment(row["attempted_at"]),
        sent=_sent(row),
        post_at=moment(row["post_at"]),
        slot=moment(row["slot"]),
        statuses=tuple(Status(status["status_id"], status["url"]) for status in statuses),
        posted_at=moment(max((status["posted_at"] for status in statuses), default=None)),
        reason=RejectionReason(row["reason"]) if row["reason"] else None,
        candidates=tuple(candidates),
    )


def _sent(row: sqlite3.Row) -> Sent | None:
    at, was = moment(row["sent_at"]), json.loads(row["before"] or "null")
    before = Before(frozenset(was["ids"]), was["count"], moment(was["at"])) if was else None
    return Sent(at, row["sends"], before) if at else None


def _candidate(row: sqlite3.Row) -> Candidate:
    parts, also = (tuple(json.loads(row[name] or "[]")) for name in ("parts", "also"))
    return Candidate(row["text"], row["length"], parts, row["original"], also)
