"""All SQL. Rows in, dataclasses out; one module a subject, one database under them.

drafts.py drafts, candidates, decisions, statuses   queries.py how they are found again
people.py voices' owners, accounts
begun.py decisions that are being carried out       outcomes.py what became of drafts, counted
schedules.py the daily suggestions                  trials.py blind tests
database.py the file itself
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.store.begun import BegunTable
from bot.store.database import Database
from bot.store.drafts import DraftTable
from bot.store.outcomes import OutcomeTable
from bot.store.people import PeopleTable
from bot.store.schedules import ScheduleTable
from bot.store.trials import TrialTable


class Store:
    """`async with Store.open(path) as store:`. One process at a time may hold a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.drafts = DraftTable(database)
        self.begun = BegunTable(database)
        self.outcomes = OutcomeTable(database)
        self.people = PeopleTable(database)
        self.schedules = ScheduleTable(database)
        self.trials = TrialTable(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Store"]:
        """Open or create the database and bring it up to date. Raises ConfigError."""
        async with Database.open(path) as database:
            yield cls(database)

    async def note(self, name: str) -> str | None:
        """What the bot noted of itself under this name."""
        rows = await self.database.rows("SELECT value FROM notes WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    async def set_note(self, name: str, value: str) -> None:
        """Remember something of the bot itself."""
        await self.database.write("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))
