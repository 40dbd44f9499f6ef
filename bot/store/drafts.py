"""Drafts: their candidates, every decision on them, and the statuses they became.

How they are found again: queries.py.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

import structlog

from bot import metrics
from bot.draft import FOLLOWS, Candidate, Draft, State, Status
from bot.store.database import iso
from bot.store.queries import DraftQueries

# What was decided: by the owner, by the server ("refused") or by time ("expire", "ask").
Decision = Literal[
    "approve", "reject", "again", "refused", "edit", "later", "take back", "expire", "undo",
    "ask", "there", "absent",
]  # fmt: skip

log = structlog.stdlib.get_logger(__name__)


class DraftTable(DraftQueries):
    """Drafts and what belongs to them."""

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
                candidate = await self.candidate(draft_id, position)
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
