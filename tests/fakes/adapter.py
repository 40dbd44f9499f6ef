"""A real, if meaningless, LoRA adapter for the embedded engine: one small random matrix."""

from pathlib import Path

import gguf
import numpy as np

WIDTH = 576  # SmolLM2-135M


def write_adapter(file: Path, seed: int, strength: float) -> None:
    """Write an adapter whose effect grows with `strength`; 0 leaves the base model as it is."""
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, 1.0)
    name = "blk.0.attn_output.weight"
    writer.add_tensor(f"{name}.lora_a", rng.normal(size=(1, WIDTH)).astype(np.float32))
    b = strength * rng.normal(size=(WIDTH, 1))
    writer.add_tensor(f"{name}.lora_b", b.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
