"""A loopback server of OpenAI's chat completions: answers from a list, records, fails on order."""

import asyncio
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from aiohttp import web

from tests.fakes.loopback import listen

TEXTS = (
    "Fog report: the kettle has opinions again.",
    "The ferry was late; the ferry is always late. Noted.",
    "Minutes of the goose: no quorum, much honking.",
    "Somebody left an umbrella on the pier and it has filed a complaint.",
    "Tea at four. Verdict at five. Rain throughout.",
    "The tide table and I are no longer on speaking terms.",
    "A quiet night; even the gulls were reading.",
    "My sourdough has applied for asylum in the compost.",
)


class FakeLLM:
    """`async with FakeLLM() as llm:`; `llm.url` is what goes into LLM_BASE_URL."""

    def __init__(self, texts: tuple[str, ...] = TEXTS) -> None:
        self.texts: Iterator[str] = itertools.cycle(texts)
        self.asked: list[dict[str, Any]] = []
        self.failures: list[tuple[int, dict[str, str]]] = []  # (status, headers) of coming answers
        self.garbage = 0  # how many coming answers make no sense
        self.finish_reason = "stop"
        self.delay_s = 0.0
        self.most_at_once = self._at_once = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        self._runner, address = await listen(app)
        self.url = f"{address}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": []})

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body | {"authorization": request.headers.get("Authorization")})
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.delay_s)
            return self._answer(body)
        finally:
            self._at_once -= 1

    def _answer(self, body: dict[str, Any]) -> web.Response:
        if self.failures:
            status, headers = self.failures.pop(0)
            said = f"told to fail: {body['messages'][-1]['content']}"  # some servers repeat it
            error = {"error": {"message": said, "type": "test"}}
            return web.Response(
                status=status,
                headers=headers,
                body=json.dumps(error).encode(),
                content_type="application/json",
            )
        if self.garbage:
            self.garbage -= 1
            return web.json_response({"hello": "world"})
        choices = [
            {
                "index": i,
                "finish_reason": self.finish_reason,
                "message": {"role": "assistant", "content": next(self.texts)},
            }
            for i in range(body.get("n") or 1)
        ]
        return web.json_response(
            {
                "id": "c1",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": choices,
                "usage": {"completion_tokens": 20 * len(choices)},
            }
        )


@contextmanager
def llm_in_thread() -> Iterator[FakeLLM]:
    """The same server with a thread of its own, for what is synchronous."""
    loop, llm = asyncio.new_event_loop(), FakeLLM()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(llm.__aenter__(), loop).result(10)
    try:
        yield llm
    finally:
        asyncio.run_coroutine_threadsafe(llm.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
