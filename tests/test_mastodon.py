"""One approval, one status: against a Mastodon on loopback, and a proxy that breaks the line."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from mastodon_mock.testing import MockServer

from bot.draft import Style
from bot.errors import BotError, Refused, Unavailable
from bot.posting.failures import NotSent
from bot.posting.mastodon import Mastodon
from bot.posting.target import Part
from tests.fakes.proxy import Proxy

TEXT = "Fog report: dense & opinionated.\n\nNoted <3"


@pytest.fixture(params=[(), ("Idempotency-Key",)], ids=["key honoured", "key ignored"])
async def proxy(request: pytest.FixtureRequest, mock_mastodon: MockServer) -> AsyncIterator[Proxy]:
    async with Proxy(mock_mastodon.base_url, strip=request.param) as proxy:
        yield proxy


def _account(proxy: Proxy) -> Mastodon:
    return Mastodon(proxy.url, "alice_token", pauses_s=(0.01, 0.02))


def _posted(server: MockServer) -> list[str]:
    api = server.client("alice")
    me = api.account_verify_credentials()
    return [api.status_source(s.id).text for s in api.account_statuses(me.id)]


async def test_a_text_is_posted_as_it_is(mock_mastodon: MockServer) -> None:
    style = Style(visibility="unlisted", language="en", content_warning="weather")
    account = Mastodon(mock_mastodon.base_url, "alice_token", style)
    status = await account.publish(Part(TEXT, "key-1", datetime.now(UTC)))
    stored = mock_mastodon.client("alice").status(status.id)
    assert _posted(mock_mastodon) == [TEXT]
    assert (stored.visibility, stored.language) == ("unlisted", "en")
    assert stored.spoiler_text == "weather"
    assert status.url.endswith(status.id)


@pytest.mark.parametrize("fault", ["drop", "garbage"])
async def test_a_status_whose_answer_is_lost_is_found(
    proxy: Proxy, mock_mastodon: MockServer, fault: str
) -> None:
    proxy.fault("POST", "/api/v1/statuses", fault)
    await _account(proxy).publish(Part(TEXT, "key-2", datetime.now(UTC)))
    assert _posted(mock_mastodon) == [TEXT]
    assert proxy.seen.count(("POST", "/api/v1/statuses")) == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [(500, Unavailable), (504, Unavailable), (429, NotSent)], ids=str
)
async def test_what_may_still_come_is_not_sent_again(
    proxy: Proxy, mock_mastodon: MockServer, fault: int, kind: type[Unavailable]
) -> None:
    proxy.fault("POST", "/api/v1/statuses", fault)
    with pytest.raises(Unavailable) as e:
        await _account(proxy).publish(Part(TEXT, "key-2", datetime.now(UTC)))
    assert type(e.value) is kind
    assert proxy.seen.count(("POST", "/api/v1/statuses")) == 1
    assert _posted(mock_mastodon) == []


async def test_what_cannot_connect_was_surely_not_sent() -> None:
    part = Part(TEXT, "key-2", datetime.now(UTC))
    for url in ("http://127.0.0.1:9", "http://no-such-name.invalid"):
        with pytest.raises(NotSent):
            await Mastodon(url, "token", pauses_s=()).publish(part)


async def test_a_retry_after_a_crash_finds_what_was_posted(
    proxy: Proxy, mock_mastodon: MockServer
) -> None:
    since = datetime.now(UTC)
    first = await _account(proxy).publish(Part(TEXT, "key-3", since))
    again = await _account(proxy).look(Part(TEXT, "key-3", since))
    assert again.found == first
    assert _posted(mock_mastodon) == [TEXT]


async def test_what_was_posted_before_the_attempt_is_not_taken_for_it(
    mock_mastodon: MockServer,
) -> None:
    account = Mastodon(mock_mastodon.base_url, "alice_token")
    await account.publish(Part("Another text.", "key-4", datetime.now(UTC)))
    assert (await account.look(Part(TEXT, "key-5", datetime.now(UTC)))).found is None


async def test_a_server_that_stays_away_leaves_the_outcome_open(
    proxy: Proxy, mock_mastodon: MockServer
) -> None:
    proxy.fault("POST", "/api/v1/statuses", 503, times=99)
    with pytest.raises(Unavailable):
        await _account(proxy).publish(Part(TEXT, "key-6", datetime.now(UTC)))
    assert _posted(mock_mastodon) == []


@pytest.mark.parametrize("status", [401, 403, 404, 422])
async def test_a_refusal_is_final_and_sent_once(
    proxy: Proxy, mock_mastodon: MockServer, status: int
) -> None:
    proxy.fault("POST", "/api/v1/statuses", status)
    with pytest.raises(Refused):
        await _account(proxy).publish(Part(TEXT, "key-7", datetime.now(UTC)))
    assert proxy.seen.count(("POST", "/api/v1/statuses")) == 1
    assert _posted(mock_mastodon) == []


async def test_limits_and_account_come_from_the_server(mock_mastodon: MockServer) -> None:
    account = Mastodon(mock_mastodon.base_url, "alice_token")
    assert (await account.server()).family.name == "mastodon"
    assert await account.max_chars() == 500
    assert await account.verify() == "@alice"


@pytest.mark.parametrize(
    ("url", "token", "kind"),
    [("http://127.0.0.1:9", "alice_token", Unavailable), (None, "wrong", Refused)],
    ids=["nobody there", "wrong token"],
)
async def test_an_account_that_cannot_be_used_says_why(
    mock_mastodon: MockServer, url: str | None, token: str, kind: type[BotError]
) -> None:
    with pytest.raises(kind) as e:
        await Mastodon(url or mock_mastodon.base_url, token).verify()
    assert token not in str(e.value)


async def test_a_status_known_to_be_another_is_not_taken_for_it(mock_mastodon: MockServer) -> None:
    account = Mastodon(mock_mastodon.base_url, "alice_token")
    since = datetime.now(UTC)
    first = await account.publish(Part(TEXT, "key-8", since))
    assert (await account.look(Part(TEXT, "key-9", since, known={first.id}))).found is None


async def test_a_status_is_found_behind_many_others(mock_mastodon: MockServer) -> None:
    account = Mastodon(mock_mastodon.base_url, "alice_token")
    since = datetime.now(UTC)
    first = await account.publish(Part(TEXT, "key-10", since))
    api = mock_mastodon.client("alice")
    for number in range(45):
        api.status_post(f"Another text, the {number}th.")
    assert (await account.look(Part(TEXT, "key-10", since))).found == first


async def test_not_being_allowed_to_look_leaves_the_outcome_open(
    proxy: Proxy, mock_mastodon: MockServer
) -> None:
    account = _account(proxy)
    await account.verify()
    proxy.fault("GET", "/api/v1/accounts", 403)
    with pytest.raises(Unavailable):
        await account.look(Part(TEXT, "key-11", datetime.now(UTC)))
    assert _posted(mock_mastodon) == []


async def test_what_a_draft_asks_for_comes_before_what_the_account_is_set_to(
    mock_mastodon: MockServer,
) -> None:
    account = Mastodon(mock_mastodon.base_url, "alice_token", Style("public", "en", "weather"))
    first = await account.publish(Part(TEXT, "key-12", datetime.now(UTC)))
    asked = Style("unlisted", None, "fog")
    reply = await account.publish(
        Part(TEXT, "key-13", datetime.now(UTC), asked, (first,), {first.id})
    )
    stored = mock_mastodon.client("alice").status(reply.id)
    assert (stored.visibility, stored.language, stored.spoiler_text) == ("unlisted", "en", "fog")
    assert str(stored.in_reply_to_id) == first.id
    assert account.length("tea", asked) == len("tea") + len("fog")


async def test_a_status_is_deleted_and_one_that_is_gone_is_fine(
    proxy: Proxy, mock_mastodon: MockServer
) -> None:
    account = _account(proxy)
    status = await account.publish(Part(TEXT, "key-14", datetime.now(UTC)))
    for _ in range(2):
        await account.delete(status)
    assert _posted(mock_mastodon) == []
    proxy.fault("DELETE", "/api/v1/statuses", 503)
    with pytest.raises(Unavailable):
        await account.delete(status)
