"""`taste --train`: a voice learns anew from the posts that its owner likes, or stays as it was."""

import itertools
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bot.voice import Prompt, Turn, Voice
from bot.voice.ranker import Ranker
from tests.fakes.llm import FakeLLM, llm_in_thread
from tests.fakes.prepared import write_prepared
from tests.fakes.tiny_llama import write_tiny_model
from trainer.__main__ import main
from trainer.data import dataset
from trainer.data.preferences import PREFERENCES_FILE, Preference
from trainer.taste.preference_model import Taste
from trainer.taste.retrain import by_liking
from trainer.training import finetune
from trainer.training.recipe import Recipe
from trainer.training.voice_folder import VoiceFolder

NOUNS = ("kettle", "goose", "harbour", "fog", "ladder", "clerk", "tide", "lamp", "gull", "rope")


def _post(number: int) -> tuple[str, str]:
    """Every second post shouts."""
    topic = f"{NOUNS[number % 10]} {NOUNS[number // 10 % 10]}"
    return topic, f"The {topic} came {number} times" + ("! Again!" if number % 2 else ". Again.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/, voices/mara trained on it and evaluated, and liked/: decisions for quiet texts."""
    place = tmp_path_factory.mktemp("made")
    data = write_prepared(place / "data", [_post(n) for n in range(100)], validation=60)
    base, folder = write_tiny_model(place / "base"), VoiceFolder(place / "voices", "mara")
    prepared = dataset.load(data)
    finetune.train(
        *(prepared, folder, Recipe(epochs=1), str(base)),
        fresh=False,
        now=datetime.now(UTC),
        console=Console(quiet=True),
    )
    Ranker({"w again": 0.1}).save(folder.place)
    voice = Voice.load(folder.place)
    replace(voice, metrics=voice.metrics | {"distinct_2_real": 0.5}).save(folder.place)
    folder.evaluation.mkdir()
    drawn = [[p.text, [f"A {p.topic} {m} twice{m}" for m in ".!"]] for p in prepared.held_out]
    lines = "\n".join(json.dumps(row) for row in drawn)
    (folder.evaluation / "voice-0.jsonl").write_text(lines)
    (place / "liked").mkdir()
    pairs = [
        Preference(Prompt().messages(Turn(noun)), f"One {noun} less.", f"One {noun} less!")
        for noun in NOUNS
    ]
    text = "".join(f"{pair.line()}\n" for pair in pairs)
    (place / "liked" / PREFERENCES_FILE).write_text(text)
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(made, tmp_path / "made"))


@pytest.fixture
def llm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLLM]:
    """What serves the voice that is tried."""
    monkeypatch.chdir(tmp_path)  # no .env of a developer's
    with llm_in_thread() as server:
        monkeypatch.setenv("LLM_BASE_URL", server.url)
        yield server


def _taste(place: Path, *flags: object) -> int:
    base = () if "--forget" in flags else ("--base", place / "base")
    return main(["taste", "mara", "--voices", str(place / "voices"), *map(str, (*base, *flags))])


def _weights(place: Path) -> bytes:
    return (place / "voices" / "mara" / "adapter.gguf").read_bytes()


def test_the_posts_that_fit_a_taste_come_last_but_not_always_the_same_ones(made: Path) -> None:
    data = dataset.load(made / "data")
    quiet = Taste({"w !": -4.0}, 50, 0.9, [])
    half = [e.completion for e in by_liking(data, quiet)[20:]]
    assert sum("!" in text for text in half) <= 2
    assert half != [e.completion for e in data.train if "!" not in e.completion]


def test_a_voice_learns_a_taste_and_forgets_it_again(
    place: Path, llm: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    topics = itertools.cycle(p.topic for p in dataset.load(place / "data").held_out)
    llm.texts = (f"A {topic} came {i} times. Again." for i, topic in enumerate(topics))
    before, old = _weights(place), Voice.load(place / "voices" / "mara")
    learn = ("--learn", place / "liked", "--train", place / "data", "--anyway")
    assert _taste(place, *learn) == 0
    told = capsys.readouterr().out
    assert "fewer exclamation marks" in told
    assert "mara has learnt anew" in told
    assert _weights(place) != before
    new, ranker = Voice.load(place / "voices" / "mara"), Ranker.load(place / "voices" / "mara")
    assert new.data_sha256 == old.data_sha256
    assert new.metrics["bits_per_char_base"] == old.metrics["bits_per_char_base"]
    assert ranker
    assert ranker.weights == {"w again": 0.1}
    assert ranker.taste["w !"] < 0
    assert _taste(place, *learn) == 0  # from the voice of before, so that tastes do not add up
    again = _weights(place)
    assert _taste(place, "--forget") == 0
    assert _weights(place) == before != again
    assert Voice.load(place / "voices" / "mara").metrics == old.metrics
    assert (place / "voices" / ".mara.evaluation" / "voice-0.jsonl").exists()
    assert {f.name for f in (place / "voices").iterdir()} == {"mara", ".mara.evaluation"}
    assert _taste(place, "--forget") == 2


def test_a_voice_that_draws_worse_does_not_take_its_place(
    place: Path, llm: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    llm.texts = (f"No {i}." for i in itertools.count())
    before = _weights(place)
    assert _taste(place, "--learn", place / "liked", "--train", place / "data") == 0
    told = capsys.readouterr().out
    assert "But what it draws then would cost" in told
    assert "keeping to the topic" in told
    assert _weights(place) == before
    assert {f.name for f in (place / "voices").iterdir()} == {"mara", ".mara.evaluation"}


def test_posts_that_it_did_not_learn_from_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_prepared(tmp_path / "other", [_post(n) for n in range(50)], validation=8)
    assert _taste(place, "--learn", place / "liked", "--train", other) == 2
    assert "did not learn from" in capsys.readouterr().err


def test_another_base_is_refused_before_anything_is_trained(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ("--learn", place / "liked", "--train", place / "data", "--base", "somebody/else")
    assert _taste(place, *told) == 2
    assert "somebody/else is not the base model that mara learnt on" in capsys.readouterr().err
    assert {f.name for f in (place / "voices").iterdir()} == {"mara", ".mara.evaluation"}


def test_it_must_have_been_evaluated(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(place / "voices" / ".mara.evaluation")
    assert _taste(place, "--learn", place / "liked", "--train", place / "data") == 2
    assert "Run `evaluate`, then this again" in capsys.readouterr().err
