"""A taste: what it learns from decisions, how it is applied, and how it is taken back."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bot.voice import HELD_OUT_FILE, Base, Prompt, PromptParts, Voice, VoicePost, save_posts
from bot.voice.ranker import RANKER_FILE, Ranker
from tests.fakes.prepared import invented_posts, write_prepared
from trainer.__main__ import main
from trainer.data import dataset
from trainer.data.preferences import PREFERENCES_FILE, Preference
from trainer.taste.preference_model import Comparison, Taste, learn_preferences, read_comparisons
from trainer.taste.taste import with_taste
from trainer.training.curve import Curve
from trainer.training.voice_folder import VoiceFolder

TOPICS = [f"{kind} {place}" for kind in ("boat", "bakery", "bus") for place in "abcdefghijklmn"]
OPENINGS = ("The harbour sleeps", "Bread at noon", "A bus was seen", "Rain on the quay")
Liked = Callable[[str], float]


def _texts(topic: str, chance: random.Random) -> list[str]:
    """Four drafts on a topic; each is tagged, loud, asking or long, or not, by chance."""
    return [
        f"{chance.choice(OPENINGS)} near the {topic}"
        + " and everybody on the pier has heard of it by now" * chance.randrange(2)
        + chance.choice((".", "!", "?"))
        + f" #{chance.choice(('fog', 'port', 'news'))}" * chance.randrange(2)
        for _ in range(4)
    ]


def _decided(liked: Liked, noise: float = 0.0, topics: Sequence[str] = TOPICS) -> list[Comparison]:
    """The best of four texts on each topic is preferred to the others, or any of them by chance."""
    chance = random.Random(1)
    pairs = []
    for topic in topics:
        texts = _texts(topic, chance)
        best = chance.choice(texts) if chance.random() < noise else max(texts, key=liked)
        pairs += [Comparison(topic, topic, best, text) for text in texts if text != best]
    return pairs


def _quiet(text: str) -> float:
    return -("#" in text) - ("!" in text)


@pytest.mark.parametrize(
    ("liked", "said"),
    [
        (lambda t: -("#" in t), "fewer hashtags"),
        (lambda t: "?" in t, "more questions"),
        (lambda t: -len(t) // 40, "shorter texts"),
    ],
    ids=["hashtags", "questions", "length"],
)
def test_a_taste_is_found_despite_noise_and_said_in_words(liked: Liked, said: str) -> None:
    taste = learn_preferences(_decided(liked, noise=0.1))
    assert taste.said[0] == said
    assert taste.agreement > 0.6  # of a pair it likes alike, either was preferred
    unseen = _texts("lighthouse", random.Random(99))
    likings = [liked(text) for text in unseen]
    best = max(unseen, key=taste.score)
    assert liked(best) == max(likings) > min(likings)


@pytest.mark.parametrize(
    "pairs",
    [[], _decided(_quiet, topics=TOPICS[:7]), _decided(_quiet, noise=1.0)],
    ids=["none", "a handful", "only noise"],
)
def test_few_or_random_decisions_teach_nothing(pairs: list[Comparison]) -> None:
    taste = learn_preferences(pairs)
    assert taste.weights == {}
    assert taste.said == []


def test_decisions_that_contradict_each_other_teach_nothing() -> None:
    quiet = _decided(_quiet, topics=TOPICS[::2])
    loud = _decided(lambda text: -_quiet(text), topics=TOPICS[1::2])
    assert learn_preferences([*quiet, *loud]).weights == {}


def test_a_decision_beside_many_texts_weighs_no_more_than_one_beside_few() -> None:
    """Eleven texts refused before one loud text do not outweigh the other decisions."""
    once = Comparison("x", "x", "Loud! Loud! Loud!", "The harbour sleeps.")
    many = [once._replace(other=f"The harbour sleeps {i}.") for i in range(11)]
    few, more = (
        learn_preferences([*_decided(_quiet), once]),
        learn_preferences([*_decided(_quiet), *many]),
    )
    assert more.decisions == few.decisions
    assert more.weights["w !"] == pytest.approx(few.weights["w !"], rel=0.2)


def test_pairs_are_read_with_the_topic_that_was_asked_for(tmp_path: Path) -> None:
    prompt = Prompt(user="About {topic}, please")
    asked = [prompt.messages(PromptParts(topic)) for topic in ("fog", "fog\nshorter", None)]
    asked += [prompt.messages(PromptParts(topic, None, "two cups")) for topic in ("fog", None)]
    _write(tmp_path, [Preference(messages, "a", "b") for messages in asked])
    pairs = read_comparisons(tmp_path / PREFERENCES_FILE, prompt)
    assert [pair.topic for pair in pairs] == ["fog", "fog", None, "fog", "two cups"]
    assert len({pair.asked for pair in pairs}) == 5


def _write(data: Path, rows: Sequence[Preference]) -> Path:
    data.mkdir(exist_ok=True)
    (data / PREFERENCES_FILE).write_text("".join(f"{row.line()}\n" for row in rows))
    return data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Decisions of somebody who likes it quiet."""
    pairs = _decided(_quiet, noise=0.1)
    rows = [
        Preference(Prompt().messages(PromptParts(p.topic)), p.preferred, p.other) for p in pairs
    ]
    return _write(tmp_path / "liked", rows)


def _run(folder: Path, *arguments: object) -> int:
    return main(["taste", folder.name, "--voices", str(folder.parent), *map(str, arguments)])


def _evaluated(folder: Path, is_posted: Callable[[str], bool]) -> None:
    """Held-out posts of such texts, and what an evaluation drew on their topics: texts of all."""
    chance = random.Random(5)
    posts, lines = [], []
    for number in range(50):
        topic = f"ferry {number}"
        kept = [t for _ in range(20) for t in _texts(topic, chance) if is_posted(t)]
        posts.append(VoicePost(None, kept[0], (topic,)))
        drawn = [text for _ in range(2) for text in _texts(topic, chance)]
        lines.append(json.dumps([posts[-1].text, drawn]))
    save_posts(folder, posts, HELD_OUT_FILE)
    kept_in = folder.parent / f".{folder.name}.evaluation"
    kept_in.mkdir()
    (kept_in / "voice-0.jsonl").write_text("\n".join(lines))
    replace(Voice.load(folder), metrics={"distinct_2_real": 0.5}).save(folder)


def test_a_taste_is_put_beside_the_style_and_said(
    voice_folder: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _evaluated(voice_folder, lambda text: _quiet(text) == 0)
    Ranker({"w harbour": 0.5}).save(voice_folder)
    assert _run(voice_folder, "--learn", data) == 0
    out = capsys.readouterr().out
    assert "show a taste: fewer hashtags" in out
    assert "fewer exclamation marks" in out
    assert "one of the 4 texts shown is preferred" in out
    assert "draws twice as many texts" in out
    assert "The first one shown is the likest to its author" in out
    ranker = Ranker.load(voice_folder)
    assert ranker is not None
    assert ranker.weights == {"w harbour": 0.5}
    assert ranker.taste["w !"] < 0


def test_with_a_taste_texts_keep_to_the_topic_as_they_did_without() -> None:
    """A taste four times as strong as decisions show would outweigh it otherwise."""
    style = Ranker({"w harbour": 0.5, "topic 1": 0.5, "topic 4": 1.5})
    tasting = with_taste(style, Taste({"w !": -1.0}, 50, 0.9, ["silence"]))
    assert tasting.weights == style.weights
    assert tasting.taste == {"w !": -4.0, "topic 1": 1.0, "topic 4": 3.0}


def test_a_voice_that_was_not_judged_can_have_a_taste_too_and_forgets_it_again(
    voice_folder: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(voice_folder, "--learn", data) == 0
    assert "preferred to all" not in capsys.readouterr().out  # nobody knows
    ranker = Ranker.load(voice_folder)
    assert ranker is not None
    assert ranker.taste["w !"] < 0
    assert _run(voice_folder, "--forget") == 0
    assert not (voice_folder / RANKER_FILE).exists()
    assert _run(voice_folder, "--forget") == 2
    assert "no taste that could be forgotten" in capsys.readouterr().err


def test_the_voice_that_an_older_version_put_away_is_not_lost_but_named(
    voice_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0.1 trained a voice by its taste and kept the one of before; the command brings it back."""
    voices, name = voice_folder.parent, voice_folder.name
    before = voices / f".{name}.before" / name
    shutil.copytree(voice_folder, before)
    (before / "mark").touch()
    Ranker({"w harbour": 0.5}, {"w !": -1.0}).save(voice_folder)
    for _ in range(2):  # with a taste, and without one
        assert _run(voice_folder, "--forget") == 0
        command = capsys.readouterr().out.split("To have that one back: ")[1]
        assert Ranker.load(voice_folder) == Ranker({"w harbour": 0.5})
    subprocess.run(["sh", "-c", command], check=True)
    assert (voice_folder / "mark").exists()
    assert Voice.load(voice_folder).name == name


def test_of_few_decisions_nothing_is_changed(
    voice_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = _write(
        tmp_path / "few", [Preference(Prompt().messages(PromptParts("fog")), "Fog.", "Fog!")]
    )
    assert _run(voice_folder, "--learn", few) == 0
    assert "1 decision that prefer" in capsys.readouterr().out
    assert not (voice_folder / RANKER_FILE).exists()


def test_a_wrong_folder_is_said(
    voice_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(voice_folder, "--learn", tmp_path / "nowhere") == 2
    assert "Write them there with `python -m trainer feedback" in capsys.readouterr().err


def test_dpo_on_this_machine_is_answered_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_prepared(tmp_path / "data", invented_posts(48), validation=8)
    assert main(["train", str(data), "--voice", "mara", "--method", "dpo"]) == 2
    assert "python -m trainer taste mara" in capsys.readouterr().err


def test_a_taste_outlives_a_training(voice_folder: Path, tmp_path: Path) -> None:
    Ranker({"w a": 1.0}, {"w !": -1.0}).save(voice_folder)
    folder = VoiceFolder.named(voice_folder.parent, voice_folder.name)
    prepared = dataset.load(write_prepared(tmp_path / "data", invented_posts(48), validation=8))
    with folder.open():
        folder.new.mkdir()
        folder.complete(
            prepared,
            backend="openai",
            model="ft:mara:2",
            base=Base("provider-base", None),
            curve=Curve([], []),
            metrics={},
            seed=0,
            now=datetime.now(UTC),
            console=Console(quiet=True),
        )
    assert Voice.load(voice_folder).model == "ft:mara:2"
    assert Ranker.load(voice_folder) == Ranker({}, {"w !": -1.0})
