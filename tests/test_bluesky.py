"""One approval, one post on Bluesky: facets, threads, lost answers, tokens that run out."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.draft import Network, Style
from bot.errors import Refused, Unavailable, UserError
from bot.posting.accounts import Accounts
from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_access import BlueskyAccess
from bot.posting.bluesky_identity import Home, Identities
from bot.posting.bluesky_record import facets, length, record_key
from bot.posting.failures import NotSent
from bot.posting.target import Part
from bot.posting.vault import Vault
from bot.store import Store
from tests.fakes.pds import FakePds

NOW = datetime(2026, 11, 30, 9, 0, 0, 123456, tzinfo=UTC)
MAIN = "canary-main-password"
ANN, BEN = "ann.test", "ben.test"
KEY = "a-key-that-opens-only-this-invented-sample0="
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[FakePds]:
    async with FakePds({ANN: MAIN, BEN: MAIN}) as server:
        yield server


@pytest.fixture
def pds(server: FakePds) -> FakePds:
    """A server that nothing was posted to."""
    server.records.clear()
    server.seen.clear()
    server.deactivated.clear()
    server.plan = []
    for passwords in server.app.values():
        passwords.clear()
    return server


@pytest.fixture
def account(pds: FakePds) -> Bluesky:
    return _account(pds)


def _account(pds: FakePds, password: str | None = None) -> Bluesky:
    home = Home(pds.did(ANN), ANN, pds.url, is_trusted=True)
    return Bluesky(home, password or pds.add_app_password(ANN), pauses_s=(0.001, 0.001))


def _texts(pds: FakePds) -> list[str]:
    return [post["value"]["text"] for post in pds.posts(ANN)]


FOUND = {  # a text, and what of it is a facet: kind, what stands there, what it leads to
    "see https://example.org/a?b=1#c, and (https://example.org/x_(y)).": [
        ("link", "https://example.org/a?b=1#c", "https://example.org/a?b=1#c"),
        ("link", "https://example.org/x_(y)", "https://example.org/x_(y)"),
    ],
    "👩‍👩‍👧 🇩🇪 https://example.org!": [("link", "https://example.org", "https://example.org")],
    "今日は @ben.test と #読書 をした。": [
        ("mention", "@ben.test", "did:plc:ben"),
        ("tag", "#読書", "読書"),
    ],
    "read example.org/notes today": [("link", "example.org/notes", "https://example.org/notes")],
    "It ends.Then script.py runs": [],
    "mail ann@example.org or @ann@m.example or @nobody.test": [],
    "#1 #2a, #c++ ##d #": [("tag", "#2a", "2a"), ("tag", "#c++", "c++"), ("tag", "##d", "#d")],
    "javascript:alert(1) ftp://example.org/x": [],
    "#️⃣ keys": [],
}


@pytest.mark.parametrize("text", FOUND)
async def test_a_facet_stands_where_its_words_do(text: str) -> None:
    made = facets(text, {"ben.test": "did:plc:ben"})
    raw = text.encode()
    read = []
    for facet in made:
        (feature,) = facet["features"]
        where = raw[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
        kind = feature["$type"].partition("#")[2]
        read.append((kind, where, feature.get("uri") or feature.get("tag") or feature.get("did")))
    assert read == FOUND[text]


async def test_a_text_is_as_long_as_its_letters_or_a_tenth_of_its_bytes() -> None:
    assert length("🇩🇪" * 10) == 10
    assert length("👩‍👩‍👧‍👦" * 100) == 250
    assert length("読" * 300) == 300
    assert length("https://example.org/" + "a" * 300) == 320


async def test_the_key_of_a_post_is_that_of_its_draft_and_part() -> None:
    first = record_key("key", NOW, 0)
    assert first == record_key("key", NOW, 0)
    assert len(first) == 13
    others = {record_key("key", NOW, 1), record_key("yek", NOW, 0)}
    others.add(record_key("key", NOW + timedelta(microseconds=1), 0))
    assert first not in others
    assert min(others) > first or record_key("yek", NOW, 0) != first
    assert record_key("z", NOW + timedelta(seconds=1), 0) > first


async def test_a_text_is_posted_as_it_is(pds: FakePds, account: Bluesky) -> None:
    text = "Fog, with @ben.test: https://example.org #fog"
    status = await account.publish(Part(text, "key-1", NOW, Style(None, "en", "nudity")))
    (post,) = pds.posts(ANN)
    value = post["value"]
    assert (value["text"], value["langs"]) == (text, ["en"])
    assert value["labels"]["values"] == [{"val": "nudity"}]
    assert value["facets"][0]["features"][0]["did"] == pds.did(BEN)
    assert status.id == f"{post['uri'].rpartition('/')[2]} {post['cid']}"
    assert status.url == f"https://bsky.app/profile/{pds.did(ANN)}/post/{status.id.split()[0]}"


async def test_a_thread_names_its_first_post_and_the_one_before(
    pds: FakePds, account: Bluesky
) -> None:
    first = await account.publish(Part("one (1/3)", "k-0", NOW))
    second = await account.publish(Part("two (2/3)", "k-1", NOW, thread=(first,)))
    await account.publish(Part("three (3/3)", "k-2", NOW, thread=(first, second)))
    one, two, three = pds.posts(ANN)
    assert "reply" not in one["value"]
    refs = [{k: r["uri"] for k, r in p["value"]["reply"].items()} for p in (two, three)]
    assert refs[0] == {"root": one["uri"], "parent": one["uri"]}
    assert refs[1] == {"root": one["uri"], "parent": two["uri"]}
    assert three["value"]["reply"]["parent"]["cid"] == two["cid"]


@pytest.mark.parametrize(
    "plan",
    [["drop"], ["lost"], ["500"], ["garbage"], ["502"], ["drop", "500"], ["lost", "garbage"]],
    ids="+".join,
)
async def test_a_call_that_went_wrong_is_repeated_and_posts_once(
    pds: FakePds, account: Bluesky, plan: list[str]
) -> None:
    pds.plan = [*plan]
    await account.publish(Part("Fog.", "key-2", NOW))
    assert _texts(pds) == ["Fog."]


async def test_ten_at_once_are_one_post(pds: FakePds, account: Bluesky) -> None:
    found = await asyncio.gather(*(account.publish(Part("Fog.", "k", NOW)) for _ in range(10)))
    assert len(set(found)) == len(_texts(pds)) == 1


async def test_what_was_put_there_before_an_upgrade_is_found(
    pds: FakePds, account: Bluesky
) -> None:
    """The record that is built now is another: it is neither written over nor written anew."""
    part = Part("Fog.", "k", NOW)
    first = await account.publish(part)
    again = await account.publish(replace(part, style=Style(language="de")))
    assert again == first
    (post,) = pds.posts(ANN)
    assert "langs" not in post["value"]


async def test_a_pause_that_is_asked_for_is_no_proof_if_it_was_sent_before(
    pds: FakePds, account: Bluesky
) -> None:
    pds.plan = ["429"]
    with pytest.raises(NotSent):
        await account.publish(Part("Fog.", "k", NOW))
    pds.plan = ["drop", "429"]
    with pytest.raises(Unavailable) as e:
        await account.publish(Part("Tea.", "k", NOW))
    assert not isinstance(e.value, NotSent)
    assert _texts(pds) == ["Tea."]


async def test_what_is_posted_is_found_when_the_app_password_is_gone(
    pds: FakePds, account: Bluesky
) -> None:
    pds.plan = ["drop", "500", "500"]
    part = Part("Fog.", "k", NOW)
    with pytest.raises(Unavailable):
        await account.publish(part)
    pds.app[pds.did(ANN)].clear()
    pds.expire_tokens()
    found = (await account.look(part)).found
    assert await account.publish(replace(part, was_sent=True)) == found
    with pytest.raises(Refused, match="/bluesky connect"):
        await account.publish(Part("Tea.", "other", NOW))
    assert _texts(pds) == ["Fog."]


async def test_only_a_record_that_is_not_there_is_absent(pds: FakePds, account: Bluesky) -> None:
    sight = await account.look(Part("Fog.", "k", NOW))
    assert (sight.found, sight.is_absent, sight.is_repeatable) == (None, True, True)
    pds.deactivated.add(pds.did(ANN))
    with pytest.raises(Unavailable):
        await account.look(Part("Fog.", "k", NOW))


async def test_a_refused_text_is_told_and_posts_nothing(pds: FakePds, account: Bluesky) -> None:
    with pytest.raises(Refused, match="got 301"):
        await account.publish(Part("x" * 301, "k", NOW))
    assert _texts(pds) == []
    assert pds.seen.count("putRecord") == 1


@pytest.mark.parametrize("also", [[], ["refresh"]], ids=["refreshed", "signed in again"])
async def test_a_token_that_ran_out_is_renewed(
    pds: FakePds, account: Bluesky, also: list[str]
) -> None:
    await account.verify()
    for use in ("access", *also):
        pds.expire_tokens(use)
    await asyncio.gather(*(account.verify() for _ in range(5)))
    assert pds.seen.count("refreshSession") == 1
    assert pds.seen.count("createSession") == 1 + bool(also)


async def test_a_post_is_deleted_and_one_that_is_gone_is_fine(
    pds: FakePds, account: Bluesky
) -> None:
    status = await account.publish(Part("Fog.", "k", NOW))
    for _ in range(2):
        await account.delete(status)
    assert _texts(pds) == []


@pytest.mark.parametrize(
    "asked",
    [Style("private"), Style("direct"), Style("unlisted"), Style(content_warning="spiders")],
    ids=str,
)
async def test_what_bluesky_has_not_is_refused_and_never_posted(
    pds: FakePds, account: Bluesky, asked: Style
) -> None:
    with pytest.raises(UserError, match="Mastodon alone"):
        account.style(asked)
    with pytest.raises(UserError):
        await account.publish(Part("Fog.", "k", NOW, asked))
    assert _texts(pds) == []


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / "bot.db") as store:
        yield store


def _accounts(store: Store, pds: FakePds) -> Accounts:
    return Accounts(frozenset(), (), store, Vault([KEY]), private_bluesky=frozenset({pds.url}))


async def test_an_account_is_connected_with_an_app_password_and_revoked(
    pds: FakePds, store: Store, tmp_path: Path
) -> None:
    accounts, password = _accounts(store, pds), pds.add_app_password(ANN)
    pds.add_app_password(ANN, "another program")
    connected = await accounts.bluesky.sign_in(f" @{ANN.upper()} ", f" {password}\n")
    account = await accounts.connect(1, connected, NOW)
    assert account.name == f"bluesky @{ANN} {pds.did(ANN)}"
    assert Network.of(account.name) is Network.BLUESKY
    assert await account.verify() == f"@{ANN}"
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("bot.db*"))
    assert password.encode() not in kept and password not in repr(account) + repr(connected)
    assert await accounts.chosen(1) == (Network.BLUESKY,)
    renamed = account.name.replace(ANN, "new.test")
    assert await accounts.named(1, renamed) is account
    assert await accounts.disconnect(1, Network.BLUESKY) == (account.name, True)
    assert list(pds.app[pds.did(ANN)]) == ["another program"]
    with pytest.raises(UserError, match="/bluesky connect"):
        await accounts.of(1, Network.BLUESKY)


async def test_an_app_password_that_cannot_be_named_is_not_revoked(
    pds: FakePds, store: Store
) -> None:
    accounts = _accounts(store, pds)
    password = pds.add_app_password(ANN, "one")
    pds.add_app_password(ANN, "two")
    await accounts.connect(1, await accounts.bluesky.sign_in(ANN, password), NOW)
    assert (await accounts.disconnect(1, Network.BLUESKY))[1] is False
    assert list(pds.app[pds.did(ANN)]) == ["one", "two"]


@pytest.mark.parametrize(
    ("handle", "password", "said"),
    [
        (ANN, MAIN, "not an app password"),
        (ANN, "aaaa-bbbb-cccc-dddd", "does not accept"),
        ("ann", MAIN, "no handle"),
        ("https://127.0.0.1/", MAIN, "no handle"),
        (ANN, "päss-wort", "letters that none has"),
    ],
)
async def test_whoever_cannot_be_let_in_hears_why(
    pds: FakePds, store: Store, handle: str, password: str, said: str
) -> None:
    with pytest.raises((UserError, Refused), match=said) as e:
        await _accounts(store, pds).bluesky.sign_in(handle, password)
    assert MAIN not in str(e.value)
    assert await store.accounts.owners() == []


async def test_a_deactivated_account_is_not_connected(pds: FakePds, store: Store) -> None:
    pds.deactivated.add(pds.did(ANN))
    with pytest.raises(Refused, match="deactivated"):
        await _accounts(store, pds).bluesky.sign_in(ANN, pds.add_app_password(ANN))


async def test_a_handle_leads_to_its_server_through_the_directories(pds: FakePds) -> None:
    """The server that a stranger's document names is not public here, so it is not talked to."""
    identities = Identities(frozenset(), resolver=pds.url, directory=pds.url)
    with pytest.raises(UserError, match="no server that I could use"):
        await identities.find(f"https://bsky.app/profile/{ANN}")
    with pytest.raises(UserError, match="no Bluesky account"):
        await identities.find("nobody.test")
    assert "createSession" not in pds.seen


async def test_an_old_key_opens_nothing(pds: FakePds) -> None:
    access = BlueskyAccess(Vault([KEY]), frozenset({pds.url}))
    connected = await access.sign_in(ANN, pds.add_app_password(ANN))
    with pytest.raises(Unavailable, match="Connect it again"):
        BlueskyAccess(Vault([KEY.replace("a-", "b-")])).open(connected)
