"""The fine-tune itself, on a tiny model that is real in every part."""

import io
import json
import math
import random
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from tests import training
from tests.fakes.prepared import invented_posts, write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from trainer.__main__ import main
from trainer.data import dataset
from trainer.data.dataset import Dataset
from trainer.data.folder import Example
from trainer.errors import ModelError
from trainer.training import base_model, batches, finetune, products
from trainer.training.base_model import BaseModel
from trainer.training.bases import EMBEDDED, GEMMA
from trainer.training.batches import Tokens
from trainer.training.checkpoint import Checkpoint, adapter_weights, began_in
from trainer.training.loss import summed_loss
from trainer.training.recipe import LEARNING_RATE, Recipe
from trainer.training.voice_folder import VoiceFolder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def base(tiny: Path) -> BaseModel:
    return base_model.load_base(str(tiny), "float32")


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    return dataset.load(write_prepared(tmp_path / "data", invented_posts(40), validation=8))


def _example(topic: str, text: str) -> Example:
    return Example([{"role": "user", "content": topic}], text)


def test_prompt_is_the_chat_template_and_the_post_ends_with_eos(base: BaseModel) -> None:
    tokens = batches.encode(_example("fog", "Fog."), base.tokenizer, 512)
    text = base.tokenizer.decode(tokens.ids)
    assert text == "<|im_start|>user\nfog<|im_end|>\n<|im_start|>assistant\nFog.<|im_end|>"
    rendered = base.tokenizer.decode(tokens.ids[: tokens.prompt])
    assert rendered == "<|im_start|>user\nfog<|im_end|>\n<|im_start|>assistant\n"
    assert tokens.chars == 4


def test_a_long_post_is_cut_without_a_full_stop_and_counted(base: BaseModel) -> None:
    console = Console(file=io.StringIO(), record=True)
    examples = [_example("fog", "f" * 900), _example("fog", "Fog.")]
    long, short = batches.encode_all(examples, base, Recipe(max_tokens=128), console)
    assert len(long) == 128
    assert long.ids[-1] != base.tokenizer.eos_token_id
    assert long.chars == 128 - long.prompt
    assert short.ids[-1] == base.tokenizer.eos_token_id
    assert "1 of 2 posts were cut to 128 tokens." in console.export_text()


def test_loss_counts_the_posts_tokens_only_and_equals_a_plain_forward(base: BaseModel) -> None:
    """Sharing the prompts' beginning, padding and skipped logits must change nothing."""
    training = finetune.attach_adapter(base, Recipe(), CPU)
    with torch.no_grad():  # LoRA's B starts at zero, where every gradient of A is zero too
        for weight in adapter_weights(training).values():
            weight.normal_(0, 0.1)
    part = [batches.encode(_example(t, p), base.tokenizer, 512) for t, p in invented_posts(5)]
    part.append(batches.encode(_example("all", "x" * 80), base.tokenizer, 512))

    total = summed_loss(training, part)
    total.backward()
    gradients = [w.grad.clone() for w in adapter_weights(training).values() if w.grad is not None]
    training.optimizer.zero_grad()
    plain = sum((_plain_loss(training.model, e) for e in part), torch.zeros(()))
    plain.backward()

    torch.testing.assert_close(total, plain)
    expected = [w.grad for w in adapter_weights(training).values()]
    assert len(gradients) == len(expected) > 0
    torch.testing.assert_close(gradients, expected, rtol=1e-3, atol=1e-4)


def _plain_loss(model: Any, example: Tokens) -> torch.Tensor:
    logits = model(input_ids=torch.tensor([example.ids])).logits[0]
    post = slice(example.prompt, len(example))
    predicted = logits[example.prompt - 1 : -1]
    return torch.nn.functional.cross_entropy(
        predicted, torch.tensor(example.ids)[post], reduction="sum"
    )


def test_a_batch_in_parts_gives_the_step_of_the_whole_batch(tiny: Path, data: Dataset) -> None:
    weights = []
    for memory_tokens, workers in ((100, 2), (100_000, 1)):
        base = base_model.load_base(str(tiny), "float32")
        training = finetune.attach_adapter(base, Recipe(), CPU, workers)
        batch = [batches.encode(e, base.tokenizer, 512) for e in data.train[:8]]
        loss = finetune.take_step(training, batch, 1e-2, memory_tokens)
        weights.append((loss, [w.detach() for w in adapter_weights(training).values()]))
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-3, atol=1e-4)


def test_one_huge_post_goes_through_memory_alone() -> None:
    posts = [Tokens([0] * n, 1, n) for n in (30, 400, 20, 900, 25)]
    parts = [[len(e) for e in part] for part in batches.memory_batches(posts, 512)]
    assert parts == [[20, 25, 30], [400], [900]]


def test_the_newest_posts_are_read_as_far_as_the_tokens_last(tiny: Path, data: Dataset) -> None:
    base, quiet = base_model.load_base(str(tiny), "float32"), Console(quiet=True)
    everything = batches.last(data.train, base, Recipe(), quiet)
    assert everything == [batches.encode(e, base.tokenizer, 512) for e in data.train]
    three = sum(map(len, everything[-3:]))
    assert batches.last(data.train, base, Recipe(tokens=three), quiet) == everything[-3:]
    assert batches.last(data.train, base, Recipe(tokens=1), quiet) == everything[-1:]


def test_posts_to_validate_on_are_spread_evenly() -> None:
    posts = [Example([], str(n)) for n in range(250)]
    assert [e.completion for e in batches.some(posts, 5)] == ["0", "50", "100", "150", "200"]
    assert batches.some(posts[:3], 5) == posts[:3]


def test_order_is_the_same_for_a_seed_and_differs_between_epochs() -> None:
    posts = [Tokens([0] * (10 + i), 1, i) for i in range(50)]
    first, again, second, other = (
        batches.epoch_batches(posts, Recipe(seed=seed), epoch)
        for seed, epoch in ((1, 1), (1, 1), (1, 2), (2, 1))
    )
    assert first == again
    assert first not in (second, other)
    assert sorted(e.chars for batch in first for e in batch) == list(range(50))
    assert all(max(map(len, b)) - min(map(len, b)) <= 16 for b in first)  # of like length


def test_the_newest_posts_are_learnt_last() -> None:
    posts = [Tokens([0] * (10 + i % 7), 1, i) for i in range(1000)]
    once = Recipe(batch_size=4, epochs=1, tokens=20_000)  # they hold 13,000
    read = batches.epoch_batches(posts, once, 1)
    assert sorted(e.chars for batch in read for e in batch) == list(range(1000))
    at = [e.chars // (4 * batches.WINDOW) for batch in read for e in batch]
    assert at == sorted(at)
    assert [e.chars for batch in read for e in batch] != list(range(1000))
    for other in (replace(once, epochs=2), replace(once, tokens=26_000)):
        mixed = batches.epoch_batches(posts, other, 1)
        first = [e.chars for batch in mixed[:50] for e in batch]
        assert max(first) > 800  # few posts, or posts read again, are in random order
        assert sorted(e.chars for batch in mixed for e in batch) == list(range(1000))


def test_learning_rate_warms_up_and_falls_to_a_twentieth() -> None:
    once = Recipe(epochs=1, learning_rate=1.0)
    rates = [finetune.learning_rate(step, 100, once) for step in range(101)]
    assert rates[0] < 0.2
    assert rates[5] == rates[70] == max(rates) == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.05)
    rates = [finetune.learning_rate(step, 100, replace(once, epochs=2)) for step in range(101)]
    assert rates[50] == pytest.approx(0.525)
    assert max(rates) == pytest.approx(rates[5], abs=0.01)
    assert rates[100] == pytest.approx(0.05)


def test_a_base_has_its_own_learning_rate_unless_another_is_asked_for(base: BaseModel) -> None:
    gemma = replace(base, embedded=EMBEDDED[GEMMA])
    assert finetune.settled(Recipe(), base).learning_rate == LEARNING_RATE
    assert finetune.settled(Recipe(), gemma).learning_rate < LEARNING_RATE
    assert finetune.settled(Recipe(learning_rate=0.3), gemma).learning_rate == 0.3


def test_a_loss_that_is_no_number_says_what_to_lower(base: BaseModel, data: Dataset) -> None:
    training = finetune.attach_adapter(base, Recipe(), CPU)
    with torch.no_grad():
        next(iter(adapter_weights(training).values())).fill_(math.nan)
    batch = batches.encode_all(data.train[:4], base, Recipe(), Console())
    with pytest.raises(ModelError, match="Lower --learning-rate"):
        finetune.take_step(training, batch, 1e-3, 512)


def test_bfloat16_pays_only_where_the_processor_multiplies_it() -> None:
    has = torch.cpu.get_capabilities()
    if has.get("amx_bf16") or has.get("avx512_bf16"):
        pytest.skip("here it is measured")
    assert not products.bfloat16_pays()


def test_a_weight_laid_out_for_bfloat16_multiplies_as_it_did() -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(48, 33).bfloat16(), torch.randn(48).bfloat16()
    frozen = products.Frozen(weight, bias)
    for tokens in (1, 7, 130):
        x, d = torch.randn(tokens, 33).bfloat16(), torch.randn(tokens, 96).bfloat16()[:, ::2]
        expected = torch.nn.functional.linear(x.float(), weight.float(), bias.float())
        torch.testing.assert_close(frozen.forward(x).float(), expected, rtol=0.02, atol=0.1)
        back = d.float() @ weight.float()
        torch.testing.assert_close(frozen.backward(d).float(), back, rtol=0.02, atol=0.2)


def test_a_checkpoint_says_in_which_arithmetic_it_began(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.pt"
    assert began_in(file) is None
    base = base_model.load_base(str(tiny), "bfloat16")
    training = finetune.attach_adapter(base, Recipe(), CPU)
    Checkpoint(file, Recipe(), {}, is_written_here=True).save(training)
    assert began_in(file) == torch.bfloat16
    file.write_bytes(file.read_bytes()[:100])
    assert began_in(file) is None


def test_bfloat16_learns_as_float32_does_and_its_adapter_is_float32(
    tiny: Path, data: Dataset
) -> None:
    """What a GPU does, emulated: only the base model's numbers are coarser."""
    losses = {}
    for dtype in ("float32", "bfloat16"):
        base = base_model.load_base(str(tiny), dtype)
        training = finetune.attach_adapter(base, Recipe(), CPU)
        batch = batches.encode_all(data.train[:8], base, Recipe(), Console())
        losses[dtype] = [finetune.take_step(training, batch, 1e-2, 512) for _ in range(3)]
        assert {w.dtype for w in adapter_weights(training).values()} == {torch.float32}
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)
    assert losses["bfloat16"][2] < 0.98 * losses["bfloat16"][0]


def test_a_full_disk_is_a_sentence(base: BaseModel, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.partial").symlink_to("/dev/full")
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt", Recipe(), {}, is_written_here=True)
    with pytest.raises(ModelError, match="Is the disk full"):
        checkpoint.save(finetune.attach_adapter(base, Recipe(), CPU))


# --- kill and resume, through the command line

LONG = ("--epochs", "12", "--patience", "12", "--checkpoint-every", "1")  # 8 steps an epoch


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """Where a training was killed: data/ and voices/.mara.training/ with its checkpoint."""
    place = tmp_path_factory.mktemp("killed")
    write_prepared(place / "data", invented_posts(40), validation=8)
    _kill_on_its_way(place, training.started(main, _arguments(place, tiny, "mara", *LONG)))
    return place


def _kill_on_its_way(place: Path, process: ForkServerProcess) -> None:
    checkpoint = place / "voices" / ".mara.training" / "checkpoint.pt"
    step = random.randrange(6, 30)
    while not (checkpoint.exists() and _steps(checkpoint) > step):
        assert process.exitcode is None, "it ended before it could be killed"
        time.sleep(0.01)
    _kill_after(process, random.uniform(0, 0.03))


def _start(arguments: list[str]) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "trainer", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def _kill_after(process: "subprocess.Popen[bytes] | ForkServerProcess", seconds: float) -> None:
    print(f"killed after another {seconds:.3f} s")  # shown if the test fails
    time.sleep(seconds)
    process.kill()
    process.wait() if isinstance(process, subprocess.Popen) else process.join()


@pytest.fixture
def place(killed: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(killed, tmp_path / "place"))


def _arguments(place: Path, tiny: Path, voice: str, *more: str) -> list[str]:
    where = ["--voice", voice, "--voices", str(place / "voices"), "--base", str(tiny)]
    return ["train", str(place / "data"), *where, "--threads", "1", *more]


def _steps(checkpoint: Path) -> int:
    return int(torch.load(checkpoint, weights_only=True)["step"])


def _curve(place: Path, voice: str) -> Any:
    return json.loads((place / "voices" / voice / "curve.json").read_text("utf-8"))


def _same_voice(place: Path, one: str, other: str) -> None:
    """The same losses step by step, and adapters that are equal byte for byte."""
    assert _curve(place, one) == _curve(place, other)
    for file in ("adapter/adapter_model.safetensors", "adapter.gguf", "posts.jsonl"):
        first, second = ((place / "voices" / voice / file).read_bytes() for voice in (one, other))
        assert first == second, file


def test_a_killed_training_goes_on_and_ends_in_the_same_voice(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not (place / "voices" / "mara").exists()
    assert main(_arguments(place, tiny, "mara", *LONG)) == 0
    resumed = re.search(r"Resuming after step (\d+)", capsys.readouterr().out)
    assert resumed
    assert 6 < int(resumed[1]) < 96
    assert main(_arguments(place, tiny, "unbroken", *LONG)) == 0
    assert len(_curve(place, "unbroken")["steps"]) == 96
    _same_voice(place, "mara", "unbroken")
    assert sorted(p.name for p in (place / "voices").iterdir()) == ["mara", "unbroken"]


def test_a_killed_training_in_bfloat16_ends_as_near_as_bfloat16_tells_numbers_apart(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every byte, as the float32 of the tests around promises, is more than that has to keep."""
    write_prepared(tmp_path / "data", invented_posts(40), validation=8)
    recipe = Recipe(epochs=9, patience=9, checkpoint_every=1, threads=1)
    mara, unbroken = (
        training.arguments(tmp_path, tiny, voice, recipe, "bfloat16")
        for voice in ("mara", "unbroken")
    )
    _kill_on_its_way(tmp_path, training.started(training.main, mara))
    assert training.main(mara) == training.main(unbroken) == 0
    assert "Resuming after step" in capsys.readouterr().out
    resumed, whole = (training.losses(tmp_path / "voices" / v) for v in ("mara", "unbroken"))
    assert len(whole) == 72 + 10
    assert resumed == pytest.approx(whole, rel=training.BFLOAT16_BOUND)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_kills_at_any_moment_end_in_the_voice_of_an_unbroken_run(
    tmp_path: Path, tiny: Path
) -> None:
    """While it starts, loads, trains, saves, draws the curve, moves the voice in place."""
    more = ("--epochs", "30", "--patience", "30")
    write_prepared(tmp_path / "data", invented_posts(40), validation=8)
    started = time.monotonic()
    assert _start(_arguments(tmp_path, tiny, "unbroken", *more)).wait() == 0
    seconds = time.monotonic() - started
    voice = tmp_path / "voices" / "mara"
    for _ in range(10):
        _kill_after(_start(_arguments(tmp_path, tiny, "mara", *more)), random.uniform(0, seconds))
        if voice.exists():  # never half of one
            _same_voice(tmp_path, "mara", "unbroken")
    assert _start(_arguments(tmp_path, tiny, "mara", *more)).wait() == 0
    assert len(_curve(tmp_path, "mara")["steps"]) == 240
    _same_voice(tmp_path, "mara", "unbroken")
    assert sorted(p.name for p in (tmp_path / "voices").iterdir()) == ["mara", "unbroken"]


def test_a_second_training_of_the_same_voice_is_refused_until_the_first_ends(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with VoiceFolder(place / "voices", "mara").open():
        assert main(_arguments(place, tiny, "mara", *LONG)) == 2
    assert "The voice mara is being trained by another process." in capsys.readouterr().err
    assert main(_arguments(place, tiny, "mara", *LONG)) == 0


def test_less_memory_at_once_goes_on_from_the_same_checkpoint(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, tiny, "mara", *LONG, "--memory-tokens", "150")) == 0
    assert "Resuming after step" in capsys.readouterr().out


def test_a_changed_setting_starts_anew_and_says_so(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, tiny, "mara", "--epochs", "1", "--rank", "4")) == 0
    assert "Starting anew: epochs, rank changed" in capsys.readouterr().out
    assert len(_curve(place, "mara")["steps"]) == 8


def test_changed_data_starts_anew(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prepared(place / "data", invented_posts(41), validation=8)
    assert main(_arguments(place, tiny, "mara", "--epochs", "1")) == 0
    assert "data changed since" in capsys.readouterr().out


def test_fresh_ignores_the_checkpoint(
    place: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, tiny, "mara", *LONG, "--fresh")) == 0
    assert "Resuming" not in capsys.readouterr().out


@pytest.mark.parametrize("left", [0, 4, 5000], ids=["empty", "four bytes", "half"])
def test_a_damaged_checkpoint_is_a_sentence_that_names_fresh(
    place: Path, tiny: Path, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = place / "voices" / ".mara.training" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:left])
    assert main(_arguments(place, tiny, "mara", *LONG)) == 2
    assert "Run this again with --fresh" in capsys.readouterr().err
