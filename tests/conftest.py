"""Fixtures that several rooms share: a voice folder, and the servers the bot talks to."""

import asyncio
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from multiprocessing.util import Finalize
from pathlib import Path

import pytest
from discord.gateway import KeepAliveHandler
from mastodon_mock.testing import MockServer

from bot.chat.client import Bot, point_at
from bot.drafting import Drafting
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.vault import Vault
from bot.store import Store
from bot.writing.llm import LLM
from bot.writing.voices import Voices
from sandbox.server import Sandbox
from tests.canaries import (  # noqa: F401 - fixtures and a hook for every test
    no_canary_is_left_behind,
    no_secret_is_left_behind,
    pytest_runtest_makereport,
)
from tests.fakes.lasting_mastodon import LastingMastodon
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy
from tests.fakes.voice import write_voice
from tests.stage import Stage

OWNER = 7  # Discord user id of the operator, where there is no Discord
# A shell that runs us in the background ignores Ctrl-C for us and for every process of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def temporary_files_go_with_the_tests() -> Iterator[None]:
    """Whatever a library or a killed process leaves among the temporary files."""
    before = tempfile.tempdir, os.environ.get("TMPDIR")
    folder = Path(tempfile.mkdtemp(prefix="write-my-posts-"))
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=-101)  # after multiprocessing's own
    yield
    tempfile.tempdir = before[0]
    os.environ.pop("TMPDIR")
    if before[1] is not None:
        os.environ["TMPDIR"] = before[1]
    for left in folder.iterdir():
        if not left.name.startswith("pymp-"):  # multiprocessing removes it at the exit
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()


@pytest.fixture
def voice_folder(tmp_path: Path) -> Path:
    """A voice that a provider serves, in a voices folder of its own."""
    return write_voice(tmp_path / "voices" / "mara")


@pytest.fixture
async def fake_llm() -> AsyncIterator[FakeLLM]:
    """A server of chat completions."""
    async with FakeLLM() as llm:
        yield llm


@pytest.fixture(scope="session")
def lasting_mastodon() -> Iterator[LastingMastodon]:
    """The server of `mock_mastodon`."""
    server = LastingMastodon()
    yield server
    server.end()


@pytest.fixture(scope="session")
def sandbox_mastodon() -> Iterator[LastingMastodon]:
    """The server of every `stage`."""
    new = Sandbox().mastodon
    assert new
    server = LastingMastodon(config=new.config)
    yield server
    server.end()


@pytest.fixture
def mock_mastodon(lasting_mastodon: LastingMastodon) -> Iterator[MockServer]:
    """A Mastodon server that nothing was posted to."""
    with lasting_mastodon as server:
        yield server


@pytest.fixture
async def proxy(mock_mastodon: MockServer) -> AsyncIterator[Proxy]:
    """A proxy in front of the Mastodon server."""
    async with Proxy(mock_mastodon.base_url) as proxy:
        yield proxy


@pytest.fixture
async def drafting(
    tmp_path: Path, voice_folder: Path, fake_llm: FakeLLM, proxy: Proxy
) -> AsyncIterator[Drafting]:
    """The use cases of one bot, whose operator is OWNER."""
    llm = LLM(fake_llm.url, "none")
    mastodon = Mastodon(proxy.url, "alice_token", pauses_s=(0.01,))
    async with Store.open(tmp_path / "bot.db") as store:
        operators = frozenset({OWNER})
        vault = Vault.open(None, tmp_path / "bot.db")
        accounts = Accounts(operators, [mastodon], store, vault, frozenset({proxy.url}))
        yield Drafting(Voices(voice_folder.parent, store, operators), llm, accounts, store)
    await llm.close()


@pytest.fixture
async def stage(
    tmp_path: Path, voice_folder: Path, fake_llm: FakeLLM, sandbox_mastodon: LastingMastodon
) -> AsyncIterator[Stage]:
    """The sandbox and the fakes; Discord must have found nothing malformed in the end."""
    sandbox = Sandbox()
    sandbox.mastodon = sandbox_mastodon
    await sandbox.start()
    point_at(sandbox.url)
    async with Proxy(sandbox.mastodon_url) as proxy:
        yield Stage(sandbox, fake_llm, proxy, tmp_path / "bot.db", voice_folder)
        assert sandbox.discord.violations == []
    await sandbox.stop()
    await end_heartbeats()


async def end_heartbeats() -> None:
    """discord.py lets a connection's heart beat on that was lost before it was ready."""
    hearts = [t for t in threading.enumerate() if isinstance(t, KeepAliveHandler)]
    for heart in hearts:
        heart.stop()
        await asyncio.to_thread(heart.join, 10)


@pytest.fixture
async def bot(stage: Stage) -> AsyncIterator[Bot]:
    """A bot on the stage."""
    async with stage.running() as bot:
        yield bot
