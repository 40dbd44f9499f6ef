"""Draws texts from the server of a voice: the embedded engine, OpenAI, vLLM, Ollama.

All of them speak OpenAI's protocol. A local voice goes to the embedded engine, if there is one;
every other voice goes to the server of the settings.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from bot import metrics
from bot.config import DraftSettings
from bot.errors import Refused, Unavailable
from bot.voice import Message, Voice
from bot.writing.engine import Engine
from bot.writing.lazy import openai
from bot.writing.parameters import Parameters, RequestBody
from bot.writing.refusals import Refusal, ServerRefused, TooMuch, error_of
from bot.writing.replies import Reply, read_reply

if TYPE_CHECKING:
    import httpx2

log = structlog.stdlib.get_logger(__name__)

_OPENAI_URL = "https://api.openai.com/v1"
_TIMEOUT_S = 120.0  # one request on a small, busy machine, retries included
CHECK_S = 10.0
CONCURRENT = 4  # requests in hand at once, of four texts: the embedded engine has 16 slots
SHORTEST_KEY = 8  # characters; a shorter one is none, and may be any word
LESSONS = 8  # refusals of one request to learn from: more than it has parameters


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
        self._in_use: dict[str, str] = {}  # the addresses of servers, and their keys
        self._clients: dict[str, openai.AsyncOpenAI] = {}  # by address
        self._parameters: dict[tuple[str, str], Parameters] = {}  # by address and model
        self._outcomes: dict[str, Refused | None] = {}  # of the last request, by address
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(concurrent)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: DraftSettings,
        concurrent: int = CONCURRENT,
        timeout_s: float = _TIMEOUT_S,
        servers: int = 0,
    ) -> AsyncIterator["LLM"]:
        """Open the settings' server for every voice; or the engine for local ones, beside OpenAI.

        The engine starts when a voice needs it, as `Engine` says of servers, and stops at the end.
        """
        url = settings.llm_base_url
        key = settings.llm_api_key.get_secret_value()
        async with AsyncExitStack() as stack:
            engine = Engine(settings.voices, settings.base_gguf, settings.engine_threads, servers)
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

    async def complete(
        self, voice: Voice, messages: Sequence[Message], n: int, grammar: str | None = None
    ) -> list[str]:
        """Draw up to `n` texts; one that reached the token limit is unfinished and left out.

        A grammar (GBNF) is for servers that know such. Asks again, one by one, where a server
        gives fewer. Raises Unavailable (try later) or Refused (the server will not).
        """
        server = replace(await self._server(voice), grammar=grammar)
        try:
            reply = await self._ask(server, voice, messages, n)
            texts, missing = reply.texts, n - reply.choices
            if missing > 0:  # Ollama and others take `n`, and give one
                server.parameters.gone.add("n")
                texts += await self._singly(server, voice, messages, missing)
        except _faults() as e:
            raise self._explained(server, e) from e
        self._outcomes[server.base_url] = None
        if not texts:
            _explain_nothing(reply)
        return texts

    def knows_grammar(self, voice: Voice) -> bool:
        """Whether a voice's server draws by a grammar: the embedded engine does."""
        return voice.backend == "local" and self._engine is not None

    async def check(self) -> None:
        """Is every server in use there, does it take the key, and did it draw the last texts?

        Lists the models, which costs nothing; a list says little about drawing, so the last
        refusal stands until a text is drawn. Raises Unavailable or Refused.
        """
        for url, key in list((self._in_use or {self._base_url: self._api_key}).items()):
            client = await self._opened(url, key)
            last = self._outcomes.get(url)
            try:
                async with asyncio.timeout(CHECK_S):
                    models = client.with_options(max_retries=0).models.with_raw_response
                    listed = self._json((await models.list()).http_response)
            except openai.NotFoundError as e:  # a server need not list its models to draw
                if last is not None or url not in self._outcomes:
                    raise error_of(self._no(e.response)) from e
            except openai.APIStatusError as e:
                raise error_of(self._no(e.response)) from e
            except _faults() as e:
                raise error_of(e) from e
            else:
                if not isinstance(listed, list | dict):
                    raise error_of(ValueError())
            if last:
                raise last

    async def _server(self, voice: Voice) -> "_Server":
        """The server of a voice; starts the engine."""
        is_local = voice.backend == "local"
        if is_local and self._engine:
            url, key, model = await self._engine(), "none", voice.name
            is_engine = True
        else:
            url, key, is_engine = self._base_url, self._api_key, False
            model = self._model or (voice.name if is_local else voice.model)
        parameters = self._parameters.setdefault((url, model), Parameters.of(url))
        self._in_use[url] = key
        return _Server(url, key, model, parameters, is_engine=is_engine)

    async def _opened(self, base_url: str, api_key: str) -> "openai.AsyncOpenAI":
        """The client of a server. The first imports the library, while Discord gets its answers."""
        async with self._opening:
            return await asyncio.to_thread(self._client, base_url, api_key)

    def _client(self, base_url: str, api_key: str) -> "openai.AsyncOpenAI":
        from bot.writing.bounded import bounded_client  # noqa: PLC0415 - with openai's library

        if base_url not in self._clients:
            self._clients[base_url] = openai.AsyncOpenAI(
                base_url=base_url,
                api_key=api_key,
                timeout=self._timeout_s,
                max_retries=2,
                http_client=bounded_client(),
            )
        return self._clients[base_url]

    async def _ask(
        self, server: "_Server", voice: Voice, messages: Sequence[Message], n: int
    ) -> Reply:
        """Draw texts in one request; what the server does not take is learnt and left out."""
        parameters = server.parameters
        for _ in range(LESSONS):
            sent = server.body(voice, messages, n)
            try:
                reply = read_reply(await self._request(server, sent), n)
            except ServerRefused as e:
                if server.body(voice, messages, n) != sent:
                    continue  # another request has learnt it meanwhile
                named = parameters.learn(e.refusal, sent)
                if named is None:
                    raise
                said = e.refusal.logged
                log.info("a parameter goes otherwise", model=server.model, name=named, said=said)
                continue
            metrics.generated(reply.tokens)
            if reply.texts or not reply.is_cut_in_thought or not parameters.think():
                return reply
            log.info("the model gets room for its thoughts", model=server.model)
        sent = server.body(voice, messages, n)
        return read_reply(await self._request(server, sent), n)

    async def _singly(
        self, server: "_Server", voice: Voice, messages: Sequence[Message], many: int
    ) -> list[str]:
        """Draw texts in a request each; raises only if none came."""
        drawn = await asyncio.gather(
            *(self._ask(server, voice, messages, 1) for _ in range(many)), return_exceptions=True
        )
        return [text for reply in drawn if isinstance(reply, Reply) for text in reply.texts]

    async def _request(self, server: "_Server", sent: RequestBody) -> Any:  # Any: a stranger's JSON
        rest = {name: value for name, value in sent.items() if name != "messages"}
        client = await self._opened(server.base_url, server.api_key)
        asked = sent["messages"][-1]["content"]
        async with self._slots, asyncio.timeout(self._timeout_s):  # openai's own is for each piece
            try:
                raw = await client.chat.completions.with_raw_response.create(
                    model=server.model, messages=sent["messages"], extra_body=rest
                )
            except openai.APIStatusError as e:
                raise self._no(e.response, asked) from e
        return self._json(raw.http_response, asked)

    def _json(self, response: "httpx2.Response", asked: str = "") -> Any:  # Any: a stranger's JSON
        """What a server said; LM Studio says its errors with 200 too. Raises ServerRefused."""
        body = json.loads(response.content)
        if isinstance(body, dict) and body.get("error") and not {"choices", "data"} & body.keys():
            raise self._no(response, asked)
        return body

    def _no(self, response: "httpx2.Response", asked: str = "") -> ServerRefused:
        """A server's no, without the key that it may repeat."""
        key = self._api_key if len(self._api_key) >= SHORTEST_KEY else "\0"
        said = response.text.replace(key, "[hidden]")
        return ServerRefused(Refusal.of(response.status_code, said, response.headers, asked))

    def _explained(self, server: "_Server", error: Exception) -> Unavailable | Refused:
        """Log a fault with the server's own words, and remember it until a text is drawn."""
        found = error_of(error, is_engines=server.is_engine)
        no = error.refusal if isinstance(error, ServerRefused) else None
        cause = no.logged if no else f"{type(error).__name__}: {error.__cause__ or error}"
        log.warning(
            "no text from the language model's server",
            model=server.model,
            status=no.status if no else None,
            names=no.names if no else None,
            said=cause,
        )
        if isinstance(found, Refused) and no and not no.is_too_long:
            self._outcomes[server.base_url] = found
        return found


@dataclass(frozen=True, slots=True)
class _Server:
    """The server of a voice, its key, the voice's name there, and the parameters that it takes."""

    base_url: str
    api_key: str
    model: str
    parameters: Parameters
    is_engine: bool
    grammar: str | None = None  # of the texts that it is to draw

    def body(self, voice: Voice, messages: Sequence[Message], n: int) -> RequestBody:
        """A request for `n` texts, as this server takes it."""
        return self.parameters.body(voice.sampling, messages, n, self.grammar)


def _explain_nothing(reply: Reply) -> None:
    """Say why there is no text at all, if that is no matter of chance. Raises Refused."""
    if reply.is_withheld:
        raise Refused(
            "The language model's server, or the model, would not write about this. Try another"
            " topic."
        )
    if reply.is_cut_in_thought:
        raise Refused(
            "The language model thinks for so long that it comes to no text. The operator must"
            " turn its reasoning off at the server, or set LLM_MODEL to another one."
        )


def _faults() -> tuple[type[Exception], ...]:
    """A no, an error, no answer in time, no JSON, JSON nested too deep, or a body too large."""
    return ServerRefused, openai.APIError, TimeoutError, ValueError, RecursionError, TooMuch
