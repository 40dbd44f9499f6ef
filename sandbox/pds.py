"""A Bluesky server on loopback, as far as a bot that posts can tell it from a real one.

Holds accounts, app passwords and posts in memory. tests/test_pds.py holds it to the real server.
"""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Self

import grapheme
from aiohttp import web

_Answer = tuple[int, dict[str, Any]]
_POSTS = "app.bsky.feed.post"
_KEY = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_SERVER, _REPO = "com.atproto.server.", "com.atproto.repo."
_WRONG = "Invalid identifier or password"


class LoopbackPds:
    """One server with its accounts. `async with LoopbackPds({"ann.test": "main-password"})`."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        """`accounts`: the main password of each handle."""
        self.url = ""
        self.handles = {_did(handle): handle for handle in accounts}
        self.main = {_did(handle): password for handle, password in accounts.items()}
        self.app: dict[str, dict[str, str]] = {did: {} for did in self.handles}
        self.records: dict[tuple[str, str], dict[str, Any]] = {}  # by DID and key, oldest first
        self.deactivated: set[str] = set()
        # what the app says of posts, which a server passes on: reposts and likes, by uri
        self.echoes: dict[str, tuple[int, int]] = {}
        self.unindexed: set[str] = set()  # uris of posts that it has not seen yet
        self.has_app = True
        self._tokens: dict[str, tuple[str, str, str]] = {}  # token: DID, its use, its scope
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner | None = None

    def did(self, handle: str) -> str:
        """The lasting name of an account."""
        return _did(handle)

    def add_app_password(self, handle: str, name: str = "write-my-posts") -> str:
        """Make an app password, as the settings of the app do."""
        digits = hashlib.sha256(f"{handle} {name} {next(self._numbers)}".encode()).hexdigest()
        made = "-".join(digits[i : i + 4] for i in range(0, 16, 4)).translate(_LETTERS)
        self.app[_did(handle)][name] = made
        return made

    def expire_tokens(self, use: str = "access") -> None:
        """Let every token of a use run out, as two hours do."""
        for token, (did, its, scope) in self._tokens.items():
            if its == use:
                self._tokens[token] = (did, "expired", scope)

    def posts(self, handle: str) -> list[dict[str, Any]]:
        """The posts of an account, oldest first: uri, cid and value."""
        did = _did(handle)
        return [found for (owner, _), found in self.records.items() if owner == did]

    async def __aenter__(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one."""
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._take)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        async def answer() -> web.Response:
            status, said = await self._answer(request)
            return web.json_response(said, status=status)

        return await self.respond(request, answer)

    async def respond(
        self, request: web.Request, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.StreamResponse:
        """_Answer a request; a server with bad habits does it otherwise."""
        return await answer()

    async def _answer(self, request: web.Request) -> _Answer:
        path = request.path.removeprefix("/xrpc/")
        if (did := request.path.removeprefix("/")) in self.handles:
            return 200, self._document(did)
        body: dict[str, Any] = dict(request.query)
        if request.method == "POST" and request.can_read_body:
            body = await request.json()
        if "uris" in request.query:
            body["uris"] = request.query.getall("uris")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        match path:
            case "com.atproto.identity.resolveHandle":
                found = body.get("handle") in self.handles.values()
                if found:
                    return 200, {"did": _did(body["handle"])}
                return _no("Unable to resolve handle", "HandleNotFound")
            case "com.atproto.repo.describeRepo":
                return self._describe(body.get("repo", ""))
            case "com.atproto.repo.getRecord":
                return self._get(body)
            case "com.atproto.repo.listRecords":
                return self._list(body)
            case "com.atproto.server.createSession":
                return self._sign_in(body)
            case "com.atproto.server.refreshSession" | "com.atproto.server.deleteSession":
                return self._end(token, is_renewed=path.endswith("refreshSession"))
            case "app.bsky.feed.getPosts" if not self.has_app:
                return _no(f"No service configured for {path}")
        return self._as_somebody(path, body, token)

    def _as_somebody(self, path: str, body: dict[str, Any], token: str) -> _Answer:
        if not token:
            return _no("Authentication Required", "AuthMissing", 401)
        did, use, _ = self._tokens.get(token, ("", "", ""))
        if use != "access":
            is_old = use == "expired"
            said = "Token has expired" if is_old else "Token could not be verified"
            return _no(said, "ExpiredToken" if is_old else "InvalidToken")
        match path:
            case "com.atproto.server.getSession":
                return 200, self._account(did)
            case "com.atproto.server.listAppPasswords":
                created = "2026-11-30T00:00:00.000Z"
                names = [{"name": name, "createdAt": created} for name in self.app[did]]
                return 200, {"passwords": names}
            case "com.atproto.server.revokeAppPassword":
                self.app[did].pop(body["name"], None)
                return 200, {}
            case "app.bsky.feed.getPosts":
                return self._views(body.get("uris", []))
        if body.get("repo") not in (did, self.handles[did]):
            return _no("Invalid repo", "InvalidRequest")
        if did in self.deactivated:
            return _no("Account is deactivated", "AccountDeactivated", 401)
        if path == f"{_REPO}putRecord":
            return self._put(did, body)
        if path == f"{_REPO}deleteRecord":
            was = self.records.pop((did, body["rkey"]), None)
            return 200, {"commit": self._commit()} if was else {}
        return _no("XRPCNotSupported", "MethodNotImplemented", 501)

    def _put(self, did: str, body: dict[str, Any]) -> _Answer:
        key, record = body["rkey"], body["record"]
        if fault := _fault(key, record):
            return _no(fault)
        uri, cid = f"at://{did}/{body['collection']}/{key}", _cid(record)
        was = self.records.get((did, key))
        said = {"uri": uri, "cid": cid, "validationStatus": "valid"}
        if was and was["cid"] == cid:
            return 200, said
        if was and "swapRecord" in body and body["swapRecord"] != was["cid"]:
            return _no(f"Record was at {was['cid']}", "InvalidSwap")
        self.records[did, key] = {"uri": uri, "cid": cid, "value": record}
        return 200, said | {"commit": self._commit()}

    def _get(self, query: dict[str, Any]) -> _Answer:
        did = query["repo"]
        if did not in self.handles or did in self.deactivated:
            return _no(f"Could not find repo: {did}", "RepoNotFound")
        uri = f"at://{did}/{query['collection']}/{query['rkey']}"
        if found := self.records.get((did, query["rkey"])):
            return 200, found
        return _no(f"Could not locate record: {uri}", "RecordNotFound")

    def _list(self, query: dict[str, Any]) -> _Answer:
        did = query["repo"]
        if did not in self.handles or did in self.deactivated:
            return _no(f"Could not find repo: {did}")
        keys = sorted((key for owner, key in self.records if owner == did), reverse=True)
        older = [key for key in keys if key < query.get("cursor", "~")]
        page = [self.records[did, key] for key in older[: int(query.get("limit", 50))]]
        return 200, {"records": page} | ({"cursor": older[len(page) - 1]} if page else {})

    def _views(self, uris: list[str]) -> _Answer:
        """The posts as the app shows them; those it does not know are left out."""
        if not 0 < len(uris) <= 25:
            return _no("Error: uris must have 1 to 25 elements")
        found = [p for p in self.records.values() if p["uri"] in {*uris} - self.unindexed]
        return 200, {"posts": [self._view(post) for post in found]}

    def _view(self, post: dict[str, Any]) -> dict[str, Any]:
        did, (reposts, likes) = post["uri"].split("/")[2], self.echoes.get(post["uri"], (0, 0))
        parents = [p["value"].get("reply", {}).get("parent", {}) for p in self.records.values()]
        return {
            "uri": post["uri"],
            "cid": post["cid"],
            "author": {"did": did, "handle": self.handles[did]},
            "record": post["value"],
            "repostCount": reposts,
            "likeCount": likes,
            "replyCount": sum(parent.get("uri") == post["uri"] for parent in parents),
            "indexedAt": post["value"]["createdAt"],
        }

    def _sign_in(self, body: dict[str, Any]) -> _Answer:
        named = body.get("identifier")
        did = next((d for d, h in self.handles.items() if named in (d, h)), "")
        password = body.get("password")
        if did and password == self.main[did]:
            return 200, self._session(did, "com.atproto.access")
        if did and password in self.app[did].values():
            return 200, self._session(did, "com.atproto.appPass")
        return _no(_WRONG, "AuthenticationRequired", 401)

    def _end(self, token: str, *, is_renewed: bool) -> _Answer:
        did, use, scope = self._tokens.get(token, ("", "", ""))
        if use != "refresh" or (scope != "com.atproto.access" and not self.app[did]):
            return _no("Token has been revoked", "ExpiredToken")
        return 200, self._session(did, scope) if is_renewed else {}

    def _session(self, did: str, scope: str) -> dict[str, Any]:
        made = {}
        for use in ("access", "refresh"):
            payload = {"scope": scope, "sub": did, "jti": next(self._numbers), "use": use}
            middle = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
            made[f"{use}Jwt"] = f"eyJhbGciOiJIUzI1NiJ9.{middle}.c2lnbmVk"
            self._tokens[made[f"{use}Jwt"]] = (did, use, scope)
        return self._account(did) | made

    def _account(self, did: str) -> dict[str, Any]:
        active = did not in self.deactivated
        status = {} if active else {"status": "deactivated"}
        return {"did": did, "handle": self.handles[did], "active": active, **status}

    def _describe(self, named: str) -> _Answer:
        for did, handle in self.handles.items():
            if named in (did, handle):
                document = self._document(did)
                said = {"handle": handle, "did": did, "didDoc": document, "collections": [_POSTS]}
                return 200, said | {"handleIsCorrect": True}
        return _no(f"Could not find user: {named}")

    def _document(self, did: str) -> dict[str, Any]:
        server = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer"}
        return {
            "id": did,
            "alsoKnownAs": [f"at://{self.handles[did]}"],
            "service": [server | {"serviceEndpoint": self.url}],
        }

    def _commit(self) -> dict[str, str]:
        return {"cid": _cid({"n": next(self._numbers)}), "rev": "3mxyzxyzxyz2a"}


_LETTERS = str.maketrans("0189", "wxyz")


def _no(message: str, kind: str = "InvalidRequest", status: int = 400) -> _Answer:
    return status, {"error": kind, "message": message}


def _did(handle: str) -> str:
    digest = hashlib.sha256(handle.encode()).digest()
    return f"did:plc:{base64.b32encode(digest).decode().lower()[:24]}"


def _cid(record: object) -> str:
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).digest()
    return f"bafyrei{base64.b32encode(digest).decode().lower().rstrip('=')}"


def _fault(key: str, record: Mapping[str, Any]) -> str:
    """What a real server refuses of a key or a record; empty if nothing."""
    text = record.get("text")
    if not _KEY.fullmatch(key):
        return "Invalid record key: expected TID"
    if not isinstance(text, str):
        return 'Invalid app.bsky.feed.post record: Missing required key "text"'
    if (count := grapheme.length(text)) > 300:
        return f"grapheme too big (maximum 300, got {count}) at $.record.text"
    if (size := len(text.encode())) > 3000:
        return f"string too big (maximum 3000, got {size}) at $.record.text"
    try:
        zone = datetime.fromisoformat(str(record.get("createdAt"))).tzinfo
    except ValueError:
        zone = None
    return "" if zone else "Invalid datetime at $.record.createdAt"
