"""Draws texts from the server of a voice: the embedded engine, OpenAI, vLLM, Ollama.

All of them speak OpenAI's protocol. A local voice goes to the embedded engine, if there is one;
every other voice goes to the server of the settings.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import openai
from openai.types.chat import ChatCompletionMessageParam

from bot import metrics
from bot.config import DraftSettings
from bot.errors import Refused, Unavailable
from bot.voice import Message, Voice
from bot.writing.bounded import TooMuch, bounded_client
from bot.writing.engine import Engine

_OPENAI_URL = "https://api.openai.com/v1"
_TIMEOUT_S = 120.0  # one request on a small, busy machine, retries included
CHECK_S = 10.0
# An error, no answer in time, no JSON, JSON nested too deep, or a body too large
LLM_FAULTS = (openai.APIError, TimeoutError, ValueError, RecursionError, TooMuch)
CONCURRENT = 4  # requests in hand at once, of four texts: the embedded engine has 16 slots


class LLM:
    """Draws texts from a voice."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str | None = None,
        engine: Callable[[], Awaitable[str]] | None = None,
        timeout_s: float = _TIMEOUT_S,
        concurrent: int = CONCURRENT,
    ) -> None:
        """`model` overrides the name a voice gives; `engine` starts the one of local voices."""
        self._base_url = base_url
        self._api_key = api_key
        self._model = model
        self._engine = engine
        self._timeout_s = timeout_s
        self._clients: dict[str, openai.AsyncOpenAI] = {}  # by address: those in use
        self._slots = asyncio.Semaphore(concurrent)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: DraftSettings,
        concurrent: int = CONCURRENT,
        timeout_s: float = _TIMEOUT_S,
    ) -> AsyncIterator["LLM"]:
        """Open the settings' server for every voice; or the engine for local ones, beside OpenAI.

        The engine starts when a voice needs it, and stops at the end.
        """
        url = settings.llm_base_url
        key = settings.llm_api_key.get_secret_value()
        async with AsyncExitStack() as stack:
            engine = Engine(settings.voices, settings.base_gguf, settings.engine_threads)
            stack.push_async_exit(engine)
            start = None if url else engine.ready
            llm = cls(url or _OPENAI_URL, key, settings.llm_model, start, timeout_s, concurrent)
            stack.push_async_callback(llm.close)
            yield llm

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.close()

    async def prepare(self, voice: Voice) -> None:
        """Start the engine if a voice needs it. Raises VoiceError."""
        await self._server(voice)

    async def complete(self, voice: Voice, messages: Sequence[Message], n: int) -> list[str]:
        """Draw up to `n` texts; one that reached the token limit is unfinished and left out.

        Raises Unavailable (try later) or Refused (the server will not).
        """
        async with self._slots:
            return await self._ask(voice, messages, n)

    async def check(self) -> None:
        """List the models of every server in use: is it there, does it accept the key?"""
        clients = list(self._clients.values()) or [self._client(self._base_url, self._api_key)]
        try:
            for client in clients:
                async with asyncio.timeout(CHECK_S):
                    await client.with_options(max_retries=0).models.list()
        except LLM_FAULTS as e:
            raise _translated(e) from e

    async def _server(self, voice: Voice) -> "_Server":
        """The server of a voice; starts the engine."""
        is_local = voice.backend == "local"
        # not OpenAI's, who would refuse it; llama.cpp, vLLM and Ollama know it
        extra = {"min_p": voice.sampling.min_p} if is_local else None
        if is_local and self._engine:
            client = self._client(await self._engine(), "none")
            return _Server(client, voice.name, extra, is_engine=True)
        model = self._model or (voice.name if is_local else voice.model)
        client = self._client(self._base_url, self._api_key)
        return _Server(client, model, extra, is_engine=False)

    def _client(self, base_url: str, api_key: str) -> openai.AsyncOpenAI:
        if base_url not in self._clients:
            self._clients[base_url] = openai.AsyncOpenAI(
                base_url=base_url,
                api_key=api_key,
                timeout=self._timeout_s,
                max_retries=2,
                http_client=bounded_client(),
            )
        return self._clients[base_url]

    async def _ask(self, voice: Voice, messages: Sequence[Message], n: int) -> list[str]:
        server = await self._server(voice)
        chat_messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": m["content"]}
            if m["role"] == "system"
            else {"role": "user", "content": m["content"]}
            for m in messages
        ]
        try:
            async with asyncio.timeout(self._timeout_s):  # openai's own is for each piece
                answer = await server.client.chat.completions.create(
                    model=server.model,
                    messages=chat_messages,
                    n=n,
                    temperature=voice.sampling.temperature,
                    max_tokens=voice.sampling.max_tokens,
                    extra_body=server.extra_body,
                )
        except LLM_FAULTS as e:
            raise _translated(e, is_engines=server.is_engine) from e
        metrics.generated(getattr(getattr(answer, "usage", None), "completion_tokens", None))
        return _texts(answer, n)


@dataclass(frozen=True, slots=True)
class _Server:
    """The server of a voice: its client, the voice's name there, and further parameters."""

    client: openai.AsyncOpenAI
    model: str
    extra_body: dict[str, float] | None
    is_engine: bool


def _texts(answer: Any, n: int) -> list[str]:  # Any: openai's types are hopes, nothing is checked
    try:
        found = [(getattr(c.message, "content", None), c.finish_reason) for c in answer.choices]
    except (AttributeError, TypeError) as e:
        raise Unavailable("The language model's server sent an answer that makes no sense.") from e
    return [text for text, end in found[:n] if isinstance(text, str) and text and end != "length"]


def _translated(error: Exception, *, is_engines: bool = False) -> Unavailable | Refused:
    match error:
        case openai.APITimeoutError() | TimeoutError():
            return Unavailable("The language model took too long to answer. Try again in a while.")
        case TooMuch():
            return Unavailable("The language model's server sends too much. Try again later.")
        case openai.APIConnectionError():
            return Unavailable("The language model's server cannot be reached. Try again later.")
        case openai.RateLimitError():
            return Unavailable("The language model's server is busy. Try again in a minute.")
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return Refused(
                "The language model's server refused the key. The operator must check LLM_API_KEY."
            )
        case openai.NotFoundError() if is_engines:
            return Refused(
                "The engine does not serve this voice: it has another base model than the others."
                " The operator must train it on the same one."
            )
        case openai.NotFoundError():
            return Refused(
                "The language model's server does not know this voice."
                " The operator must check LLM_MODEL and LLM_BASE_URL."
            )
        case (
            openai.BadRequestError(type="exceed_context_size_error")
            | openai.BadRequestError(code="context_length_exceeded")
        ):  # llama.cpp's word for it, and OpenAI's
            return Refused("This is too long for the language model. Say it in fewer words.")
        case openai.APIStatusError(status_code=code) if code < 500:
            return Refused(
                "The language model's server refused the request (HTTP {code}).", code=code
            )
        case ValueError() | RecursionError():
            return Unavailable("The language model's server sent an answer that makes no sense.")
        case _:
            return Unavailable("The language model's server has a fault. Try again later.")
