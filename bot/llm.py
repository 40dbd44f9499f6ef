"""One OpenAI-compatible client, whoever serves: the embedded engine, OpenAI, vLLM, Ollama."""

import asyncio
from collections.abc import Sequence

import openai
from openai.types.chat import ChatCompletionMessageParam

from bot.config import DraftSettings
from bot.errors import Refused, Unavailable
from bot.voice import Message, Voice

OPENAI_URL = "https://api.openai.com/v1"
TIMEOUT_S = 120.0  # one request on a small, busy machine
CONCURRENT = 4  # requests in hand at once; the embedded engine has as many slots


class LLM:
    """Draws texts from a voice. `model` overrides the name the voice gives."""

    def __init__(self, base_url: str, api_key: str, model: str | None = None) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key, timeout=TIMEOUT_S, max_retries=2
        )
        self._model = model
        self._slots = asyncio.Semaphore(CONCURRENT)

    @classmethod
    def from_settings(cls, settings: DraftSettings) -> "LLM":
        """Client of the server that the settings name; OpenAI if they name none."""
        key = settings.llm_api_key.get_secret_value()
        return cls(settings.llm_base_url or OPENAI_URL, key, settings.llm_model)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def complete(self, voice: Voice, messages: Sequence[Message], n: int) -> list[str]:
        """Draw up to `n` texts; one that reached the token limit is unfinished and left out.

        Raises Unavailable (try later) or Refused (the server will not).
        """
        async with self._slots:
            return await self._ask(voice, messages, n)

    async def check(self) -> None:
        """Ask the server for its models, to see that it is there and takes the key."""
        try:
            await self._client.with_options(timeout=10, max_retries=0).models.list()
        except openai.APIError as e:
            raise _translated(e) from e

    async def _ask(self, voice: Voice, messages: Sequence[Message], n: int) -> list[str]:
        local = voice.backend == "local"
        turns: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": m["content"]}
            if m["role"] == "system"
            else {"role": "user", "content": m["content"]}
            for m in messages
        ]
        try:
            answer = await self._client.chat.completions.create(
                model=self._model or (voice.name if local else voice.model),
                messages=turns,
                n=n,
                temperature=voice.sampling.temperature,
                max_tokens=voice.sampling.max_tokens,
                # not OpenAI's, who would refuse it; llama.cpp, vLLM and Ollama know it
                extra_body={"min_p": voice.sampling.min_p} if local else None,
            )
        except openai.APIError as e:
            raise _translated(e) from e
        if not isinstance(answer.choices, list):
            raise Unavailable("The language model's server sent an answer that makes no sense.")
        return [
            c.message.content
            for c in answer.choices
            if c.message and c.message.content and c.finish_reason != "length"
        ]


def _translated(error: openai.APIError) -> Unavailable | Refused:
    match error:
        case openai.APITimeoutError():
            return Unavailable("The language model took too long to answer. Try again in a while.")
        case openai.APIConnectionError():
            return Unavailable("The language model's server cannot be reached. Try again later.")
        case openai.RateLimitError():
            return Unavailable("The language model's server is busy. Try again in a minute.")
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return Refused(
                "The language model's server refused the key. The operator must check LLM_API_KEY."
            )
        case openai.NotFoundError():
            return Refused(
                "The language model's server does not know this voice."
                " The operator must check LLM_MODEL and LLM_BASE_URL."
            )
        case openai.APIStatusError(status_code=code) if code < 500:
            return Refused(f"The language model's server refused the request (HTTP {code}).")
        case _:
            return Unavailable("The language model's server has a fault. Try again later.")
