"""The database: it keeps what was written, and no draft is claimed twice."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.draft import Candidate, Draft, State, Status, Style
from bot.errors import ConfigError
from bot.store import Store
from bot.store.database import MIGRATIONS
from bot.store.dossier import export
from bot.store.questions import KEPT, Question
from bot.store.schedules import Schedule
from bot.voice.rates import DECIDED_AT
from tests.fakes.statements import counting

ACCOUNT = ("https://example.org @mara",)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
DRAFT = Draft(7, "mara", "tea", (Candidate("one", 3), Candidate("two", 3)), 500, NOW)


def _print(position: int) -> str:
    return DRAFT.candidates[position].fingerprint


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "bot.db") as store:
        yield store


async def test_a_draft_outlives_the_process(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        draft = await store.drafts.add(DRAFT)
        await store.drafts.shown(draft, 11, 12)
    async with Store.open(tmp_path / "bot.db") as store:
        found = await store.drafts.by_message(12)
    assert found is not None
    assert (found.candidates, found.topic, found.channel_id) == (DRAFT.candidates, "tea", 11)
    assert found.created_at == NOW


async def test_five_clicks_at_once_claim_once(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    claims = await asyncio.gather(
        *(store.decisions.claim(draft.id, i % 2, _print(i % 2), ACCOUNT, NOW) for i in range(5))
    )
    assert sorted(claims) == [False] * 4 + [True]


async def test_a_text_that_changed_cannot_be_claimed(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    edited = Candidate("other", 5, (), "one")
    assert await store.decisions.edit(draft.id, 0, edited, NOW)
    assert not await store.decisions.claim(draft.id, 0, _print(0), ACCOUNT, NOW)
    assert await store.decisions.claim(draft.id, 0, edited.fingerprint, ACCOUNT, NOW)
    assert not await store.decisions.edit(draft.id, 1, edited, NOW)


async def test_every_decision_is_stored_with_its_text(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    await store.decisions.edit(draft.id, 0, Candidate("other", 5, (), "one"), NOW)
    await store.decisions.schedule(draft.id, 1, _print(1), NOW + timedelta(hours=1), NOW)
    await store.decisions.take_back(draft.id, NOW)
    await store.decisions.replace(draft.id, DRAFT, NOW, "shorter")
    rows = await store.database.rows("SELECT action, position, text FROM decisions ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("edit", 0, "other"),
        ("later", 1, "two"),
        ("take back", None, None),
        ("again", None, "shorter"),
    ]
    found = await store.drafts.get(draft.id)
    assert found and found.candidates[0].original == "one"


async def test_a_draft_is_replaced_whole_or_not_at_all(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    bad = Draft(7, "mara", "tea", (Candidate("one", None),), 500, NOW)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(sqlite3.IntegrityError):
        await store.decisions.replace(draft.id, bad, NOW, None)
    assert await store.drafts.in_state(State.PENDING) == [draft]
    new = await store.decisions.replace(draft.id, DRAFT, NOW, None)
    assert new and await store.drafts.in_state(State.PENDING) == [new]
    assert await store.decisions.replace(draft.id, DRAFT, NOW, None) is None
    assert await store.drafts.in_state(State.PENDING) == [new]


@pytest.mark.parametrize("state", [State.REJECTED, State.REPLACED])
async def test_a_closed_draft_cannot_be_claimed(store: Store, state: State) -> None:
    draft = await store.drafts.add(DRAFT)
    assert await store.decisions.close_draft(draft.id, state, NOW)
    assert not await store.decisions.claim(draft.id, 0, _print(0), ACCOUNT, NOW)
    assert not await store.decisions.close_draft(draft.id, State.REJECTED, NOW)


async def test_a_refused_draft_can_be_claimed_again_with_another_key(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    await store.decisions.claim(draft.id, 0, _print(0), ACCOUNT, NOW)
    first = await store.drafts.get(draft.id)
    assert await store.decisions.release(draft.id, NOW)
    assert await store.decisions.claim(draft.id, 1, _print(1), ACCOUNT, NOW + timedelta(seconds=1))
    second = await store.drafts.get(draft.id)
    assert first and second
    assert first.idempotency_key(0) != second.idempotency_key(0)
    assert second.approved.text == "two"


async def test_a_published_draft_has_its_status(store: Store) -> None:
    draft = await store.drafts.add(DRAFT)
    await store.decisions.claim(draft.id, 1, _print(1), ACCOUNT, NOW)
    await store.decisions.posted(draft.id, 0, Status("99", "https://example.org/99"), "two", NOW)
    await store.decisions.mark_published(draft.id)
    found = await store.drafts.get(draft.id)
    assert found and found.state is State.PUBLISHED
    assert found.status_url == "https://example.org/99"
    assert not await store.decisions.release(draft.id, NOW)


async def test_a_failed_write_leaves_no_trace_beside_others(store: Store) -> None:
    bad = Draft(7, "mara", "tea", (Candidate("one", None),), 500, NOW)  # type: ignore[arg-type]  # on purpose

    async def fail() -> None:
        with pytest.raises(sqlite3.IntegrityError):
            await store.drafts.add(bad)

    results = await asyncio.gather(fail(), *(store.drafts.add(DRAFT) for _ in range(5)))
    stored = await store.drafts.in_state(State.PENDING)
    assert [d.id for d in stored] == sorted(d.id for d in results if d)
    assert all(len(d.candidates) == 2 for d in stored)


async def test_a_day_is_claimed_once_for_each_owner(store: Store) -> None:
    day = date(2026, 10, 25)
    claims = [await store.schedules.claim_day(owner, day, "09:00") for owner in (1, 1, 2)]
    assert claims == [True, False, True]


async def test_a_changed_schedule_is_not_moved_by_the_old_one(store: Store) -> None:
    old = Schedule(1, "09:00", "Europe/Berlin", NOW)
    new = Schedule(1, "10:00", "Europe/Berlin", NOW + timedelta(hours=1))
    await store.schedules.set(old)
    await store.schedules.set(new)
    await store.schedules.advance(old, NOW + timedelta(days=1))
    assert await store.schedules.of(1) == new
    assert await store.schedules.drop(1)
    assert not await store.schedules.drop(1)


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


@pytest.mark.parametrize("is_there", [False, True], ids=["new", "made by hand"])
async def test_the_database_is_its_owners_only(tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "state"
    if is_there:
        folder.mkdir(mode=0o700)
        (folder / "bot.db").touch(mode=0o644)
    async with Store.open(folder / "bot.db") as store:
        await store.set_note("a", "b")
        modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
    assert modes == dict.fromkeys(("bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"), 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_a_database_of_the_first_version_keeps_all_it_holds(tmp_path: Path) -> None:
    first = (MIGRATIONS / "001_drafts.sql").read_text("utf-8")
    with closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        db.executescript(first + "PRAGMA user_version = 1;")
        db.execute(
            "INSERT INTO drafts VALUES (3, 7, 'mara', 'tea', 500, 'published', ?, 11, 12, 0, ?)",
            (NOW.isoformat(), NOW.isoformat()),
        )
        db.execute("INSERT INTO candidates VALUES (3, 0, 'one', 3)")
        db.execute("INSERT INTO decisions VALUES (1, 3, 'approve', 0, ?)", (NOW.isoformat(),))
        db.execute("INSERT INTO statuses VALUES (3, '9', 'https://e/9', 'one', ?)", (str(NOW),))
        db.execute("INSERT INTO schedules VALUES (7, '09:00', 'Europe/Berlin', ?)", (str(NOW),))
        db.commit()
    async with Store.open(tmp_path / "bot.db") as store:
        draft = await store.drafts.by_message(12)
        assert draft and draft.state is State.PUBLISHED
        assert draft.candidates == (Candidate("one", 3),)
        assert draft.statuses == (Status("9", "https://e/9"),)
        before = Schedule(7, "09:00", "Europe/Berlin", NOW, drafts=True)
        assert await store.schedules.of(7) == before
        assert [tuple(r) for r in await store.database.rows("SELECT action FROM decisions")] == [
            ("approve",)
        ]
        assert (await store.drafts.add(DRAFT)).id == 4


async def test_a_question_is_as_it_was_until_its_draft_is_there(store: Store) -> None:
    style = Style("unlisted", "de", "drinks")
    asked = Question(7, NOW, 3, "tea", None, "short", "mara", style)
    stored = await store.questions.add(asked)
    assert await store.questions.get(stored.id) == replace(asked, id=stored.id)
    await store.questions.keep_answer(stored.id, None, "two cups,\nno milk")
    answered = replace(asked, id=stored.id, topic=None, notes="two cups,\nno milk")
    assert await store.questions.get(stored.id) == answered
    await store.questions.add(replace(asked, asked_at=NOW + KEPT, topic="fog"))
    assert await store.questions.get(stored.id) == answered
    await store.questions.end(stored.id)
    assert await store.questions.get(stored.id) is None


async def test_a_draft_knows_its_notes_and_all_that_was_given(store: Store) -> None:
    told = await store.drafts.add(replace(DRAFT, notes="two cups,\nno milk", instruction="short"))
    found = await store.drafts.get(told.id)
    assert found and found.notes == "two cups,\nno milk"
    assert found.given == "tea\ntwo cups,\nno milk\nshort"


async def test_a_drafts_last_decision_is_found_without_reading_all(store: Store) -> None:
    plan = await store.database.rows(f"EXPLAIN QUERY PLAN SELECT {DECIDED_AT} FROM drafts")
    looks = [row["detail"] for row in plan if "decisions" in row["detail"]]
    assert looks and all("USING INDEX decisions_by_draft" in look for look in looks)


@pytest.mark.parametrize("many", [5, 50, 200])
async def test_many_drafts_take_as_many_statements_as_few(store: Store, many: int) -> None:
    """Every look that finds more than one draft, with drafts in every state."""
    for i in range(many):
        await _in_some_state(store, replace(DRAFT, topic=f"tea {i}"), i)
    later = NOW + timedelta(days=30)
    looks = {
        "in a state": lambda: store.drafts.in_state(State.PENDING),
        "unshown": lambda: store.drafts.unshown(later),
        "due": lambda: store.drafts.due(later),
        "untouched": lambda: store.drafts.untouched_since(later),
        "of an owner": lambda: store.drafts.of_owner(7, limit=200),
        "posted": lambda: store.drafts.posted_since(NOW),
        "topics": lambda: store.drafts.topics_used(7),
        "one": lambda: store.drafts.get(1),
    }
    for name, look in looks.items():
        async with counting(store) as statements:
            found = await look()
        assert found, name
        assert len(statements) <= 3, name
    async with counting(store) as statements:
        await export(store.database, 7)
    assert len(statements) <= 20  # one a table, and one for their names


async def _in_some_state(store: Store, draft: Draft, i: int) -> None:
    """A draft that is open, scheduled or posted."""
    draft = await store.drafts.add(draft)
    if i % 3 == 1:
        await store.decisions.schedule(draft.id, 1, _print(1), NOW, NOW)
    if i % 3 == 2:
        await store.decisions.claim(draft.id, 0, _print(0), ACCOUNT, NOW)
        await store.decisions.posted(draft.id, 0, Status(str(i), "https://e/1"), "one", NOW)
        await store.decisions.mark_published(draft.id)
