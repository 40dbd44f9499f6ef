"""The database: what was written is there, and nothing is taken twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.draft import Candidate, Draft, Schedule, State
from bot.errors import ConfigError
from bot.store import Store

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DRAFT = Draft(7, "mara", "tea", (Candidate("one", 3), Candidate("two", 3)), 500, NOW)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "bot.db") as store:
        yield store


async def test_a_draft_outlives_the_process(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        draft = await store.add(DRAFT)
        await store.shown(draft.id, 11, 12)
    async with Store.open(tmp_path / "bot.db") as store:
        found = await store.by_message(12)
    assert found is not None
    assert (found.candidates, found.topic, found.channel_id) == (DRAFT.candidates, "tea", 11)
    assert found.created_at == NOW


async def test_five_clicks_at_once_claim_once(store: Store) -> None:
    draft = await store.add(DRAFT)
    claims = await asyncio.gather(*(store.claim(draft.id, i % 2, NOW) for i in range(5)))
    assert sorted(claims) == [False] * 4 + [True]


@pytest.mark.parametrize("state", [State.REJECTED, State.REPLACED])
async def test_a_closed_draft_cannot_be_claimed(store: Store, state: State) -> None:
    draft = await store.add(DRAFT)
    assert await store.close_draft(draft.id, state, NOW)
    assert not await store.claim(draft.id, 0, NOW)
    assert not await store.close_draft(draft.id, State.REJECTED, NOW)


async def test_a_refused_draft_can_be_claimed_again_with_another_key(store: Store) -> None:
    draft = await store.add(DRAFT)
    await store.claim(draft.id, 0, NOW)
    first = await store.get(draft.id)
    assert await store.release(draft.id, NOW)
    assert await store.claim(draft.id, 1, NOW + timedelta(seconds=1))
    second = await store.get(draft.id)
    assert first and second
    assert first.idempotency_key != second.idempotency_key
    assert second.approved_text == "two"


async def test_a_published_draft_has_its_status(store: Store) -> None:
    draft = await store.add(DRAFT)
    await store.claim(draft.id, 1, NOW)
    await store.mark_published(draft.id, "99", "https://example.org/99", "two", NOW)
    found = await store.get(draft.id)
    assert found and found.state is State.PUBLISHED
    assert found.status_url == "https://example.org/99"
    assert not await store.release(draft.id, NOW)


async def test_a_failed_write_leaves_no_trace_beside_others(store: Store) -> None:
    bad = Draft(7, "mara", "tea", (Candidate("one", None),), 500, NOW)  # type: ignore[arg-type]  # on purpose

    async def fail() -> None:
        with pytest.raises(sqlite3.IntegrityError):
            await store.add(bad)

    results = await asyncio.gather(fail(), *(store.add(DRAFT) for _ in range(5)))
    stored = await store.in_state(State.PENDING)
    assert [d.id for d in stored] == sorted(d.id for d in results if d)
    assert all(len(d.candidates) == 2 for d in stored)


async def test_a_day_is_claimed_once_for_each_owner(store: Store) -> None:
    day = date(2026, 10, 25)
    assert [await store.claim_day(o, day) for o in (1, 1, 2)] == [True, False, True]


async def test_a_changed_schedule_is_not_moved_by_the_old_one(store: Store) -> None:
    old = Schedule(1, "09:00", "Europe/Berlin", NOW)
    new = Schedule(1, "10:00", "Europe/Berlin", NOW + timedelta(hours=1))
    await store.set_schedule(old)
    await store.set_schedule(new)
    await store.advance_schedule(old, NOW + timedelta(days=1))
    assert await store.schedule(1) == new
    assert await store.drop_schedule(1)
    assert not await store.drop_schedule(1)


async def test_a_second_bot_on_one_database_is_refused(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db"):
        with pytest.raises(ConfigError, match="Another bot"):
            async with Store.open(tmp_path / "bot.db"):
                pass
    async with Store.open(tmp_path / "bot.db"):
        pass


@pytest.mark.parametrize("damage", [b"not a database, but long enough to look" * 50, b"SQLite"])
async def test_a_damaged_database_is_named(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "bot.db").write_bytes(damage)
    with pytest.raises(ConfigError, match=r"bot\.db"):
        async with Store.open(tmp_path / "bot.db"):
            pass


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="DATABASE"):
        async with Store.open(tmp_path / "file" / "bot.db"):
            pass


async def test_the_database_is_its_owners_only(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "state" / "bot.db"):
        assert (tmp_path / "state" / "bot.db").stat().st_mode & 0o077 == 0
