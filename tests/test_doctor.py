"""What doctor says of the application's settings; test_cli.py runs it as a command."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.doctor import examine, invite_links, lacking, merged_or_not
from bot.draft import Network
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.accounts import Connected
from sandbox.pds import LoopbackPds
from tests.fakes.adapter import write_local_voices
from tests.fakes.llm_servers import Answer, LLMServers, error

GOOD: dict[str, Any] = {
    "integration_types_config": {"0": {}, "1": {}},
    "bot_public": True,
    "bot_require_code_grant": False,
    "flags": 0,
    "approximate_guild_count": 1,
    "approximate_user_install_count": 0,
}


def test_good_settings_are_not_spoken_of() -> None:
    assert lacking(GOOD, 2) == []
    assert lacking(GOOD | {"bot_public": False}, 1) == []  # one person needs no public bot


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"integration_types_config": {"0": {}}}, "User Install is off"),
        ({"integration_types_config": {"1": {}}}, "Guild Install is off"),
        ({"integration_types_config": None}, "User Install is off"),
        ({"bot_require_code_grant": True}, "Requires OAuth2 Code Grant is on"),
        ({"bot_public": False}, "Public Bot is off"),
        ({"flags": 1 << 19}, "not needed: Message Content"),
        ({"flags": 1 << 12 | 1 << 15}, "not needed: Presence, Server Members"),
        ({"approximate_guild_count": 0}, "Nobody has added the bot yet"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_each_setting_that_should_change_is_named(change: dict[str, Any], said: str) -> None:
    (told,) = lacking(GOOD | change, 2)
    assert said in told


def test_the_links_ask_for_no_permission() -> None:
    for_servers, for_people = (parse_qs(urlsplit(link).query) for link in invite_links(123))
    assert for_servers == {
        "client_id": ["123"],
        "scope": ["bot applications.commands"],
        "permissions": ["0"],
        "integration_type": ["0"],
    }
    assert for_people == {
        "client_id": ["123"],
        "scope": ["applications.commands"],
        "integration_type": ["1"],
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((404, error('model "m" not found, try pulling it first')), "check LLM_MODEL"),
        ((200, {"error": "Unexpected endpoint or method. (POST /x)"}), "mostly ends in /v1"),
        ((400, error("Only the default (1) value is supported", param="stream")), "HTTP 400"),
        ((200, {"object": "list", "data": [{"id": "ft:mara"}]}), "LLM_BASE_URL"),
    ],
)
async def test_a_server_that_writes_nothing_is_not_well_whatever_it_lists(
    monkeypatch: pytest.MonkeyPatch, voice_folder: Path, said: Answer, told: str
) -> None:
    async with LLMServers(said=said) as servers:
        monkeypatch.chdir(voice_folder)
        monkeypatch.setenv("VOICES", str(voice_folder.parent))
        monkeypatch.setenv("LLM_BASE_URL", servers.url("any"))
        found = [f async for f in examine() if f.name == "engine"]
        monkeypatch.setenv("LLM_BASE_URL", servers.url("openai-gpt-5"))
        well = [f async for f in examine() if f.name == "engine"]
    assert [f.is_well for f in found] == [False]
    assert told in found[0].sentence
    assert [f.is_well for f in well] == [True]
    assert "texts drawn: 1" in well[0].sentence


def test_voices_that_are_served_more_slowly_are_named_with_the_reason(voice_folder: Path) -> None:
    assert merged_or_not(voice_folder.parent) == ""  # a provider's
    voices = write_local_voices(voice_folder, mara=0.0, odd=1.0)
    assert merged_or_not(voices) == " Merged with their base model, which is faster: mara, odd."
    told = merged_or_not(write_local_voices(voice_folder, her=0.0, his=1.0))
    assert told.startswith(" her is served by its adapter: merged voices take memory")
    assert "Merged" not in told


async def test_a_connected_bluesky_account_is_looked_at_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with LoopbackPds({"ann.test": "main", "ben.test": "main"}) as pds:
        monkeypatch.chdir(tmp_path)
        given = {
            "DISCORD_TOKEN": "canary-token-of-discord",
            "OWNER_IDS": "7",
            "DATABASE": str(tmp_path / "bot.db"),
            "BLUESKY_PRIVATE_SERVERS": pds.url,
            "BLUESKY_HANDLE": "ann.test",
            "BLUESKY_APP_PASSWORD": pds.add_app_password("ann.test"),
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        password = Vault.open(None, tmp_path / "bot.db").lock(pds.add_app_password("ben.test"))
        ben = Connected(pds.url, "@ben.test", password, Network.BLUESKY, pds.did("ben.test"))
        async with Store.open(tmp_path / "bot.db") as store:
            await store.accounts.connect(8, ben, datetime.now(UTC))

        async def looked() -> dict[str, tuple[bool, str]]:
            wanted = ("Bluesky", "account of 8")
            return {f.name: (f.is_well, f.sentence) async for f in examine() if f.name in wanted}

        monkeypatch.setenv("DISCORD_API_URL", pds.url)  # which is no Discord: said at once
        assert await looked() == {
            "Bluesky": (True, "The operators' posts go to @ann.test."),
            "account of 8": (True, "@ben.test at Bluesky takes the bot's posts."),
        }
        monkeypatch.setenv("BLUESKY_APP_PASSWORD", "main")
        main = (await looked())["Bluesky"][1]
        assert "not an app password, so I do not use it" in main and "in the place of" in main
        monkeypatch.setenv("BLUESKY_APP_PASSWORD", given["BLUESKY_APP_PASSWORD"])
        for passwords in pds.app.values():
            passwords.clear()
        gone = await looked()
        assert [is_well for is_well, _ in gone.values()] == [False, False]
        assert "BLUESKY_APP_PASSWORD" in gone["Bluesky"][1]
        assert "/bluesky connect" in gone["account of 8"][1]
