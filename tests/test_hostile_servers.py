"""A Mastodon or a language model's server that answers whatever it likes.

Wrong types in each field that is read, markup in texts, endless bodies: each ends in a clear
sentence or a sound value, in bounded memory. Hanging and cut answers: test_faults.py.
"""

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BotError, Refused, Unavailable
from bot.posting import oauth
from bot.posting.mastodon import Mastodon
from bot.posting.target import Part
from bot.voice import PromptParts, Voice
from bot.writing.llm import LLM
from tests.fakes.discord_markdown import seen
from tests.fakes.odd_server import OddServer

Json = Any  # anything that JSON can say
BOUND_MB = 24  # of memory, while 100 MB are sent
MARKUP = "<script>x</script> [bank](https://evil.example) @everyone **b**\n\n\u202egpj"
ODD: tuple[Json, ...] = (
    *(None, True, 7, -1, 1e308, "", [], {}, [[1]], "../../etc", "\ud83c", MARKUP, "x" * 50_000),
)


@pytest.fixture
async def server() -> AsyncIterator[OddServer]:
    """A server to be told what to say."""
    async with OddServer() as server:
        yield server


async def _peak_mb(call: Callable[[], Awaitable[object]], said: str = "sends too much") -> float:
    """Memory that a call needs, which must end in a sentence."""
    tracemalloc.start()
    try:
        with pytest.raises(BotError, match=said):
            await call()
        return tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()


def _choice(**changed: Json) -> Json:
    return {"index": 0, "finish_reason": "stop", "message": {"content": "Fog."}} | changed


ODD_CONTENTS: tuple[object, ...] = (7, [], {}, None)
COMPLETIONS: dict[str, tuple[bytes, list[str] | str]] = {  # what is said -> texts, or the sentence
    "no object": (b"[]", "makes no sense"),
    "a text": (b'"hello"', "makes no sense"),
    "null": (b"null", "makes no sense"),
    "no choices": (b'{"choices": null}', "makes no sense"),
    "a number of choices": (b'{"choices": 4}', "makes no sense"),
    "choices that are none": (b'{"choices": [1, null, "x"]}', "makes no sense"),
    "a message that is a text": (json.dumps({"choices": [_choice(message="x")]}).encode(), []),
    "contents of all types": (
        json.dumps({"choices": [_choice(message={"content": c}) for c in ODD_CONTENTS]}).encode(),
        [],
    ),
    "more than was asked for": (json.dumps({"choices": [_choice()] * 999}).encode(), ["Fog."] * 4),
    "odd usage": (json.dumps({"choices": [_choice()], "usage": "free"}).encode(), ["Fog."] * 4),
    "depth": (b"[" * 200_000, "makes no sense"),
    "a number beyond all bounds": (b'{"choices": %b}' % (b"9" * 5000), "makes no sense"),
    "half a character": (b'{"choices": [{"message": {"content": "\\ud83c"}}]}', ["\ud83c"] * 4),
    "a page": (b"<html><script>alert(1)</script>", "makes no sense"),
}


@pytest.mark.parametrize(("said", "expected"), COMPLETIONS.values(), ids=COMPLETIONS)
async def test_whatever_a_models_server_says_is_texts_or_a_sentence(
    server: OddServer, voice_folder: Path, said: bytes, expected: list[str] | str
) -> None:
    server.body = said
    llm, voice = LLM(f"{server.url}/v1", "none"), Voice.load(voice_folder)
    try:
        if isinstance(expected, list):
            assert await llm.complete(voice, voice.messages(PromptParts("tea")), 4) == expected
        else:
            with pytest.raises(Unavailable, match=expected):
                await llm.complete(voice, voice.messages(PromptParts("tea")), 4)
    finally:
        await llm.close()


async def test_a_models_server_cannot_fill_the_memory_nor_lead_elsewhere(
    server: OddServer, voice_folder: Path
) -> None:
    llm, voice = LLM(f"{server.url}/v1", "none"), Voice.load(voice_folder)

    async def ask() -> list[str]:
        return await llm.complete(voice, voice.messages(PromptParts("tea")), 4)

    server.huge = True
    assert await _peak_mb(ask) < BOUND_MB
    server.huge = False
    server.body = gzip.compress(b'{"choices": "' + b"x" * (64 << 20))
    server.headers = {"Content-Encoding": "gzip"}
    assert await _peak_mb(ask, "makes no sense") < BOUND_MB
    server.body, server.status = b"", 307
    server.headers = {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(Refused, match="307"):
        await ask()
    assert "/elsewhere" not in server.asked
    await llm.close()


NOW = datetime.now(UTC)
STATUS: Json = {
    "id": "1",
    "url": "https://m.example/@goose/1",
    "uri": "https://m.example/1",
    "created_at": NOW.isoformat(),
    "content": "<p>hello</p>",
}
MASTODON: dict[str, Json] = {
    "/api/v2/instance": {"configuration": {"statuses": {"max_characters": 500}}},
    "/api/v1/accounts/verify_credentials": {"id": "7", "acct": "goose"},
    "/api/v1/accounts/7/statuses": [STATUS],
    "/api/v1/statuses/1/source": {"id": "1", "text": "hello"},
    "/api/v1/statuses": STATUS,
}
FIELDS = {  # the fields that are read, and what reads them
    "/api/v2/instance": ["", "configuration", "configuration.statuses.max_characters"],
    "/api/v1/accounts/verify_credentials": ["", "id", "acct"],
    "/api/v1/accounts/7/statuses": ["", "0", "0.id", "0.url", "0.created_at"],
    "/api/v1/statuses/1/source": ["", "text"],
    "/api/v1/statuses": ["", "id", "url", "uri"],
}


def _with(said: Json, path: str, odd: Json) -> Json:
    """An answer with another value in one of its fields."""
    if not path:
        return odd
    changed = inner = deepcopy(said)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in way:
        inner = inner[step]
    inner[last] = odd
    return changed


async def _use(mastodon: Mastodon, address: str) -> None:
    """Call what reads that address, and look at what comes of it."""
    if address == "/api/v2/instance":
        assert await mastodon.max_chars() >= 20
        return
    if address.endswith("credentials"):
        handle = await mastodon.verify()
        assert isinstance(handle, str)
        return
    part = Part("hello", "key", NOW)
    if address == "/api/v1/statuses":
        status = await mastodon.publish(part)
    elif found := (await mastodon.look(part)).found:
        status = found
    else:
        raise Unavailable("It is not found.")
    assert status.id.replace("-", "").isalnum()
    assert seen(status.url) == (status.url, [])
    assert status.url.startswith("http")
    assert len(status.url) < 600


@pytest.mark.parametrize("address", FIELDS)
async def test_wrong_types_from_a_mastodon_are_sound_values_or_a_sentence(
    server: OddServer, address: str
) -> None:
    server.said = MASTODON
    await _use(Mastodon(server.url, "canary-token", pauses_s=()), address)
    for path in FIELDS[address]:
        for odd in ODD:
            server.said = MASTODON | {address: _with(MASTODON[address], path, odd)}
            mastodon = Mastodon(server.url, "canary-token", pauses_s=())
            try:
                await _use(mastodon, address)
            except (Unavailable, Refused) as e:
                assert len(str(e)) < 400, (path, odd)


@pytest.mark.parametrize("said", [{"error": MARKUP}, {"error": {"a": []}}, {"error": "x" * 99_999}])
async def test_what_a_mastodon_says_of_an_error_is_shown_as_plain_words(
    server: OddServer, said: Json
) -> None:
    server.said, server.status = {"/": said}, 422
    with pytest.raises(Refused) as e:
        await Mastodon(server.url, "canary-token", pauses_s=()).publish(Part("hello", "key", NOW))
    shown = seen(str(e.value))
    assert shown.formatted == []
    assert "\n" not in shown.text
    assert "\u202e" not in shown.text
    assert len(shown.text) < 300


async def test_a_mastodon_cannot_fill_the_memory(server: OddServer) -> None:
    server.huge = True
    mastodon = Mastodon(server.url, "canary-token", pauses_s=())
    assert await _peak_mb(mastodon.verify) < BOUND_MB


@pytest.mark.parametrize(
    "odd", [*ODD, {"client_id": 7}, {"client_id": "a", "client_secret": ["b"]}]
)
async def test_a_server_that_registers_nothing_is_refused(server: OddServer, odd: Json) -> None:
    server.said = {"/": odd}
    with pytest.raises(Refused, match="does not answer as a Mastodon server does"):
        await oauth.register(server.url, is_trusted=True)


async def test_an_answer_nested_without_end_registers_nothing(server: OddServer) -> None:
    server.body = b"[" * 1_000_000
    with pytest.raises(Refused, match="does not answer as a Mastodon server does"):
        await oauth.register(server.url, is_trusted=True)
