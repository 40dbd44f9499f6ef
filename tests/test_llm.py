"""The client of language models, against a server on loopback."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import BotError, Refused, Unavailable
from bot.voice import PromptParts, Voice
from bot.writing.llm import CONCURRENT, LLM
from tests.fakes.llm import TEXTS, FakeLLM


@pytest.fixture
async def llm(fake_llm: FakeLLM) -> AsyncIterator[LLM]:
    llm = LLM(fake_llm.url, "secret-key")
    yield llm
    await llm.close()


async def test_it_asks_as_the_voice_says(llm: LLM, fake_llm: FakeLLM, voice_folder: Path) -> None:
    voice = Voice.load(voice_folder)
    texts = await llm.complete(voice, voice.messages(PromptParts("tea")), 4)
    assert texts == list(TEXTS[:4])
    (asked,) = fake_llm.asked
    assert asked["model"] == "ft:mara"
    assert asked["messages"] == voice.messages(PromptParts("tea"))
    assert asked["authorization"] == "Bearer secret-key"
    assert asked["min_p"] == voice.sampling.min_p  # until the server refuses it


async def test_an_unfinished_text_is_left_out(
    llm: LLM, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    fake_llm.finish_reason = "length"
    voice = Voice.load(voice_folder)
    assert await llm.complete(voice, voice.messages(PromptParts("tea")), 4) == []


async def test_requests_at_once_are_bounded(
    llm: LLM, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    voice = Voice.load(voice_folder)
    fake_llm.delay_s = 0.1
    await asyncio.gather(
        *(llm.complete(voice, voice.messages(PromptParts("tea")), 1) for _ in range(20))
    )
    assert fake_llm.most_at_once == CONCURRENT


@pytest.mark.parametrize(
    ("status", "times", "kind"),
    [
        (401, 1, Refused),
        (403, 1, Refused),
        (404, 1, Refused),
        (422, 9, Refused),
        (429, 9, Unavailable),
        (500, 9, Unavailable),
        (503, 9, Unavailable),
    ],
)
async def test_a_failure_becomes_a_sentence(
    llm: LLM, fake_llm: FakeLLM, voice_folder: Path, status: int, times: int, kind: type[BotError]
) -> None:
    fake_llm.failures = [(status, {"retry-after-ms": "1"})] * times
    voice = Voice.load(voice_folder)
    with pytest.raises(kind) as e:
        await llm.complete(voice, voice.messages(PromptParts("tea")), 1)
    assert "secret-key" not in str(e.value)


async def test_a_short_fault_is_ridden_out(llm: LLM, fake_llm: FakeLLM, voice_folder: Path) -> None:
    fake_llm.failures = [(503, {"retry-after-ms": "1"})]
    voice = Voice.load(voice_folder)
    assert await llm.complete(voice, voice.messages(PromptParts("tea")), 1) == [TEXTS[0]]


async def test_garbage_and_a_dead_server_are_unavailable(
    llm: LLM, fake_llm: FakeLLM, voice_folder: Path
) -> None:
    voice = Voice.load(voice_folder)
    fake_llm.garbage = 1
    with pytest.raises(Unavailable, match="no sense"):
        await llm.complete(voice, voice.messages(PromptParts("tea")), 1)
    dead = LLM("http://127.0.0.1:9/v1", "none")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await dead.check()
    await dead.close()


TWO_THREADS = """
import threading, time
from bot.writing.lazy import openai
thread = threading.Thread(target=lambda: openai.AsyncOpenAI)
thread.start()
time.sleep(0.05)  # the import takes half a second
print(openai.APIError.__name__)
"""


def test_a_thread_that_comes_while_the_library_is_imported_waits_for_all_of_it() -> None:
    command = [sys.executable, "-c", TWO_THREADS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("APIError\n", 0), done.stderr
