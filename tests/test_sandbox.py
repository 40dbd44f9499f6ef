"""The loopback Discord, as discord.py and hikari see it over real sockets."""

import json
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import discord
import hikari
import pytest
import yarl
from discord import app_commands

from bot.errors import Unavailable, UserError
from sandbox import openapi
from sandbox.mastodon import LoopbackMastodon
from sandbox.objects import Json
from sandbox.server import Sandbox
from tests.fakes.probe import Probe, connected

needs_openapi = pytest.mark.skipif(
    openapi.load_openapi() is None, reason="Discord's OpenAPI file is not beside the repository"
)


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
        assert sandbox.discord.violations == []


async def test_a_deferred_answer_is_filled_and_followed_up(sandbox: Sandbox, bot: Probe) -> None:
    record = await sandbox.discord.slash("alice", "draft", topic="tea")
    await sandbox.discord.until(lambda: record.followups)
    assert record.original is not None
    assert record.original["content"] == "4 of tea"
    assert record.ack_after_s is not None
    assert record.ack_after_s < 1
    assert [m["content"] for m in record.followups] == ["and more"]


async def test_an_ephemeral_answer_is_seen_by_nobody_else(sandbox: Sandbox, bot: Probe) -> None:
    record = await sandbox.discord.slash("alice", "draft", topic="tea", count=2)
    await sandbox.discord.until(lambda: record.followups)
    assert [m["content"] for m in sandbox.discord.messages("alice")] == ["2 of tea", "and more"]
    assert all(m["flags"] & 64 for m in sandbox.discord.messages("alice"))
    assert sandbox.discord.messages("bob") == []
    assert record.original is not None
    channel = bot.get_partial_messageable(int(record.channel["id"]))
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(record.original["id"])


async def test_a_public_answer_is_seen_by_everyone(sandbox: Sandbox, bot: Probe) -> None:
    record = await sandbox.discord.slash("bob", "public")
    await sandbox.discord.until(lambda: record.original)
    assert [m["content"] for m in sandbox.discord.messages("alice")] == ["hello all"]


async def test_buttons_and_reactions_arrive_from_a_dm(sandbox: Sandbox, bot: Probe) -> None:
    await sandbox.discord.slash("alice", "write")
    [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    assert sandbox.discord.dm_messages("bob") == []
    assert message["embeds"][0]["title"] == "A draft"
    assert message["reactions"][0]["me"] is False

    assert await sandbox.discord.react("alice", message, "1⃣")
    alice = int(sandbox.people["alice"]["id"])
    await sandbox.discord.until(lambda: (alice, "1️⃣", "REACTION_ADD") in bot.reactions)
    [message] = sandbox.discord.dm_messages("alice")
    assert message["reactions"] == [message["reactions"][0] | {"me": True, "count": 2}]
    assert not await sandbox.discord.react("alice", message, "1️⃣")

    await sandbox.discord.click("alice", message, "vote:2")
    [took] = await sandbox.discord.until(
        lambda: [m for m in sandbox.discord.dm_messages("alice") if m["content"] == "took 2"]
    )
    assert took["components"] == []


def reacted_dms(sandbox: Sandbox) -> list[Json]:
    return [m for m in sandbox.discord.dm_messages("alice") if m.get("reactions")]


async def test_the_bot_finds_who_reacted_while_it_was_away(sandbox: Sandbox) -> None:
    async with connected(sandbox):
        await sandbox.discord.slash("alice", "write")
        [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    await sandbox.discord.react("alice", message, "1️⃣")
    async with connected(sandbox) as bot:
        channel = bot.get_partial_messageable(
            int(message["channel_id"]), type=discord.ChannelType.private
        )
        found = await channel.fetch_message(int(message["id"]))
        names = [user.name async for user in found.reactions[0].users()]
    assert sorted(names) == ["Drafts", "alice"]


async def test_a_modal_opens_and_is_sent(sandbox: Sandbox, bot: Probe) -> None:
    await sandbox.discord.slash("alice", "write")
    [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    record = await sandbox.discord.click("alice", message, "edit")
    await sandbox.discord.until(lambda: record.modal)
    with pytest.raises(UserError, match="takes 0 to 20 characters, not 21"):
        await sandbox.discord.submit("alice", record, {"text": "x" * 21})
    sent = await sandbox.discord.submit("alice", record, {"text": "shorter"})
    original = await sandbox.discord.until(lambda: sent.original)
    assert original["content"] == "noted: shorter"


async def test_autocomplete_brings_suggestions(sandbox: Sandbox, bot: Probe) -> None:
    choices = await sandbox.discord.autocomplete("alice", "draft", "topic", "tea")
    assert [c["value"] for c in choices] == ["tea", "teapots"]


async def test_a_subcommand_is_chosen_by_its_options(sandbox: Sandbox, bot: Probe) -> None:
    record = await sandbox.discord.slash("alice", "daily", time="08:00", who="bob")
    original = await sandbox.discord.until(lambda: record.original)
    assert original["content"] == "08:00 for bob"
    record = await sandbox.discord.slash("alice", "daily off", where="guild")
    original = await sandbox.discord.until(lambda: record.original)
    assert original["content"] == "off"


async def test_a_context_menu_gets_its_message(sandbox: Sandbox, bot: Probe) -> None:
    public = await sandbox.discord.slash("alice", "public")
    message = await sandbox.discord.until(lambda: public.original)
    record = await sandbox.discord.menu("bob", "Count letters", message)
    original = await sandbox.discord.until(lambda: record.original)
    assert original["content"] == str(len("hello all"))


async def test_closed_dms_are_refused_with_50007(sandbox: Sandbox, bot: Probe) -> None:
    sandbox.discord.close_dms("alice")
    record = await sandbox.discord.slash("alice", "write")
    said = await sandbox.discord.until(lambda: record.original and record.original["content"])
    assert said == "no DM: 50007"


@pytest.mark.parametrize(("command", "code"), [("twice", 40060), ("late", 10062)])
async def test_a_second_or_late_answer_is_refused(
    sandbox: Sandbox, bot: Probe, command: str, code: int
) -> None:
    await sandbox.discord.slash("alice", command)
    [error] = await sandbox.discord.until(lambda: bot.errors)
    assert isinstance(error, app_commands.CommandInvokeError)
    assert isinstance(error.original, discord.HTTPException)
    assert error.original.code == code


async def test_events_missed_after_a_drop_are_replayed(sandbox: Sandbox, bot: Probe) -> None:
    await sandbox.discord.slash("alice", "write")
    [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    await sandbox.discord.gateway.drop(4000)
    await sandbox.discord.react("alice", message, "🔁")
    await sandbox.discord.until(lambda: any(e == "🔁" for _, e, _ in bot.reactions))
    assert [e for _, e, _ in bot.reactions].count("🔁") == 1
    assert bot.resumed == 1


async def cut_line(sandbox: Sandbox) -> None:
    sandbox.discord.gateway.cut()


async def ask_to_reconnect(sandbox: Sandbox) -> None:
    sandbox.discord.gateway.ask_to_reconnect()


@pytest.mark.parametrize("end", [cut_line, ask_to_reconnect])
async def test_a_lost_line_is_resumed(
    sandbox: Sandbox, bot: Probe, end: Callable[[Sandbox], Awaitable[None]]
) -> None:
    await end(sandbox)
    await sandbox.discord.until(lambda: bot.resumed)


async def test_a_forgotten_session_is_identified_anew(sandbox: Sandbox, bot: Probe) -> None:
    before = set(sandbox.discord.gateway.sessions)
    sandbox.discord.gateway.forget_sessions()
    await sandbox.discord.gateway.drop()
    await sandbox.discord.until(lambda: sandbox.discord.is_ready, 15)
    assert not before & set(sandbox.discord.gateway.sessions)
    record = await sandbox.discord.slash("alice", "public")
    await sandbox.discord.until(lambda: record.original)


async def test_events_can_be_lost_and_repeated(sandbox: Sandbox, bot: Probe) -> None:
    await sandbox.discord.slash("alice", "write")
    [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    sandbox.discord.gateway.copies["MESSAGE_REACTION_ADD"] = 2
    await sandbox.discord.react("alice", message, "🔁")
    await sandbox.discord.until(lambda: [e for _, e, _ in bot.reactions].count("🔁") == 2)


async def test_a_rate_limit_is_waited_out(sandbox: Sandbox, bot: Probe) -> None:
    sandbox.discord.faults.rate_limit("POST", r"/channels/\d+/messages", 0.3)
    began = time.monotonic()
    await sandbox.discord.slash("alice", "write")
    await sandbox.discord.until(lambda: sandbox.discord.dm_messages("alice"))
    assert time.monotonic() - began >= 0.3
    posts = [c.status for c in sandbox.discord.log if c.path.endswith("/messages")]
    assert posts == [429, 200]


async def test_a_message_whose_answer_was_lost_is_not_sent_twice(
    sandbox: Sandbox, bot: Probe
) -> None:
    sandbox.discord.fail("POST", r"/channels/\d+/messages", 502, is_after_work=True)
    await sandbox.discord.slash("alice", "write")
    await sandbox.discord.until(lambda: reacted_dms(sandbox))
    assert len(sandbox.discord.dm_messages("alice")) == 1


async def test_a_cut_socket_gives_no_answer(sandbox: Sandbox) -> None:
    sandbox.discord.faults.cut("POST", "/users/@me/channels")  # a GET is tried twice by aiohttp
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(f"{sandbox.url}/api/v10/users/@me/channels")
    assert sandbox.discord.log[0].status is None


async def test_a_wrong_token_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(discord.LoginFailure):
        async with connected(sandbox, token="MTA.wrong.token"):
            pass


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        pytest.param({"token": "wrong"}, 4004, id="wrong token"),
        pytest.param({"intents": 1 << 15}, 4014, id="privileged intent"),
        pytest.param({"intents": 1 << 40}, 4013, id="unknown intent"),
        pytest.param({"shard": [3, 1]}, 4010, id="shard out of range"),
    ],
)
async def test_a_bad_identify_is_closed_with_its_code(
    sandbox: Sandbox, identify: dict[str, object], code: int
) -> None:
    async with gateway(sandbox) as (socket, receive):
        await receive()
        data = {"token": sandbox.token, "intents": 1, "properties": {}} | identify
        await socket.send_json({"op": 2, "d": data})
        await receive()
        assert socket.close_code == code


@asynccontextmanager
async def gateway(
    sandbox: Sandbox, compress: str = ""
) -> AsyncIterator[tuple[aiohttp.ClientWebSocketResponse, Callable[[], Awaitable[Json]]]]:
    """A bare websocket, and a function that reads the next payload of it: empty, if it closed."""
    inflate = decompressor(compress)
    query = {"v": "10", "encoding": "json"} | ({"compress": compress} if compress else {})
    url = yarl.URL(f"{sandbox.url}/gw/").with_query(query)
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:

        async def receive() -> Json:
            message = await socket.receive(timeout=5)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                return {}
            payload: Json = json.loads(inflate(message.data))
            return payload

        yield socket, receive


def decompressor(compress: str) -> Callable[[bytes], bytes | str]:
    if compress == "zlib-stream":
        return zlib.decompressobj().decompress
    if compress == "zstd-stream":
        zstandard = pytest.importorskip("zstandard")
        decompress: Callable[[bytes], bytes] = (
            zstandard.ZstdDecompressor().decompressobj().decompress
        )
        return decompress
    return lambda data: data


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
async def test_the_gateway_speaks_every_compression(sandbox: Sandbox, compress: str) -> None:
    async with gateway(sandbox, compress) as (socket, receive):
        assert (await receive())["op"] == 10
        await socket.send_json({"op": 1, "d": None})
        assert (await receive())["op"] == 11
        identify = {"token": sandbox.token, "intents": 1, "properties": {}}
        await socket.send_json({"op": 2, "d": identify})
        assert (await receive())["t"] == "READY"
        assert (await receive())["t"] == "GUILD_CREATE"


async def test_an_unknown_session_cannot_be_resumed(sandbox: Sandbox) -> None:
    async with gateway(sandbox) as (socket, receive):
        await receive()
        resume = {"token": sandbox.token, "session_id": "none", "seq": 1}
        await socket.send_json({"op": 6, "d": resume})
        assert await receive() == {"op": 9, "d": False, "s": None, "t": None}


async def test_a_client_without_heartbeats_is_closed() -> None:
    sandbox = Sandbox(heartbeat_s=0.1, with_mastodon=False)
    await sandbox.start()
    async with gateway(sandbox) as (socket, receive):
        await receive()
        assert await receive() == {}
        assert socket.close_code == 4009
    await sandbox.stop()


async def test_a_taken_port_is_a_sentence(sandbox: Sandbox) -> None:
    other = Sandbox(with_mastodon=False)
    with pytest.raises(Unavailable, match="cannot listen"):
        await other.start(port=int(sandbox.url.rsplit(":", 1)[1]))


async def test_ids_grow_and_are_those_of_now(sandbox: Sandbox) -> None:
    ids = [int(sandbox.discord.world.ids.next()) for _ in range(5000)]
    assert sorted(set(ids)) == ids
    assert abs(discord.utils.snowflake_time(ids[-1]).timestamp() - time.time()) < 5


async def test_a_slow_answer_comes_all_the_same(sandbox: Sandbox) -> None:
    sandbox.discord.faults.hang("GET", "/gateway", 0.2)
    began = time.monotonic()
    async with aiohttp.ClientSession(headers=auth(sandbox)) as http:
        response = await http.get(f"{sandbox.url}/api/v10/gateway")
    assert response.status == 200
    assert time.monotonic() - began >= 0.2


def auth(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bot {sandbox.token}"}


async def test_the_right_word_for_what_is_not_there(sandbox: Sandbox) -> None:
    async with connected(sandbox) as bot:
        alice = await bot.fetch_user(int(sandbox.people["alice"]["id"]))
        dm = await alice.create_dm()
        message = await dm.send("hello")
        with pytest.raises(discord.NotFound) as unknown_message:
            await dm.fetch_message(1)
        with pytest.raises(discord.HTTPException) as no_emoji:
            await message.add_reaction("plain")
        with pytest.raises(discord.HTTPException) as empty:
            await message.edit(content=None)
        written = await sandbox.discord.say("alice", "mine")
        with pytest.raises(discord.Forbidden) as not_mine:
            await dm.get_partial_message(int(written["id"])).edit(content="yours")
        await message.delete()
    codes = [e.value.code for e in (unknown_message, no_emoji, empty, not_mine)]
    assert codes == [10008, 10014, 50006, 50005]
    assert [m["content"] for m in sandbox.discord.dm_messages("alice")] == ["mine"]


async def test_history_comes_newest_first_and_in_pages(sandbox: Sandbox, bot: Probe) -> None:
    dm = await (await bot.fetch_user(int(sandbox.people["bob"]["id"]))).create_dm()
    sent = [await dm.send(str(n)) for n in range(5)]
    assert [m.content async for m in dm.history(limit=2)] == ["4", "3"]
    later = [m.content async for m in dm.history(after=sent[1], limit=2)]
    assert later == ["2", "3"]


@needs_openapi
@pytest.mark.parametrize(
    ("method", "path", "body", "found"),
    [
        pytest.param(
            "POST", "/users/@me/channels", {"recipient_id": []}, "recipient_id", id="type"
        ),
        pytest.param(
            "PUT",
            "/applications/{app}/commands",
            [{"name": "x" * 40, "description": "d"}],
            "too long",
            id="command name",
        ),
        pytest.param(
            "POST",
            "/channels/{dm}/messages",
            {"embeds": [{"title": "t" * 300}]},
            "too long",
            id="embed title",
        ),
        pytest.param("GET", "/gateway", {"a": 1}, "expects no body", id="body"),
        pytest.param("GET", "/no/such/thing", None, "no such operation", id="route"),
    ],
)
async def test_deliberate_mistakes_are_found_by_the_openapi_file(
    sandbox: Sandbox, method: str, path: str, body: Json, found: str
) -> None:
    dm = sandbox.discord.world.dms[sandbox.people["alice"]["id"]]["id"]
    path = path.format(app=sandbox.discord.world.bot["id"], dm=dm)
    async with aiohttp.ClientSession(headers=auth(sandbox)) as http:
        await http.request(method, f"{sandbox.url}/api/v10{path}", json=body)
    assert found in " ".join(sandbox.discord.violations)


@needs_openapi
async def test_our_answers_are_those_that_discord_describes(sandbox: Sandbox, bot: Probe) -> None:
    written = await sandbox.discord.slash("alice", "write")
    drafted = await sandbox.discord.slash("alice", "draft", topic="tea")
    await sandbox.discord.slash("alice", "public")
    [message] = await sandbox.discord.until(lambda: reacted_dms(sandbox))
    await sandbox.discord.until(
        lambda: drafted.followups and written.original and written.original["content"]
    )
    await sandbox.discord.click("alice", message, "vote:1")
    dm = await bot.fetch_channel(int(message["channel_id"]))
    assert isinstance(dm, discord.DMChannel)
    found = await dm.fetch_message(int(message["id"]))
    assert [m.id async for m in dm.history()] == [found.id]
    assert bot.user is not None
    assert [u.id async for u in found.reactions[0].users()] == [bot.user.id]
    await bot.fetch_guild(bot.guilds[0].id)
    await bot.tree.fetch_commands()
    spec = openapi.load_openapi()
    assert spec is not None
    wrong = [
        f"{call.method} {call.path}: {error}"
        for call in sandbox.discord.log
        if call.status is not None
        for error in spec.answer_errors(call.method, call.path, call.status, call.answer)
    ]
    assert wrong == []
    assert len(sandbox.discord.log) > 15


@needs_openapi
async def test_integers_are_good_snowflakes(sandbox: Sandbox) -> None:
    alice = int(sandbox.people["alice"]["id"])
    async with aiohttp.ClientSession(headers=auth(sandbox)) as http:
        url = f"{sandbox.url}/api/v10/users/@me/channels"
        response = await http.post(url, json={"recipient_id": alice})
    assert response.status == 200
    assert sandbox.discord.violations == []


async def test_hikari_an_independent_client_gets_along(sandbox: Sandbox) -> None:
    bot = hikari.GatewayBot(
        sandbox.token,
        rest_url=f"{sandbox.url}/api/v10",
        intents=hikari.Intents.GUILDS | hikari.Intents.DM_MESSAGES,
        banner=None,
        logs=None,
    )
    messages: list[str | None] = []

    @bot.listen(hikari.StartedEvent)
    async def sync(event: hikari.StartedEvent) -> None:
        me = bot.get_me()
        assert me is not None
        command = bot.rest.slash_command_builder("ping", "Pong")
        await bot.rest.set_application_commands(me.id, [command])

    @bot.listen(hikari.InteractionCreateEvent)
    async def answer(event: hikari.InteractionCreateEvent) -> None:
        assert isinstance(event.interaction, hikari.CommandInteraction)
        await event.interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "pong")
        await event.interaction.user.send("pong too")

    @bot.listen(hikari.DMMessageCreateEvent)
    async def remember(event: hikari.DMMessageCreateEvent) -> None:
        messages.append(event.content)

    await bot.start(check_for_updates=False)
    try:
        await sandbox.wait_ready(5)
        record = await sandbox.discord.slash("bob", "ping")
        await sandbox.discord.until(lambda: record.original and messages)
    finally:
        await bot.close()
    assert record.original is not None
    assert record.original["content"] == "pong"
    assert messages == ["pong too"]
    assert sandbox.discord.violations == []


def test_a_mastodon_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with LoopbackMastodon() as server:
        assert server.client("alice").account_verify_credentials()
        assert len(list(tmp_path.iterdir())) > 1
    assert list(tmp_path.iterdir()) == []
