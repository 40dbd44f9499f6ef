"""`trainer.drawing.draw`: drawn by the bot's own path, from whoever serves the voice."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.voice import PromptParts
from tests.fakes.llm import FakeLLM, llm_in_thread
from tests.fakes.voice import POSTS
from trainer.drawing.draw import draw_all
from trainer.errors import ServeError


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLLM]:
    """The server that the settings name."""
    monkeypatch.chdir(tmp_path)  # no .env of a developer's
    with llm_in_thread() as llm:
        monkeypatch.setenv("LLM_BASE_URL", llm.url)
        yield llm


def test_every_topic_gets_its_drafts_in_order(voice_folder: Path, provider: FakeLLM) -> None:
    calls: dict[int, list[str]] = {}
    texts = [
        "Many cups, and no milk!",
        "No milk, so many cups",
        "Just many cups. No milk to it",
        "No",
    ]
    provider.texts = iter(texts)
    parts = [PromptParts("tea"), PromptParts(notes="many cups\nno milk")]
    drawn = draw_all(voice_folder, parts, 2, on_draft=calls.__setitem__)
    assert sorted(text for texts in drawn for text in texts) == sorted(texts)
    assert [len(texts) for texts in drawn] == [2, 2]
    asked = {body["messages"][-1]["content"] for body in provider.asked}
    assert asked == {"tea", "anything\nNotes: many cups; no milk"}
    assert {body["model"] for body in provider.asked} == {"ft:mara"}
    assert [calls[0], calls[1]] == drawn


def test_what_the_bot_would_not_show_is_no_draft(voice_folder: Path, provider: FakeLLM) -> None:
    provider.texts = itertools.cycle([POSTS[0][0]])  # word for word what it learnt from
    assert draw_all(voice_folder, [PromptParts("kettle")], 1) == [[]]


def test_a_server_that_is_away_is_a_sentence(
    voice_folder: Path, provider: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(ServeError, match="cannot be reached"):
        draw_all(voice_folder, [PromptParts("tea"), PromptParts("fog")], 1)
