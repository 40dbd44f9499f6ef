"""The sandbox's own HTTP: people's actions, for the page and for scripts, and its Mastodon."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from mastodon import Mastodon

from sandbox.objects import Json
from sandbox.server import Sandbox
from tests.fakes.probe import Probe, connected


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    place = Sandbox(ack_s=1.0, with_mastodon=False)
    await place.start()
    yield place
    await place.stop()


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Probe]:
    async with connected(sandbox) as probe:
        yield probe


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, act: str, **body: object) -> Json:
    async with http.post(f"/sandbox/api/{act}", json=body) as response:
        return {"status": response.status, **await response.json()}


async def get(http: aiohttp.ClientSession, what: str) -> Any:
    async with http.get(f"/sandbox/api/{what}") as response:
        return await response.json()


async def dms(http: aiohttp.ClientSession, user: str) -> list[Json]:
    return [m for m in await get(http, f"messages?user={user}") if not m.get("webhook_id")]


async def drafted(sandbox: Sandbox, http: aiohttp.ClientSession) -> Json:
    """The DM that /write sends to alice, once its reaction is there."""
    await post(http, "slash", user="alice", command="/write")
    await sandbox.discord.until(
        lambda: any(m.get("reactions") for m in sandbox.discord.dm_messages("alice"))
    )
    [message] = await dms(http, "alice")
    return message


async def test_a_draft_is_made_clicked_and_reacted_to(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    message = await drafted(sandbox, http)
    assert await dms(http, "bob") == []

    reacted = await post(http, "react", user="alice", message_id=message["id"], emoji="1️⃣")
    assert reacted == {"status": 200, "changed": True}
    [message] = await dms(http, "alice")
    assert message["reactions"][0]["me"] is True
    gone = await post(http, "react", user="alice", message_id=message["id"], emoji="1️⃣", remove=True)
    assert gone["changed"] is True

    clicked = await post(http, "click", user="alice", message_id=message["id"], custom_id="vote:1")
    assert (clicked["status"], clicked["answered"]) == (200, True)
    [message] = await dms(http, "alice")
    assert message["content"] == "took 1"


async def test_a_click_opens_a_form_that_is_then_submitted(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    message = await drafted(sandbox, http)
    clicked = await post(http, "click", user="alice", message_id=message["id"], custom_id="edit")
    assert clicked["modal"]["title"] == "A note"
    opened = clicked["interaction_id"]
    submitted = await post(
        http, "submit", user="alice", interaction_id=opened, fields={"text": "one"}
    )
    record = sandbox.discord.interaction(submitted["interaction_id"])
    original = await sandbox.discord.until(lambda: record.original)
    assert original["content"] == "noted: one"


async def test_a_click_with_fields_fills_in_its_form(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    message = await drafted(sandbox, http)
    sent = await post(
        http,
        "click",
        user="alice",
        message_id=message["id"],
        custom_id="edit",
        fields={"text": "two"},
    )
    record = sandbox.discord.interaction(sent["interaction_id"])
    original = await sandbox.discord.until(lambda: record.original)
    assert original["content"] == "noted: two"


async def test_a_late_bot_is_told_as_such(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    sent = await post(http, "slash", user="alice", command="late")
    await asyncio.sleep(1.1)
    about = await get(http, f"interactions/{sent['interaction_id']}")
    assert about["answered"] is False


async def test_autocomplete_is_for_scripts_too(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    found = await post(
        http, "autocomplete", user="bob", command="draft", option="topic", value="te"
    )
    assert found["choices"] == [
        {"name": "tea", "value": "tea"},
        {"name": "teapots", "value": "teapots"},
    ]


@pytest.mark.parametrize(
    ("act", "body", "sentence"),
    [
        ("slash", {"user": "eve", "command": "draft"}, "There is no person 'eve'"),
        ("slash", {"user": "alice", "command": "nope"}, "There is no command 'nope'"),
        ("slash", {"user": "alice"}, "lacks 'command'"),
        ("slash", {"user": "alice", "command": "draft"}, "needs the option 'topic'"),
        ("slash", {"user": "alice", "command": "draft", "channel": "x"}, "'guild' or 'dm'"),
        ("slash", {"user": "alice", "command": "draft", "options": [1]}, "a JSON object"),
        ("react", {"user": "alice", "message_id": "1", "emoji": "✅"}, "sees no message 1"),
        ("submit", {"user": "alice", "interaction_id": "1"}, "no interaction 1"),
        ("say", {"user": "alice"}, "lacks 'text'"),
        ("locale", {"user": "alice", "locale": "tlh"}, "no language 'tlh'"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession, act: str, body: Json, sentence: str
) -> None:
    refused = await post(http, act, **body)
    assert refused["status"] == 400
    assert sentence in refused["error"]


async def test_nobody_touches_what_they_cannot_see(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    message = await drafted(sandbox, http)
    reacted = await post(http, "react", user="bob", message_id=message["id"], emoji="1️⃣")
    clicked = await post(http, "click", user="bob", message_id=message["id"], custom_id="vote:1")
    assert "bob sees no message" in reacted["error"]
    assert "bob sees no message" in clicked["error"]


async def test_a_body_that_is_no_json_is_a_sentence(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with http.post("/sandbox/api/slash", data="{") as response:
        assert response.status == 400
        assert (await response.json())["error"] == "The request's body is no JSON."


async def test_the_state_tells_when_the_bot_is_ready(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    assert (await get(http, "state"))["ready"] is False
    async with connected(sandbox):
        state = await get(http, "state")
        assert state["ready"] is True
        assert [u["name"] for u in state["users"]] == ["alice", "bob"]
        names = [c["name"] for c in await get(http, "commands")]
        assert "draft" in names
    await sandbox.discord.until(lambda: not sandbox.discord.is_ready)


async def test_the_bot_hears_of_a_persons_language(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    await post(http, "locale", user="alice", locale="de")
    for user, locale in (("alice", "de"), ("bob", "en-GB")):
        record = await post(http, "slash", user=user, command="public")
        assert sandbox.discord.interaction(record["interaction_id"]).data["locale"] == locale
    assert [u["locale"] for u in (await get(http, "state"))["users"]] == ["de", "en-GB"]


async def test_closed_dms_are_closed_over_http(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    await post(http, "close-dms", user="alice", closed=True)
    await post(http, "slash", user="alice", command="write")
    await sandbox.discord.until(
        lambda: any(m["content"] == "no DM: 50007" for m in sandbox.discord.messages("alice"))
    )
    assert await dms(http, "alice") == []


async def test_the_page_hears_of_changes(
    sandbox: Sandbox, bot: Probe, http: aiohttp.ClientSession
) -> None:
    async with http.get("/sandbox/api/events") as events:
        first = await events.content.readuntil(b"\n\n")
        await post(http, "slash", user="alice", command="public")
        async with asyncio.timeout(1):
            second = await events.content.readuntil(b"\n\n")
    assert first.startswith(b"data: ")
    assert first != second


async def test_the_page_asks_nothing_of_anyone_else(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with http.get("/") as response:
        assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
        page = await response.text()
    assert 'id="topic"' in page or "app.js" in page
    for name in ("app.js", "style.css"):
        async with http.get(f"/page/{name}") as response:
            assert response.status == 200
            assert "https://" not in await response.text()


async def test_the_timeline_is_that_of_a_real_mastodon() -> None:
    sandbox = Sandbox()
    await sandbox.start()
    try:
        account = Mastodon(access_token=sandbox.mastodon_token, api_base_url=sandbox.mastodon_url)
        for text in ("first", "second"):
            status = await asyncio.to_thread(account.status_post, text, visibility="unlisted")
        async with aiohttp.ClientSession(sandbox.url) as http:
            timeline = await get(http, "timeline")
            async with http.get(status.url, allow_redirects=False) as linked:
                assert linked.headers["Location"] == f"/#status-{status.id}"
    finally:
        await sandbox.stop()
    assert [s["content"] for s in timeline] == ["<p>second</p>", "<p>first</p>"]
