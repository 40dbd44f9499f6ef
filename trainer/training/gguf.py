"""A PEFT adapter folder -> adapter.gguf, which llama.cpp's server loads beside its base model.

Reads adapter_config.json and adapter_model.safetensors; needs no torch.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

Matrix = np.ndarray[tuple[int, int], np.dtype[Any]]

LORA_WEIGHT = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")


_KINDS = {"llama": gguf.MODEL_ARCH.LLAMA, "gemma3_text": gguf.MODEL_ARCH.GEMMA3}


def can_convert(config: Mapping[str, Any]) -> bool:
    """Whether this config's base model has known tensor names and row order."""
    return config.get("model_type") in _KINDS


def write_gguf(adapter: Path, config: Mapping[str, Any], file: Path) -> None:
    """Convert an adapter; `config` is the base model's config.json, for its layers and heads."""
    kind = _KINDS[config["model_type"]]
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    if kind != gguf.MODEL_ARCH.LLAMA:  # llama.cpp turns the halves of their heads, as they are
        heads = {}
    names = gguf.get_tensor_name_map(kind, config["num_hidden_layers"])
    settings = json.loads((adapter / "adapter_config.json").read_text("utf-8"))

    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[kind])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for key, weight in load_file(adapter / "adapter_model.safetensors").items():
        module, side = _parse(key)
        projection = module.rpartition(".")[2]
        if side == "B" and projection in heads:
            weight = rotary_rows(weight, heads[projection])  # noqa: PLW2901 - same weight, reordered
        name = names.get_name(module)
        writer.add_tensor(
            f"{name}.weight.lora_{side.lower()}", np.ascontiguousarray(weight, np.float16)
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def rotary_rows(weight: Matrix, heads: int) -> Matrix:
    """A Llama's rows in llama.cpp's order: it rotates neighbours, Hugging Face a head's halves."""
    rows, columns = weight.shape
    return (
        weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(weight.shape)
    )


def _parse(key: str) -> tuple[str, str]:
    match = LORA_WEIGHT.fullmatch(key)
    assert match, f"not a LoRA weight: {key}"
    return match[1], match[2]
