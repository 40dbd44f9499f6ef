"""What a connected account has posted: fetched by the bot, learnt by the trainer."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mastodon_mock.testing import MockServer

from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_identity import Identities
from bot.posting.mastodon import Mastodon
from bot.posting.target import Part
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.accounts import Connected
from bot.voice import HELD_OUT_FILE, Voice, load_posts
from sandbox.pds import LoopbackPds
from tests import warm
from tests.fakes.proxy import Proxy
from tests.fakes.tiny_llama import write_tiny_model
from trainer.__main__ import main
from trainer.archives import open_archives
from trainer.archives.post import Post

OWNER = 80351110224678912
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)


async def _read(posts: AsyncIterator[str]) -> list[dict[str, object]]:
    lines = "".join([piece async for piece in posts]).splitlines()
    return [json.loads(line) for line in lines]


async def test_every_page_is_read_and_a_pause_is_kept(
    proxy: Proxy, mock_mastodon: MockServer
) -> None:
    api = mock_mastodon.client("alice")
    for n in range(45):
        api.status_post(f"The ferry is late, {n}", visibility="private" if n % 9 == 0 else "public")
    account = Mastodon(proxy.url, "alice_token")
    me = api.account_verify_credentials().id
    proxy.fault("GET", f"/api/v1/accounts/{me}/statuses", 429, skip=1)
    found = await _read(account.posts())
    assert [status["content"] for status in found] == [
        f"<p>The ferry is late, {n}</p>" for n in reversed(range(45))
    ]


async def test_every_post_on_bluesky_is_read_as_an_archive(tmp_path: Path) -> None:
    async with LoopbackPds({"ann.test": "main-password"}) as pds:
        where = Identities(frozenset({pds.url}))
        account = Bluesky("ann.test", pds.add_app_password("ann.test"), where)
        for n in range(105):
            at = NOW + timedelta(seconds=n)
            await account.publish(Part(f"The ferry is late, {n} 🇩🇪", f"k-{n}", at))
        file = tmp_path / "bluesky"
        file.write_text("".join([piece async for piece in account.posts()]))
    [(archive, _, _)] = open_archives(file)
    texts = [post.text for post in archive.posts() if isinstance(post, Post)]
    assert sorted(texts) == sorted(f"The ferry is late, {n} 🇩🇪" for n in range(105))


@pytest.fixture
async def settings(tmp_path: Path, mock_mastodon: MockServer) -> dict[str, str]:
    """The settings of a bot whose only operator has connected an account."""
    database = tmp_path / "state" / "bot.db"
    database.parent.mkdir()
    url = mock_mastodon.base_url
    async with Store.open(database) as store:
        token = Vault.open(None, database).lock("alice_token")
        await store.accounts.connect(OWNER, Connected(url, "@alice", token), datetime.now(UTC))
    return {
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "DISCORD_TOKEN": "token",
        "OWNER_IDS": str(OWNER),
        "MASTODON_PRIVATE_INSTANCES": url,
    }


def test_a_voice_is_kept_fresh_by_what_its_account_has_posted_since(
    tmp_path: Path,
    settings: dict[str, str],
    mock_mastodon: MockServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    api = mock_mastodon.client("alice")
    for n in range(50):
        api.status_post(f"The ferry to Port Almond is late again, day {n}. Tea & fog #ferry{n}")
    bobs = mock_mastodon.client("bob").status_post("Is it punctual?")
    api.status_post("@bob no, it is not", in_reply_to_id=bobs.id)
    base = str(write_tiny_model(tmp_path / "tiny"))
    assert main(["prepare", "--account", "mastodon", "--out", "data"]) == 0
    rows = [json.loads(x) for x in (tmp_path / "data" / "posts.jsonl").read_text().splitlines()]
    assert len(rows) == 50
    assert rows[-1]["text"] == "The ferry to Port Almond is late again, day 49. Tea & fog #ferry49"
    assert rows[-1]["created_at"]
    assert main(["train", "data", "--voice", "mara", "--base", base, "--epochs", "1"]) == 0

    api.status_post("A new pier at last")
    assert main(["refresh", "mara", "mastodon", "--base", base]) == 0
    place = tmp_path / "voices" / "mara"
    known = [post.text for post in load_posts(place) + load_posts(place, HELD_OUT_FILE)]
    assert known == [*(row["text"] for row in rows), "A new pier at last"]
    assert Voice.load(place).counts["train"] == 41
    assert [p.name for p in (tmp_path / "voices").iterdir()] == ["mara"]


@pytest.mark.parametrize(
    ("command", "change", "said"),
    [
        (["bot", "posts", "mastodon", "f", "--of", "7"], {}, "not connected a Mastodon account"),
        (["bot", "posts", "bluesky", "f"], {}, "BLUESKY_HANDLE and BLUESKY_APP_PASSWORD in .env"),
        (["bot", "posts", "mastodon", "f"], {"OWNER_IDS": "7,8"}, "Say whose account with --of"),
        (["bot", "posts", "mastodon", "no/f"], {}, "no/f cannot be written"),
        (["bot", "posts", "myspace", "f"], {}, "invalid choice: 'myspace'"),
        (["trainer", "prepare", "--account", "x", "--out", "d"], {}, "x is no account"),
        (["trainer", "refresh", "mara", "mastodon"], {}, "There is no voice at"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
async def test_what_cannot_be_fetched_is_said(
    tmp_path: Path, settings: dict[str, str], command: list[str], change: dict[str, str], said: str
) -> None:
    env = os.environ | settings | change
    done = await asyncio.to_thread(warm.run, *command, env=env, cwd=tmp_path)
    answer = " ".join((done.stdout + done.stderr).split())
    assert done.returncode
    assert said in answer
    assert "Traceback" not in answer
