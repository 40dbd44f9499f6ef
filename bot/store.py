"""All SQL. Rows in, dataclasses out; one writer connection, every write in one transaction.

Times are stored as ISO 8601 in UTC, so that they sort as text.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TextIO

import aiosqlite

from bot.draft import FOLLOWS, Candidate, Draft, Schedule, State
from bot.errors import ConfigError, InUse

MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a lost commit could post twice
    "busy_timeout=5000",
    "foreign_keys=ON",
)


class Store:
    """`async with Store.open(path) as store:`. One process at a time may hold a database."""

    def __init__(self, db: aiosqlite.Connection, lock_file: TextIO) -> None:
        self._db = db
        self._lock_file = lock_file
        self._write = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Store"]:
        """Open or create the database and bring it up to date. Raises ConfigError."""
        lock_file = _lock(path)
        try:
            db = await aiosqlite.connect(path, isolation_level=None)
            try:
                await _prepare(db, path)
                yield cls(db, lock_file)
            finally:
                await db.close()  # its thread would keep the process alive
        finally:
            lock_file.close()

    async def add(self, draft: Draft) -> Draft:
        """Store a new draft; returns it with its id."""
        async with self._transaction():
            cursor = await self._db.execute(
                "INSERT INTO drafts (owner_id, voice, topic, max_chars, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (draft.owner_id, draft.voice, draft.topic, draft.max_chars, _iso(draft.created_at)),
            )
            assert cursor.lastrowid is not None
            await self._db.executemany(
                "INSERT INTO candidates VALUES (?, ?, ?, ?)",
                [(cursor.lastrowid, i, c.text, c.length) for i, c in enumerate(draft.candidates)],
            )
        return replace(draft, id=cursor.lastrowid)

    async def shown(self, draft_id: int, channel_id: int, message_id: int) -> None:
        """Record where a draft was shown, so that a reaction there finds it."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE drafts SET channel_id = ?, message_id = ? WHERE id = ?",
                (channel_id, message_id, draft_id),
            )

    async def get(self, draft_id: int) -> Draft | None:
        """One draft by its id."""
        found = await self._select("WHERE drafts.id = ?", (draft_id,))
        return found[0] if found else None

    async def by_message(self, message_id: int) -> Draft | None:
        """The draft that a Discord message shows."""
        found = await self._select("WHERE message_id = ?", (message_id,))
        return found[0] if found else None

    async def in_state(self, state: State) -> list[Draft]:
        """Drafts in a state, oldest first."""
        return await self._select("WHERE state = ? ORDER BY drafts.id", (state,))

    async def claim(self, draft_id: int, position: int, now: datetime) -> bool:
        """Take a pending draft for posting; False if it is taken: two clicks, one status."""
        async with self._transaction():
            return await self._move(
                (draft_id, "approve", position, now),
                State.PENDING,
                State.PUBLISHING,
                "chosen = ?, attempted_at = ?",
                (position, _iso(now)),
            )

    async def release(self, draft_id: int, now: datetime) -> bool:
        """Give a claimed draft back: the server refused it, nothing was posted."""
        async with self._transaction():
            return await self._move(
                (draft_id, "refused", None, now),
                State.PUBLISHING,
                State.PENDING,
                "chosen = NULL, attempted_at = NULL",
            )

    async def close_draft(self, draft_id: int, state: State, now: datetime) -> bool:
        """Reject or replace a pending draft; False if it was decided before."""
        action = "reject" if state is State.REJECTED else "again"
        async with self._transaction():
            return await self._move((draft_id, action, None, now), State.PENDING, state)

    async def mark_published(
        self, draft_id: int, status_id: str, url: str, text: str, now: datetime
    ) -> None:
        """Record the status that a claimed draft became."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE drafts SET state = ? WHERE id = ? AND state = ?",
                (State.PUBLISHED, draft_id, State.PUBLISHING),
            )
            await self._db.execute(
                "INSERT OR IGNORE INTO statuses VALUES (?, ?, ?, ?, ?)",
                (draft_id, status_id, url, text, _iso(now)),
            )

    async def recent_topics(self, owner_id: int, limit: int) -> list[str]:
        """Topics the owner drafted about, latest first."""
        rows = await self._db.execute_fetchall(
            "SELECT topic FROM drafts WHERE owner_id = ? AND topic IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (owner_id, limit),
        )
        return [row[0] for row in rows]

    async def set_schedule(self, schedule: Schedule) -> None:
        """Set or replace an owner's daily suggestion."""
        async with self._transaction():
            await self._db.execute(
                "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?)",
                (
                    schedule.owner_id,
                    schedule.local_time,
                    schedule.timezone,
                    _iso(schedule.next_at),
                ),
            )

    async def advance_schedule(self, schedule: Schedule, next_at: datetime) -> None:
        """Move a schedule to its next time, unless its owner has changed it since."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE schedules SET next_at = ? WHERE owner_id = ? AND next_at = ?",
                (_iso(next_at), schedule.owner_id, _iso(schedule.next_at)),
            )

    async def drop_schedule(self, owner_id: int) -> bool:
        """End an owner's daily suggestion; False if there was none."""
        async with self._transaction():
            cursor = await self._db.execute("DELETE FROM schedules WHERE owner_id = ?", (owner_id,))
        return cursor.rowcount == 1

    async def schedule(self, owner_id: int) -> Schedule | None:
        """An owner's daily suggestion."""
        return next((s for s in await self.schedules() if s.owner_id == owner_id), None)

    async def schedules(self) -> list[Schedule]:
        """Every daily suggestion."""
        rows = await self._db.execute_fetchall("SELECT * FROM schedules")
        return [Schedule(r[0], r[1], r[2], datetime.fromisoformat(r[3])) for r in rows]

    async def claim_day(self, owner_id: int, local_date: date) -> bool:
        """Take an owner's local day for its one suggestion; False if it was taken before."""
        async with self._transaction():
            cursor = await self._db.execute(
                "INSERT OR IGNORE INTO suggestions VALUES (?, ?)",
                (owner_id, local_date.isoformat()),
            )
        return cursor.rowcount == 1

    async def _move(
        self,
        decision: tuple[int, str, int | None, datetime],
        old: State,
        new: State,
        also: str = "",
        values: Iterable[object] = (),
    ) -> bool:
        """Move a draft from `old` to `new` if it still is in `old`, and note the decision."""
        assert new in FOLLOWS[old]
        draft_id, action, position, now = decision
        extra = f", {also}" if also else ""
        cursor = await self._db.execute(
            f"UPDATE drafts SET state = ?{extra} WHERE id = ? AND state = ?",
            (new, *values, draft_id, old),
        )
        if cursor.rowcount != 1:
            return False
        await self._db.execute(
            "INSERT INTO decisions (draft_id, action, position, decided_at) VALUES (?, ?, ?, ?)",
            (draft_id, action, position, _iso(now)),
        )
        return True

    async def _select(self, where: str, values: tuple[object, ...]) -> list[Draft]:
        rows = await self._db.execute_fetchall(
            "SELECT drafts.id, owner_id, voice, topic, max_chars, state, created_at, channel_id,"
            " message_id, chosen, attempted_at, statuses.url"
            f" FROM drafts LEFT JOIN statuses ON statuses.draft_id = drafts.id {where}",
            values,
        )
        return [await self._draft(row) for row in rows]

    async def _draft(self, row: sqlite3.Row) -> Draft:
        candidates = await self._db.execute_fetchall(
            "SELECT text, length FROM candidates WHERE draft_id = ? ORDER BY position", (row[0],)
        )
        return Draft(
            id=row[0],
            owner_id=row[1],
            voice=row[2],
            topic=row[3],
            max_chars=row[4],
            state=State(row[5]),
            created_at=datetime.fromisoformat(row[6]),
            channel_id=row[7],
            message_id=row[8],
            chosen=row[9],
            attempted_at=datetime.fromisoformat(row[10]) if row[10] else None,
            status_url=row[11],
            candidates=tuple(Candidate(text, length) for text, length in candidates),
        )

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        """One write at a time: on a shared connection, a rollback would undo another's write."""
        async with self._write:
            await self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                await self._db.execute("ROLLBACK")
                raise
            await self._db.execute("COMMIT")


def _iso(moment: datetime) -> str:
    return moment.isoformat()


def _lock(path: Path) -> TextIO:
    """Hold `<database>.lock` for as long as the process lives, so that no second bot joins in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        lock_file = path.with_name(path.name + ".lock").open("w")
    except OSError as e:
        raise ConfigError(
            f"The database {path} cannot be opened ({e.strerror}). Set DATABASE to a file in a"
            " folder that can be written to."
        ) from e
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as e:
        lock_file.close()
        raise InUse(
            f"Another bot is using the database {path}. Stop it first: two of them on one database"
            " would answer everything twice."
        ) from e
    lock_file.write(str(os.getpid()))
    lock_file.flush()
    return lock_file


async def _prepare(db: aiosqlite.Connection, path: Path) -> None:
    try:
        for pragma in PRAGMAS:
            await db.execute(f"PRAGMA {pragma}")
        await _migrate(db)
    except sqlite3.DatabaseError as e:
        raise ConfigError(
            f"The database {path} is not one of this bot's, or it is damaged ({e})."
            " Restore it from a backup, or move it away to start anew."
        ) from e


async def _migrate(db: aiosqlite.Connection) -> None:
    """Run the migrations the database has not seen, each in one transaction."""
    ((version,),) = await db.execute_fetchall("PRAGMA user_version")
    for file in sorted(MIGRATIONS.glob("*.sql")):
        number = int(file.name.split("_")[0])
        if number <= version:
            continue
        await db.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(file.read_text("utf-8")):
                await db.execute(statement)
            await db.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            await db.execute("ROLLBACK")
            raise
        await db.execute("COMMIT")


def _statements(sql: str) -> list[str]:
    """Split a script; `executescript` would commit behind our back."""
    found, statement = [], ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found
