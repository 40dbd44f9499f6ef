"""The table of faults: a disk that is full, a database that is locked, one that is damaged."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mastodon_mock.testing import MockServer

from bot.chat.answers import sentence_for
from bot.draft import Draft, Network, State
from bot.drafting import Drafting
from bot.errors import BotError, ConfigError, Unavailable, UserError
from bot.store import Store
from bot.store.backup import back_up
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.fakes.proxy import Proxy
from tests.fault_table import DISK, UNSURE
from tests.test_store import DRAFT

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
SEES = {cell.fault: cell.sees for cell in DISK}


@dataclass
class Disk:
    """A folder whose disk can be filled."""

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]

    @contextmanager
    def full(self) -> Iterator[None]:
        self.fill()
        try:
            yield
        finally:
            self.free()


def _limited(folder: Path) -> Iterator[Disk]:
    """No file of this process can grow: what is written fails, as on a disk with a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        sizes = [f.stat().st_size for f in folder.iterdir() if f.name.endswith("-wal")]
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes, default=0), before[1]))

    yield Disk(folder, fill, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))


def _tiny(folder: Path) -> Iterator[Disk]:
    """A real file system of one megabyte, where this machine lets us mount one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here")
    ballast = folder / "ballast"

    def fill() -> None:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(512))

    try:
        yield Disk(folder, fill, ballast.unlink)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=[_limited, _tiny], ids=["no file may grow", "a tiny file system"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk | None]:
    """Where the bot of these tests has its database."""
    if request.param:
        yield from request.param(tmp_path)
    else:
        yield None


async def _refusal(doing: object) -> str:
    """What the user is told."""
    with pytest.raises(Unavailable) as e:
        await doing  # type: ignore[misc]  # any awaitable
    return sentence_for(e.value)


async def _approve(drafting: Drafting, draft: Draft) -> None:
    await drafting.publishing.approve(draft, 0, draft.candidates[0].fingerprint, NOW)


def _posted(server: MockServer) -> list[str]:
    api = server.client("alice")
    me = api.account_verify_credentials()
    return [api.status_source(s.id).text for s in api.account_statuses(me.id)]


async def test_a_full_disk_takes_nothing_and_loses_nothing(
    disk: Disk, drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    await (await drafting.accounts.of(OWNER, Network.MASTODON)).verify()
    with disk.full():
        for doing in (
            drafting.write_draft(OWNER, Request("tea", 4), NOW),
            drafting.edit(draft, 0, "Mine.", NOW),
            _approve(drafting, draft),
        ):
            assert (await _refusal(doing)).startswith(SEES["full disk"])
        assert await drafting.store.drafts.counts() == {"pending": 1}
        assert (await drafting.get(draft.id)).candidates == draft.candidates
        assert _posted(mock_mastodon) == []
    await _approve(drafting, draft)
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert _posted(mock_mastodon) == [draft.candidates[0].text]


@contextmanager
def _locked(database: Path) -> Iterator[None]:
    """Another program has begun to write."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


# The limit on files would stop the Mastodon server too: it lives in this process.
@pytest.mark.parametrize("disk", [_tiny, None], indirect=True, ids=["full", "locked"])
async def test_what_cannot_be_recorded_after_it_was_posted_is_posted_once(
    disk: Disk | None,
    tmp_path: Path,
    drafting: Drafting,
    mock_mastodon: MockServer,
    proxy: Proxy,
) -> None:
    now = datetime.now(UTC)
    draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
    proxy.fault("POST", "/api/v1/statuses", 0.5)
    approving = drafting.publishing.approve(draft, 0, draft.candidates[0].fingerprint, now)
    task = asyncio.create_task(_refusal(approving))
    while ("POST", "/api/v1/statuses") not in proxy.seen:
        await asyncio.sleep(0.01)
    with disk.full() if disk else _locked(tmp_path / "bot.db"):
        assert (await task).startswith(UNSURE)
        assert (await drafting.get(draft.id)).state is State.PUBLISHING
        assert len(_posted(mock_mastodon)) == 1
    await drafting.publishing.settle(now + timedelta(minutes=2))
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert _posted(mock_mastodon) == [draft.candidates[0].text]


@pytest.mark.parametrize("is_new", [True, False], ids=["a new database", "an old one"])
async def test_a_full_disk_at_the_start_is_a_sentence_or_no_matter(
    disk: Disk, is_new: bool
) -> None:
    database = disk.folder / "bot.db"
    if not is_new:
        async with Store.open(database) as store:
            await store.drafts.add(DRAFT)
    with disk.full():
        try:
            async with Store.open(database) as store:
                assert not is_new
                assert await store.drafts.counts() == {"pending": 1}
        except ConfigError as e:
            assert "cannot be written" in str(e)
            assert "Make room on its disk" in str(e)
    async with Store.open(database) as store:
        await store.drafts.add(DRAFT)


async def test_a_backup_to_a_full_disk_is_a_sentence_and_leaves_nothing(disk: Disk) -> None:
    async with Store.open(disk.folder / "bot.db") as store:
        await store.drafts.add(DRAFT)
        await store.database.settle()
        with disk.full(), pytest.raises(UserError, match="cannot be written"):
            back_up(disk.folder / "bot.db", disk.folder / "copy.db", lambda *_: None)
        assert not list(disk.folder.glob("*copy*"))
        back_up(disk.folder / "bot.db", disk.folder / "copy.db", lambda *_: None)


async def test_a_locked_database_takes_nothing_and_loses_nothing(
    tmp_path: Path, drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    with _locked(tmp_path / "bot.db"):
        told = await _refusal(_approve(drafting, draft))
        assert told.startswith(SEES["locked database"])
        assert (await drafting.get(draft.id)).state is State.PENDING
    await _approve(drafting, draft)
    assert _posted(mock_mastodon) == [draft.candidates[0].text]


async def test_a_database_that_is_locked_at_the_start_is_a_sentence(tmp_path: Path) -> None:
    database = tmp_path / "bot.db"
    async with Store.open(database):
        pass
    with (
        _locked(database),
        pytest.raises(ConfigError, match=r"bot\.db is locked by another program"),
    ):
        async with Store.open(database):
            pass
    async with Store.open(database):
        pass


def _damage(database: Path) -> None:
    """What a bad disk leaves of every page but the first."""
    page = 4096
    with database.open("r+b") as file:
        file.seek(page)
        file.write(os.urandom(database.stat().st_size - page))


async def test_a_database_that_is_damaged_while_the_bot_runs_is_a_sentence(
    tmp_path: Path,
) -> None:
    database = tmp_path / "bot.db"
    async with Store.open(database) as store:
        draft = await store.drafts.add(DRAFT)
        back_up(database, tmp_path / "backup.db", lambda *_: None)
        await store.database.settle()
        _damage(database)
        await store.database.rows("PRAGMA shrink_memory")  # what it remembers hides the damage
        for doing in (store.drafts.get(draft.id), store.drafts.add(DRAFT)):
            assert (await _refusal(doing)).startswith(SEES["corrupt database"])
    with pytest.raises(ConfigError, match=r"bot\.db .* it is damaged .* Restore it from a backup"):
        async with Store.open(database):
            pass
    for left in tmp_path.glob("bot.db*"):
        left.unlink()
    (tmp_path / "backup.db").rename(database)
    async with Store.open(database) as store:
        assert await store.drafts.in_state(State.PENDING) == [draft]


async def test_a_mistake_of_ours_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await store.database.rows("SELECT * FROM nowhere")
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await store.database.write("DELETE FROM nowhere")
        await store.drafts.add(DRAFT)


async def test_a_write_that_was_cancelled_leaves_the_database_usable(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        for pause_s in (0, 0.0001, 0.0005, 0.001):
            task = asyncio.create_task(store.drafts.add(DRAFT))
            await asyncio.sleep(pause_s)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert isinstance((await store.drafts.add(DRAFT)).id, int)


async def test_what_could_not_be_stored_does_not_hold_up_what_comes_after(
    disk: Disk,
) -> None:
    async with Store.open(disk.folder / "bot.db") as store:
        await store.drafts.add(DRAFT)
        with disk.full():
            results = await asyncio.gather(
                *(store.drafts.add(DRAFT) for _ in range(5)), return_exceptions=True
            )
        assert all(isinstance(r, BotError) for r in results)
        await store.drafts.add(DRAFT)
        assert await store.drafts.counts() == {"pending": 2}
