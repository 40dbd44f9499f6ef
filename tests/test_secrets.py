"""Secrets stay where they belong: not in a repr, an error, a crash, a child, nor open to others.

canaries.py searches all that the whole suite writes and prints.
"""

import os
import re
import signal
import stat
import tomllib
from pathlib import Path

import pytest

from bot.chat.client import Bot
from bot.config import Settings, read_settings
from bot.draft import Network
from bot.errors import BotError
from bot.posting.accounts import Accounts
from bot.posting.instance import Session
from bot.posting.mastodon import Mastodon
from bot.posting.oauth import Client
from bot.posting.vault import Vault
from bot.store import Store
from bot.writing.bounded import bounded_client
from bot.writing.llm import LLM
from sandbox.server import Sandbox
from tests.canaries import CANARIES, SEEN, found_in
from tests.fakes.llm import FakeLLM
from tests.fakes.odd_server import OddServer
from tests.process import bot_process
from tests.stage import Stage

ROOT = Path(__file__).parent.parent
TOKEN = "canary-token-of-somebody"
KEY = "canary-key-canary-key-canary-key-canary-key="
ENVIRONMENT = {
    "DISCORD_TOKEN": "canary-discord.token.of-a-bot",
    "OWNER_IDS": "7",
    "MASTODON_BASE_URL": "https://m.example",
    "MASTODON_ACCESS_TOKEN": TOKEN,
    "LLM_API_KEY": "canary-llm-key",
    "SECRET_KEY": KEY,
}


def test_the_search_finds_a_secret_wherever_it_lies(tmp_path: Path) -> None:
    name = "can" + "ary-hidden"  # or this file's own words would be found
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bot.db").write_bytes(b"\0" * 9000 + name.encode() + b"\0")
    (tmp_path / ".env").write_text(f"TOKEN={name}")
    assert len(list(found_in(tmp_path, CANARIES))) == 1
    assert SEEN.findall(f"a line with {name} in it")
    (tmp_path / "deep" / "bot.db").unlink()


async def test_no_repr_shows_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bot: Bot
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(Settings)
    vault = Vault([vault_key()])
    mastodon = Mastodon.from_settings(settings)
    assert mastodon
    llm = LLM("http://127.0.0.1:9", "canary-llm-key")
    client = Client("https://m.example", False, "id", TOKEN)
    accounts = Accounts(frozenset(), [mastodon], bot.drafting.store, vault)
    things = [settings, vault, mastodon, llm, client, accounts, bot, bot.drafting, bot.http]
    things += [bounded_client(), Session("https://m.example", is_trusted=False)]
    for thing in things:
        inner = vars(thing) if hasattr(thing, "__dict__") else {}
        shown = repr(thing) + str(thing)
        shown += "".join(f"{v!r}" for v in inner.values() if type(v).__module__.startswith("bot."))
        assert not SEEN.search(shown), type(thing)
    await llm.close()


def vault_key() -> str:
    """A key of the right shape."""
    return "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE="


@pytest.mark.parametrize("name", [*ENVIRONMENT, "DRAFT_EXPIRES_DAYS", "LOG_LEVEL", "METRICS_PORT"])
def test_no_error_about_a_setting_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for other in ENVIRONMENT:
        monkeypatch.setenv(other, "")
    monkeypatch.setenv(name, "canary-wrong value")
    with pytest.raises(BotError) as e:
        read_settings(Settings)
    assert not SEEN.search(f"{e.value} {e.value!r}")


async def test_a_server_that_repeats_the_token_is_not_quoted() -> None:
    vault = Vault([vault_key()])
    token = vault.unlock(vault.lock(TOKEN))
    async with OddServer({"/": {"error": f"Nobody has {token} here"}}, status=422) as server:
        with pytest.raises(BotError, match=r"Nobody has .*hidden.* here") as e:
            await Mastodon(server.url, token, pauses_s=()).verify()
    assert token not in str(e.value)


@pytest.mark.slow  # a bot's whole process; what it logs while it lives: test_logs.py
async def test_a_crash_tells_no_secret(
    voice_folder: Path, fake_llm: FakeLLM, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    env = sandbox.environment | {
        "VOICES": str(voice_folder.parent),
        "LLM_BASE_URL": fake_llm.url,
        "LLM_API_KEY": "canary-llm-key",
        "SECRET_KEY": vault_key(),
        "PYTHONFAULTHANDLER": "1",
    }
    async with bot_process(env, tmp_path) as running:
        await sandbox.wait_ready(60)
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        assert re.search(r"Max core file size +0 +0", limits)
        running.signal(signal.SIGABRT)
        assert await running.ended() == -signal.SIGABRT
    await sandbox.stop()
    assert "Fatal Python error: Aborted" in running.output
    assert not SEEN.search(running.output)
    assert vault_key() not in running.output
    assert not list(tmp_path.rglob("core*"))


async def test_all_that_the_bot_writes_is_for_its_owner_only(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        database = tmp_path / "state" / "bot.db"
        async with Store.open(database) as store:
            vault = Vault.open(None, database)
            await store.set_note("note", vault.lock(TOKEN))
            modes = {f.name: stat.S_IMODE(f.stat().st_mode) for f in database.parent.iterdir()}
        assert {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock", "bot.db.key"} == modes.keys()
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(database.parent.stat().st_mode) == 0o700
    finally:
        os.umask(umask)


async def test_a_connected_accounts_token_is_nowhere_to_be_read(stage: Stage, bot: Bot) -> None:
    assert "Connected" in await stage.connect("bob", "bob")
    bob = int(stage.sandbox.people["bob"]["id"])
    stored = await bot.drafting.store.accounts.of(bob, Network.MASTODON)
    assert stored
    assert stored.token.startswith("gAAAA")
    token = Vault.open(None, stage.database).unlock(stored.token)
    assert list(found_in(stage.database.parent, [token])) == []


def test_the_linter_looks_for_weak_spots() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    code = [rule for rule in lint["ignore"] if re.fullmatch(r"S\d+", rule)]
    assert code == ["S101", "S608"]
