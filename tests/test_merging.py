"""Voices merged into their base model: the right sum, written once, and never missed."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import openai
import pytest

from bot.voice import Base, Voice
from bot.voice.weights import DEFAULT_BASE, find_weights
from bot.writing import merging
from bot.writing.engine import Engine
from bot.writing.gguf_file import write_merged
from bot.writing.merging import merge, merged_file, obstacle
from tests.fakes.adapter import write_adapter, write_local_voices

RANK, ALPHA = 4, 6.0
Matrix = np.ndarray[Any, np.dtype[Any]]


@pytest.fixture
def voices(voice_folder: Path) -> Path:
    """Two local voices on one base."""
    return write_local_voices(voice_folder, mara=0.0, odd=30.0)


def _write(file: Path, architecture: str, tensors: dict[str, tuple[Matrix, Any]]) -> Path:
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_string("an.answer", "gull’s")
    writer.add_array("tokenizer.ggml.tokens", ["Ġtea", "fog", ""])
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_bool("a.truth", True)
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, ALPHA)
    for name, (data, kind) in tensors.items():
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_the_sum_is_that_of_the_gguf_package(tmp_path: Path) -> None:
    """Also for a matrix with a row of nothing, and beside one that no adapter changes."""
    rng, kinds = np.random.default_rng(3), gguf.GGMLQuantizationType
    plain = {name: rng.normal(size=(96, 64)).astype(np.float32) for name in ("up", "still")}
    plain["up"][5] = 0
    norm = rng.normal(size=7).astype(np.float32)
    a = rng.normal(size=(RANK, 64)).astype(np.float16)
    b = rng.normal(size=(96, RANK)).astype(np.float16)
    b[5] = 0
    stored = {name: (gguf.quantize(m, kinds.Q4_1), kinds.Q4_1) for name, m in plain.items()}
    base = _write(tmp_path / "base.gguf", "llama", stored | {"norm": (norm, kinds.F32)})
    sides = {"up.lora_a": (a, kinds.F16), "up.lora_b": (b, kinds.F16)}
    adapter = _write(tmp_path / "adapter.gguf", "llama", sides)

    write_merged(base, adapter, tmp_path / "merged.gguf")

    before, after = gguf.GGUFReader(base), gguf.GGUFReader(tmp_path / "merged.gguf")
    contents = [
        {name: field.contents() for name, field in reader.fields.items()}
        for reader in (before, after)
    ]
    assert contents[0] == contents[1]
    found = {tensor.name: tensor for tensor in after.tensors}
    assert [t.name for t in after.tensors] == [t.name for t in before.tensors]
    assert np.array_equal(found["still"].data, stored["still"][0])
    assert np.array_equal(found["norm"].data, norm)
    summed = gguf.dequantize(*stored["up"])
    summed += ALPHA / RANK * b.astype(np.float32) @ a.astype(np.float32)
    up = found["up"]
    assert up.tensor_type == kinds.Q8_0
    off = np.abs(gguf.dequantize(up.data, kinds.Q8_0) - summed).max(axis=1)
    assert (off <= np.abs(summed).max(axis=1) / 127 * 0.6).all()  # half a step, and more by 16 bits
    assert not off[5]


def test_an_adapter_of_another_model_is_refused(tmp_path: Path) -> None:
    kind = gguf.GGMLQuantizationType.F32
    ones = np.ones((1, 32), np.float32)
    base = _write(tmp_path / "base.gguf", "llama", {"up": (ones, kind)})
    sides = {f"down.lora_{side}": (ones, kind) for side in "ab"}
    adapter = _write(tmp_path / "adapter.gguf", "llama", sides)
    with pytest.raises(ValueError, match=r"changes what .* has not: down.lora_a"):
        write_merged(base, adapter, tmp_path / "merged.gguf")


def test_a_merged_file_is_written_once_and_a_stale_one_goes(voices: Path) -> None:
    folder, base = voices / "odd", find_weights(DEFAULT_BASE)
    voice = Voice.load(folder)
    killed = folder / "merged-0.gguf.partial"
    killed.write_bytes(b"GG")
    first = merge(folder, voice, base, 2)
    assert first == merged_file(folder, voice)
    assert [f.name for f in folder.glob("merged*")] == [first.name]
    written = first.stat().st_mtime_ns
    assert merge(folder, voice, base, 2) == first
    assert first.stat().st_mtime_ns == written
    write_adapter(folder / "adapter.gguf", 2, 1.0)
    second = merge(folder, voice, base, 2)
    assert second != first
    assert list(folder.glob("merged*")) == [second]


@pytest.mark.parametrize(
    ("base", "voices_served", "spare", "said"),
    [
        (DEFAULT_BASE, 3, 0, None),
        (DEFAULT_BASE, 4, 0, "of more than 3 none is merged"),
        (Base("another/model", None), 1, 0, "only those on HuggingFaceTB/SmolLM2"),
        (DEFAULT_BASE, 1, 1 << 60, "the disk of .* is nearly full"),
    ],
    ids=["it is", "many voices", "another base", "full disk"],
)
def test_what_is_in_the_way_of_merging_is_said(
    voices: Path,
    base: Base,
    voices_served: int,
    spare: int,
    said: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merging, "SPARE", spare)
    voice = replace(Voice.load(voices / "odd"), base=base)
    found = obstacle(voices / "odd", voice, voices_served)
    if said is None:
        assert found is None
        return
    assert found is not None
    assert re.search(said, found)
    assert merge(voices / "odd", voice, Path("no such base"), voices_served) is None


async def test_a_voice_that_cannot_be_merged_or_whose_file_is_damaged_writes_by_its_adapter(
    voices: Path,
) -> None:
    """The same words, whichever way it is served."""
    said = {}
    for turn in ("merged", "damaged", "cannot be written"):
        file = merged_file(voices / "mara", Voice.load(voices / "mara"))
        if turn == "damaged":
            file.write_bytes(file.read_bytes()[:1000])
        with _unwritable(voices / "mara") if turn == "cannot be written" else nullcontext():
            async with (
                Engine(voices, servers=1) as engine,
                openai.AsyncOpenAI(base_url=engine.base_url, api_key="none") as client,
            ):
                answer = await client.chat.completions.create(
                    model="mara",
                    messages=[{"role": "user", "content": "The capital of France is"}],
                    temperature=0,
                    max_tokens=8,
                    extra_body={"cache_prompt": False},
                )
                said[turn] = answer.choices[0].message.content
        assert file.exists() == (turn == "merged")
    assert said["merged"] == said["damaged"] == said["cannot be written"]


@contextmanager
def _unwritable(folder: Path) -> Iterator[None]:
    """Nobody, root neither, writes a file where a folder of its name stands in the way."""
    obstacle_ = merged_file(folder, Voice.load(folder)).with_suffix(".gguf.partial")
    (obstacle_ / "full").mkdir(parents=True)
    yield
    shutil.rmtree(obstacle_)
