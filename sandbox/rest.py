"""The door of the REST API: reads a request, logs and validates it, finds its route, answers.

The routes themselves are in channels.py, applications.py and callbacks.py.
"""

import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.faults import Faults, InjectedFault
from sandbox.objects import Json
from sandbox.pulse import Pulse
from sandbox.rules import EMPTY_MESSAGE, INVALID_FORM, DiscordError

API = "/api/v10"

Answer = tuple[int, Any]  # status and JSON; None is an empty body
Validator = Callable[[str, str, Any, Mapping[str, str]], list[str]]
# Interaction calls carry their own token in the path instead of an Authorization header.
TOKEN_IN_PATH = ("/interactions/", "/webhooks/")


@dataclass(slots=True)
class Call:
    """One request of the bot, and its answer."""

    method: str
    path: str  # after /api/v10
    query: Mapping[str, str]
    json: Any  # the bot's body, parsed; None without a body
    files: list[tuple[str, bytes]]  # name and content of each uploaded file
    status: int | None = None  # None: no answer yet, or cut off
    answer: Any = None  # the JSON it got

    @property
    def body(self) -> Json:
        """The JSON object sent. Raises DiscordError if there is none."""
        if not isinstance(self.json, dict):
            raise DiscordError(400, 50109, "The request body contains invalid JSON.")
        return self.json


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path pattern, and the function that answers them."""

    method: str
    path: re.Pattern[str]
    answer: Callable[..., Answer]


_PARTS = {"{id}": r"(\d+)", "{token}": r"([^/]+)", "{emoji}": r"([^/]+)"}


def route(method: str, template: str, answer: Callable[..., Answer]) -> Route:
    """A route like `/channels/{id}/messages`; its ids become arguments, in order."""
    pattern = template
    for part, regex in _PARTS.items():
        pattern = pattern.replace(part, regex)
    return Route(method, re.compile(pattern), answer)


class Rest:
    """REST v10 as the bot sees it."""

    def __init__(
        self, token: str, routes: list[Route], validator: Validator | None, pulse: Pulse
    ) -> None:
        self.log: list[Call] = []
        self.violations: list[str] = []
        self.faults = Faults()
        self._token = token
        self._routes = routes
        self._validator = validator
        self._pulse = pulse

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        call = await _read(request)
        self.log.append(call)
        if self._validator:
            found = self._validator(call.method, call.path, call.json, call.query)
            self.violations += [f"{call.method} {call.path}: {what}" for what in found]
        fault = await self.faults.take(call.method, call.path)
        if fault and not fault.is_after_work:
            return _spoil(request, call, fault)
        try:
            self._authorize(request, call)
            call.status, call.answer = self._answer(call)
        except DiscordError as error:
            call.status, call.answer = error.status, error.body
            if error.code in (INVALID_FORM, EMPTY_MESSAGE):
                self.violations.append(f"{call.method} {call.path}: {json.dumps(call.answer)}")
        self._pulse.beat()
        if fault:
            return _spoil(request, call, fault)
        return _reply(call.status, call.answer, _bucket(call))

    def _authorize(self, request: web.Request, call: Call) -> None:
        if call.path.startswith(TOKEN_IN_PATH):
            return
        if request.headers.get("Authorization") != f"Bot {self._token}":
            raise DiscordError(401, 0, "401: Unauthorized")

    def _answer(self, call: Call) -> Answer:
        for candidate in self._routes:
            match = candidate.path.fullmatch(call.path)
            if match and candidate.method == call.method:
                return candidate.answer(call, *match.groups())
        self.violations.append(f"{call.method} {call.path}: the sandbox has no such route")
        raise DiscordError(404, 0, "404: Not Found")


async def _read(request: web.Request) -> Call:
    body, files = None, []
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue  # a form within a form, which Discord does not know
            if part.name == "payload_json":
                body = _parsed(await part.text())
            else:
                files.append((part.filename or "file", bytes(await part.read())))
    elif text := await request.text():
        body = _parsed(text)
    path = request.path.removeprefix(API)
    return Call(request.method, path, dict(request.query), body, files)


def _parsed(text: str) -> Any:  # Any: JSON
    try:
        return json.loads(text)
    except ValueError:
        return text  # no route takes a text, so the answer is "invalid JSON"


def _reply(
    status: int, body: object, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    # discord.py takes a 429 without Via for a Cloudflare ban, and JSON with a charset for text.
    all_headers = {"Via": "1.1 loopback", **(headers or {})}
    if body is None:
        return web.Response(status=status, headers=all_headers)
    raw = json.dumps(body).encode()
    return web.Response(
        status=status, headers=all_headers, body=raw, content_type="application/json"
    )


def _bucket(call: Call) -> Mapping[str, str]:
    """Rate-limit headers that never make the bot wait; a test sets limits with `rate_limit`."""
    if call.path.startswith("/interactions/"):
        return {}
    name = zlib.crc32(f"{call.method} {re.sub(r'[0-9]{15,}', 'id', call.path)}".encode())
    return {
        "X-RateLimit-Bucket": f"{name:08x}",
        "X-RateLimit-Limit": "1000",
        "X-RateLimit-Remaining": "999",
        "X-RateLimit-Reset": f"{time.time() + 1:.3f}",
        "X-RateLimit-Reset-After": "1.000",
    }


def _spoil(request: web.Request, call: Call, fault: InjectedFault) -> web.StreamResponse:
    call.status, call.answer = fault.status, fault.body
    if fault.status is None and request.transport:
        request.transport.abort()
    return _reply(fault.status or 500, fault.body, fault.headers)
