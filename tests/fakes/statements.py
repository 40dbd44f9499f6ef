"""Counts the statements of a real SQLite, as SQLite itself reports them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.store import Store


@asynccontextmanager
async def counting(store: Store) -> AsyncIterator[list[str]]:
    """Yield the statements, which are added as they run."""
    connection, seen = store.database._connection, list[str]()

    def note(statement: str) -> None:
        if not statement.startswith("--"):  # what SQLite asks itself
            seen.append(statement)

    await connection.set_trace_callback(note)
    try:
        yield seen
    finally:
        await connection.set_trace_callback(None)  # type: ignore[arg-type]  # as sqlite3 has it
