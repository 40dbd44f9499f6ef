"""All SQL. Rows in, dataclasses out; one module a subject, one database under them.

drafts.py     drafts with their texts, and finding them    decisions.py    a draft's next states
people.py     language, voice in use, time zone            in_progress.py  decisions in progress
grants.py     who owns a voice, and its guests             schedules.py    the daily suggestions
accounts.py   Mastodon accounts and the way to them        trials.py       blind tests
questions.py  what people are asked to tell                queues.py       slots, and who holds them
echoes.py     what came of each post                       backup.py       a copy of it all
dossier.py    all about one person, to export or erase     database.py     the file itself
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.store.accounts import AccountTable
from bot.store.database import Database
from bot.store.decisions import DecisionTable
from bot.store.drafts import DraftTable
from bot.store.echoes import EchoTable
from bot.store.grants import GrantTable
from bot.store.in_progress import InProgressTable
from bot.store.people import PeopleTable
from bot.store.questions import QuestionTable
from bot.store.queues import QueueTable
from bot.store.schedules import ScheduleTable
from bot.store.trials import TrialTable


class Store:
    """`async with Store.open(path) as store:`. One process at a time may hold a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.drafts = DraftTable(database)
        self.decisions = DecisionTable(database, self.drafts)
        self.in_progress = InProgressTable(database)
        self.people = PeopleTable(database)
        self.grants = GrantTable(database)
        self.accounts = AccountTable(database)
        self.questions = QuestionTable(database)
        self.queues = QueueTable(database)
        self.schedules = ScheduleTable(database)
        self.trials = TrialTable(database)
        self.echoes = EchoTable(database)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator["Store"]:
        """Open or create the database and bring it up to date. Raises ConfigError."""
        async with Database.open(path) as database:
            yield cls(database)

    async def note(self, name: str) -> str | None:
        """The bot's own note under this name."""
        row = await self.database.row("SELECT value FROM notes WHERE name = ?", (name,))
        return row["value"] if row else None

    async def set_note(self, name: str, value: str) -> None:
        """Store a note of the bot's own."""
        await self.database.write(
            "INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)", (name, value)
        )
