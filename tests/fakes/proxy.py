"""A proxy in front of a server: the faults that a server itself cannot show.

`fault` answers a coming request that matches: "drop" forwards it and cuts the line before the
answer gets back; a whole number answers with that HTTP status and forwards nothing; another number
forwards after that many seconds; "garbage" forwards and answers nonsense; "late" answers 504 at
once and forwards `late_s` later. `strip` are request headers that the server never sees; `hidden`
is a word whose statuses are left out of the lists.
"""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Self

from aiohttp import ClientSession, web

from tests.fakes.loopback import listen


@dataclass
class Fault:
    """What happens to `times` requests of this method and path prefix, after `skip` of them."""

    method: str
    path: str
    do: str | float
    times: int = 1
    skip: int = 0


@dataclass
class Proxy:
    """`async with Proxy(target) as proxy:`; `proxy.url` stands for the target."""

    target: str
    strip: tuple[str, ...] = ()
    hidden: str = ""
    late_s: float = 1.0
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, method: str, path: str, do: str | float, times: int = 1, skip: int = 0) -> None:
        """Arrange a fault."""
        self.faults.append(Fault(method, path, do, times, skip))

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{tail:.*}", self._forward)
        self._session = ClientSession(auto_decompress=False)
        self._late = set[asyncio.Task[object]]()
        self._runner, self.url = await listen(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self._late)
        await self._runner.cleanup()
        await self._session.close()

    async def _forward(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.path))
        do = self._due(request)
        if isinstance(do, int):
            return web.json_response({"error": "told to fail"}, status=do)
        if isinstance(do, float):
            await asyncio.sleep(do)
        drop = {"host", "content-length", *(h.lower() for h in self.strip)}
        headers = {k: v for k, v in request.headers.items() if k.lower() not in drop}
        url, data = self.target + request.path_qs, await request.read()
        if do == "late":
            self._late.add(asyncio.create_task(self._send_late(request, headers, data)))
            return web.json_response({"error": "504 Gateway Timeout"}, status=504)
        async with self._session.request(request.method, url, headers=headers, data=data) as answer:
            body = await answer.read()
        if do == "drop" and request.transport:  # whoever asked may be gone already
            request.transport.abort()
        if do == "garbage":
            return web.Response(body=b"<html>It works!</html>", content_type="text/html")
        kept = {
            k: v
            for k, v in answer.headers.items()
            if k.lower() not in ("transfer-encoding", "content-length", "connection")
        }
        if self.hidden and request.method == "GET" and request.path.endswith("/statuses"):
            shown = [s for s in json.loads(body) if self.hidden not in s["content"]]
            body = json.dumps(shown).encode()
        return web.Response(status=answer.status, headers=kept, body=body)

    async def _send_late(self, request: web.Request, headers: dict[str, str], data: bytes) -> None:
        await asyncio.sleep(self.late_s)
        url = self.target + request.path_qs
        async with self._session.request(request.method, url, headers=headers, data=data) as answer:
            await answer.read()

    def _due(self, request: web.Request) -> str | float | None:
        for fault in self.faults:
            hit = fault.method == request.method and request.path.startswith(fault.path)
            if hit and fault.skip:
                fault.skip -= 1
            elif hit and fault.times:
                fault.times -= 1
                return fault.do
        return None
