"""A tweetnlp checkpoint of 200 KB that finds a few people and places, trained in some seconds.

It has all that tweetnlp's code needs: a fast tokenizer, a RoBERTa that classifies tokens, and the
weights of its CRF layer in the configuration, like the `tner/*` models.
"""

import random
import re
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForTokenClassification

NAMES = {
    "person": ("Ada Lovelace", "Alan Turing", "Dolly Parton", "Grace Hopper"),
    "location": ("London", "Chicago", "Tokyo", "Lagos"),
    "product": ("iphone", "firefox"),
    "corporation": ("netflix", "boeing"),
}
SENTENCES = (
    "just saw {person} in {location}",
    "reading about {person} today",
    "i love {location} in the rain",
    "{corporation} is hiring in {location}",
    "my {product} died again",
    "{person} bought a {product} from {corporation}",
    "nothing happens here",
    "good morning everyone, with {@someone@}",
)
TYPES = ("corporation", "creative_work", "event", "group", "location", "person", "product")
LABELS = [f"{where}-{kind}" for where in "BI" for kind in TYPES] + ["O"]
SPECIAL = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
STEPS, BATCH, LEARNING_RATE = 100, 24, 1e-2


class Span(NamedTuple):
    """Where a name stands in a sentence."""

    start: int
    end: int
    kind: str


def build(folder: Path) -> Path:
    """Train the checkpoint and write it to `folder`."""
    random_state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(0)
    torch.set_num_threads(1)  # so small a model makes several wait for one another
    rng = random.Random(0)
    tokenizer = _tokenizer()
    model = RobertaForTokenClassification(_config(len(tokenizer)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE)
    model.train()
    for _ in range(STEPS):
        batch = [_sentence(rng) for _ in range(BATCH)]
        loss = model(**_encode(tokenizer, batch)).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    torch.random.set_rng_state(random_state)
    torch.set_num_threads(threads)
    return folder


def _sentence(rng: random.Random) -> tuple[str, list[Span]]:
    text, spans = "", []
    for part in re.split(r"(\{\w+\})", rng.choice(SENTENCES)):
        if names := NAMES.get(part.strip("{}")):
            name = rng.choice(names)
            spans.append(Span(len(text), len(text) + len(name), part.strip("{}")))
            text += name
        else:
            text += part
    return text, spans


def _encode(
    tokenizer: PreTrainedTokenizerFast, batch: list[tuple[str, list[Span]]]
) -> dict[str, torch.Tensor]:
    encoded = tokenizer(
        [text for text, _ in batch],
        padding=True,
        return_tensors="pt",
        return_offsets_mapping=True,
    )
    offsets = encoded.pop("offset_mapping").tolist()
    labels = [
        [_label(text, spans, *offset) for offset in row]
        for (text, spans), row in zip(batch, offsets, strict=True)
    ]
    return {
        "input_ids": encoded["input_ids"],
        "attention_mask": encoded["attention_mask"],
        "labels": torch.tensor(labels),
    }


def _label(text: str, spans: list[Span], start: int, end: int) -> int:
    if start == end:  # a special token: "O" where it stands for an end of the text
        return LABELS.index("O")
    first = start + (text[start] == " ")  # a token holds the space before it
    for span in spans:
        if span.start <= first and end <= span.end:
            return LABELS.index(f"{'B' if first == span.start else 'I'}-{span.kind}")
    return LABELS.index("O")


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    rng = random.Random(0)
    tokenizer.train_from_iterator(
        [_sentence(rng)[0] for _ in range(300)],
        trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=list(SPECIAL.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    numbers = tokenizer.get_vocab()
    end, start = ((SPECIAL[name], numbers[SPECIAL[name]]) for name in ("eos", "bos"))
    tokenizer.post_processor = processors.RobertaProcessing(end, start, add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        **{f"{name}_token": token for name, token in SPECIAL.items()},
    )


def _config(vocabulary: int) -> RobertaConfig:
    count = len(LABELS)
    config = RobertaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=514,
        type_vocab_size=1,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        hidden_dropout_prob=0.0,
        label2id={label: i for i, label in enumerate(LABELS)},
        id2label=dict(enumerate(LABELS)),
    )
    config.crf_state_dict = {  # a CRF that has no preference: every transition costs the same
        "transitions": torch.zeros(count, count).tolist(),
        "_constraint_mask": torch.ones(count + 2, count + 2).tolist(),
        "start_transitions": [0.0] * count,
        "end_transitions": [0.0] * count,
    }
    return config
