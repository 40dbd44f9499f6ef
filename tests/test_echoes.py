"""What came of each post is read a day and a week after it, from its own account, and kept."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.draft import Candidate, Draft, Echo, Network, Status
from bot.errors import BotError, Refused, Unavailable
from bot.posting.accounts import Accounts
from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_identity import Home
from bot.posting.echoes import UNTIL, Echoes
from bot.posting.mastodon import Mastodon
from bot.posting.target import Part
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.accounts import Connected
from bot.store.dossier import erase, export
from tests.fakes.fediverse import Fediverse
from tests.fakes.pds import FakePds

ANN, BEN, CAT = 7, 8, 9
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = "a-key-that-opens-only-this-invented-sample0="
BSKY = "cat.test"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Fediverse]:
    async with Fediverse() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[FakePds]:
    async with FakePds({BSKY: "main-password"}) as server:
        yield server


@dataclass
class Desk:
    """Three people with their accounts, and a bot that may be started anew."""

    fediverse: Fediverse
    pds: FakePds
    store: Store

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.vault = Vault([KEY])
        private, bluesky = frozenset({self.fediverse.url}), frozenset({self.pds.url})
        self.accounts = Accounts(
            frozenset(), (), self.store, self.vault, private, (0.001,), bluesky
        )
        self.echoes = Echoes(self.accounts, self.store)

    async def connect(self, owner: int, network: Network) -> str:
        did = self.pds.did(BSKY) if network is Network.BLUESKY else None
        url = self.pds.url if did else self.fediverse.url
        token = self.pds.add_app_password(BSKY) if did else f"canary-token-{owner}"
        handle = f"@{BSKY}" if did else f"@{owner}"
        mine = Connected(url, handle, self.vault.lock(token), network, did)
        await self.store.accounts.connect(owner, mine, NOW)
        return mine.name

    async def post(
        self, owner: int, texts: Sequence[str] = ("Fog.",), *, network: Network = Network.MASTODON
    ) -> Draft:
        """A draft that was posted at NOW."""
        account = await self.accounts.of(owner, network)
        candidate = Candidate(texts[0], 4, tuple(texts) if len(texts) > 1 else ())
        draft = await self.store.drafts.add(Draft(owner, "mara", "tea", (candidate,), 500, NOW))
        await self.store.decisions.claim(
            draft.id, 0, candidate.fingerprint, (account.name,), NOW - MINUTE
        )
        thread: tuple[Status, ...] = ()
        for number, text in enumerate(texts):
            if network is Network.MASTODON:
                status = Status(self.fediverse.commit(text)["id"], "https://m.example/1")
            else:
                key = f"draft-{draft.id}-{number}"
                status = await account.publish(Part(text, key, NOW, thread=thread))
            thread = (*thread, status)
            await self.store.decisions.posted(draft.id, number, status, text, NOW + number * HOUR)
        await self.store.decisions.mark_published(draft.id)
        found = await self.store.drafts.get(draft.id)
        assert found
        return found

    def answer(self, draft: Draft, *counts: object) -> None:
        """What the Mastodon says of a status from now on."""
        names = ("reblogs_count", "favourites_count", "replies_count")
        status = next(s for s in self.fediverse.statuses if s["id"] == draft.statuses[0].id)
        status |= dict(zip(names, counts, strict=True))

    async def rows(self) -> list[tuple[Any, ...]]:
        """Draft, days, state, counts."""
        return [
            tuple(row)
            for row in await self.store.database.rows(
                "SELECT draft_id, days, state, boosts, favourites, replies FROM echoes"
                " ORDER BY draft_id, days"
            )
        ]


@pytest_asyncio.fixture(loop_scope="module")
async def desk(network: Fediverse, server: FakePds, tmp_path: Path) -> AsyncIterator[Desk]:
    network.reset("mastodon")
    server.records.clear()
    server.echoes.clear()
    server.unindexed.clear()
    server.has_app = True
    async with Store.open(tmp_path / "bot.db") as store:
        desk = Desk(network, server, store)
        await desk.connect(ANN, Network.MASTODON)
        await desk.connect(BEN, Network.MASTODON)
        await desk.connect(CAT, Network.BLUESKY)
        yield desk


SAID: dict[str, tuple[dict[str, object], Echo]] = {  # what a server says of a status
    "all": ({"reblogs_count": 3, "favourites_count": 5, "replies_count": 1}, Echo(3, 5, 1)),
    "no replies": ({"reblogs_count": 0, "favourites_count": 2}, Echo(0, 2, None)),
    "null": (
        {"reblogs_count": None, "favourites_count": 2, "replies_count": None},
        Echo(None, 2, None),
    ),
    "nothing": ({}, Echo(None, None, None)),
    "nonsense": (
        {"reblogs_count": -1, "favourites_count": "many", "replies_count": {"a": 1}},
        Echo(None, None, None),
    ),
}


@pytest.mark.parametrize("family", ["mastodon", "gotosocial", "akkoma", "pixelfed", "sharkey"])
async def test_a_mastodon_says_what_came_of_a_status_or_what_it_knows_of_it(
    network: Fediverse, family: str
) -> None:
    network.reset(family)
    account = Mastodon(network.url, "token")
    for said, echo in SAID.values():
        number = network.commit("Fog.")["id"]
        network.statuses[-1] |= said
        assert await account.echo(Status(number, "")) == echo
    assert await account.echo(Status("404", "")) is None
    network.revoked.add("token")
    with pytest.raises(Refused, match="MASTODON_ACCESS_TOKEN"):
        await account.echo(Status("404", ""))


async def test_a_status_that_only_its_owner_sees_is_not_gone_when_the_token_is(
    network: Fediverse,
) -> None:
    """Pleroma and others take an ended token for nobody's, and nobody sees it: 404."""
    network.reset("akkoma")
    network.revoked.add("token")
    network.hides_from_strangers = True
    try:
        with pytest.raises(Refused):
            await Mastodon(network.url, "token").echo(Status(network.commit("Fog.")["id"], ""))
    finally:
        network.hides_from_strangers = False


async def test_bluesky_says_what_came_of_a_post_by_way_of_its_own_server(server: FakePds) -> None:
    home = Home(server.did(BSKY), BSKY, server.url, is_trusted=True)
    account = Bluesky(home, server.add_app_password(BSKY), pauses_s=(0.001,))
    status = await account.publish(Part("Fog.", "k", NOW))
    uri = f"at://{server.did(BSKY)}/app.bsky.feed.post/{status.id.split()[0]}"
    server.echoes[uri] = (2, 9)
    server.expire_tokens()
    assert await account.echo(status) == Echo(2, 9, 0)
    await account.publish(Part("And tea.", "k2", NOW, thread=(status,)))
    assert await account.echo(status) == Echo(2, 9, 1)
    server.unindexed.add(uri)
    with pytest.raises(Unavailable, match="does not show this post yet"):
        await account.echo(status)
    await account.delete(status)
    assert await account.echo(status) is None
    server.has_app = False
    with pytest.raises(Refused, match="No service configured"):
        await account.echo(status)
    server.has_app = True


async def test_counts_are_read_a_day_and_a_week_after_a_post_and_once(desk: Desk) -> None:
    posted = await desk.post(ANN)
    desk.answer(posted, 1, 2, 3)
    await desk.echoes.listen(NOW + DAY - MINUTE)
    assert await desk.rows() == []
    await desk.echoes.listen(NOW + DAY)
    desk.answer(posted, 4, 5, 6)
    desk.restart()
    await desk.echoes.listen(NOW + DAY + MINUTE)
    assert await desk.rows() == [(posted.id, 1, "read", 1, 2, 3)]
    await desk.echoes.listen(NOW + 7 * DAY)
    await desk.echoes.listen(NOW + 8 * DAY)
    first = (posted.id, 1, "read", 1, 2, 3)
    assert await desk.rows() == [first, (posted.id, 7, "read", 4, 5, 6)]
    assert desk.fediverse.asked.count(f"GET /api/v1/statuses/{posted.statuses[0].id}") == 2


async def test_each_network_is_asked_by_its_own_account(desk: Desk) -> None:
    on_mastodon = await desk.post(ANN)
    on_bluesky = await desk.post(CAT, network=Network.BLUESKY)
    desk.answer(on_mastodon, 1, 0, 0)
    (post,) = desk.pds.posts(BSKY)
    desk.pds.echoes[post["uri"]] = (0, 4)
    await desk.echoes.listen(NOW + DAY)
    assert await desk.rows() == [
        (on_mastodon.id, 1, "read", 1, 0, 0),
        (on_bluesky.id, 1, "read", 0, 4, 0),
    ]


@pytest.mark.parametrize("on", Network)
async def test_a_thread_counts_by_its_first_part_without_its_own_second(
    desk: Desk, on: Network
) -> None:
    owner = CAT if on is Network.BLUESKY else ANN
    thread = await desk.post(owner, ("Fog (1/2)", "Tea (2/2)"), network=on)
    if on is Network.MASTODON:
        desk.answer(thread, 1, 2, 3)
    await desk.echoes.listen(NOW + DAY)
    counts = (1, 2, 2) if on is Network.MASTODON else (0, 0, 0)
    assert await desk.rows() == [(thread.id, 1, "read", *counts)]


async def test_what_was_deleted_there_is_not_asked_for_again(desk: Desk) -> None:
    gone = await desk.post(ANN)
    undone = await desk.post(ANN)
    desk.fediverse.statuses.clear()
    await desk.store.decisions.mark_undone(undone.id, undone.state, NOW)
    await desk.echoes.listen(NOW + DAY)
    asked = len(desk.fediverse.asked)
    await desk.echoes.listen(NOW + 7 * DAY)
    assert await desk.rows() == [(gone.id, 1, "gone", None, None, None)]
    assert len(desk.fediverse.asked) == asked


async def test_a_server_that_is_away_is_asked_less_and_less_often_and_given_up(
    desk: Desk,
) -> None:
    posted = await desk.post(CAT, network=Network.BLUESKY)
    desk.pds.has_app, due = False, NOW + DAY
    pauses, now = [], due
    while True:
        asked = desk.pds.seen.count("getPosts")
        await desk.echoes.listen(now - MINUTE)
        assert desk.pds.seen.count("getPosts") == asked  # not before its time
        await desk.echoes.listen(now)
        assert desk.pds.seen.count("getPosts") == asked + 1
        (row,) = await desk.store.database.rows("SELECT again_at FROM echoes")
        if row["again_at"] is None:
            break
        again_at = datetime.fromisoformat(row["again_at"])
        pauses.append(again_at - now)
        now = again_at
        desk.restart()
    assert pauses[:4] == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE]
    assert pauses == sorted(pauses) and max(pauses) == 12 * HOUR
    assert now < due + UNTIL and len(pauses) < 12
    await desk.echoes.listen(due + UNTIL - MINUTE)
    assert desk.pds.seen.count("getPosts") == asked + 1
    assert await desk.rows() == [(posted.id, 1, "waiting", None, None, None)]
    desk.pds.has_app = True  # the week's count is another one
    await desk.echoes.listen(NOW + 7 * DAY)
    assert (await desk.rows())[1] == (posted.id, 7, "read", 0, 0, 0)


async def test_a_count_that_the_bot_was_away_for_is_not_made_up_for_later(desk: Desk) -> None:
    """A count of the fifth day is not what came in one: it would be held against others'."""
    await desk.post(ANN)
    await desk.echoes.listen(NOW + 5 * DAY)
    assert await desk.rows() == []


@pytest.mark.parametrize("how", ["revoked", "disconnected", "another account"])
async def test_an_account_that_is_gone_stops_nobody_else(desk: Desk, how: str) -> None:
    hers, his = await desk.post(ANN), await desk.post(BEN)
    desk.answer(his, 1, 1, 1)
    if how == "revoked":
        desk.fediverse.revoked.add(f"canary-token-{ANN}")
    else:
        await desk.store.accounts.disconnect(ANN, Network.MASTODON)
    if how == "another account":
        other = Connected(desk.fediverse.url, "@other", desk.vault.lock("canary-token-o"))
        await desk.store.accounts.connect(ANN, other, NOW)
    await desk.echoes.listen(NOW + DAY)
    waiting, read = (hers.id, 1, "waiting", None, None, None), (his.id, 1, "read", 1, 1, 1)
    assert await desk.rows() == [waiting, read]
    desk.fediverse.revoked.clear()
    await desk.connect(ANN, Network.MASTODON)
    desk.answer(hers, 2, 2, 2)
    await desk.echoes.listen(NOW + DAY + HOUR)
    assert await desk.rows() == [(hers.id, 1, "read", 2, 2, 2), read]


async def test_one_minute_reads_a_few_of_each_account_and_the_next_goes_on(desk: Desk) -> None:
    for _ in range(12):
        await desk.post(ANN)
    await desk.echoes.listen(NOW + DAY)
    assert len(await desk.rows()) == 10
    await desk.echoes.listen(NOW + DAY + MINUTE)
    assert len(await desk.rows()) == 12


async def test_counts_are_exported_and_forgotten_with_their_person(desk: Desk) -> None:
    hers, his = await desk.post(ANN), await desk.post(BEN)
    await desk.echoes.listen(NOW + DAY)
    exported = await export(desk.store.database, ANN)
    assert [row["draft_id"] for row in exported["echoes"]] == [hers.id]
    await erase(desk.store.database, ANN)
    assert [row[0] for row in await desk.rows()] == [his.id]


async def test_who_is_forgotten_while_a_server_answers_stays_forgotten(desk: Desk) -> None:
    await desk.post(ANN)
    desk.fediverse.slow_s = 0.1
    reading = asyncio.create_task(desk.echoes.listen(NOW + DAY))
    await asyncio.sleep(0.02)
    await erase(desk.store.database, ANN)
    await reading
    desk.fediverse.slow_s = 0
    assert await desk.rows() == []


async def test_no_error_of_a_server_gets_out(desk: Desk) -> None:
    """Whatever it answers, it is one of the bot's own errors, and is tried again."""
    posted = await desk.post(ANN)
    account = await desk.accounts.of(ANN, Network.MASTODON)
    for odd in ("[]", "null", '"x"', "{}", '{"id": "1"}', "<html>", ""):
        desk.fediverse.odd = odd
        with pytest.raises(BotError):
            await account.echo(posted.statuses[0])
    desk.fediverse.odd = None
