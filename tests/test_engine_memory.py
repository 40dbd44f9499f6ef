"""The engine's memory over thousands of texts: a small machine runs it for months."""

import asyncio
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.voice import PromptParts, Sampling, Voice
from bot.writing.engine import Engine
from bot.writing.llm import LLM
from tests.fakes.adapter import write_local_voices

FIRST, ALL = 100, 5000  # texts
AT_ONCE = 12
IS_GROWTH = 1.05


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_the_engine_takes_no_more_memory_after_thousands_of_texts_of_three_voices(
    voice_folder: Path,
) -> None:
    """Resident memory, the weights' pages of the file included."""
    voices = write_local_voices(voice_folder, mara=0.0, odd=1.0, her=2.0)
    loaded = [Voice.load(voices / name) for name in ("mara", "odd", "her")]
    async with Engine(voices, servers=1) as engine:  # at normal priority
        llm = LLM(engine.base_url, "none", concurrent=3, timeout_s=600)
        assert engine.pid
        process = psutil.Process(engine.pid)

        async def draw(number: int) -> None:
            voice = replace(loaded[number % 3], sampling=Sampling(max_tokens=4 + number % 9))
            topic = f"{number} kettles " * (1 + number % 7)
            await llm.complete(voice, voice.messages(PromptParts(topic)), 4)

        sizes: list[int] = []
        for upto, begun in ((FIRST, 0), (ALL, FIRST)):
            for number in range(begun // 4, upto // 4, AT_ONCE // 4):
                await asyncio.gather(*(draw(number + i) for i in range(AT_ONCE // 4)))
            sizes.append(process.memory_info().rss)
        await llm.close()
    assert sizes[1] <= IS_GROWTH * sizes[0], [f"{size / 1e6:.0f} MB" for size in sizes]
