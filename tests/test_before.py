"""A database that the version before made opens, and shows all that it held.

That version itself wrote bot.json from it; samples/before/README.md says how both were made.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.chat import render
from bot.draft import Network, State
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.dossier import export
from trainer import bot_database

BEFORE = Path(__file__).parent / "samples" / "before"
KEY = "a-key-that-opens-only-this-invented-sample0="
TRAINED_AT = "2026-11-01T00:00:00+00:00"
MARA, GUEST = 101, 102
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
READ: dict[str, Any] = json.loads((BEFORE / "bot.json").read_text("utf-8"))


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """The database, opened once by today's bot: that brings it up to date."""
    shutil.copy(BEFORE / "bot.db", tmp_path / "bot.db")
    async with Store.open(tmp_path / "bot.db"):
        pass
    return tmp_path / "bot.db"


def _same(now: object, before: Any) -> bool:
    """Whether all that was read before is read now; what is new may stand beside it."""
    return _holds(json.loads(json.dumps(now, default=str)), before)


def _holds(now: Any, before: Any) -> bool:
    if isinstance(before, Mapping):
        return all(key in now and _holds(now[key], value) for key, value in before.items())
    if isinstance(before, list):
        return len(now) == len(before) and all(map(_holds, now, before))
    return bool(now == before)


async def test_every_draft_is_as_it_was_and_can_be_shown(file: Path) -> None:
    async with Store.open(file) as store:
        drafts = [await store.drafts.get(before["id"]) for before in READ["drafts"]]
        assert {draft.state for draft in drafts if draft} == set(State)
        for draft, before in zip(drafts, READ["drafts"], strict=True):
            assert draft and _same(asdict(draft), before)
            shown = render.message(draft, "en", NOW)
            assert shown["content"] and f"{draft.id}" in shown["content"]
        mine = await store.drafts.of_owner(MARA, limit=50)
        assert [d.id for d in mine] == [d.id for d in reversed(drafts) if d and d.owner_id == MARA]
        for first in range(0, len(mine), render.DRAFTS_A_PAGE):
            some = mine[first : first + render.DRAFTS_A_PAGE]
            (listed,) = render.page(some, None, first // render.DRAFTS_A_PAGE, len(mine), "en")[
                "embeds"
            ]
            assert all(f"**{draft.id}** ·" in (listed.description or "") for draft in some)


async def test_all_else_is_as_it_was(file: Path) -> None:
    async with Store.open(file) as store:
        for person, before in READ["export"].items():
            assert _same(await export(store.database, int(person)), before)
        assert _same([asdict(s) for s in await store.schedules.all()], READ["schedules"])
        assert _same([asdict(d) for d in await store.in_progress.all()], READ["in_progress"])
        assert _same(await store.grants.all(), READ["grants"])
        assert _same(asdict(await store.decisions.approvals("mara", NOW)), READ["approvals"])
        assert _same(asdict(await store.trials.guesses("mara", TRAINED_AT)), READ["guesses"])
        assert _same(await store.drafts.topics_used(MARA), READ["topics_used"])
        assert await store.people.locale(GUEST) == "de"
        assert await store.people.voice(GUEST) == "mara"
        assert await store.people.timezone(MARA) == "Europe/Berlin"
        assert await store.people.timezone(GUEST) == "America/New_York"
        assert await store.note("commands of 1") == "0123abcd"
        pending = await store.accounts.pending_connection(GUEST, NOW)
        assert pending == "https://example.org"


async def test_its_secrets_open_with_its_key(file: Path) -> None:
    async with Store.open(file) as store:
        vault, account = Vault([KEY]), await store.accounts.of(MARA, Network.MASTODON)
        assert account and vault.unlock(account.token) == "token of mara"
        application = await store.accounts.application("https://example.org")
        assert application
        assert vault.unlock(application.client_secret) == "secret of the application"


def test_the_trainer_reads_its_decisions_as_they_were(file: Path) -> None:
    with bot_database.reading(file) as db:
        voices = bot_database.voices(db)
        drafts = {voice: bot_database.drafts(db, voice) for voice in voices}
        found = {voice: [asdict(d) for d in decided] for voice, decided in drafts.items()}
        assert _same(found, READ["feedback"])
        weeks = bot_database.by_week(drafts["mara"])
        assert _same({str(k): asdict(v) for k, v in weeks.items()}, READ["weeks"])
        guesses = bot_database.guesses(db, "mara", TRAINED_AT)
        assert _same({k: asdict(v) for k, v in guesses.items()}, READ["trainer_guesses"])
        assert _same(list(bot_database.status_addresses(db)), READ["addresses"])
        assert _same(list(bot_database.texts(db)), READ["texts"])
