"""The SQLite file itself: one process, one connection, one writer; and its migrations."""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO

import aiosqlite
import structlog

from bot.errors import ConfigError, InUse, Unavailable

log = structlog.stdlib.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a lost commit could post twice
    "busy_timeout=1000",  # a click that writes twice must still be answered within 3 s
    "secure_delete=ON",  # deleted data leaves no trace in the file
)
# SQLite's result codes, https://www.sqlite.org/rescode.html: the disk's fault, not ours
LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
UNWRITABLE = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
}
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Database:
    """`async with Database.open(path) as db:`. Times are ISO 8601 in UTC: they sort as text."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        connection.row_factory = sqlite3.Row  # a column is read by its name
        self._connection = connection
        self._write = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Database"]:
        """Open or create the database and bring it up to date. Raises ConfigError."""
        lock_file = _lock(path)
        try:
            with _naming(path):
                connection = await aiosqlite.connect(path, isolation_level=None)
            try:
                with _naming(path):
                    await _prepare(connection)
                yield cls(connection)
            finally:
                await connection.close()  # its thread would keep the process alive
        finally:
            lock_file.close()

    @classmethod
    @asynccontextmanager
    async def reading(cls, path: Path) -> AsyncIterator["Database"]:
        """Only read a database, also while a bot uses it. Raises ConfigError."""
        connection = await aiosqlite.connect(reading_uri(path), uri=True)
        try:
            await connection.execute("PRAGMA query_only=ON")
            yield cls(connection)
        finally:
            await connection.close()

    async def rows(self, sql: str, values: Iterable[object] = ()) -> list[sqlite3.Row]:
        """Every row of a query. Raises Unavailable if the disk fails."""
        with _plainly():
            return list(await self._connection.execute_fetchall(sql, tuple(values)))

    async def row(self, sql: str, values: Iterable[object] = ()) -> sqlite3.Row | None:
        """The first row of a query. Raises Unavailable if the disk fails."""
        return next(iter(await self.rows(sql, values)), None)

    async def run(self, sql: str, values: Iterable[object] = ()) -> int:
        """Run one statement inside a transaction; returns how many rows it changed."""
        assert self._write.locked()
        return (await self._connection.execute(sql, tuple(values))).rowcount

    async def insert(self, table: str, **columns: object) -> int:
        """Add one row inside a transaction; returns its id."""
        assert self._write.locked()
        marks = ", ".join("?" * len(columns))
        cursor = await self._connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    async def insert_copy(self, table: str, row_id: int, same: str, **columns: object) -> int:
        """Add a row with some columns the `same` as another's, inside a transaction."""
        marks = ", ".join("?" * len(columns))
        cursor = await self._connection.execute(
            f"INSERT INTO {table} ({same}, {', '.join(columns)})"
            f" SELECT {same}, {marks} FROM {table} WHERE id = ?",
            (*columns.values(), row_id),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    async def write(self, sql: str, values: Iterable[object] = ()) -> int:
        """Run one statement in its own transaction; returns how many rows it changed."""
        async with self.transaction():
            return await self.run(sql, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One write at a time: on a shared connection, a rollback would undo another's write.

        Raises Unavailable if the disk fails; it stores nothing then.
        """
        async with self._write:
            with _plainly():
                try:
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield
                    await self._connection.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.OperationalError):  # a full disk rolls back by itself
                        await self._connection.execute("ROLLBACK")
                    raise

    async def settle(self) -> None:
        """Empty the log beside the file, which may still hold deleted data."""
        async with self._write:
            with _plainly():
                await self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def reading_uri(path: Path) -> str:
    """Address of an existing database. Raises ConfigError if there is none."""
    if not path.is_file():
        raise ConfigError(f"There is no database {path}. Set DATABASE to the bot's.")
    return f"{path.absolute().as_uri()}?mode=rw"  # read-only could not join a bot that is writing


def iso(moment: datetime) -> str:
    """A moment in its stored form."""
    return moment.isoformat()


def moment(stored: str | None) -> datetime | None:
    """A stored moment, or None."""
    return datetime.fromisoformat(stored) if stored else None


def _lock(path: Path) -> TextIO:
    """Hold `<database>.lock` as long as the process lives, so that no second bot starts."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.chmod(0o600)  # it may be older; SQLite gives the files beside it the same mode
        lock = path.with_name(path.name + ".lock")
        lock.touch(mode=0o600)
        lock_file = lock.open("w")
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
    with suppress(OSError):  # the number only helps people; a full disk shows later
        os.write(lock_file.fileno(), str(os.getpid()).encode())
    return lock_file


async def _prepare(db: aiosqlite.Connection) -> None:
    for pragma in PRAGMAS:
        await db.execute(f"PRAGMA {pragma}")
    ((found,),) = await db.execute_fetchall("PRAGMA quick_check(1)")
    if found != "ok":
        raise sqlite3.DatabaseError(found)
    await _migrate(db)  # with foreign keys off: SQLite's way to rebuild a table
    await db.execute("PRAGMA foreign_keys=ON")
    await db.execute("BEGIN IMMEDIATE")  # may it be written, and by us?
    await db.execute("ROLLBACK")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn a database's fault at the start into a sentence. Raises ConfigError."""
    try:
        yield
    except sqlite3.DatabaseError as e:
        code = _code(e)
        if code in LOCKED:
            story = f"is locked by another program ({e}). End that program, then start again"
        elif code in UNWRITABLE:
            story = (
                f"cannot be written ({e}). Make room on its disk and see that the bot may write"
                " there, or set DATABASE to another file"
            )
        else:
            story = (
                f"is not one of this bot's, or it is damaged ({e})."
                " Restore it from a backup, or move it away to start anew"
            )
        raise ConfigError(f"The database {path} {story}.") from e


@contextmanager
def _plainly() -> Iterator[None]:
    """Turn a fault of the disk into a sentence; a mistake of ours stays as it is."""
    try:
        yield
    except sqlite3.DatabaseError as e:
        if unavailable := _translated(e):
            log.error("the database fails", why=str(e), code=e.sqlite_errorname)
            raise unavailable from e
        raise


def _translated(error: sqlite3.DatabaseError) -> Unavailable | None:
    code = _code(error)
    if code in LOCKED:
        return Unavailable("My database is locked by another program. Try again in a minute.")
    if code in UNWRITABLE:
        return Unavailable(
            "I cannot write to my disk: it is full, or it fails. The operator must make room"
            " there; then try again."
        )
    if code in DAMAGED:
        return Unavailable("My database is damaged. The operator must restore it from a backup.")
    return None


def _code(error: sqlite3.DatabaseError) -> int:
    """The primary result code; 0 if there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


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
