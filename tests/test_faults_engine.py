"""The table of faults: the embedded engine hangs, dies, does not know a voice, refuses."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat.answers import sentence_for
from bot.errors import BotError
from bot.voice import PromptParts, Sampling, Voice
from bot.writing.engine import Engine
from bot.writing.llm import LLM
from tests.fakes.adapter import write_local_voices
from tests.fakes.voice import write_voice
from tests.fault_table import ENGINE

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEES = {cell.fault: cell.sees for cell in ENGINE}
SHORT_S, LONG_S = 1.0, 60.0
NOWHERE = "http://127.0.0.1:9/v1"  # what is not the engine's goes there


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one local voice."""
    folder = write_voice(tmp_path_factory.mktemp("engine") / "voices" / "mara")
    return write_local_voices(folder, mara=0.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(voices: Path) -> AsyncIterator[Engine]:
    async with Engine(voices, servers=1) as engine:
        yield engine


async def _ask(
    engine: Engine, folder: Path, topic: str = "tea", patience_s: float = LONG_S, tokens: int = 8
) -> str:
    """Ask a voice; what the user is told, or nothing if it answers."""
    voice = replace(Voice.load(folder), sampling=Sampling(max_tokens=tokens))
    llm = LLM(NOWHERE, "none", engine=engine.ready, timeout_s=patience_s)
    try:
        await llm.complete(voice, voice.messages(PromptParts(topic)), 1)
    except BotError as e:
        return sentence_for(e)
    finally:
        await llm.close()
    return ""


async def test_an_engine_that_stands_still_is_waited_for_and_no_longer(
    engine: Engine, voices: Path
) -> None:
    assert await _ask(engine, voices / "mara") == ""
    assert engine.pid
    os.kill(engine.pid, signal.SIGSTOP)
    try:
        told = await _ask(engine, voices / "mara", patience_s=SHORT_S)
    finally:
        os.kill(engine.pid, signal.SIGCONT)
    assert told.startswith(SEES["hang"])
    assert await _ask(engine, voices / "mara") == ""


async def test_an_engine_that_dies_while_it_answers_answers_all_the_same(
    engine: Engine, voices: Path
) -> None:
    killed = engine.pid
    assert killed
    asking = asyncio.create_task(_ask(engine, voices / "mara", tokens=300))
    await asyncio.sleep(0.15)
    assert not asking.done()
    os.kill(killed, signal.SIGKILL)
    assert await asking == ""
    assert engine.pid != killed


async def test_a_topic_beyond_the_models_context_is_a_sentence(
    engine: Engine, voices: Path
) -> None:
    told = await _ask(engine, voices / "mara", topic="🜁" * 200)
    assert told.startswith(SEES["422"])
    assert await _ask(engine, voices / "mara", topic="🜁") == ""


async def test_a_voice_of_another_base_model_is_a_sentence(engine: Engine, voices: Path) -> None:
    write_local_voices(voices / "mara", other=0.0)
    file = voices / "other" / "voice.json"
    about = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(about | {"base": {"name": "another", "sha256": None}}), "utf-8")
    assert (await _ask(engine, voices / "other")).startswith(SEES["404"])
    assert await _ask(engine, voices / "mara") == ""
    file.write_text(json.dumps(about), "utf-8")
    assert await _ask(engine, voices / "other") == ""
