"""A wire in front of a server, with its faults: refused, silent, cut, garbled, endless.

Raw sockets: no HTTP library would send such answers. `cut`, `garbage` and `endless` let the server
do its work first, and spoil only its answer: the client does not know the outcome.
"""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Fault = Literal[
    "refused", "DNS failure", "hang", "cut mid-answer", "401", "403", "404", "422",
    "429 with Retry-After", "429 without Retry-After", "500", "502", "503",
    "garbage", "endless answer", "full disk", "locked database", "corrupt database",
]  # fmt: skip
Dialect = Literal["Discord", "Mastodon", "LLM server"]

NO_SUCH_HOST = "http://no-such-name.invalid:8350"  # RFC 2606: it never resolves
RETRY_AFTER_S = 0.2
TRICKLE_S = 0.02
NONSENSE = b"<html><h1>It works!</h1></html>"  # as application/json: nobody reads it by accident


@dataclass
class Wire:
    """`async with Wire(target, dialect) as wire:`; `wire.url` stands for the target."""

    target: str
    dialect: Dialect
    asked: list[str] = field(default_factory=list)  # "POST /path" of every request
    nonsense: bytes = NONSENSE
    _fault: Fault | None = None
    _only: str = ""

    async def __aenter__(self) -> "Wire":
        self._serving: set[asyncio.Task[None]] = set()
        self._port = 0
        await self._listen()
        self.url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def spoil(self, fault: Fault, only: str = "") -> None:
        """From now on, what matches `only` ("POST /path", a regex) goes wrong in this way."""
        await self.mend()
        self._fault, self._only = fault, only
        if fault == "refused":
            self._server.close()

    async def mend(self) -> None:
        """All is well again."""
        if self._fault == "refused":
            await self._listen()
        self._fault = None

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._serving.add(task)
        try:
            # whoever asked may hang up at any time
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line = head.split(b" HTTP/", 1)[0].decode()
        self.asked.append(line)
        if not self._fault or not re.search(self._only, line):
            await self._pass(head, reader, writer)
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        match self._fault:
            case "hang":
                await asyncio.Event().wait()
            case "cut mid-answer":
                answer = await self._whole(head + body)
                writer.write(answer[: answer.index(b"\r\n\r\n") + 5])
                await writer.drain()
            case "garbage":
                await self._whole(head + body)
                await _write(writer, "200 OK", self.nonsense)
            case "endless answer":
                await self._whole(head + body)
                await _trickle(writer)
            case fault:
                await _write(writer, *_refusal(fault, self.dialect))

    async def _pass(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry one request and its answer, or a websocket, until either side ends."""
        there, back = await self._dial()
        back.write(_one_request(head))
        pipes = [asyncio.create_task(_pipe(*ends)) for ends in ((reader, back), (there, writer))]
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pipe in pipes:
                pipe.cancel()
            back.close()

    async def _whole(self, request: bytes) -> bytes:
        there, back = await self._dial()
        back.write(_one_request(request))
        try:
            return await there.read()
        finally:
            back.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = urlsplit(self.target)
        return await asyncio.open_connection(target.hostname, target.port)


def _one_request(request: bytes) -> bytes:
    """The request, and no other on the same line: each one is looked at."""
    if re.search(rb"(?i)\r\nupgrade:", request):
        return request
    head, _, body = request.partition(b"\r\n\r\n")
    head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)
    return head + b"\r\nConnection: close\r\n\r\n" + body


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()


async def _write(
    writer: asyncio.StreamWriter,
    status: str,
    body: bytes,
    kind: str = "application/json",
    *headers: str,
) -> None:
    head = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    )
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
    await writer.drain()


async def _trickle(writer: asyncio.StreamWriter) -> None:
    """Blank after blank, each of them the beginning of JSON."""
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    while True:
        writer.write(b"1\r\n \r\n")
        await writer.drain()
        await asyncio.sleep(TRICKLE_S)


def _refusal(fault: str, dialect: Dialect) -> tuple[str, bytes, str, *tuple[str, ...]]:
    """An HTTP error as this service words it; 502 and 503 come from a machine in front of it."""
    status = fault.split(maxsplit=1)[0]
    if status in ("502", "503"):
        return f"{status} Bad", b"<html>Bad gateway</html>", "text/html"
    headers = ["Via: 1.1 wire"] if dialect == "Discord" else []
    said: dict[str, object] = {"message": "told to fail", "code": 0}
    if fault == "429 with Retry-After":
        headers.append(f"Retry-After: {RETRY_AFTER_S}")
        said |= {"retry_after": RETRY_AFTER_S, "global": False}
    elif fault == "429 without Retry-After":
        headers = []
    body = {"Discord": said, "Mastodon": {"error": "told to fail"}, "LLM server": {"error": said}}
    return f"{status} No", json.dumps(body[dialect]).encode(), "application/json", *headers
