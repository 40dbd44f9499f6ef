"""The embedded engine: the real llama.cpp with the real base model, in its own process."""

import asyncio
import json
import os
import shutil
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict, replace
from pathlib import Path

import openai
import pytest

from bot.errors import Refused, VoiceError
from bot.voice import Base, PromptParts, Sampling, Voice
from bot.voice.weights import DEFAULT_BASE, find_weights
from bot.writing.engine import Engine
from bot.writing.engine_child import servable, servers_and_slots
from bot.writing.llm import LLM
from tests.fakes.adapter import write_adapter, write_local_voices
from tests.fakes.llm import FakeLLM


@pytest.fixture
def voices(voice_folder: Path) -> Path:
    """Two local voices on one base: `mara` talks like the base model, `odd` does not."""
    return write_local_voices(voice_folder, mara=0.0, odd=30.0)


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
        Engine(voices, servers=1) as engine,
        openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
    ):
        assert [m.id async for m in client.models.list()] == ["mara", "odd"]
        alone = [await _greedy(client, name) for name in ("mara", "odd")]
        assert alone[0] != alone[1]
        together = await asyncio.gather(*(_greedy(client, n) for n in ("mara", "odd") * 2))
        assert together == alone * 2
        assert await _greedy(client, DEFAULT_BASE.name) == alone[0]  # mara's adapter is all zeros
        with pytest.raises(openai.NotFoundError):
            await _greedy(client, "nobody")


async def test_a_killed_engine_is_started_again_and_no_call_fails(voices: Path) -> None:
    voice = Voice.load(voices / "mara")
    async with Engine(voices, servers=1) as engine:
        llm = LLM(engine.base_url, "none")
        killed = engine.pid
        assert killed
        os.kill(killed, signal.SIGKILL)
        texts = await llm.complete(voice, voice.messages(PromptParts("tea")), 1)
        await llm.close()
        assert engine.pid != killed
    assert len(texts) <= 1
    with pytest.raises(ProcessLookupError):
        os.kill(engine.pid or 0, 0)


async def test_neither_ctrl_c_nor_a_token_reaches_the_engine(
    voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "canary")
    async with Engine(voices, servers=1) as engine:
        assert engine.pid
        assert os.getpgid(engine.pid) == engine.pid  # a terminal signals our group only
        assert b"canary" not in Path(f"/proc/{engine.pid}/environ").read_bytes()


async def test_the_engine_ends_with_its_parent(voices: Path) -> None:
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from bot.writing.engine import Engine\n"
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
    async with Engine(voices, servers=1) as engine:
        environment = Path(f"/proc/{engine.pid}/environ").read_bytes()
    assert b"canary-token" not in environment


async def test_a_folder_without_local_voices_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="holds no local voice"):
        async with Engine(tmp_path):
            pass


OTHER = Base("someone/other-model", None)


@pytest.mark.parametrize(
    ("base", "named", "said"),
    [
        (DEFAULT_BASE, "other.gguf", "another base model than other.gguf"),
        (DEFAULT_BASE, "none.gguf", "none.gguf is not there"),
        (OTHER, None, "trained on someone/other-model"),
    ],
    ids=["other weights", "no file", "another base, unnamed"],
)
def test_weights_that_are_not_the_voices_are_refused(
    tmp_path: Path, base: Base, named: str | None, said: str
) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(VoiceError, match=said):
        find_weights(base, tmp_path / named if named else None)


def test_the_file_named_serves_a_base_without_a_known_hash(tmp_path: Path) -> None:
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    assert find_weights(OTHER, tmp_path / "other.gguf") == tmp_path / "other.gguf"


async def test_a_damaged_adapter_is_that_voices_fault_alone(voices: Path) -> None:
    (voices / "odd" / "adapter.gguf").write_bytes(b"GGUF, but no adapter")
    async with (
        Engine(voices, servers=1) as engine,
        openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
    ):
        assert await _greedy(client, "mara")
        with pytest.raises(openai.APIStatusError, match=r"llama.cpp cannot load .* with"):
            await _greedy(client, "odd")
        voice = Voice.load(voices / "odd")
        llm = LLM(engine.base_url, "none", engine=engine.ready)
        with pytest.raises(Refused, match=r"It says: “llama.cpp cannot load"):
            await llm.complete(voice, voice.messages(PromptParts("tea")), 1)
        await llm.close()


async def test_a_voice_whose_base_is_not_here_stops_no_other(voices: Path) -> None:
    """Also if it comes first; the file that is named belongs to the base that nobody knows."""
    file = voices / "mara" / "voice.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"base": asdict(OTHER)}))
    for named, said in ((None, "trained on someone/other-model"), (voices / "no.gguf", "no.gguf")):
        async with (
            Engine(voices, named, servers=1) as engine,
            openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
        ):
            assert await _greedy(client, "odd")
            with pytest.raises(openai.APIStatusError, match=said):
                await _greedy(client, "mara")


async def test_an_adapter_of_another_base_is_a_sentence(voices: Path) -> None:
    write_adapter(voices / "odd" / "adapter.gguf", 1, 1.0, "gemma3", 640)
    async with (
        Engine(voices, servers=1) as engine,
        openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
    ):
        with pytest.raises(openai.APIStatusError, match="not the base model they were trained on"):
            await _greedy(client, "odd")
        assert await _greedy(client, "mara")


async def test_the_only_voice_that_is_damaged_is_told_at_the_start(voices: Path) -> None:
    shutil.rmtree(voices / "mara")
    (voices / "odd" / "adapter.gguf").write_bytes(b"GGUF, but no adapter")
    with pytest.raises(VoiceError, match=r"llama.cpp cannot load .* with the adapters"):
        async with Engine(voices):
            pass


async def test_a_voice_that_is_new_or_trained_again_is_served_without_a_restart_of_the_bot(
    voices: Path, tmp_path: Path
) -> None:
    (voices / "odd").rename(tmp_path / "odd")
    async with (
        Engine(voices, servers=1) as engine,
        openai.AsyncOpenAI(base_url=await engine.ready(), api_key="none") as client,
    ):
        assert [m.id async for m in client.models.list()] == ["mara"]
        first = engine.pid
        await engine.ready()
        assert engine.pid == first
        (tmp_path / "odd").rename(voices / "odd")
        await engine.ready()
        assert engine.pid != first
        odd = await _greedy(client, "odd")
        write_adapter(voices / "odd" / "adapter.gguf", 1, 0.0)
        os.utime(voices / "odd" / "voice.json")
        await engine.ready()
        assert await _greedy(client, "odd") != odd


async def test_one_damaged_voice_does_not_stop_the_others(voices: Path) -> None:
    (voices / "mara" / "voice.json").write_text("{")
    assert list(servable(voices)) == ["odd"]


async def test_the_engine_starts_when_the_first_local_voice_is_used(
    voices: Path, fake_llm: FakeLLM
) -> None:
    hosted = json.loads((voices / "mara" / "voice.json").read_text())
    hosted |= {"name": "hosted", "backend": "openai", "model": "ft:hosted"}
    (voices / "hosted").mkdir()
    (voices / "hosted" / "voice.json").write_text(json.dumps(hosted))
    async with AsyncExitStack() as stack:
        engine = Engine(voices)
        stack.push_async_exit(engine)
        llm = LLM(fake_llm.url, "canary-key", "ft:override", engine.ready)
        stack.push_async_callback(llm.close)
        for name in ("hosted", "odd", "hosted"):
            voice = replace(Voice.load(voices / name), sampling=Sampling(max_tokens=2))
            await llm.complete(voice, voice.messages(PromptParts("tea")), 1)
            assert (engine.pid is None) == (len(fake_llm.asked) == 1 and name == "hosted")
        await llm.check()
    assert [asked["model"] for asked in fake_llm.asked] == ["ft:override"] * 2


@pytest.mark.parametrize(
    ("cores", "asked", "threads", "servers"),
    [
        (1, 0, 0, (1, 16)),
        (2, 0, 0, (2, 8)),
        (2, 0, 1, (1, 16)),
        (8, 0, 0, (1, 16)),
        (8, 8, 1, (8, 16)),
    ],
)
def test_on_two_cores_two_servers_share_the_slots(
    cores: int, asked: int, threads: int, servers: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert servers_and_slots(asked, threads) == servers
