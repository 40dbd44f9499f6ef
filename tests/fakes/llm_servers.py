"""Servers of language models that speak OpenAI's protocol, each in its own way: a table.

The refusals are worded as these servers word theirs, as far as public reports show them; no true
server was asked. All of them live at one loopback address, each under a path of its own.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.fakes.loopback import listen

Json = dict[str, Any]  # requests and answers
Answer = tuple[int, Any]  # a status code and a body
THOUGHT = "Okay, the user wants a post about fog. They like short ones."
ENOUGH = 1000  # tokens for a thought


def error(message: str, kind: str = "invalid_request_error", **more: object) -> Json:
    """An error as OpenAI words it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **more}}


def _unsupported(body: Json, *names: str) -> Answer | None:
    for name in names:
        if name in body:
            instead = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
            said = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
            return 400, error(said, param=name, code="unsupported_parameter")
    return None


def _only_default(body: Json, name: str) -> Answer | None:
    value = body.get(name, 1)
    if value == 1:
        return None
    said = (
        f"Unsupported value: '{name}' does not support {value} with this model. Only the default"
        " (1) value is supported."
    )
    return 400, error(said, param=name, code="unsupported_value")


def _unrecognized(body: Json, *names: str) -> Answer | None:
    found = [name for name in names if name in body]
    return (400, error(f"Unrecognized request argument supplied: {found[0]}")) if found else None


def _gpt_5(body: Json) -> Answer | None:
    return (
        _unrecognized(body, "min_p")
        or _unsupported(body, "max_tokens")
        or _only_default(body, "temperature")
    )


def _gpt_4_1(body: Json) -> Answer | None:
    return _unrecognized(body, "min_p", "reasoning_effort")


def _o1_preview(body: Json) -> Answer | None:
    if body["messages"][0]["role"] == "system":
        said = "Unsupported value: 'messages[0].role' does not support 'system' with this model."
        return 400, error(said, param="messages[0].role", code="unsupported_value")
    return _gpt_5(body) or _only_default(body, "n")


def _gemma_at_vllm(body: Json) -> Answer | None:
    if body["messages"][0]["role"] != "system":
        return None
    said = "System role not supported"
    return 400, {"object": "error", "message": said, "type": "BadRequestError", "code": 400}


def _mistral_template(body: Json) -> Answer | None:
    if body["messages"][0]["role"] != "system":
        return None
    said = "Conversation roles must alternate user/assistant/user/assistant/..."
    return 400, {"object": "error", "message": said, "type": "BadRequestError", "code": 400}


def _vllm_small(body: Json) -> Answer | None:
    most = body.get("max_tokens", 0)
    if most <= 2048:
        return None
    said = (
        f"'max_tokens' or 'max_completion_tokens' is too large: {most}. This model's maximum"
        f" context length is 2048 tokens and your request has 30 input tokens ({most} > 2048 - 30)."
    )
    return 400, error(said, "BadRequestError", code=400)


def _groq(body: Json) -> Answer | None:
    if "min_p" in body:
        return 400, error("property 'min_p' is unsupported")
    if body.get("n", 1) > 1:
        return 400, error("'n' : number must be at most 1")
    return None


def _mistral(body: Json) -> Answer | None:
    extra = [name for name in ("min_p", "reasoning_effort") if name in body]
    if not extra:
        return None
    detail = [
        {
            "type": "extra_forbidden",
            "loc": ["body", name],
            "msg": "Extra inputs are not permitted",
            "input": body[name],
        }
        for name in extra
    ]
    return 422, {"object": "error", "message": {"detail": detail}, "type": "invalid_request_error"}


def _gemini(body: Json) -> Answer | None:
    if "min_p" not in body:
        return None
    said = 'Invalid JSON payload received. Unknown name "min_p": Cannot find field.'
    return 400, [{"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}}]


def _cerebras(body: Json) -> Answer | None:
    if "min_p" not in body:
        return None
    said = "body -> min_p: property 'min_p' is unsupported"
    return 400, {
        "message": said,
        "type": "invalid_request_error",
        "param": "min_p",
        "code": "wrong_api_format",
    }


def _together(body: Json) -> Answer | None:
    if 0 <= body.get("temperature", 1) <= 1:
        return None
    return 422, error("temperature must be less than or equal to 1", param="temperature")


def _dashscope(body: Json) -> Answer | None:
    if body.get("enable_thinking") is False:
        return None
    said = "parameter.enable_thinking must be set to false for non-streaming calls"
    return 400, error(said, code="invalid_parameter_error")


def _curt(body: Json) -> Answer | None:
    return (400, error("Bad request")) if "min_p" in body else None


def _all(_: Json) -> Answer | None:
    return None


def _plain(text: str) -> Json:
    return {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}


def _content(before: str = "", after: str = "", end: object = "stop") -> Callable[[str], Json]:
    def choice(text: str) -> Json:
        content = f"{before}{text}{after}"
        return {"message": {"role": "assistant", "content": content}, "finish_reason": end}

    return choice


def _aside(name: str) -> Callable[[str], Json]:
    """Thoughts in a field of their own."""

    def choice(text: str) -> Json:
        message = {"role": "assistant", "content": text, name: THOUGHT}
        return {"message": message, "finish_reason": "stop"}

    return choice


def _parts(text: str) -> Json:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}
    content = [thinking, {"type": "text", "text": text}]
    return {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}


@dataclass(frozen=True, slots=True)
class Way:
    """How one server takes requests and gives texts.

    `cut` is what it gives when the limit comes within a thought; `lessons` how many refusals a
    request runs into before it is taken.
    """

    refuse: Callable[[Json], Answer | None] = _all
    choice: Callable[[str], Json] = _plain
    gives_n: bool = True
    cut: Json | None = None
    lessons: int = 0


def _cut(**message: object) -> Json:
    return {"message": {"role": "assistant", **message}, "finish_reason": "length"}


WAYS = {
    "openai-gpt-5": Way(_gpt_5, cut=_cut(content=""), lessons=3),
    "openai-gpt-4.1": Way(_gpt_4_1, lessons=1),
    "openai-o1-preview": Way(_o1_preview, cut=_cut(content=""), lessons=5),
    "vllm": Way(),
    "vllm-qwen3": Way(choice=_content(f"<think>\n{THOUGHT}\n</think>\n\n")),
    "vllm-deepseek-r1": Way(choice=_content(f"{THOUGHT}\n</think>\n\n")),
    "vllm-parser": Way(
        choice=_aside("reasoning_content"), cut=_cut(content=None, reasoning_content=THOUGHT)
    ),
    "vllm-small-context": Way(_vllm_small, cut=_cut(content=f"<think>\n{THOUGHT}"), lessons=1),
    "vllm-gemma": Way(_gemma_at_vllm, lessons=1),
    "vllm-mistral": Way(_mistral_template, lessons=1),
    "ollama": Way(gives_n=False),
    "ollama-thinking": Way(
        choice=_aside("reasoning"), gives_n=False, cut=_cut(content="", reasoning=THOUGHT)
    ),
    "lm-studio": Way(choice=_content(f"{THOUGHT}\n</think>\n\n"), gives_n=False),
    "lm-studio-gpt-oss": Way(
        choice=_content(
            f"<|channel|>analysis<|message|>{THOUGHT}<|end|><|start|>assistant<|channel|>final"
            "<|message|>"
        ),
        gives_n=False,
    ),
    "llama.cpp": Way(choice=_content(after="<|im_end|>")),
    "llama.cpp-llama-3": Way(choice=_content("assistant\n\n", "<|eot_id|>")),
    "groq": Way(_groq, lessons=2),
    "groq-qwen3": Way(_groq, _content(f"<think>{THOUGHT}</think>"), lessons=2),
    "mistral": Way(_mistral, lessons=1),
    "mistral-magistral": Way(_mistral, _parts, lessons=1),
    "openrouter": Way(choice=_aside("reasoning"), gives_n=False),
    "together": Way(_together, _content(end="eos")),
    "together-deepseek": Way(choice=_content("<think>\n\n</think>\n", end="eos")),
    "gemini": Way(_gemini, lessons=1),
    "cerebras": Way(_cerebras, lessons=1),
    "dashscope": Way(_dashscope, lessons=1),
    "curt": Way(_curt, lessons=1),
}


@dataclass
class LLMServers:
    """`async with LLMServers() as servers:`; `servers.url(name)` is what goes into LLM_BASE_URL."""

    asked: list[Json] = field(default_factory=list)
    refused: int = 0
    said: Answer = (200, {})  # what the server "any" answers to everything
    headers: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._numbers = itertools.count(1)
        app = web.Application()
        app.router.add_post("/{name}/v1/chat/completions", self._complete)
        app.router.add_get("/{name}/v1/models", self._models)
        self._runner, self._address = await listen(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, name: str) -> str:
        """The address of a server."""
        return f"{self._address}/{name}/v1"

    async def _models(self, request: web.Request) -> web.Response:
        if request.match_info["name"] == "any":
            return self._say(self.said)
        return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.asked.append(body)
        if request.match_info["name"] == "any":
            return self._say(self.said)
        way = WAYS[request.match_info["name"]]
        refusal = way.refuse(body)
        if refusal:
            self.refused += 1
            return self._say(refusal)
        most = body.get("max_completion_tokens", body.get("max_tokens", ENOUGH))
        many = body.get("n", 1) if way.gives_n else 1
        is_cut = way.cut is not None and most < ENOUGH
        choices = [
            {
                "index": i,
                **(way.cut if is_cut and way.cut else way.choice(self._text())),
            }
            for i in range(many)
        ]
        usage = {"completion_tokens": most, "completion_tokens_details": {"reasoning_tokens": 9}}
        return web.json_response({"object": "chat.completion", "choices": choices, "usage": usage})

    def _text(self) -> str:
        return f"Fog number {next(self._numbers)}, dense and late."

    def _say(self, answer: Answer) -> web.Response:
        status, said = answer
        if isinstance(said, str):
            kind = "text/html" if said.startswith("<") else "text/plain"
            return web.Response(status=status, text=said, content_type=kind, headers=self.headers)
        return web.json_response(said, status=status, headers=self.headers)
