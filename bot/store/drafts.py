"""Drafts: their candidates, every decision on them, and the statuses they became."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.draft import FOLLOWS, Candidate, Draft, State, Status, Style
from bot.store.database import Database, iso, moment

_COLUMNS = (
    "id, owner_id, voice, topic, instruction, max_chars, visibility, language, content_warning,"
    " state, created_at, channel_id, message_id, shown, account, chosen, attempted_at, post_at"
)


class DraftTable:
    """Drafts and what belongs to them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, draft: Draft) -> Draft:
        """Store a new draft; returns it with its id."""
        style = draft.style
        async with self._db.transaction():
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
        return replace(draft, id=cursor.lastrowid)

    async def shown(self, draft: Draft, channel_id: int, message_id: int) -> None:
        """Record where, and with which texts, a draft was shown: a reaction there finds it."""
        await self._db.write(
            "UPDATE drafts SET channel_id = ?, message_id = ?, shown = ? WHERE id = ?",
            (channel_id, message_id, draft.fingerprint, draft.id),
        )

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

    async def claim(self, draft_id: int, position: int, account: str, now: datetime) -> bool:
        """Take a pending draft for posting; False if it is taken: two clicks, one status."""
        async with self._db.transaction():
            return await self._move(
                draft_id,
                State.PENDING,
                State.PUBLISHING,
                "chosen = ?, account = ?, attempted_at = ?",
                (position, account, iso(now)),
            ) and await self._decided(draft_id, "approve", now, position)

    async def release(self, draft_id: int, now: datetime) -> bool:
        """Give a claimed draft back: the server refused it, nothing was posted."""
        async with self._db.transaction():
            return await self._move(
                draft_id,
                State.PUBLISHING,
                State.PENDING,
                "chosen = NULL, account = NULL, attempted_at = NULL",
            ) and await self._decided(draft_id, "refused", now)

    async def close_draft(self, draft_id: int, state: State, now: datetime) -> bool:
        """Reject or replace a pending draft; False if it was decided before."""
        action = "reject" if state is State.REJECTED else "again"
        async with self._db.transaction():
            return await self._move(draft_id, State.PENDING, state) and await self._decided(
                draft_id, action, now
            )

    async def posted(
        self, draft_id: int, part: int, status: Status, text: str, now: datetime
    ) -> None:
        """Record one status that a claimed draft became."""
        await self._db.write(
            "INSERT OR IGNORE INTO statuses VALUES (?, ?, ?, ?, ?, ?)",
            (draft_id, part, status.id, status.url, text, iso(now)),
        )

    async def mark_published(self, draft_id: int) -> None:
        """All of a claimed draft is posted."""
        async with self._db.transaction():
            await self._move(draft_id, State.PUBLISHING, State.PUBLISHED)

    async def topics_used(self, owner_id: int) -> dict[str, datetime]:
        """When the owner last drafted about each topic, by its name in lower case."""
        rows = await self._db.rows(
            "SELECT topic, created_at FROM drafts WHERE owner_id = ? AND topic IS NOT NULL"
            " ORDER BY id",
            (owner_id,),
        )
        return {row[0].casefold(): datetime.fromisoformat(row[1]) for row in rows}

    async def _put(self, draft_id: int, position: int, candidate: Candidate) -> None:
        parts = json.dumps(candidate.parts) if candidate.parts else None
        await self._db.run(
            "INSERT OR REPLACE INTO candidates (draft_id, position, text, length, parts, original)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (draft_id, position, candidate.text, candidate.length, parts, candidate.original),
        )

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
        action: str,
        now: datetime,
        position: int | None = None,
        text: str | None = None,
    ) -> bool:
        await self._db.run(
            "INSERT INTO decisions (draft_id, action, position, text, decided_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (draft_id, action, position, text, iso(now)),
        )
        return True

    async def _select(self, where: str, value: object) -> list[Draft]:
        rows = await self._db.rows(f"SELECT {_COLUMNS} FROM drafts {where}", (value,))
        return [await self._draft(row) for row in rows]

    async def _draft(self, row: sqlite3.Row) -> Draft:
        candidates = await self._db.rows(
            "SELECT text, length, parts, original FROM candidates WHERE draft_id = ?"
            " ORDER BY position",
            (row[0],),
        )
        statuses = await self._db.rows(
            "SELECT status_id, url FROM statuses WHERE draft_id = ? ORDER BY part", (row[0],)
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
            statuses=tuple(Status(*status) for status in statuses),
            candidates=tuple(
                Candidate(text, length, tuple(json.loads(parts)) if parts else (), original)
                for text, length, parts, original in candidates
            ),
        )
