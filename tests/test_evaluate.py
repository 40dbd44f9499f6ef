"""`evaluate`: from a voice and its held-out posts to a verdict, over the wire."""

import io
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bot.voice import HELD_OUT_FILE, PromptParts, Voice, VoicePost, save_posts
from bot.voice.ranker import Ranker
from bot.writing.composing import OpenVoice
from tests.fakes.llm import FakeLLM, llm_in_thread
from tests.fakes.prepared import invented_posts, write_prepared
from trainer.__main__ import main
from trainer.data.summary import progress_bar
from trainer.drawing.draw import shown
from trainer.drawing.kept import Drawing, kept_files
from trainer.judging import baselines
from trainer.judging.evaluate import choose
from trainer.judging.evaluation import Verdict
from trainer.judging.yardstick import Separability, mean
from trainer.training.voice_folder import VoiceFolder

WORDS = ["kettle", "goose", "harbour", "fog", "ladder", "clerk", "tide", "lamp", "gull", "rope"]


def _posts(count: int, seed: int) -> list[VoicePost]:
    chance = random.Random(seed)
    return [
        VoicePost(None, f"{' '.join(chance.sample(WORDS, 7))} number {seed}{i}.", (WORDS[i % 9],))
        for i in range(count)
    ]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLLM]:
    """The server that the settings name; it writes no text twice."""
    monkeypatch.chdir(tmp_path)  # no .env of a developer's
    with llm_in_thread() as llm:
        chance = random.Random(5)
        llm.texts = (f"{' '.join(chance.sample(WORDS, 6))}, {i}!" for i in itertools.count())
        monkeypatch.setenv("LLM_BASE_URL", llm.url)
        yield llm


@pytest.fixture
def voice(voice_folder: Path) -> Path:
    """A voice of 60 posts, with 24 held out, that does not know notes."""
    trained = Voice.load(voice_folder)
    replace(trained, counts=trained.counts | {"notes": 0}).save(voice_folder)
    save_posts(voice_folder, _posts(60, 1))
    save_posts(voice_folder, _posts(24, 2), HELD_OUT_FILE)
    return voice_folder


def _evaluate(voice: Path, *flags: str) -> int:
    return main(["evaluate", voice.name, "--voices", str(voice.parent), *flags])


def test_a_voice_is_judged_beside_its_author_and_what_needs_no_training(
    voice: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate(voice) == 0
    verdict = Verdict.load(voice)
    assert verdict
    assert "Weakest point" in verdict.line
    assert "Judged by 24 posts only" in verdict.line
    told = capsys.readouterr().out
    assert " ".join(verdict.line.split()) in " ".join(told.split())
    assert "near copies" in told
    assert set(verdict.measures["floors"]) == {"base", "examples"}
    assert verdict.measures["voice"]["texts"] == 24
    metrics = Voice.load(voice).metrics
    assert metrics["c2st_style"] > 0.9  # every text ends in an exclamation mark
    assert metrics["c2st_style_second"] > 0.9
    told = verdict.measures["voice"]["told_second"]
    assert verdict.figures[1].voice == f"{told[0]:.2f}"
    assert metrics["short_manner"] == max(v for k, v in metrics.items() if k[:6] == "short_")
    asked = [(body["model"], body["n"]) for body in provider.asked]
    assert set(asked[:24]) == {("ft:mara", 4)}
    assert {model for model, _ in asked[24:]} == {"provider-base"}
    systems = {b["messages"][0]["content"] for b in provider.asked if b["model"] != "ft:mara"}
    shown = [sum(p.text in system for p in _posts(60, 1)) for system in systems]
    assert sorted(shown) == [0, 5]


def test_a_voice_that_knows_notes_is_judged_by_notes_of_the_same_posts(
    voice: Path, provider: FakeLLM
) -> None:
    trained = Voice.load(voice)
    replace(trained, counts=trained.counts | {"notes": 30}).save(voice)
    assert _evaluate(voice) == 0
    verdict = Verdict.load(voice)
    assert verdict
    rows = {row.name: row for row in verdict.figures}
    invented = rows["from notes: with a number, name, handle or link that nobody gave"]
    assert int(invented.voice.split()[0]) > 80  # a number in each draft, hardly ever a given one
    assert invented.notes == "0 %"
    words = rows["from notes: given words kept"]
    assert words.notes == "100 %"
    assert 0 < int(words.voice.split()[0]) < 100
    assert rows["from notes: one of four says all and only that"].voice == "0 %"
    assert rows["from notes: one of four says all and only that"].notes == "100 %"
    assert rows["from notes: this voice is more like it by"].notes.startswith("-")
    assert rows["from notes: the same, by the second judge"].voice > "0.8"
    assert rows["bare topic: with a number that nobody gave"].voice == "100 %"
    asked = [body["messages"][-1]["content"] for body in provider.asked]
    by_notes = [text for text in asked if text.startswith("anything\nNotes: ")]
    assert len(set(by_notes)) == 24
    assert len(by_notes) > 24  # no draft says what the notes say, so more are drawn
    assert sum("that says just this: " in text for text in asked) == 24
    assert Voice.load(voice).metrics["notes_invented"] > 0.8


def test_the_same_drafts_give_the_same_figures(voice: Path, provider: FakeLLM) -> None:
    assert _evaluate(voice, "--drafts", "11") == 0
    first, asked = (voice / "evaluation.json").read_text(), len(provider.asked)
    assert _evaluate(voice, "--drafts", "11") == 0
    assert (voice / "evaluation.json").read_text() == first
    assert len(provider.asked) == asked
    assert _evaluate(voice, "--drafts", "5", "--fresh", "--no-floors") == 0
    assert len(provider.asked) == asked + 5


def test_the_report_shows_what_was_found(voice: Path, provider: FakeLLM) -> None:
    assert _evaluate(voice, "--drafts", "5") == 0
    assert main(["report", voice.name, "--voices", str(voice.parent), "--no-drafts"]) == 0
    page, verdict = (voice / "report.html").read_text("utf-8"), Verdict.load(voice)
    assert verdict
    assert f'<p class="verdict">{verdict.line}</p>' in page
    rows = {row.name: row for row in verdict.figures}
    copies = rows["near copies"]
    cells = (copies.real, copies.base, copies.examples)
    shown = f"<strong>{copies.voice}</strong></td>" + "".join(f"<td>{c}</td>" for c in cells)
    assert f"<tr><th>near copies</th><td>{shown}" in page
    assert "word chain" not in page


def test_the_report_still_shows_the_word_chains_of_an_older_evaluation(voice: Path) -> None:
    """Version 0.1 measured them, too."""
    copies = {"name": "near copies", "voice": "0 %", "real": "2 %", "base": "1 %"}
    row = copies | {"examples": "3 %", "markov": "45 %", "goal": "at most 3 %"}
    chains = {"markov": {"near_copies": 0.45}}
    old = {"line": "It comes close.", "figures": [row], "measures": {"floors": chains}}
    (voice / "evaluation.json").write_text(json.dumps(old), "utf-8")
    assert main(["report", voice.name, "--voices", str(voice.parent), "--no-drafts"]) == 0
    page = (voice / "report.html").read_text("utf-8")
    assert "<th>base, five examples</th><th>word chain</th><th>goal</th>" in page
    assert "<td>3 %</td><td>45 %</td><td>at most 3 %</td>" in page


def test_an_interrupted_run_goes_on(
    voice: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = provider.texts

    def failing() -> Iterator[str]:
        yield from itertools.islice(texts, 40)
        provider.failures += [(401, {})] * 4
        yield from texts

    provider.texts = failing()
    assert _evaluate(voice, "--no-floors") == 2
    assert "refused the key" in capsys.readouterr().err
    provider.failures.clear()
    kept = next((voice.parent / ".mara.evaluation").glob("voice-*.jsonl"))
    done = len(kept.read_text().split())
    assert done
    kept.write_text(kept.read_text() + '["cut of')  # as a kill may leave it
    before = [json.loads(line)[0] for line in kept.read_text().splitlines()[1:-1]]
    provider.asked.clear()
    assert _evaluate(voice, "--no-floors") == 0
    assert len(provider.asked) == 24 - len(before) < 24


def test_a_voice_trained_anew_is_drawn_anew(voice: Path, provider: FakeLLM) -> None:
    assert _evaluate(voice, "--drafts", "5", "--no-floors") == 0
    about = json.loads((voice / "voice.json").read_text())
    (voice / "voice.json").write_text(json.dumps(about | {"model": "ft:mara-2"}))
    provider.asked.clear()
    assert _evaluate(voice, "--drafts", "5", "--no-floors") == 0
    assert len(provider.asked) == 5
    assert len(list((voice.parent / ".mara.evaluation").iterdir())) == 1


def test_drafts_from_other_notes_of_the_same_posts_are_drawn_anew(
    voice: Path, provider: FakeLLM
) -> None:
    """As after an update that makes notes in another way."""
    posts, folder = _posts(3, 2), VoiceFolder(voice.parent, voice.name)
    with progress_bar(Console(file=io.StringIO())) as bar:
        drawing = Drawing(folder, Voice.load(voice), posts, is_fresh=False, bar=bar)
        asked = [PromptParts(notes=f"fog; {n}") for n in range(3)]
        drawn = drawing.draw("notes", asked)
        provider.asked.clear()
        assert drawing.draw("notes", asked) == drawn
        assert provider.asked == []
        other = [*asked[:2], PromptParts(notes="tide; 2")]
        assert drawing.draw("notes", other)[:2] == drawn[:2]
    told = {body["messages"][-1]["content"] for body in provider.asked}
    assert told == {"anything\nNotes: tide; 2"}


@pytest.mark.parametrize("posts", [1, 2, 9, 10])
def test_few_posts_give_honest_words(voice: Path, provider: FakeLLM, posts: int) -> None:
    save_posts(voice, _posts(posts, 2), HELD_OUT_FILE)
    assert _evaluate(voice, "--no-floors") == 0
    verdict = Verdict.load(voice)
    assert verdict
    assert ("cannot be said by" in verdict.line) == (posts < 10)
    assert f"by {posts} post" in verdict.line
    assert ("c2st_style" in Voice.load(voice).metrics) == (posts == 10)


def test_a_base_that_cannot_be_asked_is_said_and_is_no_obstacle(
    voice: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _evaluate(voice, "--drafts", "5", "--no-floors") == 0
    provider.failures += [(404, {})] * 4
    assert _evaluate(voice, "--drafts", "5") == 0
    assert "Not compared with the base model: " in capsys.readouterr().out
    verdict = Verdict.load(voice)
    assert verdict
    assert set(verdict.measures["floors"]) == set()


def test_without_held_out_posts_there_is_a_sentence(
    voice: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    (voice / HELD_OUT_FILE).unlink()
    assert _evaluate(voice) == 2
    assert "has no held-out posts to be judged by" in capsys.readouterr().err
    assert provider.asked == []


def test_held_out_posts_of_other_data_are_refused(
    voice: Path, provider: FakeLLM, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_prepared(tmp_path / "data", invented_posts(60), validation=12)
    assert _evaluate(voice, "--data", str(data)) == 2
    assert "did not learn from" in capsys.readouterr().err


def test_a_voice_without_usable_texts_is_a_sentence(
    voice: Path, provider: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    provider.texts = itertools.cycle([_posts(1, 1)[0].text])  # word for word what it learnt from
    assert _evaluate(voice, "--drafts", "3") == 2
    assert "there is nothing to judge" in capsys.readouterr().err


def test_the_bot_knows_nothing_of_held_out_posts(voice: Path) -> None:
    secret = VoicePost(
        "2026-01-02", "zebra crossing closed for zebras until further notice", ("zoo",)
    )
    save_posts(voice, [secret], HELD_OUT_FILE)
    opened = OpenVoice.load(voice)
    assert "zoo" not in opened.topics
    assert "01-02" not in opened.days
    assert opened.known_posts.copies.longest_run(secret.text) == 0


def test_posts_to_judge_by_are_different_and_in_order() -> None:
    posts = _posts(30, 1)
    chosen = choose(posts * 2, 10, 0)
    assert len({post.text for post in chosen}) == 10
    assert chosen == sorted(chosen, key=posts.index)
    assert choose(posts * 2, 99, 0) == posts
    assert choose(posts, 10, 1) != chosen


def test_examples_fit_the_engine_however_long_the_posts_are() -> None:
    prompt = baselines.examples_prompt(["fog " * 500, "tide " * 300] * 3, 0)
    assert len(prompt.system) < baselines.EXAMPLE_BYTES + 200
    assert prompt.system.count("fog fog") + prompt.system.count("tide tide") >= 2


def test_what_is_shown_is_the_same_every_time_unless_chosen_anew() -> None:
    texts, ranker = [f"text {n}" for n in range(8)], Ranker({})
    chosen = [shown(texts, PromptParts("fog"), 4, ranker, choice) for choice in range(20)]
    assert chosen == [shown(texts, PromptParts("fog"), 4, ranker, choice) for choice in range(20)]
    assert len({tuple(texts) for texts in chosen}) > 10
    assert shown(texts, PromptParts("fog"), 1, ranker, 3) == chosen[3][:1]
    assert shown(texts, PromptParts("fog"), 4, None, 3) == texts[:4]


def test_what_could_not_be_told_is_no_part_of_a_mean() -> None:
    several = [
        Separability(0.6, 0.7, 300),
        Separability(0.8, None, 300),
        Separability(None, None, 2),
    ]
    found = mean(several)
    assert found.style == pytest.approx(0.7)
    assert (found.masked, found.posts) == (0.7, 300)
    assert mean([Separability(None, None, 2)]) == (None, None, 2)


def test_the_drafts_of_one_name_are_not_those_of_a_longer_one(tmp_path: Path) -> None:
    for name in ("notes-00ff", "notes-examples-00ff", "voice-00ff"):
        (tmp_path / f"{name}.jsonl").touch()
    assert kept_files(tmp_path, "notes") == [tmp_path / "notes-00ff.jsonl"]
    assert kept_files(tmp_path, "notes-examples") == [tmp_path / "notes-examples-00ff.jsonl"]
