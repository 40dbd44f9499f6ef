"""The ranker: what it learns, what it shows first, and its file."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import VoiceError
from bot.voice import VoicePost, save_posts
from bot.voice.ranker import RANKER_FILE, Ranker, features, log_odds
from tests.fakes.llm import FakeLLM, llm_in_thread
from trainer.__main__ import main
from trainer.drawing.ranking import fit

TOPICS = ("harbour", "bread", "night bus", "rain")
DRY = [f"{topic} again. No comment, {n}." for n in range(20) for topic in TOPICS]
LOUD = [f"Wow, {topic}!!! So great, number {n}! #wow" for n in range(20) for topic in TOPICS]
ASKED = [topic for _ in range(20) for topic in TOPICS]


def _style(ranker: Ranker, text: str, topic: str | None) -> float:
    return log_odds(ranker.weights, features(text, topic))


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    """One that has seen a dry author, and loud drafts."""
    return fit(list(zip(DRY, ASKED, strict=True)), list(zip(LOUD, ASKED, strict=True)))


def test_it_prefers_a_new_text_in_the_authors_manner(ranker: Ranker) -> None:
    dry, loud = "Snow again. No comment today.", "Wow, snow!!! So great! #wow"
    assert _style(ranker, dry, "snow") > _style(ranker, loud, "snow") + 1


def test_it_shows_the_likelier_first_mostly_but_not_always(ranker: Ranker) -> None:
    texts = ["Wow, snow! No comment.", "Snow again. So great, number 3."]
    odds = _style(ranker, texts[1], "snow") - _style(ranker, texts[0], "snow")
    chance = random.Random(0)
    first = [ranker.choose(texts, "snow", 1, chance)[0] for _ in range(2000)]
    expected = 1 / (1 + 2.718281828**-odds)
    assert sum(first) / 2000 == pytest.approx(expected, abs=0.04)


def test_a_text_that_says_the_same_comes_later() -> None:
    texts = ["the bus is late again today", "the bus is late again today!", "bread for everybody"]
    even = Ranker({})
    order = [even.choose(texts, None, 3, random.Random(seed)) for seed in range(200)]
    assert sum(set(o[:2]) == {0, 1} for o in order) < 20  # of 67 if all were alike


def test_a_topic_that_is_there_counts_for_a_text(ranker: Ranker) -> None:
    about = {f for f in features("Health care now", "health care") if f.startswith("topic ")}
    half = {f for f in features("Health first", "health care") if f.startswith("topic ")}
    none = {f for f in features("Good morning", "health care") if f.startswith("topic ")}
    assert len(about) > len(half) > len(none) == 0
    joined = features("A #HealthCare day", "health care")
    assert about <= joined


@given(st.text(), st.none() | st.text())
def test_every_text_has_odds_and_every_choice_is_one_of_the_texts(
    ranker: Ranker, text: str, topic: str | None
) -> None:
    assert isinstance(_style(ranker, text, topic), float)
    order = ranker.choose([text, "", text], topic, 2, random.Random(1))
    assert len(order) == len(set(order)) == 2


def test_it_is_kept_beside_the_voice(ranker: Ranker, tmp_path: Path) -> None:
    assert Ranker.load(tmp_path) is None
    ranker.save(tmp_path)
    kept = Ranker.load(tmp_path)
    assert kept is not None
    before = _style(ranker, DRY[0], "harbour")
    assert _style(kept, DRY[0], "harbour") == pytest.approx(before, abs=0.01)


def test_a_taste_is_kept_apart_from_the_style(tmp_path: Path) -> None:
    Ranker({"w tea": 2.0}, {"w tea": -0.5, "w !": -1.0}).save(tmp_path)
    assert Ranker.load(tmp_path) == Ranker({"w tea": 2.0}, {"w tea": -0.5, "w !": -1.0})


def test_the_first_is_chosen_by_style_and_the_others_by_taste() -> None:
    """The author is loud; whoever decides likes it quiet."""
    ranker = Ranker({"w !": 20.0}, {"w !": -60.0})
    texts = ["One bus!", "Two trams.", "Three boats!", "Four trains.", "Five ferries!"]
    orders = [ranker.choose(texts, None, 3, random.Random(seed)) for seed in range(50)]
    shown = [["loud" if "!" in texts[i] else "quiet" for i in order] for order in orders]
    assert {tuple(order) for order in shown} == {("loud", "quiet", "quiet")}


def test_a_ranker_from_before_there_were_tastes_is_read(tmp_path: Path) -> None:
    (tmp_path / RANKER_FILE).write_text('{"weights": {"w tea": 2.0}}')
    assert Ranker.load(tmp_path) == Ranker({"w tea": 2.0}, {})


@pytest.mark.parametrize("damaged", ["", "[]", '{"weights": 3}', '{"weights": {"w a": "x"}}'])
def test_a_damaged_file_is_said_so(tmp_path: Path, damaged: str) -> None:
    (tmp_path / RANKER_FILE).write_text(damaged)
    with pytest.raises(VoiceError, match=r"cannot be read .* Train the voice again"):
        Ranker.load(tmp_path)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLLM]:
    """A server that writes loud texts only, and none twice."""
    monkeypatch.chdir(tmp_path)  # no .env of a developer's
    with llm_in_thread() as llm:
        llm.texts = (f"Wow!!! So great, number {i}! #wow" for i in itertools.count())
        monkeypatch.setenv("LLM_BASE_URL", llm.url)
        yield llm


def test_rank_learns_from_training_posts_and_drafts_on_their_topics(
    voice_folder: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    Ranker({"w wow": 9.0}, {"w loud": -1.0}).save(voice_folder)  # of an earlier training
    posts = zip(DRY, ASKED, strict=True)
    save_posts(voice_folder, [VoicePost(None, text, (topic,)) for text, topic in posts])
    arguments = ["rank", voice_folder.name, "--voices", str(voice_folder.parent)]
    assert main(arguments) == 0
    assert "what sets 80 of them apart" in capsys.readouterr().out
    ranker = Ranker.load(voice_folder)
    assert ranker is not None
    assert _style(ranker, "Tea again. No comment.", "tea") > _style(ranker, "Wow, tea!!!", "tea")
    assert ranker.taste == {"w loud": -1.0}  # its owner's: not lost
    assert not [*voice_folder.glob(".ranker*")]
    asked = [body["messages"][-1]["content"] for body in provider.asked]
    assert set(asked) == set(TOPICS)
    assert {body["n"] for body in provider.asked} == {1}


def test_of_too_few_posts_no_ranker_is_learnt(
    voice_folder: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rank", voice_folder.name, "--voices", str(voice_folder.parent)]) == 2
    assert "a ranker needs at least 30" in capsys.readouterr().err
    assert provider.asked == []
    assert Ranker.load(voice_folder) is None


@pytest.mark.parametrize("was_killed", [False, True], ids=["failed", "killed before"])
def test_a_ranking_that_fails_leaves_the_ranker_as_it_was(
    voice_folder: Path, provider: FakeLLM, was_killed: bool
) -> None:
    Ranker({"w a": 1.0}, {"w loud": -1.0}).save(voice_folder)
    if was_killed:  # by an earlier ranking, that had put it away
        (voice_folder / RANKER_FILE).rename(voice_folder / f".{RANKER_FILE}.before")
    save_posts(voice_folder, [VoicePost(None, text, ("tea",)) for text in DRY])
    provider.failures = [(401, {})] * 100
    assert main(["rank", voice_folder.name, "--voices", str(voice_folder.parent)]) == 2
    assert Ranker.load(voice_folder) == Ranker({"w a": 1.0}, {"w loud": -1.0})
