"""The flat forward gives the loss and the gradients of transformers' own, for every family."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, set_seed

from tests.fakes.tiny_llama import write_tiny_model
from trainer.training import base_model, batches, finetune
from trainer.training.base_model import BaseModel
from trainer.training.batches import Tokens
from trainer.training.checkpoint import adapter_weights
from trainer.training.loss import summed_loss
from trainer.training.recipe import Recipe

CPU = torch.device("cpu")
SMALL = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 5e4, "factor": 8.0, "low_freq_factor": 1.0}
LLAMA3 |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}
WINDOWED = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"]}

FLAT: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"tie_word_embeddings": True}),
    ("llama", {"attention_bias": True, "head_dim": 16, "rope_parameters": LLAMA3}),
    ("mistral", {"sliding_window": 6, "head_dim": 8}),
    ("qwen2", {}),
    ("qwen2", {"use_sliding_window": True, **WINDOWED}),
    ("qwen3", {"head_dim": 16}),
    ("gemma3_text", {"head_dim": 16, "query_pre_attn_scalar": 24, **WINDOWED}),
]
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("llama", {"mlp_bias": True, "hidden_act": "relu"}),
    ("gemma2", {"head_dim": 8}),
    ("granite", {"residual_multiplier": 0.5}),
    ("olmo2", {}),
    ("phi3", {}),
    ("smollm3", {}),
    ("gpt_neox", {}),
]


def _base(kind: str, more: dict[str, Any]) -> BaseModel:
    set_seed(0)
    config = AutoConfig.for_model(kind, **{**SMALL, **more})
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():  # norms and biases that begin at 1 and 0 would hide what forgets them
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.2)
    return BaseModel("tiny", None, model.requires_grad_(requires_grad=False), None)


def _posts() -> list[Tokens]:
    """Prompts that begin alike, of several lengths; one post of a single token."""
    sizes = ((9, 14), (7, 9), (12, 1), (9, 30))
    start = [5, 6, 7, 8]
    return [
        Tokens([*start, *((i * (17 + n) + n) % 96 for i in range(p - 4 + c))], p, c)
        for n, (p, c) in enumerate(sizes)
    ]


def _names(table: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [" ".join([kind, *more]) for kind, more in table]


@pytest.mark.parametrize(("kind", "more"), [*FLAT, *OTHERS], ids=_names([*FLAT, *OTHERS]))
def test_the_loss_and_its_gradients_are_those_of_posts_read_one_by_one(
    kind: str, more: dict[str, Any]
) -> None:
    training = finetune.attach_adapter(_base(kind, more), Recipe(rank=4), CPU)
    assert (training.flat is not None) == ((kind, more) in FLAT)
    weights = list(adapter_weights(training).values())
    with torch.no_grad():  # LoRA's B starts at zero, where every gradient of A is zero too
        for weight in weights:
            weight.normal_(0, 0.1)
    loss = summed_loss(training, _posts())
    plain = torch.stack([_plain_loss(training.model, post) for post in _posts()]).sum()
    torch.testing.assert_close(loss, plain, rtol=1e-5, atol=1e-5)
    ours, theirs = (torch.autograd.grad(value, weights) for value in (loss, plain))
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)


def _plain_loss(model: Any, post: Tokens) -> torch.Tensor:
    logits = model(input_ids=torch.tensor([post.ids])).logits[0, post.prompt - 1 : -1]
    targets = torch.tensor(post.ids[post.prompt :])
    return torch.nn.functional.cross_entropy(logits, targets, reduction="sum")


def test_a_base_that_does_not_compute_alike_is_left_to_transformers() -> None:
    """A setting of the config that no list of ours has: what Gemma caps its scores by."""
    base = _base("gemma3_text", {"head_dim": 8, "final_logit_softcapping": 0.5})
    assert finetune.attach_adapter(base, Recipe(), CPU).flat is None


def test_workers_get_parts_that_take_as_long() -> None:
    posts = [Tokens([0] * n, 1, n) for n in (40, 45, 50, 80)]
    dealt = [sorted(map(len, share)) for share in batches.shares(posts, 2)]
    assert sorted(dealt) == [[40, 80], [45, 50]]
    assert batches.shares(posts[:1], 2) == [posts[:1], []]


def test_a_flat_form_shares_the_models_weights() -> None:
    training = finetune.attach_adapter(_base("llama", {}), Recipe(rank=4), CPU)
    assert training.flat
    fused = training.flat.layers[0].qkv.frozen.weight
    attention = training.model.get_base_model().model.layers[0].self_attn
    for projection in (attention.q_proj, attention.k_proj, attention.v_proj):
        own = projection.base_layer.weight
        assert own.untyped_storage().data_ptr() == fused.untyped_storage().data_ptr()


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells")
def test_the_file_of_the_weights_does_not_stay_in_memory_beside_the_fused_ones(
    tmp_path: Path,
) -> None:
    base = base_model.load_base(str(write_tiny_model(tmp_path)), "float32")
    file = str(tmp_path / "model.safetensors")
    assert file in Path("/proc/self/maps").read_text()
    assert finetune.attach_adapter(base, Recipe(rank=4), CPU).flat
    assert file not in Path("/proc/self/maps").read_text()
