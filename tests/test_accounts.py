"""Each person's Mastodon account: connected by a code, encrypted, revoked; never another's."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession
from cryptography.fernet import Fernet
from mastodon_mock.testing import MockServer

from bot.draft import Network
from bot.errors import Refused, Unavailable, UserError
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.mastodon_access import APPLICATION_LIFE, CODE_LIFE
from bot.posting.target import Part, Target
from bot.posting.vault import Vault
from bot.store import Store
from tests.fakes.proxy import Proxy

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OPERATOR, ALICE, BOB = 1, 2, 3


@pytest.fixture
async def proxy(mock_mastodon: MockServer) -> AsyncIterator[Proxy]:
    async with Proxy(mock_mastodon.base_url) as proxy:
        yield proxy


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "bot.db") as store:
        yield store


def _accounts(store: Store, proxy: Proxy, *keys: str) -> Accounts:
    shared = Mastodon(proxy.url, "carol_token")
    vault = Vault(keys or [KEY])
    return Accounts(frozenset({OPERATOR}), [shared], store, vault, frozenset({proxy.url}), (0.01,))


KEY = Fernet.generate_key().decode()


@pytest.fixture
def accounts(store: Store, proxy: Proxy) -> Accounts:
    return _accounts(store, proxy)


async def _code(link: str, username: str) -> str:
    """Say yes on the server's page, as this account; the code that it shows."""
    asked = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
    async with ClientSession() as http:
        async with http.get(link) as page:
            assert page.status == 200
        form = {k: asked[k] for k in ("redirect_uri", "client_id", "scope")}
        url = link.partition("?")[0]
        async with http.post(url, data=form | {"username": username}) as page:
            return (await page.text()).partition("code: ")[2].partition("<")[0]


async def _connect(accounts: Accounts, user_id: int, proxy: Proxy, username: str) -> Target:
    _, link = await accounts.mastodon.start_connection(user_id, proxy.url, NOW)
    return await _finish(accounts, user_id, await _code(link, username), NOW)


async def _finish(accounts: Accounts, user_id: int, code: str, now: datetime) -> Target:
    return await accounts.connect(user_id, await accounts.mastodon.finish(user_id, code, now), now)


async def test_each_posts_to_their_own_account(
    accounts: Accounts, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    await _connect(accounts, ALICE, proxy, "alice")
    await _connect(accounts, BOB, proxy, "bob")
    assert (await accounts.of(ALICE, Network.MASTODON)).name == f"{proxy.url} @alice"
    assert (await accounts.of(BOB, Network.MASTODON)).name == f"{proxy.url} @bob"
    assert (await accounts.of(OPERATOR, Network.MASTODON)).name == f"{proxy.url} @carol"
    status = await (await accounts.of(BOB, Network.MASTODON)).publish(Part("Fog.", "key", NOW))
    assert mock_mastodon.client("alice").status(status.id).account.acct == "bob"
    assert await accounts.of(ALICE, Network.MASTODON) is await accounts.of(ALICE, Network.MASTODON)


async def test_without_an_account_there_is_a_sentence(accounts: Accounts) -> None:
    with pytest.raises(UserError, match="/mastodon connect"):
        await accounts.of(ALICE, Network.MASTODON)
    with pytest.raises(UserError, match="nothing to do"):
        await accounts.disconnect(ALICE, Network.MASTODON)


async def test_the_scopes_are_the_smallest(accounts: Accounts, proxy: Proxy) -> None:
    _, link = await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)
    asked = parse_qs(urlsplit(link).query)
    assert asked["scope"] == ["read:accounts read:statuses write:statuses"]
    assert asked["redirect_uri"] == ["urn:ietf:wg:oauth:2.0:oob"]


async def test_a_draft_claimed_for_one_account_is_settled_there_or_nowhere(
    accounts: Accounts, proxy: Proxy
) -> None:
    shared = (await accounts.of(OPERATOR, Network.MASTODON)).name
    own = (await _connect(accounts, OPERATOR, proxy, "alice")).name
    assert (await accounts.of(OPERATOR, Network.MASTODON)).name == own
    assert (await accounts.named(OPERATOR, shared)).name == shared
    other = (await _connect(accounts, OPERATOR, proxy, "bob")).name
    assert (await accounts.named(OPERATOR, other)).name == other
    with pytest.raises(Refused, match="Look there before"):
        await accounts.named(OPERATOR, own)
    for name in (shared, other):
        with pytest.raises(Refused):
            await accounts.named(ALICE, name)


async def test_a_server_is_registered_at_once(accounts: Accounts, proxy: Proxy) -> None:
    await asyncio.gather(
        *(accounts.mastodon.start_connection(user, proxy.url, NOW) for user in (ALICE, BOB))
    )
    assert proxy.seen.count(("POST", "/api/v1/apps")) == 1


async def test_an_application_nobody_uses_is_registered_again(
    accounts: Accounts, proxy: Proxy
) -> None:
    later = NOW + APPLICATION_LIFE + timedelta(seconds=1)
    await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)
    await accounts.mastodon.start_connection(ALICE, proxy.url, later)
    assert proxy.seen.count(("POST", "/api/v1/apps")) == 2
    await _connect(accounts, ALICE, proxy, "alice")
    await accounts.mastodon.start_connection(BOB, proxy.url, later + APPLICATION_LIFE * 2)
    assert proxy.seen.count(("POST", "/api/v1/apps")) == 2


async def test_a_code_counts_for_who_began_and_only_for_a_while(
    accounts: Accounts, proxy: Proxy, store: Store
) -> None:
    _, link = await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)
    code = await _code(link, "alice")
    with pytest.raises(UserError, match="Begin with"):
        await _finish(accounts, BOB, code, NOW)
    with pytest.raises(UserError, match="Begin with"):
        await _finish(accounts, ALICE, code, NOW + CODE_LIFE + timedelta(seconds=1))
    with pytest.raises(UserError, match="does not accept this code"):
        await _finish(accounts, ALICE, "wrong", NOW)
    assert await store.accounts.owners() == []
    await _finish(accounts, ALICE, f" {code} ", NOW)
    with pytest.raises(UserError, match="Begin with"):
        await _finish(accounts, ALICE, code, NOW)


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (422, Refused, "told to fail"),
        (403, Refused, "told to fail"),
        (404, Refused, "no Mastodon server"),
        (429, Unavailable, "ten minutes"),
        (500, Unavailable, "Try again later"),
        ("drop", Unavailable, "cannot be reached"),
        ("garbage", Refused, "as a Mastodon server does"),
    ],
)
async def test_a_server_that_does_not_register_is_told(
    accounts: Accounts, proxy: Proxy, fault: str | int, kind: type[Exception], said: str
) -> None:
    proxy.fault("POST", "/api/v1/apps", fault)
    with pytest.raises(kind, match=said):
        await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)
    await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)


@pytest.mark.parametrize(
    ("path", "fault"),
    [("/oauth/token", 500), ("/oauth/token", "garbage"), ("/api/v1/accounts", 503)],
)
async def test_a_server_that_fails_half_way_connects_nothing(
    accounts: Accounts, proxy: Proxy, store: Store, path: str, fault: str | int
) -> None:
    _, link = await accounts.mastodon.start_connection(ALICE, proxy.url, NOW)
    code = await _code(link, "alice")
    proxy.fault("POST" if "oauth" in path else "GET", path, fault)
    with pytest.raises((Unavailable, Refused, UserError)) as e:
        await _finish(accounts, ALICE, code, NOW)
    assert proxy.url in str(e.value) or "Mastodon server" in str(e.value)
    assert await store.accounts.owners() == []


async def test_disconnecting_revokes_the_token_at_the_server(
    accounts: Accounts, proxy: Proxy
) -> None:
    account = await _connect(accounts, ALICE, proxy, "alice")
    assert await accounts.disconnect(ALICE, Network.MASTODON) == (account.name, True)
    with pytest.raises(Refused, match="/mastodon connect"):
        await account.verify()
    with pytest.raises(UserError):
        await accounts.of(ALICE, Network.MASTODON)


async def test_a_server_that_is_away_does_not_keep_anybody_connected(
    accounts: Accounts, proxy: Proxy, store: Store
) -> None:
    await _connect(accounts, ALICE, proxy, "alice")
    proxy.fault("POST", "/oauth/revoke", 503)
    assert (await accounts.disconnect(ALICE, Network.MASTODON))[1] is False
    assert await store.accounts.owners() == []


async def test_another_connection_takes_the_place_of_the_first(
    accounts: Accounts, proxy: Proxy
) -> None:
    first = await _connect(accounts, ALICE, proxy, "alice")
    await _connect(accounts, ALICE, proxy, "bob")
    assert (await accounts.of(ALICE, Network.MASTODON)).name.endswith("@bob")
    with pytest.raises(Refused, match="/mastodon connect"):
        await first.verify()


async def test_a_token_that_was_revoked_elsewhere_names_the_way_back(
    accounts: Accounts, proxy: Proxy
) -> None:
    account = await _connect(accounts, ALICE, proxy, "alice")
    proxy.fault("GET", "/api/v1/accounts", 401)
    with pytest.raises(Refused, match="Connect it again with /mastodon connect"):
        await account.verify()
    shared = await accounts.of(OPERATOR, Network.MASTODON)
    proxy.fault("GET", "/api/v1/accounts", 401)
    with pytest.raises(Refused, match="MASTODON_ACCESS_TOKEN"):
        await shared.verify()


async def test_tokens_are_stored_encrypted(
    accounts: Accounts, proxy: Proxy, store: Store, tmp_path: Path
) -> None:
    account = await _connect(accounts, ALICE, proxy, "alice")
    stored = await store.accounts.of(ALICE, Network.MASTODON)
    assert stored
    secrets = [Vault([KEY]).unlock(locked) for _, locked in await store.accounts.secrets()]
    assert len(secrets) == 2
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("bot.db*"))
    assert not any(secret.encode() in kept for secret in secrets)
    assert not any(secret in repr(stored) + repr(account) for secret in secrets)


async def test_a_new_key_encrypts_all_that_the_old_one_did(
    accounts: Accounts, proxy: Proxy, store: Store
) -> None:
    await _connect(accounts, ALICE, proxy, "alice")
    new = Fernet.generate_key().decode()
    assert await _accounts(store, proxy, new, KEY).renew_secrets() == []
    assert (
        await (await _accounts(store, proxy, new).of(ALICE, Network.MASTODON)).verify() == "@alice"
    )


async def test_with_a_lost_key_a_person_connects_again(
    accounts: Accounts, proxy: Proxy, store: Store
) -> None:
    await _connect(accounts, ALICE, proxy, "alice")
    other = _accounts(store, proxy, Fernet.generate_key().decode())
    assert set(await other.renew_secrets()) == {proxy.url, f"{proxy.url} @alice"}
    with pytest.raises(Unavailable, match="Connect it again"):
        await other.of(ALICE, Network.MASTODON)
    await _connect(other, ALICE, proxy, "alice")
    assert await (await other.of(ALICE, Network.MASTODON)).verify() == "@alice"


async def test_only_what_the_operator_allows_may_be_private(store: Store, proxy: Proxy) -> None:
    strict = Accounts(frozenset(), (), store, Vault([KEY]))
    for address in (proxy.url, "http://localhost", "127.0.0.1"):
        with pytest.raises(UserError, match="not the address of a Mastodon server"):
            await strict.mastodon.start_connection(ALICE, address, NOW)
    assert proxy.seen == []
