"""`python -m trainer train`, from a prepared folder to a voice that the bot can load."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.voice import Voice, load_posts
from tests.fakes.prepared import invented_posts, write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from trainer.__main__ import main

UNKNOWN = "nobody/no-such-model"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_prepared(tmp_path / "data", invented_posts(48), validation=8)


def _train(tmp_path: Path, base: Path | str, *more: str, voice: str = "mara") -> int:
    where = ["--voice", voice, "--voices", str(tmp_path / "voices"), "--base", str(base)]
    return main(["train", str(tmp_path / "data"), *where, "--threads", "1", *more])


def test_a_voice_folder_is_complete_and_names_no_path_of_this_machine(
    tmp_path: Path, tiny: Path, data: Path
) -> None:
    assert _train(tmp_path, tiny, "--learning-rate", "0.02", "--epochs", "3") == 0
    folder = tmp_path / "voices" / "mara"
    voice = Voice.load(folder)
    assert (voice.backend, voice.model, voice.base.name) == ("local", "adapter.gguf", "tiny")
    assert voice.counts == {"train": 40, "validation": 8}
    assert voice.metrics["bits_per_char"] < 0.9 * voice.metrics["bits_per_char_base"]
    assert [p.text for p in load_posts(folder)] == [text for _, text in invented_posts(48)[:40]]
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "adapter.gguf",
        "curve.json",
        "curve.png",
        "dataset.json",
        "held-out.jsonl",
        "posts.jsonl",
        "voice.json",
    }
    for file in folder.rglob("*.json*"):
        assert str(tmp_path.parent) not in file.read_text("utf-8")
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in (tmp_path / "voices").iterdir()] == ["mara"]
    umask = os.umask(0)
    os.umask(umask)
    modes = {p.stat().st_mode & 0o777 for p in folder.rglob("*") if p.is_file()}
    assert modes == {0o666 & ~umask}, "a server that is another user must be able to read it"
    assert (tmp_path / "voices").stat().st_mode & 0o777 == 0o700, "but its owner says who"


def test_without_a_terminal_there_is_a_line_a_tenth_and_an_epoch(
    tmp_path: Path, tiny: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, tiny, "--epochs", "2") == 0
    out, err = capsys.readouterr()
    tenths = [line for line in out.splitlines() if re.match(r"\d+%, loss [\d.]+, \d+ tok", line)]
    assert [line.split("%")[0] for line in tenths][-1] == "100"
    assert 5 < len(tenths) <= 10
    before, first, second, ready, unranked = [n for n in out.splitlines() if n not in tenths]
    assert before.startswith("before training: validation loss")
    assert re.fullmatch(
        r"epoch 1/2: training loss [\d.]+, validation loss [\d.]+,"
        r" [\d.]+ bits per character, \d+ s",
        first,
    )
    assert second.startswith("epoch 2/2: ")
    assert ready.startswith("The voice mara is ready in ")
    assert unranked.startswith("Its drafts are not ranked. The voice was trained on ")
    assert err == ""


def test_the_best_epoch_is_kept_though_later_ones_are_worse(
    tmp_path: Path, tiny: Path, data: Path
) -> None:
    """Trained on posts unlike the validation's, it can only get worse after a while."""
    odd = [*invented_posts(40), *(("all", "ZZZ QQQ XXX JJJ") for _ in range(8))]
    write_prepared(data, odd, validation=8)
    rate = ("--learning-rate", "0.05")
    assert _train(tmp_path, tiny, *rate, "--epochs", "6", "--patience", "6") == 0
    folder = tmp_path / "voices" / "mara"
    losses = _validation_losses(folder)
    best = min(losses, key=losses.__getitem__)
    assert best < 6, losses
    assert Voice.load(folder).metrics["best_epoch"] == best


@pytest.mark.parametrize("patience", [1, 2])
def test_it_stops_when_so_many_epochs_brought_nothing(
    tmp_path: Path, tiny: Path, data: Path, patience: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """On validation posts that only get worse, forty epochs end soon, and cost no quality."""
    odd = [*invented_posts(40), *(("all", "ZZZ QQQ XXX JJJ") for _ in range(8))]
    write_prepared(data, odd, validation=8)
    more = ("--patience", str(patience)) if patience > 1 else ()
    assert _train(tmp_path, tiny, "--learning-rate", "0.05", "--epochs", "40", *more) == 0
    losses = _validation_losses(tmp_path / "voices" / "mara")
    best = min(losses, key=losses.__getitem__)
    assert len(losses) == best + patience < 40
    assert f"Stopped after epoch {len(losses)} of 40" in capsys.readouterr().out
    assert Voice.load(tmp_path / "voices" / "mara").metrics["best_epoch"] == best


def _validation_losses(folder: Path) -> dict[int, float]:
    """Loss after each epoch, the base model's own left out."""
    curve = json.loads((folder / "curve.json").read_text("utf-8"))
    return {v["epoch"]: v["loss"] for v in curve["validations"] if v["epoch"]}


def test_without_validation_posts_the_last_epoch_is_kept(
    tmp_path: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prepared(tmp_path / "data", invented_posts(40))
    assert _train(tmp_path, tiny, "--epochs", "2") == 0
    metrics = Voice.load(tmp_path / "voices" / "mara").metrics
    assert metrics.keys() == {"best_epoch", "train_seconds"}
    assert metrics["best_epoch"] == 2
    assert "no posts to validate on" in capsys.readouterr().out


def test_an_existing_voice_is_replaced_whole(tmp_path: Path, tiny: Path, data: Path) -> None:
    assert _train(tmp_path, tiny, "--epochs", "1", "--seed", "1") == 0
    (tmp_path / "voices" / "mara" / "left-over").touch()
    assert _train(tmp_path, tiny, "--epochs", "1", "--seed", "2") == 0
    folder = tmp_path / "voices" / "mara"
    assert Voice.load(folder).seed == 2
    assert not (folder / "left-over").exists()


def test_a_move_cut_off_between_its_two_renames_is_undone(
    tmp_path: Path, tiny: Path, data: Path
) -> None:
    assert _train(tmp_path, tiny, "--epochs", "1", "--seed", "1") == 0
    voices = tmp_path / "voices"
    (voices / ".mara.training").mkdir()
    (voices / "mara").rename(voices / ".mara.training" / "replaced")
    (voices / ".mara.training" / "checkpoint.pt").write_bytes(b"torn")
    assert _train(tmp_path, tiny, "--epochs", "1", "--seed", "2") == 2  # the checkpoint is damaged
    assert Voice.load(voices / "mara").seed == 1


def test_a_base_without_a_gguf_form_gives_the_peft_adapter_and_says_so(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = write_tiny_model(tmp_path / "other", kind="qwen2")
    assert _train(tmp_path, base, "--epochs", "1") == 0
    assert Voice.load(tmp_path / "voices" / "mara").model == "adapter"
    assert "no adapter.gguf" in capsys.readouterr().out


@pytest.mark.parametrize("count", [0, 3, 39])
def test_too_few_posts_says_how_many_there_are_and_how_many_are_needed(
    tmp_path: Path, tiny: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    write_prepared(tmp_path / "data", invented_posts(count), validation=count // 5)
    assert _train(tmp_path, tiny) == 2
    said = capsys.readouterr().err
    assert f"holds {count} posts" in said
    assert "at least 40" in said
    assert not (tmp_path / "voices").exists()


DAMAGES = {
    "not JSON": ("train.jsonl", "{", "train.jsonl, line 3: is not JSON"),
    "not an object": ("train.jsonl", "[]", "train.jsonl, line 3: is not a JSON object"),
    "no messages": ("validation.jsonl", "{}", "validation.jsonl, line 3: 'messages' is not"),
    "wrong roles": (
        "train.jsonl",
        '{"messages": [{"role": "user", "content": "a"}]}',
        "train.jsonl, line 3: 'messages' are not system, user and assistant",
    ),
    "half a post": ("posts.jsonl", '{"split": "train"}', "posts.jsonl, line 3: field 'created_at'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_is_named_with_its_file(
    tmp_path: Path, tiny: Path, data: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name, line, said = DAMAGES[damage]
    lines = (data / name).read_text("utf-8").splitlines()
    (data / name).write_text("\n".join([*lines[:2], line, *lines[3:]]), "utf-8")
    assert _train(tmp_path, tiny) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "voices").exists()


@pytest.mark.parametrize("name", ["dataset.json", "posts.jsonl", "validation.jsonl"])
def test_a_missing_file_is_named(
    tmp_path: Path, tiny: Path, data: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / name).unlink()
    assert _train(tmp_path, tiny) == 2
    assert f"{name} cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("voice", ["", "a b", "../up", ".hidden", "a" * 65, "ä"])
def test_a_name_that_cannot_be_a_folder_is_refused(
    tmp_path: Path, tiny: Path, data: Path, voice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(tmp_path, tiny, voice=voice) == 2
    assert "letters" in capsys.readouterr().err
    assert not (tmp_path / "voices").exists()


def test_an_unknown_base_is_one_sentence_and_leaves_nothing(tmp_path: Path, data: Path) -> None:
    where = ["--voice", "mara", "--voices", str(tmp_path / "voices")]
    done = subprocess.run(
        [sys.executable, "-m", "trainer", "train", str(data), *where, "--base", UNKNOWN],
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"The base model {UNKNOWN} cannot be loaded:")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "voices").exists()


def test_voices_where_nothing_can_be_written_is_a_sentence(
    tmp_path: Path, tiny: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "voices").write_text("a file, no folder")
    assert _train(tmp_path, tiny) == 2
    assert "Name a folder you may write to with --voices" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_real_base_learns_a_voice_from_forty_posts(tmp_path: Path) -> None:
    write_prepared(tmp_path / "data", invented_posts(40), validation=8)
    command = [sys.executable, "-m", "trainer", "train", str(tmp_path / "data")]
    where = ["--voice", "mara", "--voices", str(tmp_path / "voices")]
    subprocess.run([*command, *where], check=True)
    metrics = Voice.load(tmp_path / "voices" / "mara").metrics
    assert metrics["bits_per_char"] < 0.8 * metrics["bits_per_char_base"]
