"""A voice on Gemma 3 270M: trained, written, and served beside one on the default base.

What needs its weights is skipped where they are not installed (`make install-gemma`).
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import openai
import pytest
import torch
from rich.console import Console

from bot.errors import VoiceError
from bot.voice import TEMPLATE_FILE, Base, Prompt, PromptParts, Voice, weights
from bot.voice.weights import DEFAULT_BASE, GEMMA_BASE, find_weights, named_for
from bot.writing.engine import Engine
from tests.fakes.adapter import write_local_voices
from tests.fakes.prepared import invented_posts, write_prepared
from tests.test_gguf import difference
from trainer.commands.train import base_for
from trainer.data import dataset
from trainer.training import base_model, finetune
from trainer.training.bases import EMBEDDED, GEMMA
from trainer.training.checkpoint import adapter_weights
from trainer.training.gguf import rotary_rows, write_gguf
from trainer.training.recipe import Recipe
from trainer.training.voice_folder import VoiceFolder

installed = pytest.mark.skipif(
    not weights.GEMMA_FILE.is_file(), reason="Gemma is not installed: make install-gemma"
)
GERMAN = (
    "Die Fähre kam heute wieder zu spät, und niemand hat sich darüber gewundert.",
    "Meine Gans hat beschlossen, dass der Hafen ihr gehört. Wir verhandeln noch.",
    "Kapitän Okafor hat sich über den Lautsprecher entschuldigt, sehr höflich.",
)


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a voice that has learnt from a few posts on Gemma."""
    place = tmp_path_factory.mktemp("gemma")
    data = write_prepared(place / "data", invented_posts(48), validation=8)
    finetune.train(
        dataset.load(data),
        VoiceFolder(place / "voices", "gull"),
        Recipe(tokens=200, epochs=1, rank=4, threads=1),
        GEMMA,
        fresh=True,
        now=datetime.now(UTC),
        console=Console(quiet=True),
        dtype=torch.float32,
    )
    return place / "voices"


@installed
@pytest.mark.timeout(600)
def test_the_voice_names_its_terms_and_holds_its_template(voices: Path) -> None:
    folder = voices / "gull"
    voice = Voice.load(folder)
    assert voice.base == GEMMA_BASE
    assert "https://ai.google.dev/gemma/terms" in str(voice.base.terms)
    assert voice.sampling == EMBEDDED[GEMMA].sampling
    assert (folder / TEMPLATE_FILE).read_text("utf-8") == EMBEDDED[GEMMA].template
    assert voice.metrics["bits_per_char"] < voice.metrics["bits_per_char_base"]


@installed
@pytest.mark.timeout(600)
async def test_the_engine_serves_two_bases_by_the_prompt_that_trained(
    voices: Path, voice_folder: Path
) -> None:
    write_local_voices(voice_folder, mara=0.0)
    (voices / "gull").rename(voice_folder.parent / "gull")
    base = base_model.load_base(GEMMA, "float32")
    system, user = (m["content"] for m in Prompt().messages(PromptParts("Nebel")))
    async with (
        Engine(voice_folder.parent, servers=1) as engine,
        openai.AsyncOpenAI(base_url=engine.base_url, api_key="none", timeout=120) as client,
    ):
        read = {}
        for name in ("gull", "mara", GEMMA_BASE.name, DEFAULT_BASE.name):
            answer = await client.chat.completions.create(
                model=name,
                messages=[
                    {"role": "system", "content": system},
                    {"role": "user", "content": user},
                ],
                max_tokens=4,
            )
            assert answer.usage
            read[name] = answer.usage.prompt_tokens
    rendered = base.tokenizer.apply_chat_template(
        Prompt().messages(PromptParts("Nebel")), tokenize=False, add_generation_prompt=True
    )
    assert rendered == (
        "<bos><start_of_turn>user\nWrite a post in the author's voice.\n\nNebel<end_of_turn>\n"
        "<start_of_turn>model\n"
    )
    ids = base.tokenizer(rendered, add_special_tokens=False).input_ids
    assert read["gull"] == read[GEMMA_BASE.name] == len(ids)
    assert read["mara"] == read[DEFAULT_BASE.name] != len(ids)
    (voice_folder.parent / "gull").rename(voices / "gull")


@installed
@pytest.mark.timeout(600)
def test_llama_cpp_and_transformers_agree_on_a_voice(tmp_path: Path) -> None:
    """With an adapter that changes much, in queries and keys above all."""
    base = base_model.load_base(GEMMA, "float32")
    training = finetune.attach_adapter(base, Recipe(rank=4), torch.device("cpu"))
    assert training.flat, "the flat form gives another loss than transformers"
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in adapter_weights(training).items():
            if "lora_B" in name:
                weight.normal_(0, 0.1 if "q_proj" in name or "k_proj" in name else 0.003)
    finetune.save_adapter(training, base, tmp_path)
    write_gguf(tmp_path, base.model.config.to_dict(), tmp_path / "right.gguf")
    assert difference(weights.GEMMA_FILE, tmp_path / "right.gguf", base, training) < 0.25
    with torch.no_grad():  # the rows of a Llama
        for name, weight in adapter_weights(training).items():
            if "q_proj" in name and "lora_B" in name:
                weight.copy_(torch.from_numpy(rotary_rows(weight.numpy(), 4)))
    assert difference(weights.GEMMA_FILE, tmp_path / "right.gguf", base, training) > 0.4


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "are not installed. Run `make install-gemma`"), (b"GGUF", "are damaged")],
    ids=["missing", "damaged"],
)
def test_weights_that_are_missing_or_damaged_are_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, said: str
) -> None:
    monkeypatch.setattr(weights, "GEMMA_FILE", tmp_path / "gemma.gguf")
    if content:
        weights.GEMMA_FILE.write_bytes(content)
    with pytest.raises(VoiceError, match=said):
        find_weights(GEMMA_BASE)


def test_a_named_file_is_that_of_the_only_base_or_of_the_unknown_one(tmp_path: Path) -> None:
    other, named = Base("someone/other", None), tmp_path / "other.gguf"
    for bases, expected in (
        ([GEMMA_BASE, GEMMA_BASE], {GEMMA_BASE: named}),
        ([GEMMA_BASE, DEFAULT_BASE], {GEMMA_BASE: None, DEFAULT_BASE: None}),
        ([other, DEFAULT_BASE], {other: named, DEFAULT_BASE: None}),
    ):
        assert {base: named_for(base, bases, named) for base in bases} == expected


@pytest.mark.parametrize("is_installed", [True, False])
@pytest.mark.parametrize(("posts", "language"), [(GERMAN, "German"), ((), None)])
def test_the_base_is_chosen_by_the_language_of_most_posts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_installed: bool,
    posts: tuple[str, ...],
    language: str | None,
) -> None:
    monkeypatch.setattr(weights, "GEMMA_FILE", tmp_path / "gemma.gguf")
    if is_installed:
        weights.GEMMA_FILE.write_bytes(b"")
    pairs = [("anything", text) for text in posts * 20] + invented_posts(24)
    data = dataset.load(write_prepared(tmp_path / "data", [*pairs, *invented_posts(24)]))
    with (console := Console(width=300)).capture() as said:
        chosen = base_for(data, console)
    takes_gemma = bool(language) and is_installed
    assert chosen == (GEMMA if takes_gemma else DEFAULT_BASE.name)
    if language is None:
        assert said.get() == ""
    else:
        assert said.get().startswith(f"Most of these posts are in {language}, ")
        assert ("make install-gemma" in said.get()) != is_installed


def test_voices_on_other_bases_are_written_as_before(voice_folder: Path) -> None:
    Voice.load(voice_folder).save(voice_folder)
    assert set(json.loads((voice_folder / "voice.json").read_text())["base"]) == {"name", "sha256"}
