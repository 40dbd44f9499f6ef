"""Language models' servers as they are: each draws, and whoever refuses is understood."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from bot.errors import BotError, Refused, Unavailable
from bot.voice import PromptParts, Voice
from bot.writing.llm import LLM
from bot.writing.parameters import Parameters
from bot.writing.refusals import Refusal
from bot.writing.replies import own_text
from tests.fakes.llm_servers import THOUGHT, WAYS, Answer, LLMServers, error

TEXT = "Fog again.\n\nThe ferry is late, <3."
QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.fixture
async def servers() -> AsyncIterator[LLMServers]:
    async with LLMServers() as servers:
        yield servers


@pytest.fixture
def voice(voice_folder: Path) -> Voice:
    voice = Voice.load(voice_folder)
    return replace(voice, sampling=replace(voice.sampling, temperature=0.8))


async def _draw(llm: LLM, voice: Voice) -> list[str]:
    return await llm.complete(voice, voice.messages(PromptParts("fog")), 4)


@pytest.mark.parametrize("backend", ["openai", "local"])
@pytest.mark.parametrize("name", WAYS)
async def test_every_server_draws_and_what_it_takes_is_learnt_once(
    servers: LLMServers, voice: Voice, name: str, backend: str
) -> None:
    voice = replace(voice, backend=backend)  # type: ignore[arg-type]  # one of two words
    llm = LLM(servers.url(name), "key")
    try:
        texts = await _draw(llm, voice)
        assert sorted(texts) == [f"Fog number {i}, dense and late." for i in range(1, 5)]
        assert servers.refused == WAYS[name].lessons
        system, asked = voice.messages(PromptParts("fog"))
        for body in servers.asked:
            words = "\n\n".join(message["content"] for message in body["messages"])
            assert words == f"{system['content']}\n\n{asked['content']}"
        servers.asked.clear()
        assert len(await _draw(llm, voice)) == 4
        assert servers.refused == WAYS[name].lessons
        assert len(servers.asked) == (1 if "n" in servers.asked[0] else 4)
    finally:
        await llm.close()


def test_openais_own_address_is_asked_for_nothing_that_it_refuses(voice: Voice) -> None:
    body = Parameters.of("https://api.openai.com/v1").body(voice.sampling, [], 4)
    assert {"min_p", "max_tokens"} & body.keys() == set()
    assert body["max_completion_tokens"] == voice.sampling.max_tokens


BUSY, NO_CREDIT, KEY = "is busy", "no credit left", "LLM_API_KEY"
MODEL, ADDRESS, LONG, FAULT = "LLM_MODEL", "ends in /v1", "too long for", "has a fault"
SAID_NO: dict[str, tuple[Answer, type[BotError], str]] = {
    "OpenAI, no credit": (
        (429, error(QUOTA, "insufficient_quota", code="insufficient_quota")),
        Refused,
        NO_CREDIT,
    ),
    "OpenAI, the hard limit": (
        (400, error("Billing hard limit has been reached", code="billing_hard_limit_reached")),
        Refused,
        NO_CREDIT,
    ),
    "OpenAI, too fast": (
        (
            429,
            error(
                "Rate limit reached for gpt-5 on requests per min (RPM): Limit 3. Please try again"
                " in 20s. Add a payment method to your account to increase your rate limit.",
                "requests",
                code="rate_limit_exceeded",
            ),
        ),
        Unavailable,
        BUSY,
    ),
    "OpenAI, a project without the model": (
        (
            403,
            error("Project `proj_1` does not have access to model `m`", code="model_not_found"),
        ),
        Refused,
        f"{MODEL}.*proj_1",
    ),
    "OpenAI, a country": (
        (403, error("Country, region, or territory not supported", code="unsupported_country")),
        Refused,
        "refuses access.*territory",
    ),
    "OpenAI, the key": (
        (401, error("Incorrect API key provided: sk-abc", code="invalid_api_key")),
        Refused,
        KEY,
    ),
    "OpenAI, the context": (
        (400, error("This model's maximum context length is 8192", code="context_length_exceeded")),
        Refused,
        LONG,
    ),
    "OpenAI, an unknown cause": (
        (400, error("Your input was blocked by our policy [#7]", code="policy")),
        Refused,
        r"HTTP 400.*blocked by our policy",
    ),
    "Groq, tokens per day": (
        (
            429,
            error(
                "Rate limit reached for model `m` on tokens per day (TPD): Limit 500000, Used"
                " 499999. Please try again in 7m12.5s. Need more tokens? Upgrade to Dev Tier today"
                " at https://console.groq.com/settings/billing",
                "tokens",
                code="rate_limit_exceeded",
            ),
        ),
        Unavailable,
        "in 8 minutes",
    ),
    "Groq, too large": (
        (413, error("Request too large for model `m` on tokens per minute (TPM)", "tokens")),
        Refused,
        LONG,
    ),
    "Groq, no such address": (
        (404, error("Unknown request URL: POST /openai/chat/completions", code="unknown_url")),
        Refused,
        ADDRESS,
    ),
    "Groq, a model of yesterday": (
        (
            400,
            error(
                "The model `m` has been decommissioned and is no longer supported.",
                code="model_decommissioned",
            ),
        ),
        Refused,
        f"{MODEL}.*decommissioned",
    ),
    "Mistral, too fast": (
        (429, {"object": "error", "message": "Requests rate limit exceeded", "code": "1300"}),
        Unavailable,
        BUSY,
    ),
    "Mistral, the model": (
        (400, {"object": "error", "message": "Invalid model: m", "code": "1500"}),
        Refused,
        f"{MODEL}.*Invalid model: m",
    ),
    "Mistral, the context": (
        (
            400,
            {
                "object": "error",
                "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum"
                " context length",
            },
        ),
        Refused,
        LONG,
    ),
    "DeepSeek, no balance": ((402, error("Insufficient Balance")), Refused, NO_CREDIT),
    "OpenRouter, no credits": (
        (402, {"error": {"code": 402, "message": "Insufficient credits. Add more using the link"}}),
        Refused,
        NO_CREDIT,
    ),
    "OpenRouter, free for today": (
        (
            429,
            {
                "error": {
                    "code": 429,
                    "message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock"
                    " 1000 free model requests per day",
                }
            },
        ),
        Unavailable,
        "Try again tomorrow",
    ),
    "OpenRouter, the one behind it": (
        (
            200,
            {
                "error": {
                    "code": 502,
                    "message": "Provider returned error",
                    "metadata": {"raw": "upstream is overloaded", "provider_name": "x"},
                }
            },
        ),
        Unavailable,
        f"{FAULT}.*upstream is overloaded",
    ),
    "OpenRouter, moderation": (
        (
            403,
            {
                "error": {
                    "code": 403,
                    "message": "m requires moderation. Your input was flagged",
                    "metadata": {"flagged_input": "a secret wish"},
                }
            },
        ),
        Refused,
        "refuses access.*flagged”$",
    ),
    "Gemini, too fast": (
        (
            429,
            [
                {
                    "error": {
                        "code": 429,
                        "message": f"{QUOTA} Please retry in 31.2s.",
                        "status": "RESOURCE_EXHAUSTED",
                    }
                }
            ],
        ),
        Unavailable,
        BUSY,
    ),
    "Ollama, the model": (
        (404, error('model "m" not found, try pulling it first', "api_error")),
        Refused,
        f"{MODEL}.*try pulling it first",
    ),
    "Ollama, no such address": ((404, "404 page not found"), Refused, ADDRESS),
    "Ollama, memory": (
        (500, error("model requires more system memory (8.4 GiB) than is available (5.1 GiB)")),
        Unavailable,
        f"{FAULT}.*8.4 GiB",
    ),
    "vLLM, the model": (
        (
            404,
            {"object": "error", "message": "The model `m` does not exist.", "code": 404},
        ),
        Refused,
        MODEL,
    ),
    "vLLM, no such address": ((404, {"detail": "Not Found"}), Refused, ADDRESS),
    "LM Studio, any address": (
        (200, {"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        Refused,
        ADDRESS,
    ),
    "LM Studio, the context": (
        (400, {"error": "Trying to keep the first 4711 tokens when context the overflows."}),
        Refused,
        LONG,
    ),
    "LM Studio, nothing loaded": (
        (
            400,
            {"error": {"message": "No models loaded. Please load a model first."}},
        ),
        Refused,
        f"{MODEL}.*No models loaded",
    ),
    "llama.cpp, loading": (
        (503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
        Unavailable,
        f"{FAULT}.*Loading model",
    ),
    "llama.cpp, the context": (
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
        ),
        Refused,
        LONG,
    ),
    "a web page": ((200, "<html><title>Open WebUI</title></html>"), Unavailable, "LLM_BASE_URL"),
    "a web server's 404": ((404, "<html><title>404 Not Found</title></html>"), Refused, ADDRESS),
    "a web server's 405": ((405, "<html><title>405</title></html>"), Refused, ADDRESS),
    "a gateway's 504": ((504, "<html><title>Gateway time-out</title></html>"), Unavailable, FAULT),
    "nothing but a code": ((418, ""), Refused, r"\(HTTP 418\)\.$"),
}


@pytest.mark.parametrize(("said", "kind", "told"), SAID_NO.values(), ids=SAID_NO)
async def test_a_refusal_is_told_by_its_cause_and_in_the_servers_words(
    servers: LLMServers, voice: Voice, said: Answer, kind: type[BotError], told: str
) -> None:
    servers.said, servers.headers = said, {"retry-after-ms": "1"} if said[0] >= 500 else {}
    if kind is Unavailable and said[0] == 429:
        servers.headers["x-should-retry"] = "false"  # to be quick: openai would wait
    llm = LLM(servers.url("any"), "key")
    try:
        with structlog.testing.capture_logs() as logged, pytest.raises(kind) as e:
            await _draw(llm, voice)
        assert re.search(told, str(e.value).replace("\\", "")), str(e.value)
        assert len(str(e.value)) < 500
        assert "a secret wish" not in f"{e.value} {logged}"
        assert any(line["log_level"] == "warning" for line in logged)
        if kind is Refused:  # no waiting helps, so nothing is repeated but without min_p
            assert len(servers.asked) <= 2
            assert len(servers.asked) == 1 or "min_p" not in servers.asked[-1]
        if kind is Refused and told != LONG:
            servers.said = 200, {"object": "list", "data": []}  # the list alone proves nothing
            with pytest.raises(Refused, match=re.escape(str(e.value))):
                await llm.check()
    finally:
        await llm.close()


async def test_the_key_is_in_no_sentence_and_in_no_log(servers: LLMServers, voice: Voice) -> None:
    servers.said = 400, error("I was sent canary-key-1234 and do not like it")
    llm = LLM(servers.url("any"), "canary-key-1234")
    with structlog.testing.capture_logs() as logged, pytest.raises(Refused) as e:
        await _draw(llm, voice)
    await llm.close()
    assert "canary" not in f"{e.value} {logged}"


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ({"finish_reason": "content_filter", "message": {"content": ""}}, "would not write"),
        ({"finish_reason": "stop", "message": {"content": None, "refusal": "No."}}, "would not"),
        (
            {"finish_reason": "length", "message": {"content": f"<think>{THOUGHT}"}},
            "thinks for so long",
        ),
        (
            {"finish_reason": "length", "message": {"content": None, "reasoning": THOUGHT}},
            "thinks for so long",
        ),
    ],
)
async def test_no_text_at_all_is_explained(
    servers: LLMServers, voice: Voice, choice: dict[str, object], told: str
) -> None:
    servers.said = 200, {"choices": [choice] * 4}
    llm = LLM(servers.url("any"), "key")
    with pytest.raises(Refused, match=told):
        await _draw(llm, voice)
    await llm.close()


@pytest.mark.parametrize(
    "end", ["length", "tool_calls", "content_filter", "abort", "error", "model_length", "SAFETY"]
)
async def test_a_text_that_is_not_whole_is_left_out(
    servers: LLMServers, voice: Voice, end: str
) -> None:
    half = {"finish_reason": end, "message": {"content": "Fog, and then the"}}
    whole = {"finish_reason": "stop", "message": {"content": "Fog."}}
    servers.said = 200, {"choices": [half, whole, half, whole]}
    llm = LLM(servers.url("any"), "key")
    assert await _draw(llm, voice) == ["Fog.", "Fog."]
    await llm.close()


@pytest.mark.parametrize(
    "around",
    [
        "{text}",
        "<think>\n{thought}\n</think>\n\n{text}",
        "{thought}</think>{text}",
        "<think></think>{text}",
        "<THINKING>{thought}</THINKING>\n{text}",
        "<thought>{thought}</thought>{text}",
        "<reasoning>{thought}</reasoning><answer>{text}</answer>",
        "<seed:think>{thought}</seed:think>{text}",
        "<think>{thought}</think><think>{thought}</think>{text}",
        "[THINK]{thought}[/THINK]{text}",
        "◁think▷{thought}◁/think▷{text}",
        "<|START_THINKING|>{thought}<|END_THINKING|><|START_RESPONSE|>{text}<|END_RESPONSE|>",
        "<unused94>thought\n{thought}<unused95>{text}",
        "<|channel|>analysis<|message|>{thought}<|end|><|start|>assistant<|channel|>final<|message|>"
        "{text}<|return|>",
        "analysis{thought}assistantfinal{text}",
        "<|channel>thought\n{thought}<channel|>{text}<turn|>",
        "<|begin_of_thought|>{thought}<|end_of_thought|><|begin_of_solution|>{text}"
        "<|end_of_solution|>",
        "{text}<|im_end|>",
        "{text}</s>",
        "<s> {text}</s>",
        "{text}<end_of_turn>\n<eos>",
        "<start_of_turn>model\n{text}<end_of_turn>",
        "<|im_start|>assistant\n{text}<|im_end|>\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n{text}<|eot_id|>",
        "assistant\n\n{text}",
        "<|begin_of_text|>{text}<|end_of_text|>",
        "[/INST] {text}",
        "<｜Assistant｜>{thought}</think>{text}<｜end▁of▁sentence｜>",
        "<pad><pad>{text}<pad>",
    ],
)
def test_a_text_is_freed_of_thoughts_and_marks(around: str) -> None:
    assert own_text(around.format(text=TEXT, thought=THOUGHT)) == TEXT


@pytest.mark.parametrize(
    "content",
    [
        f"<think>\n{THOUGHT}",
        f"<think>{THOUGHT}</think>",
        f"{THOUGHT}</think>\n",
        f"[THINK]{THOUGHT}",
        f"<|channel|>analysis<|message|>{THOUGHT}",
        f"Fog.<think>{THOUGHT}",
        "<|im_end|>",
        "",
    ],
)
def test_a_thought_without_an_end_is_no_text(content: str) -> None:
    assert own_text(content) == ""


@pytest.mark.parametrize(
    "text",
    [
        "I think: the analysis of fog is final. Assistant wanted.",
        "assistant\nprofessors, rejoice",
        "2 < 3 and 5 > 4 </3 <3 <br> [x]",
        "Analysis paralysis again.",
    ],
)
def test_a_text_that_only_looks_alike_stays(text: str) -> None:
    assert own_text(text) == text


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("Please try again in 7m12.5s. Need more", 432.5),
        ("Please retry in 31.2s.", 31.2),
        ("try again in 500ms", 0.5),
        ("Please try again after 20 seconds.", 20.0),
        ("Try again in 2 hours", 7200.0),
        ("Please try again in 1h2m3s", 3723.0),
        ("Retry 3 times", None),
        ("Slow down.", None),
    ],
)
def test_how_long_a_server_says_to_wait(said: str, wait_s: float | None) -> None:
    assert Refusal.of(429, said, {}).wait_s == wait_s


def test_a_header_says_it_too() -> None:
    assert Refusal.of(429, "", {"retry-after": "90"}).wait_s == 90
    assert Refusal.of(429, "", {"retry-after": "Wed, 21 Oct"}).wait_s is None
