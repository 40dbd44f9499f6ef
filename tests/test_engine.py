"""The embedded engine: the real llama.cpp with the real base model, in its own process."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import openai
import pytest

from bot.engine import Engine, find_base
from bot.errors import VoiceError
from bot.llm import LLM
from bot.voice import Voice
from tests.fakes.adapter import write_adapter


@pytest.fixture
def voices(voice_folder: Path) -> Path:
    """Two local voices on one base: `mara` talks like the base model, `odd` does not."""
    template = json.loads((voice_folder / "voice.json").read_text())
    local = {"backend": "local", "model": "adapter.gguf"}
    for name, strength in (("mara", 0.0), ("odd", 30.0)):
        folder = voice_folder.parent / name
        folder.mkdir(exist_ok=True)
        write_adapter(folder / "adapter.gguf", 1, strength)
        (folder / "voice.json").write_text(json.dumps(template | local | {"name": name}))
    return voice_folder.parent


async def _greedy(client: openai.AsyncOpenAI, model: str) -> str | None:
    answer = await client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "The capital of France is"}],
        temperature=0,
        max_tokens=8,
        extra_body={"cache_prompt": False},
    )
    return answer.choices[0].message.content


async def test_the_model_named_is_the_voice_that_writes(voices: Path) -> None:
    async with (
        Engine(voices) as engine,
        openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
    ):
        assert [m.id async for m in client.models.list()] == ["mara", "odd"]
        alone = [await _greedy(client, name) for name in ("mara", "odd")]
        assert alone[0] != alone[1]
        together = await asyncio.gather(*(_greedy(client, n) for n in ("mara", "odd") * 2))
        assert together == alone * 2
        with pytest.raises(openai.NotFoundError):
            await _greedy(client, "nobody")


async def test_a_killed_engine_is_started_again_and_no_call_fails(voices: Path) -> None:
    voice = Voice.load(voices / "mara")
    async with Engine(voices) as engine:
        llm = LLM(engine.base_url, "none")
        killed = engine.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        texts = await llm.complete(voice, voice.messages("tea"), 1)
        await llm.close()
        assert engine.pid != killed
    assert len(texts) <= 1
    with pytest.raises(ProcessLookupError):
        os.kill(engine.pid or 0, 0)


async def test_the_engine_ends_with_its_parent(voices: Path) -> None:
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from bot.engine import Engine\n"
        "async def main():\n"
        "    async with Engine(pathlib.Path(sys.argv[1])) as engine:\n"
        "        print(engine.pid, flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(voices)), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    await parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "State:\tZ" in _status(pid):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the engine outlived its parent by 10 s")


def _status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return "State:\tZ"


async def test_no_secret_reaches_the_engine(voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "canary-token")
    async with Engine(voices) as engine:
        environment = Path(f"/proc/{engine.pid}/environ").read_bytes()
    assert b"canary-token" not in environment


async def test_a_folder_without_local_voices_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="holds no local voice"):
        async with Engine(tmp_path):
            pass


def test_another_base_model_than_the_voices_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(VoiceError, match="another base model"):
        find_base("0" * 64, tmp_path / "other.gguf")
    with pytest.raises(VoiceError, match="is not there"):
        find_base("0" * 64, tmp_path / "none.gguf")
