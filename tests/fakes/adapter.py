"""A real, if meaningless, LoRA adapter for the embedded engine: one small random matrix."""

import json
from dataclasses import asdict
from pathlib import Path

import gguf
import numpy as np

from bot.voice.weights import DEFAULT_BASE

WIDTH = 576  # SmolLM2-135M


def write_adapter(
    file: Path, seed: int, strength: float, kind: str = "llama", width: int = WIDTH
) -> None:
    """Write an adapter whose effect grows with `strength`; 0 leaves the base model as it is."""
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, kind)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 1.0)
    name = "blk.0.attn_output.weight"
    writer.add_tensor(f"{name}.lora_a", rng.normal(size=(1, width)).astype(np.float32))
    b = strength * rng.normal(size=(width, 1))
    writer.add_tensor(f"{name}.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_local_voices(like: Path, **strengths: float) -> Path:
    """Write local voices beside the folder of one, all on the default base; returns `voices`."""
    about = json.loads((like / "voice.json").read_text("utf-8"))
    about |= {"backend": "local", "model": "adapter.gguf", "base": asdict(DEFAULT_BASE)}
    for name, strength in strengths.items():
        folder = like.parent / name
        folder.mkdir(exist_ok=True)
        write_adapter(folder / "adapter.gguf", 1, strength)
        (folder / "voice.json").write_text(json.dumps(about | {"name": name}), "utf-8")
    return like.parent
