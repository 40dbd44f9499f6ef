"""A loopback server that speaks as each family of servers does, and fails as each does.

Instance answers, paths with a slash behind, lengths, languages, Idempotency-Keys, lists and counts
are those of the real ones (sources in bot/posting/families.py). `plan` says what becomes of the
coming posts, one after the other: "late" answers 504 and commits after `late_s`; "drop" commits and
cuts the line; "lost" cuts it and commits nothing; "500" commits and answers 500; other numbers are
answered, and nothing is committed.
"""

import asyncio
import html
import itertools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from aiohttp import web

from bot.posting import families
from bot.writing.thread import status_length
from tests.fakes.loopback import listen

Json = dict[str, Any]
_STATUSES: Json = {"max_characters": 500}
_V2: Json = {"domain": "m.example", "configuration": {"statuses": _STATUSES}}


@dataclass(frozen=True, slots=True)
class Kind:
    """What sets one family apart."""

    v2: Json | None
    v1: Json | None = None
    limit: int = 500
    length: Callable[[str, str], int] = status_length
    too_long: int = 422
    slash: int = 200  # what a path with a slash behind it is answered with
    knows_key: bool = True
    has_source: bool = True
    has_history: bool = True
    hides_filtered: bool = False  # the owner's filters hide their own posts from themselves
    languages: Collection[str] = ()  # all that are taken; empty: any
    counted: Collection[str] = ("public", "unlisted", "private")
    page: int = 40  # the most statuses that a list gives at once
    programs: bool = True  # a status names the program that posted it


KINDS = {
    "mastodon": Kind(_V2 | {"version": "4.5.0"}),
    "glitch": Kind(_V2 | {"version": "4.5.0-alpha.1+glitch", "max_toot_chars": 500}),
    "gotosocial": Kind(
        _V2
        | {
            "version": "0.20.0+git-57cb4fe",
            "source_url": "https://codeberg.org/superseriousbusiness/gotosocial",
        },
        length=families.code_points,
        too_long=400,
        slash=301,
        knows_key=False,
        hides_filtered=True,
        languages=("en", "de", "hi", "ja"),
        counted=("public", "unlisted", "private", "direct"),
    ),
    "akkoma": Kind(
        None,
        {"version": "2.7.2 (compatible; Akkoma 3.15.2)", "max_toot_chars": 5000, "pleroma": {}},
        limit=5000,
        length=families.letters,
        counted=("public", "unlisted"),
    ),
    "pixelfed": Kind(
        None,
        {
            "version": "3.5.3 (compatible; Pixelfed 0.12.5)",
            "configuration": {"statuses": {"max_characters": 1500}},
        },
        limit=1500,
        length=families.code_points,
        knows_key=False,
        has_source=False,
        has_history=False,
        page=20,
        programs=False,
    ),
    "sharkey": Kind(
        None,
        {
            "version": "3.0.0 (compatible; Sharkey 2025.4.2)",
            "configuration": {"statuses": {"max_characters": 3000}},
        },
        limit=3000,
        length=families.utf16_units,
        slash=404,
        knows_key=False,
        counted=(),
        programs=False,
    ),
    "fedibird": Kind(
        None,
        {"version": "0.1", "fedibird_capabilities": ["emoji_reaction"], "max_toot_chars": 500},
        has_source=False,
    ),
    "friendica": Kind(
        _V2
        | {"version": "2.8.0 (compatible; Friendica 2024.12)"}
        | {"configuration": {"statuses": {"max_characters": 200000}}},
        limit=200000,
        length=families.code_points,
        knows_key=False,
        counted=(),
    ),
    "silent": Kind(None, None, knows_key=False, has_source=False, slash=404, programs=False),
}


@dataclass
class Fediverse:
    """`async with Fediverse("gotosocial") as server:`; `server.statuses` is what was committed."""

    name: str = "mastodon"
    late_s: float = 0.0
    slow_s: float = 0.0  # before each answer
    clock: timedelta = timedelta()  # its clock, ahead of ours
    plan: list[str] = field(default_factory=list)
    hidden: str = ""  # a word of the owner's filter
    lags: int = 0  # so many newest statuses are not in its lists yet
    statuses: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)  # tokens
    hides_from_strangers: bool = False  # an ended token is nobody's, and nobody sees a status
    odd: str | None = None  # what it answers about one status
    url: str = ""

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    async def __aenter__(self) -> Self:
        self._ids, self._late = itertools.count(101), set[asyncio.Task[None]]()
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner, self.url = await listen(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.committed()
        await self._runner.cleanup()

    async def committed(self) -> None:
        """Wait for what is still to be committed."""
        await asyncio.gather(*self._late)

    def reset(self, name: str) -> None:
        """Another server, without statuses and faults."""
        self.name, self.late_s, self.clock, self.hidden, self.lags = name, 0.0, timedelta(), "", 0
        self.plan.clear()
        self.statuses.clear()
        self.asked.clear()
        self.revoked.clear()

    @property
    def texts(self) -> list[str]:
        """What stands on the account, newest first."""
        return [status["text"] for status in reversed(self.statuses)]

    def posts(self) -> int:
        """How often a status was sent."""
        return self.asked.count("POST /api/v1/statuses")

    def commit(self, text: str, visibility: str = "public", program: str = "Web") -> Json:
        """Put a status on the account, as another program of its owner does."""
        number = str(next(self._ids))
        status: Json = {
            "id": number,
            "url": f"https://m.example/@ann/{number}",
            "uri": f"https://m.example/users/ann/statuses/{number}",
            "created_at": (datetime.now(UTC) + self.clock).isoformat(),
            "content": _markup(text),
            "text": text,
            "visibility": visibility,
            "history": [_markup(text)],
        }
        if self.kind.programs:
            status["application"] = {"name": program}
        self.statuses.append(status)
        return status

    def edit(self, text: str) -> None:
        """The owner changes the newest status."""
        now = datetime.now(UTC).isoformat()
        status = self.statuses[-1]
        status |= {"text": text, "content": _markup(text), "edited_at": now}
        status["history"].append(_markup(text))

    async def _answer(self, request: web.Request) -> web.Response:
        path, kind = request.path, self.kind
        await asyncio.sleep(self.slow_s)
        if path.endswith("/"):
            if kind.slash == 301:
                return web.Response(status=301, headers={"Location": path[:-1]})
            path = path[:-1] if kind.slash == 200 else path
        self.asked.append(f"{request.method} {path}")
        said = kind.v2 if path == "/api/v2/instance" else kind.v1
        if path in ("/api/v1/instance", "/api/v2/instance") and said:
            return web.json_response(said)
        is_nobody = request.headers.get("Authorization", "")[7:] in self.revoked
        if is_nobody and not (self.hides_from_strangers and "/statuses/" in path):
            return web.json_response({"error": "The access token was revoked"}, status=401)
        if path == "/api/v1/accounts/verify_credentials":
            count = sum(status["visibility"] in kind.counted for status in self.statuses)
            return web.json_response({"id": "7", "acct": "ann", "statuses_count": count})
        if path == "/api/v1/accounts/7/statuses":
            return web.json_response(self._page(request))
        if path == "/api/v1/statuses" and request.method == "POST":
            return await self._post(request)
        found = re.fullmatch(r"/api/v1/statuses/(\d+)(/source|/history)?", path)
        if found and self.odd is not None and not found[2]:
            return web.Response(text=self.odd, content_type="application/json")
        if found and not is_nobody:
            return self._status(request.method, found)
        return web.json_response({"error": "Not implemented"}, status=404)

    def _page(self, request: web.Request) -> list[Json]:
        shown = list(reversed(self.statuses))[self.lags :]
        if self.hidden and self.kind.hides_filtered:
            shown = [status for status in shown if self.hidden not in status["text"]]
        limit = min(int(request.query.get("limit", 20)), self.kind.page)
        last = int(request.query.get("max_id", 1 << 40))
        return [status for status in shown if int(status["id"]) < last][:limit]

    def _status(self, method: str, found: re.Match[str]) -> web.Response:
        status = next((s for s in self.statuses if s["id"] == found[1]), None)
        if status and method == "DELETE":
            self.statuses.remove(status)
            return web.json_response(status)
        if status and not found[2]:
            return web.json_response(status)
        if status and found[2] == "/source" and self.kind.has_source:
            return web.json_response({"id": status["id"], "text": status["text"]})
        if status and found[2] == "/history" and self.kind.has_history:
            return web.json_response([{"content": text} for text in status["history"]])
        return web.json_response({"error": "Record not found"}, status=404)

    async def _post(self, request: web.Request) -> web.Response:
        form, kind = await request.post(), self.kind
        text, warning = str(form["status"]), str(form.get("spoiler_text", ""))
        visibility, language = str(form.get("visibility", "public")), str(form.get("language", ""))
        if kind.length(text, warning) > kind.limit:
            return web.json_response({"error": "it exceeds the limit"}, status=kind.too_long)
        if language and kind.languages and language not in kind.languages:
            return web.json_response({"error": f"invalid language tag: {language}"}, status=400)
        key = request.headers.get("Idempotency-Key") if kind.knows_key else None
        twin = next((s for s in self.statuses if key and s.get("key") == key), None)
        do = self.plan.pop(0) if self.plan else "ok"
        if do == "late":
            self._late.add(asyncio.create_task(self._commit_late(text, visibility, key)))
            return web.json_response({"error": "504 Gateway Timeout"}, status=504)
        if do in ("ok", "drop", "500"):
            status = twin or self.commit(text, visibility, "write-my-posts") | {}
            if not twin:
                self.statuses[-1]["key"] = key
        if do in ("drop", "lost") and request.transport:
            request.transport.abort()
        if do.isdigit():
            return web.json_response({"error": "told to fail"}, status=int(do))
        return web.json_response(status if do in ("ok", "drop") else {})

    async def _commit_late(self, text: str, visibility: str, key: str | None) -> None:
        await asyncio.sleep(self.late_s)
        self.commit(text, visibility, "write-my-posts")["key"] = key  # known from here on only


def _markup(text: str) -> str:
    """The text as HTML, links as Mastodon has them."""
    linked = re.sub(
        r"(https?://)(\S{1,20})(\S*)",
        r'<a href="\g<0>"><span class="invisible">\1</span><span class="ellipsis">\2</span>'
        r'<span class="invisible">\3</span></a>',
        html.escape(text, quote=False),
    )
    return "".join(f"<p>{piece}</p>" for piece in linked.split("\n\n")).replace("\n", "<br>")
