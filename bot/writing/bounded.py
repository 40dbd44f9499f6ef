"""An HTTP client for a language model's server: answers of bounded size, from that server only.

openai's own client reads any answer into memory, unpacks it there, and follows redirects.
"""

from collections.abc import AsyncIterator

import httpx2
import openai

from bot.writing.refusals import Refusal, TooMuch

MAX_BYTES = 4 << 20  # four candidates take some ten thousand


def bounded_client() -> httpx2.AsyncClient:
    """A client for `openai.AsyncOpenAI`, which closes it."""
    return openai.DefaultAsyncHttpxClient(
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
    )


async def _bound(response: httpx2.Response) -> None:
    """Read the body as it comes: one that is packed all the same counts as nonsense."""
    response.headers.pop("Content-Encoding", None)
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream)
    if response.status_code == 429:
        await response.aread()
        if Refusal.of(429, response.text, response.headers).is_without_credit:
            response.headers["x-should-retry"] = "false"  # openai's own word; no waiting helps


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_BYTES
        async for chunk in self._stream:
            left -= len(chunk)
            if left < 0:
                raise TooMuch
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
