"""A real, untrained language model of some hundred KB, which the trainer handles in seconds.

Its tokenizer knows bytes and the marks of ChatML; its template is the default base model's.
"""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    set_seed,
)

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
KINDS: dict[str, Any] = {  # classes of transformers, whose union mypy cannot see
    "llama": (LlamaConfig, LlamaForCausalLM),
    "mamba": (MambaConfig, MambaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
}


def write_tiny_model(
    folder: Path, kind: str = "llama", template: str | None = CHAT_TEMPLATE
) -> Path:
    """Write a model that --base can name; the same weights every time."""
    tokenizer = _byte_tokenizer(template)
    config, model = KINDS[kind]
    set_seed(0)
    model(
        config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
            initializer_range=0.3,  # with the usual 0.02 frozen embeddings give flat logits
            bos_token_id=tokenizer.eos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _byte_tokenizer(template: str | None) -> Any:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>")
    fast.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    fast.chat_template = template
    return fast
