"""`bot backup`, `bot export`, and deletion, while a bot has the database."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.__main__ import build_parser
from bot.draft import Candidate, Draft, Network
from bot.errors import BotError, ConfigError, UserError
from bot.posting.accounts import Accounts
from bot.posting.vault import Vault
from bot.privacy import forget_person
from bot.store import Store
from bot.store.accounts import Connected

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ALICE, BOB = 2, 3


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Store]:
    """A database in use, with something of two people in it."""
    monkeypatch.setenv("DATABASE", str(tmp_path / "bot.db"))
    monkeypatch.chdir(tmp_path)
    vault = Vault.open(None, tmp_path / "bot.db")
    async with Store.open(tmp_path / "bot.db") as store:
        for user, topic in ((ALICE, "tea"), (BOB, "fog")):
            candidates = (Candidate(f"All about {topic}.", 14),)
            await store.drafts.add(Draft(user, "mara", topic, candidates, 500, NOW))
            locked = vault.lock(f"canary-token-{user}")
            account = Connected("https://m.example", f"@{topic}", locked)
            await store.accounts.connect(user, account, NOW)
            await store.people.met(user, "de")
        await store.grants.give("mara", ALICE, BOB, NOW)
        await store.grants.invite("mara", BOB, ALICE, NOW)
        yield store


async def _bot(*args: str) -> int:
    parsed = build_parser().parse_args(args)
    code: int = await parsed.run(parsed)
    return code


async def test_a_backup_is_whole_while_the_bot_writes(store: Store, tmp_path: Path) -> None:
    async def write() -> None:
        for i in range(50):
            await store.people.met(100 + i, "en")

    file = tmp_path / "copy.db"
    await asyncio.gather(_bot("backup", str(file)), write())
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"canary-token" not in file.read_bytes()
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM drafts").fetchone() == (2,)
    assert [f.name for f in tmp_path.glob("*copy*")] == ["copy.db"]


async def test_a_backup_can_be_restored(store: Store, tmp_path: Path) -> None:
    await _bot("backup", "copy.db")
    async with Store.open(tmp_path / "copy.db") as restored:
        draft = await restored.drafts.get(1)
        assert draft and draft.topic == "tea"
        mine = await restored.accounts.of(ALICE, Network.MASTODON)
        assert mine and Vault.open(None, tmp_path / "bot.db").unlock(mine.token) == "canary-token-2"


async def test_a_backup_works_with_no_bot_running(tmp_path: Path, store: Store) -> None:
    async with Store.open(tmp_path / "other.db"):
        pass
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE", "other.db")
        assert await _bot("backup", "copy.db") == 0
        assert await _bot("export", "2", "--out", "alice.json") == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["backup", "taken"], "is not overwritten"),
        (["backup", "none/copy.db"], "cannot be written"),
        (["export", "2", "--out", "taken"], "cannot be written"),
    ],
)
async def test_nothing_is_overwritten(
    store: Store, tmp_path: Path, args: list[str], said: str
) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(UserError, match=said):
        await _bot(*args)
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.parametrize("args", [["backup", "copy.db"], ["export", "2"]])
async def test_without_a_database_there_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str]
) -> None:
    monkeypatch.setenv("DATABASE", str(tmp_path / "none.db"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no database .*none\.db"):
        await _bot(*args)
    assert list(tmp_path.iterdir()) == []


async def test_an_export_is_about_one_person_and_holds_no_secret(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await _bot("export", str(ALICE))
    about = json.loads(capsys.readouterr().out)
    assert [row["topic"] for row in about["drafts"]] == ["tea"]
    assert [row["text"] for row in about["candidates"]] == ["All about tea."]
    assert about["people"][0]["locale"] == "de"
    assert about["grants"][0]["role"] == "owner"
    assert about["accounts"][0]["token"] == "(secret)"
    await _bot("export", str(ALICE), "--out", "alice.json")
    assert json.loads((tmp_path / "alice.json").read_text()) == about
    assert (tmp_path / "alice.json").stat().st_mode & 0o777 == 0o600


async def test_what_is_forgotten_is_gone_from_the_file_and_nobody_elses(
    store: Store, tmp_path: Path
) -> None:
    accounts = Accounts(frozenset(), (), store, Vault.open(None, tmp_path / "bot.db"))
    done = await forget_person(store, accounts, ALICE, NOW)
    assert done.unrevoked == ("https://m.example @tea",)
    assert done.voices == ("mara",)
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("bot.db*"))
    assert b"All about tea." not in kept
    assert b"All about fog." in kept
    assert await store.grants.all() == {}
    draft = await store.drafts.get(2)
    assert draft and draft.owner_id == BOB
    again = await forget_person(store, accounts, ALICE, NOW)
    assert (again.unrevoked, again.voices) == ((), ())


async def test_a_posting_draft_is_not_forgotten_but_an_old_one_is(
    store: Store, tmp_path: Path
) -> None:
    accounts = Accounts(frozenset(), (), store, Vault.open(None, tmp_path / "bot.db"))
    draft = await store.drafts.get(1)
    assert draft
    fingerprint = draft.candidates[0].fingerprint
    assert await store.decisions.claim(1, 0, fingerprint, ("https://m.example @tea",), NOW)
    with pytest.raises(BotError, match="just being posted"):
        await forget_person(store, accounts, ALICE, NOW)
    assert await store.accounts.of(ALICE, Network.MASTODON)
    await forget_person(store, accounts, ALICE, NOW.replace(day=23))
    assert await store.drafts.get(1) is None
