"""The loopback Bluesky answers as the real server does; and the bot posts to the real one.

Most of it needs the real server, which `make test-pds` installs.
"""

import json
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.draft import Echo
from bot.errors import Refused, Unavailable
from bot.posting.bluesky import Bluesky
from bot.posting.bluesky_identity import Identities
from bot.posting.bluesky_record import length, record, record_key
from bot.posting.target import Part
from sandbox.pds import LoopbackPds
from tests.fakes.loopback import listen
from tests.fakes.real_pds import HERE, MISSING, is_installed, real_pds
from trainer.archives import open_archives
from trainer.archives.post import Post

needs_the_server = pytest.mark.skipif(not is_installed(), reason=MISSING)
NOW = datetime(2026, 11, 30, 9, 0, 0, 123456, tzinfo=UTC)
SERVER, REPO = "com.atproto.server.", "com.atproto.repo."
POST = "app.bsky.feed.post"


class Asking:
    """Asks a server, and keeps of each answer what a bot can see."""

    def __init__(self, http: ClientSession, url: str, did: str, app: str) -> None:
        self.http, self.url, self.did, self.app = http, url, did, app
        self.access = self.refresh = ""

    async def ask(
        self, method: str, body: Any = None, token: str = "", **query: str | list[str]
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url, kind = f"{self.url}/xrpc/{method}", "GET" if body is None else "POST"
        more = {"json": body} if body else {}
        async with self.http.request(kind, url, params=query, headers=headers, **more) as answer:
            said = json.loads(await answer.text() or "{}")
        if answer.status != 200:
            return answer.status, said["error"]
        self.access = said.get("accessJwt", self.access)
        self.refresh = said.get("refreshJwt", self.refresh)
        return answer.status, sorted(set(said) & SEEN)

    async def put(self, text: str, key: str, **more: Any) -> Any:
        body = {"repo": self.did, "collection": POST, "rkey": key, "record": record(text, NOW)}
        return await self.ask(f"{REPO}putRecord", body | more, self.access)

    async def get(self, key: str) -> Any:
        return await self.ask(f"{REPO}getRecord", repo=self.did, collection=POST, rkey=key)


SEEN = {
    *("accessJwt", "refreshJwt", "did", "handle", "active", "uri", "cid", "commit", "value"),
    *("passwords", "didDoc", "records", "cursor"),
}


async def _talk(a: Asking) -> list[Any]:
    """All that the bot ever asks, and what goes wrong of it."""
    first, second = record_key("a", NOW, 0), record_key("b", NOW, 1)
    null = {"swapRecord": None}
    who = {"identifier": a.did}
    delete = {"repo": a.did, "collection": POST, "rkey": first}
    said = [
        await a.ask("com.atproto.identity.resolveHandle", handle="ann.test"),
        await a.ask("com.atproto.identity.resolveHandle", handle="nobody.test"),
        await a.ask(f"{REPO}describeRepo", repo="ann.test"),
        await a.ask(f"{SERVER}createSession", who | {"password": "wrong"}),
        await a.ask(f"{SERVER}createSession", who | {"password": a.app}),
        await a.ask(f"{SERVER}getSession", token=a.access),
        await a.ask(f"{SERVER}getSession", token="nonsense"),
        await a.ask(f"{SERVER}getSession"),
        await a.get(first),
        await a.put("Fog.", first, **null),
        await a.put("Fog.", first, **null),
        await a.put("Tea.", first, **null),
        await a.get(first),
        await a.ask(
            "app.bsky.feed.getPosts", token=a.access, uris=[f"at://{a.did}/{POST}/{first}"]
        ),
        await a.ask(f"{REPO}listRecords", repo=a.did, collection=POST, limit="1"),
        await a.ask(f"{REPO}listRecords", repo=a.did, collection=POST, cursor="2"),
        await a.put("Tea.", first),
        await a.put("x" * 301, second, **null),
        await a.put("👩‍👩‍👧‍👦" * 121, second, **null),
        await a.put("Fog.", "no-key", **null),
        await a.ask(f"{REPO}deleteRecord", delete, a.access),
        await a.ask(f"{REPO}deleteRecord", delete, a.access),
        await a.ask(f"{SERVER}refreshSession", {}, a.refresh),
        await a.ask(f"{SERVER}listAppPasswords", token=a.access),
        await a.ask(f"{SERVER}revokeAppPassword", {"name": "write-my-posts"}, a.access),
        await a.ask(f"{SERVER}createSession", who | {"password": a.app}),
        await a.ask(f"{SERVER}refreshSession", {}, a.refresh),
        await a.put("Late.", second, **null),  # the old token works on for two hours
    ]
    return list(enumerate(said))


def test_a_server_half_installed_or_of_another_version_is_installed_anew(tmp_path: Path) -> None:
    """What was broken off has its packages, but no compiled database."""
    (tmp_path / "node_modules" / "@atproto" / "pds").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "node").touch()
    assert not is_installed(tmp_path)
    shutil.copy(HERE / "package.json", tmp_path / "installed.json")
    assert is_installed(tmp_path)
    (tmp_path / "installed.json").write_text("{}")
    assert not is_installed(tmp_path)


@pytest.fixture
async def real() -> AsyncIterator[dict[str, Any]]:
    async with real_pds() as found:
        yield found


@needs_the_server
async def test_the_loopback_server_answers_as_the_real_one(real: dict[str, Any]) -> None:
    async with LoopbackPds({"ann.test": "main-password"}) as ours, ClientSession() as http:
        ann = real["accounts"]["ann.test"]
        theirs = await _talk(Asking(http, real["url"], ann["did"], ann["app"]))
        app, ours.has_app = ours.add_app_password("ann.test"), False
        assert await _talk(Asking(http, ours.url, ours.did("ann.test"), app)) == theirs


@needs_the_server
async def test_a_thread_stands_on_the_real_server_and_in_its_export(
    real: dict[str, Any], tmp_path: Path
) -> None:
    ben, url = real["accounts"]["ben.test"], real["url"]
    account = Bluesky("ben.test", ben["app"], Identities(frozenset({url})), (0.1,))
    assert await account.verify() == "@ben.test"
    text = "🇩🇪 今日は @ann.test と #読書: https://example.org/x?y=1#z (1/2)"
    first = await account.publish(Part(text, "k-0", NOW))
    assert await account.publish(Part(text, "k-0", NOW)) == first
    second = await account.publish(Part("👩‍👩‍👧‍👦" * 120, "k-1", NOW, thread=(first,)))
    assert length("👩‍👩‍👧‍👦" * 120) == 300
    assert (await account.look(Part("", "k-1", NOW, thread=(first,)))).found == second
    with pytest.raises(Refused, match="301"):
        await account.publish(Part("x" * 301, "k-2", NOW))
    export = f"{url}/xrpc/com.atproto.sync.getRepo"
    async with ClientSession() as http, http.get(export, params={"did": ben["did"]}) as answer:
        (tmp_path / "repo.car").write_bytes(await answer.read())
    [(archive, _, _)] = open_archives(tmp_path / "repo.car")
    kinds = {post.text: post.kind for post in archive.posts() if isinstance(post, Post)}
    assert kinds == {text: "original", "👩‍👩‍👧‍👦" * 120: "self_reply"}
    for status in (second, first, first):
        await account.delete(status)
    assert (await account.look(Part(text, "k-0", NOW))).found is None
    with pytest.raises(Refused, match="not accept"):
        await Bluesky("ben.test", "wrong", Identities(frozenset({url}))).verify()
    with pytest.raises(Refused, match="not an app password"):
        await Bluesky("ben.test", "main-password", Identities(frozenset({url}))).verify()
    assert await account.revoke()


@needs_the_server
async def test_what_came_of_a_post_is_asked_of_the_app_by_way_of_the_real_server() -> None:
    """An app password may ask so; each address stands alone in the query, and the token stays."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        counts = {"repostCount": 2, "likeCount": 9, "replyCount": 1}
        posts = [{"uri": uri, "cid": "x", **counts} for uri in request.query.getall("uris")]
        return web.json_response({"posts": posts[: len(asked) % 2]})  # the second time it is none

    app = web.Application()
    app.router.add_get("/xrpc/app.bsky.feed.getPosts", answer)
    runner, app_url = await listen(app)
    async with real_pds(app_url) as real:
        ben = real["accounts"]["ben.test"]
        account = Bluesky("ben.test", ben["app"], Identities(frozenset({real["url"]})), (0.1,))
        status = await account.publish(Part("Fog.", "k-0", NOW))
        assert await account.echo(status) == Echo(2, 9, 1)
        with pytest.raises(Unavailable, match="does not show this post yet"):
            await account.echo(status)
        await account.delete(status)
        await account.echo(status)
        assert await account.echo(status) is None
        uri = f"at://{ben['did']}/{POST}/{status.id.split()[0]}"
        assert [r.query.getall("uris") for r in asked] == [[uri]] * 4
        assert account._access not in str(asked[0].headers)
    await runner.cleanup()
