"""What a voice is asked: rendered as ever, and read back."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.voice import Prompt, PromptParts

BEFORE = Path(__file__).parent / "samples" / "before" / "prompts.jsonl"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LINES = TEXT.map(str.strip).map(lambda text: text or None)
LINE = LINES.map(lambda text: text.split("\n")[0].strip() or None if text else None)
ASKED = st.tuples(TEXT, st.sampled_from(["{topic}", "{topic} or {topic}"]), TEXT).map("".join)
PROMPTS = st.builds(Prompt, system=TEXT, user=ASKED, no_topic=LINES.map(lambda t: t or "anything"))


def test_voices_are_asked_as_they_were_by_the_version_before() -> None:
    for row in map(json.loads, BEFORE.read_text("utf-8").splitlines()):
        messages = Prompt(*row["prompt"]).messages(PromptParts(*row["turn"]))
        assert [m["content"] for m in messages] == row["said"], row


NOTES = LINE.map(lambda text: " ".join(text.split()) or None if text else None)


@given(PROMPTS, LINE, LINES, NOTES)
@example(Prompt(user="{topic}, {topic}1"), None, None, None)
@example(Prompt(), None, "shorter", "tea; 4 cups")
def test_what_was_rendered_is_read_back(
    prompt: Prompt, topic: str | None, instruction: str | None, notes: str | None
) -> None:
    turn = PromptParts(topic, instruction, notes)
    read = prompt.parts(prompt.messages(turn))
    first = prompt.no_topic.split("\n")[0]
    assert read == turn or topic == first  # who asks for "anything" asks for no topic
    assert prompt.messages(read) == prompt.messages(turn)


@pytest.mark.parametrize("asked", ["tea", "tea\nshorter", ""])
def test_a_request_of_another_template_is_taken_as_it_stands(asked: str) -> None:
    topic, _, instruction = asked.partition("\n")
    turn = Prompt(user="Write about {topic}.").parts([{"role": "user", "content": asked}])
    assert turn == PromptParts(topic or None, instruction or None)


def test_notes_stand_on_one_line_below_the_topic() -> None:
    parts = PromptParts("tea", "shorter", "4 cups;\n no milk ")
    assert Prompt().messages(parts)[-1]["content"] == "tea\nNotes: 4 cups; no milk\nshorter"


def test_an_instruction_never_takes_the_place_of_a_blank_topic() -> None:
    assert Prompt().messages(PromptParts("  ", "shorter"))[-1]["content"] == "anything\nshorter"
