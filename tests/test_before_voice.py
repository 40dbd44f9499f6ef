"""Files of the version before still work; tests/samples/before says how they were made."""

import json
import random
import re
import shutil
from pathlib import Path

import pytest

from bot.draft import Candidate
from bot.voice import HELD_OUT_FILE, Prompt, Voice, load_posts
from bot.voice.ranker import Ranker
from bot.writing.composing import Drawn, OpenVoice, Request
from trainer.__main__ import main
from trainer.data import dataset
from trainer.data.explain import explain
from trainer.judging.evaluation import Verdict
from trainer.taste.preference_model import read_comparisons

BEFORE = Path(__file__).parent / "samples" / "before"
DATA, VOICE, DECISIONS = BEFORE / "data", BEFORE / "voices" / "mara", BEFORE / "decisions"
ROWS = ("posts.jsonl", "train.jsonl", "validation.jsonl", "dropped.jsonl")


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    """A copy of the voice, to write to."""
    return shutil.copytree(VOICE, tmp_path / "voices" / "mara")


def _report(voice: Path, *more: object) -> str:
    options = ("--voices", voice.parent, "--no-drafts", *more)
    assert main(["report", voice.name, *map(str, options)]) == 0
    return re.sub(r"\s+", " ", (voice / "report.html").read_text("utf-8"))


def test_the_voice_loads_and_chooses_by_its_ranker() -> None:
    opened = OpenVoice.load(VOICE)
    assert opened.voice.prompt == Prompt()
    assert (len(load_posts(VOICE)), len(load_posts(VOICE, HELD_OUT_FILE))) == (41, 8)
    assert opened.ranker
    assert len(opened.ranker.weights) > 100
    own = load_posts(VOICE, HELD_OUT_FILE)[0].text
    texts = [own, *(f"A goose and the gull demands a recount, {n}!" for n in "abc")]
    drawn = Drawn(Request("Port Almond", 2), [Candidate(t, len(t)) for t in texts], [], [])
    shown = drawn.choose(opened.ranker, random.Random(0))
    assert shown[0].text == own  # the ranker learnt that drafts end in a mark of exclamation
    assert len(shown) == 2


def test_saving_the_voice_anew_changes_no_byte(voice: Path) -> None:
    Voice.load(voice).save(voice)
    ranker, verdict = Ranker.load(voice), Verdict.load(voice)
    assert ranker
    assert verdict
    ranker.save(voice)
    verdict.save(voice)
    for name in ("voice.json", "ranker.json", "evaluation.json"):
        assert (voice / name).read_bytes() == (VOICE / name).read_bytes(), name


@pytest.mark.parametrize("more", [(), ("--data", DATA)], ids=["its own", "--data"])
def test_the_report_shows_it_whole(voice: Path, more: tuple[object, ...]) -> None:
    page = _report(voice, *more)
    verdict = Verdict.load(VOICE)
    assert verdict
    assert verdict.line in page
    for row in ("learnt from", "held out, to judge by", "dropped: duplicate"):
        assert row in page
    assert "not accounted for" not in page


def test_the_data_is_read_with_its_checksum() -> None:
    data = dataset.load_own(DATA, Voice.load(VOICE))
    assert (len(data.train), len(data.validation)) == (41, 8)
    assert (data.posts, data.held_out) == (load_posts(VOICE), load_posts(VOICE, HELD_OUT_FILE))
    assert explain(DATA, "900") == [
        "Post 900 was dropped: duplicate: the same post is there already, see post 100."
    ]


def test_preparing_the_archive_anew_asks_by_notes_and_writes_the_same_else(tmp_path: Path) -> None:
    data = shutil.copytree(DATA, tmp_path / "data")  # what is there is known and may be replaced
    arguments = ("prepare", BEFORE / "archive.jsonl", "--out", data, "--validation", ".15")
    assert main([*map(str, arguments)]) == 0
    for name in set(ROWS) - {"train.jsonl"}:
        assert (data / name).read_bytes() == (DATA / name).read_bytes(), name
    new, old = (dataset.load(folder).train for folder in (data, DATA))
    assert [e.completion for e in new] == [e.completion for e in old]
    assert {bool(Prompt().parts(e.prompt).notes) for e in new} == {True, False}
    about, before = ((f / "dataset.json").read_text("utf-8") for f in (data, DATA))
    assert _undated(about) == _undated(before)


def _undated(about: str) -> str:
    return re.sub(r'"(created_at|sha256)": "[^"]+"', "", about)


def test_decisions_teach_as_they_did() -> None:
    pairs = read_comparisons(DECISIONS / "preferences.jsonl", Prompt())
    assert [(pair.topic, pair.preferred) for pair in pairs] == [
        ("fog", "No fog today."),
        ("fog", "No fog today."),
        ("tea", "Tea, then."),
        ("tea", "Tea, then."),
        (None, "A quiet night."),
    ]
    rows = [json.loads(line) for line in (DECISIONS / "train.jsonl").read_text().splitlines()]
    assert rows[1]["messages"][1]["content"] == "tea\nshorter, no hashtags"
