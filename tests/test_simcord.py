"""The story once more in simcord, a simulator of Discord that others wrote."""

from datetime import UTC, datetime
from pathlib import Path

import simcord
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from mastodon_mock.testing import MockServer

from bot.chat.client import Bot
from bot.drafting import Drafting
from bot.posting.vault import Vault
from bot.store.accounts import Connected
from tests.conftest import OWNER
from tests.fakes.llm import TEXTS
from tests.fakes.proxy import Proxy


async def test_draft_edit_react_post(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer, tmp_path: Path
) -> None:
    scheduler = AsyncIOScheduler(timezone="UTC")  # never started: nothing happens by itself
    async with simcord.run(Bot(drafting, scheduler), settle_timeout=60) as env:
        channel = env.create_guild().create_text_channel("general")
        user = env.create_user("alice")
        alice, store, now = env.guild.add_member(user), drafting.store, datetime.now(UTC)
        await store.grants.give("mara", user.id, OWNER, now)
        token = Vault.open(None, tmp_path / "bot.db").lock("alice_token")
        await store.accounts.connect(user.id, Connected(proxy.url, "@alice", token), now)

        answer = await alice.slash(channel, "draft", topic="tea", count=1)
        assert answer.ephemeral
        message = user.dm_channel.last_message
        assert message
        assert message.embeds[0].description == TEXTS[0]

        opened = await user.click(message, label="Edit")
        await user.submit_modal(opened, {"text": "Mine, and only mine."})
        shown = user.dm_channel.last_message
        assert shown
        assert shown.embeds[0].description == "Mine, and only mine."

        await user.set_reaction(shown, "1️⃣", reacted=True)
        told = user.dm_channel.last_message
        assert told
        assert told.content.startswith("✅")

    api = mock_mastodon.client("alice")
    (status,) = api.account_statuses(api.account_verify_credentials().id)
    assert api.status_source(status.id).text == "Mine, and only mine."
