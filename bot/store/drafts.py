"""Drafts: their candidates, every decision on them, and the statuses they became."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog

from bot import metrics
from bot.draft import FOLLOWS, Candidate, Draft, State, Status, Style
from bot.store.database import Database, iso, moment

_COLUMNS = (
    "id, owner_id, voice, topic, instruction, max_chars, visibility, language, content_warning,"
    " state, created_at, channel_id, message_id, shown, account, chosen, attempted_at, post_at"
)
_CANDIDATE = "text, length, parts, original"

# What was decided: by the owner, by the server ("refused") or by time ("expire", "ask").
Decision = Literal[
    "approve", "reject", "again", "refused", "edit", "later", "take back", "expire", "undo",
    "ask", "there", "absent",
]  # fmt: skip

log = structlog.stdlib.get_logger(__name__)


class DraftTable:
    """Drafts and what belongs to them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft: Draft) -> Draft:
        """Store a new draft; returns it with its id."""
        async with self._db.transaction():
            return await self._insert(draft)

    async def replace(
        self, old_id: int, new: Draft, now: datetime, instruction: str | None
    ) -> Draft | None:
        """Store a draft in the place of a pending one, which is closed: both or neither.

        None if the old one was decided before.
        """
        async with self._db.transaction():
            if not await self._close(old_id, State.REPLACED, now, instruction):
                return None
            stored = await self._insert(new)
            await self._db.run("UPDATE drafts SET replaces = ? WHERE id = ?", (old_id, stored.id))
            return stored

    async def shown(self, draft: Draft, channel_id: int | None, message_id: int) -> None:
        """Record where, and with which texts, a draft is shown: a reaction there finds it.

        No channel: only its owner sees it, and only buttons can be used there.
        """
        await self._db.write(
            "UPDATE drafts SET channel_id = ?, message_id = ?, shown = ? WHERE id = ?",
            (channel_id, message_id, draft.fingerprint, draft.id),
        )

    async def reacted(self, draft: Draft, emoji: str) -> None:
        """Record an owner's reaction below a draft."""
        row = (draft.id, draft.message_id, emoji)
        await self._db.write("INSERT OR IGNORE INTO reactions VALUES (?, ?, ?)", row)

    async def has_reacted(self, draft: Draft, emoji: str) -> bool:
        """Whether this reaction is recorded."""
        row = (draft.message_id, emoji)
        sql = "SELECT 1 FROM reactions WHERE message_id = ? AND emoji = ?"
        return bool(await self._db.rows(sql, row))

    async def get(self, draft_id: int) -> Draft | None:
        """One draft by its id."""
        found = await self._select("WHERE id = ?", draft_id)
        return found[0] if found else None

    async def by_message(self, message_id: int) -> Draft | None:
        """The draft that a Discord message shows."""
        found = await self._select("WHERE message_id = ?", message_id)
        return found[0] if found else None

    async def in_state(self, state: State) -> list[Draft]:
        """Drafts in a state, oldest first."""
        return await self._select("WHERE state = ? ORDER BY id", state)

    async def counts(self) -> dict[str, int]:
        """How many drafts are in each state."""
        rows = await self._db.rows("SELECT state, count(*) FROM drafts GROUP BY state")
        return {row[0]: row[1] for row in rows}

    async def unshown(self, before: datetime) -> list[Draft]:
        """Pending drafts, written before then, that nobody has seen."""
        return await self._select(
            "WHERE state = ? AND message_id IS NULL AND created_at < ? ORDER BY id",
            *(State.PENDING, iso(before)),
        )

    async def due(self, now: datetime) -> list[Draft]:
        """Scheduled drafts whose time has come."""
        return await self._select(
            "WHERE state = ? AND post_at <= ? ORDER BY id", State.SCHEDULED, iso(now)
        )

    async def untouched_since(self, then: datetime) -> list[Draft]:
        """Pending drafts nobody decided anything on since; threads that broke off are left out."""
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
            "WHERE owner_id = ? AND state = COALESCE(?, state) ORDER BY id DESC LIMIT ? OFFSET ?",
            *(owner_id, state, limit, offset),
        )

    async def count(self, owner_id: int, state: State | None = None) -> int:
        """How many drafts a person has."""
        rows = await self._db.rows(
            "SELECT COUNT(*) FROM drafts WHERE owner_id = ? AND state = COALESCE(?, state)",
            (owner_id, state),
        )
        return int(rows[0][0])

    async def last_posted(self, owner_id: int) -> Draft | None:
        """The draft whose status is a person's newest."""
        found = await self._select(
            "WHERE owner_id = ? AND state = ? ORDER BY"
            " (SELECT MAX(posted_at) FROM statuses WHERE draft_id = drafts.id) DESC LIMIT 1",
            *(owner_id, State.PUBLISHED),
        )
        return found[0] if found else None

    async def posted_since(self, then: datetime) -> list[Draft]:
        """Drafts posted since."""
        return await self._select(
            "WHERE state = ? AND id IN (SELECT draft_id FROM statuses WHERE posted_at >= ?)",
            *(State.PUBLISHED, iso(then)),
        )

    async def status_ids(self, account: str) -> set[str]:
        """Statuses of an account that drafts are known to have become."""
        rows = await self._db.rows(
            "SELECT status_id FROM statuses JOIN drafts ON id = draft_id WHERE account = ?",
            (account,),
        )
        return {row[0] for row in rows}

    # Decisions: each moves the draft, if it still is where the decision found it.

    async def claim(
        self,
        draft_id: int,
        position: int,
        fingerprint: str,
        account: str,
        now: datetime,
        old: State = State.PENDING,
    ) -> bool:
        """Take a draft for posting exactly this text; False if it is taken, or has changed.

        Two clicks, one status.
        """
        return await self._decide(
            *(draft_id, old, State.PUBLISHING, "approve", now, position, fingerprint),
            chosen=position,
            account=account,
            attempted_at=iso(now),
        )

    async def schedule(
        self, draft_id: int, position: int, fingerprint: str, post_at: datetime, now: datetime
    ) -> bool:
        """Approve a text for later; False if the draft is taken, or has changed."""
        return await self._decide(
            *(draft_id, State.PENDING, State.SCHEDULED, "later", now, position, fingerprint),
            chosen=position,
            post_at=iso(post_at),
        )

    async def take_back(self, draft_id: int, now: datetime) -> bool:
        """Open a scheduled draft again; False if it is too late."""
        return await self._decide(
            *(draft_id, State.SCHEDULED, State.PENDING, "take back", now),
            chosen=None,
            post_at=None,
        )

    async def edit(self, draft_id: int, position: int, candidate: Candidate, now: datetime) -> bool:
        """Put another text in the place of a candidate; False if the draft is decided."""
        async with self._db.transaction():
            found = await self._db.run(
                "SELECT 1 FROM drafts WHERE id = ? AND state = ?", (draft_id, State.PENDING)
            )
            if await found.fetchone() is None:
                return False
            await self._put(draft_id, position, candidate)
            return await self._decided(draft_id, "edit", now, position, candidate.text)

    async def close_draft(self, draft_id: int, state: State, now: datetime) -> bool:
        """Reject or expire a pending draft; False if it was decided before."""
        async with self._db.transaction():
            return await self._close(draft_id, state, now)

    async def release(
        self, draft_id: int, now: datetime, old: State = State.PUBLISHING, why: Decision = "refused"
    ) -> bool:
        """Give a claimed draft back: what was tried last is not posted.

        A thread of which something is posted stays with its text.
        """
        async with self._db.transaction():
            return await self._move(
                *(draft_id, old, State.PENDING),
                "attempted_at = NULL, post_at = NULL, chosen = CASE WHEN EXISTS"
                " (SELECT 1 FROM statuses WHERE draft_id = drafts.id) THEN chosen END",
            ) and await self._decided(draft_id, why, now)

    async def ask(self, draft_id: int, now: datetime) -> bool:
        """Leave it to the owner to find out whether a claimed draft is posted."""
        return await self._decide(draft_id, State.PUBLISHING, State.UNKNOWN, "ask", now)

    async def confirm(self, draft_id: int, now: datetime) -> bool:
        """Take the owner's word that it is."""
        return await self._decide(draft_id, State.UNKNOWN, State.PUBLISHING, "there", now)

    async def posted(
        self, draft_id: int, part: int, status: Status, text: str, now: datetime
    ) -> None:
        """Record one status that a claimed draft became."""
        log.info("posted", draft=draft_id, part=part, status=status.id)
        metrics.STATUSES.inc()
        await self._db.write(
            "INSERT OR IGNORE INTO statuses VALUES (?, ?, ?, ?, ?, ?)",
            (draft_id, part, status.id, status.url, text, iso(now)),
        )

    async def mark_published(self, draft_id: int) -> None:
        """All of a claimed draft is posted."""
        async with self._db.transaction():
            await self._move(draft_id, State.PUBLISHING, State.PUBLISHED)

    async def mark_undone(self, draft_id: int, old: State, now: datetime) -> bool:
        """All that was posted of a draft is deleted."""
        return await self._decide(draft_id, old, State.UNDONE, "undo", now)

    async def topics_used(self, owner_id: int) -> dict[str, datetime]:
        """When the owner last drafted about each topic, by its name in lower case."""
        rows = await self._db.rows(
            "SELECT topic, created_at FROM drafts WHERE owner_id = ? AND topic IS NOT NULL"
            " ORDER BY id",
            (owner_id,),
        )
        return {row[0].casefold(): datetime.fromisoformat(row[1]) for row in rows}

    async def _insert(self, draft: Draft) -> Draft:
        style = draft.style
        cursor = await self._db.run(
            "INSERT INTO drafts (owner_id, voice, topic, instruction, max_chars, visibility,"
            " language, content_warning, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                draft.owner_id,
                draft.voice,
                draft.topic,
                draft.instruction,
                draft.max_chars,
                style.visibility,
                style.language,
                style.content_warning,
                iso(draft.created_at),
            ),
        )
        assert cursor.lastrowid is not None
        for position, candidate in enumerate(draft.candidates):
            await self._put(cursor.lastrowid, position, candidate)
        structlog.contextvars.bind_contextvars(draft=cursor.lastrowid)
        log.info("drafted", voice=draft.voice, candidates=len(draft.candidates))
        return replace(draft, id=cursor.lastrowid)

    async def _close(
        self, draft_id: int, state: State, now: datetime, instruction: str | None = None
    ) -> bool:
        actions: dict[State, Decision] = {
            State.REJECTED: "reject",
            State.REPLACED: "again",
            State.EXPIRED: "expire",
        }
        return await self._move(draft_id, State.PENDING, state) and await self._decided(
            draft_id, actions[state], now, text=instruction
        )

    async def _put(self, draft_id: int, position: int, candidate: Candidate) -> None:
        parts = json.dumps(candidate.parts) if candidate.parts else None
        await self._db.run(
            "INSERT OR REPLACE INTO candidates (draft_id, position, text, length, parts, original)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (draft_id, position, candidate.text, candidate.length, parts, candidate.original),
        )

    async def _decide(
        self,
        draft_id: int,
        old: State,
        new: State,
        action: Decision,
        now: datetime,
        position: int | None = None,
        fingerprint: str | None = None,
        **columns: object,
    ) -> bool:
        """Move a draft and record the decision; False if it has moved, or its text has changed."""
        async with self._db.transaction():
            text = None
            if position is not None:
                candidate = await self._candidate(draft_id, position)
                if candidate is None or candidate.fingerprint != fingerprint:
                    return False
                text = candidate.text
            also = ", ".join(f"{column} = ?" for column in columns)
            return await self._move(
                draft_id, old, new, also, tuple(columns.values())
            ) and await self._decided(draft_id, action, now, position, text)

    async def _move(
        self, draft_id: int, old: State, new: State, also: str = "", values: Sequence[object] = ()
    ) -> bool:
        """Move a draft from `old` to `new`; False if it is not in `old` any more."""
        assert new in FOLLOWS[old]
        cursor = await self._db.run(
            f"UPDATE drafts SET state = ?{', ' if also else ''}{also} WHERE id = ? AND state = ?",
            (new, *values, draft_id, old),
        )
        return cursor.rowcount == 1

    async def _decided(
        self,
        draft_id: int,
        action: Decision,
        now: datetime,
        position: int | None = None,
        text: str | None = None,
    ) -> bool:
        log.info("decided", draft=draft_id, action=action)
        metrics.DECISIONS.labels(action).inc()
        await self._db.run(
            "INSERT INTO decisions (draft_id, action, position, text, decided_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (draft_id, action, position, text, iso(now)),
        )
        return True

    async def _candidate(self, draft_id: int, position: int) -> Candidate | None:
        rows = await self._db.rows(
            f"SELECT {_CANDIDATE} FROM candidates WHERE draft_id = ? AND position = ?",
            (draft_id, position),
        )
        return _candidate(rows[0]) if rows else None

    async def _select(self, where: str, *values: object) -> list[Draft]:
        rows = await self._db.rows(f"SELECT {_COLUMNS} FROM drafts {where}", values)
        return [await self._draft(row) for row in rows]

    async def _draft(self, row: sqlite3.Row) -> Draft:
        candidates = await self._db.rows(
            f"SELECT {_CANDIDATE} FROM candidates WHERE draft_id = ? ORDER BY position", (row[0],)
        )
        statuses = await self._db.rows(
            "SELECT status_id, url, posted_at FROM statuses WHERE draft_id = ? ORDER BY part",
            (row[0],),
        )
        return Draft(
            id=row[0],
            owner_id=row[1],
            voice=row[2],
            topic=row[3],
            instruction=row[4],
            max_chars=row[5],
            style=Style(row[6], row[7], row[8]),
            state=State(row[9]),
            created_at=datetime.fromisoformat(row[10]),
            channel_id=row[11],
            message_id=row[12],
            shown=row[13],
            account=row[14],
            chosen=row[15],
            attempted_at=moment(row[16]),
            post_at=moment(row[17]),
            statuses=tuple(Status(*status[:2]) for status in statuses),
            posted_at=moment(max((status[2] for status in statuses), default=None)),
            candidates=tuple(_candidate(c) for c in candidates),
        )


def _candidate(row: sqlite3.Row) -> Candidate:
    text, length, parts, original = row
    return Candidate(text, length, tuple(json.loads(parts)) if parts else (), original)
