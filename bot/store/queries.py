"""Drafts as they are found: by id, message, state, person and time. Writes nothing."""

import json
import sqlite3
from datetime import datetime

from bot.draft import Candidate, Draft, State, Status, Style
from bot.store.database import Database, iso, moment

_COLUMNS = (
    "id, owner_id, voice, topic, instruction, max_chars, visibility, language, content_warning,"
    " state, created_at, channel_id, message_id, shown, account, chosen, attempted_at, post_at"
)
_CANDIDATE = "text, length, parts, original"


class DraftQueries:
    """Looks drafts up; `DraftTable` also writes them."""

    def __init__(self, database: Database) -> None:
        self._db = database

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

    async def topics_used(self, owner_id: int) -> dict[str, datetime]:
        """When the owner last drafted about each topic, by its name in lower case."""
        rows = await self._db.rows(
            "SELECT topic, created_at FROM drafts WHERE owner_id = ? AND topic IS NOT NULL"
            " ORDER BY id",
            (owner_id,),
        )
        return {row[0].casefold(): datetime.fromisoformat(row[1]) for row in rows}

    async def has_reacted(self, draft: Draft, emoji: str) -> bool:
        """Whether this reaction is recorded."""
        row = (draft.message_id, emoji)
        sql = "SELECT 1 FROM reactions WHERE message_id = ? AND emoji = ?"
        return bool(await self._db.rows(sql, row))

    async def candidate(self, draft_id: int, position: int) -> Candidate | None:
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
