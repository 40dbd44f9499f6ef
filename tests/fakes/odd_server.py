"""A loopback server that gives a test's answer, however odd, at every address."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.loopback import listen

HUGE_MB = 100


@dataclass
class OddServer:
    """`async with OddServer() as server:`; `said` is by the beginning of the address."""

    said: dict[str, Any] = field(default_factory=dict)  # Any: anything that JSON can say
    status: int = 200
    body: bytes | None = None  # instead of JSON
    headers: dict[str, str] = field(default_factory=dict)
    huge: bool = False  # 100 MB, whatever is asked for
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def __aenter__(self) -> "OddServer":
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner, self.url = await listen(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if self.huge:
            return await self._huge(request)
        found = max((p for p in self.said if request.path.startswith(p)), key=len, default=None)
        body = json.dumps(self.said[found]).encode() if found else b"{}"
        headers = {"Content-Type": "application/json"} | self.headers
        return web.Response(status=self.status, body=self.body or body, headers=headers)

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        piece = b'{"a":"' + b"x" * (1 << 20)
        with suppress(ConnectionError):  # they have had enough
            for _ in range(HUGE_MB):
                await response.write(piece)
        return response
