"""adapter.gguf under llama.cpp must say what the PEFT adapter says under transformers."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

from trainer.training import base_model, finetune
from trainer.training.base_model import BaseModel
from trainer.training.checkpoint import Training, adapter_weights
from trainer.training.gguf import can_convert, rotary_rows, write_gguf
from trainer.training.recipe import Recipe

Nats = np.ndarray[tuple[int], np.dtype[Any]]

SERVER = """
import sys, time, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.port, p.n_ctx, p.warmup = sys.argv[1], 0, 512, False
p.hostnames = ["127.0.0.1"] if isinstance(p.hostnames, list) else "127.0.0.1"
p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(sys.argv[2], 1.0)]
server = xllamacpp.Server(p)
print("LISTENING", server.listening_address, flush=True)
time.sleep(600)
"""


def test_rotary_rows_pairs_the_halves_of_each_head() -> None:
    weight = np.arange(8).reshape(8, 1)  # two heads of four rows
    assert rotary_rows(weight, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize(
    ("kind", "can"), [("llama", True), ("gemma3_text", True), ("qwen2", False), (None, False)]
)
def test_only_known_kinds_can_be_converted(kind: str | None, can: bool) -> None:
    assert can_convert({"model_type": kind}) is can


@pytest.fixture(scope="module")
def base() -> BaseModel:
    return base_model.load_base(base_model.DEFAULT, "float32")


@pytest.fixture(scope="module")
def training(base: BaseModel) -> Training:
    """The real base with an adapter that changes much: in q and k above all."""
    training = finetune.attach_adapter(base, Recipe(rank=4), torch.device("cpu"))
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in adapter_weights(training).items():
            if "lora_B" in name:
                weight.normal_(0, 0.5 if "q_proj" in name or "k_proj" in name else 0.005)
    training.model.eval()
    return training


@pytest.fixture(scope="module")
def adapter(base: BaseModel, training: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    finetune.save_adapter(training, base, folder)
    return folder


def test_every_weight_of_the_adapter_is_in_the_file(
    base: BaseModel, adapter: Path, tmp_path: Path
) -> None:
    write_gguf(adapter, base.model.config.to_dict(), tmp_path / "adapter.gguf")
    reader = gguf.GGUFReader(tmp_path / "adapter.gguf")
    assert reader.fields["adapter.lora.alpha"].contents() == 8.0
    assert len(reader.tensors) == 30 * 7 * 2
    names = {t.name for t in reader.tensors}
    assert {"blk.0.attn_q.weight.lora_a", "blk.29.ffn_down.weight.lora_b"} <= names


@pytest.mark.timeout(300)
def test_llama_cpp_and_transformers_agree_and_a_wrong_permutation_would_not(
    base: BaseModel, training: Training, adapter: Path, tmp_path: Path
) -> None:
    """Nats a token of the same texts, written by the server; it is Q4_1 against float32."""
    config = base.model.config.to_dict()
    right, wrong = tmp_path / "right.gguf", tmp_path / "wrong.gguf"
    write_gguf(adapter, config, right)
    one_head = {**config, "num_attention_heads": 1, "num_key_value_heads": 1}
    write_gguf(adapter, one_head, wrong)

    differences = {}
    for file in (right, wrong):
        differences[file.stem] = difference(base_model.default_gguf(), file, base, training)
    assert differences["right"] < 0.25, differences
    assert differences["wrong"] > 0.6, differences


def difference(weights: Path, adapter: Path, base: BaseModel, training: Training) -> float:
    """Mean nats a token between llama.cpp and transformers on texts that the former draws."""
    with _serving(weights, adapter) as address:
        served = [_complete(address, base.tokenizer, seed) for seed in range(3)]
    errors = [
        np.abs(_nats(training.model, prompt, tokens) - nats) for prompt, tokens, nats in served
    ]
    return float(np.mean(errors))


@contextmanager
def _serving(weights: Path, adapter: Path) -> Iterator[str]:
    command = [sys.executable, "-c", SERVER, str(weights), str(adapter)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout
        line = next(line for line in server.stdout if line.startswith("LISTENING"))
        yield line.split()[1]
    finally:
        server.kill()
        server.communicate()


def _complete(address: str, tokenizer: Any, seed: int) -> tuple[list[int], list[int], Nats]:
    """Prompt ids, sampled ids, and the nats the server gave each of them."""
    topic = ("harbour", "kettle", "fog", "goose")[seed]
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": topic}], tokenize=False, add_generation_prompt=True
    )
    prompt = tokenizer(text, add_special_tokens=False).input_ids
    body = {"prompt": prompt, "n_predict": 16, "n_probs": 1, "seed": seed, "temperature": 1.0}
    body |= {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "ignore_eos": True, "cache_prompt": False}
    connection = HTTPConnection(address.removeprefix("http://"), timeout=60)
    connection.request("POST", "/completion", json.dumps(body))
    probabilities = json.load(connection.getresponse())["completion_probabilities"]
    connection.close()
    nats = -np.array([p["logprob"] for p in probabilities])
    return prompt, [p["id"] for p in probabilities], nats


@torch.no_grad()
def _nats(model: Any, prompt: list[int], tokens: list[int]) -> Nats:
    """The nats that transformers gives the same tokens."""
    logits = model(input_ids=torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(tokens), reduction="none").numpy()
