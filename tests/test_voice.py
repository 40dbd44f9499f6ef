"""A voice folder: written whole or not at all, read strictly."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.voice import (
    Prompt,
    PromptParts,
    Voice,
    VoiceError,
    VoicePost,
    list_voices,
    load_posts,
    save_posts,
)
from tests.rights import as_somebody_else


def _damage(folder: Path, **changes: Any) -> None:
    file = folder / "voice.json"
    data = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in data.items() if v is not ...}))


def test_a_saved_voice_loads_as_it_was(voice_folder: Path) -> None:
    voice = Voice.load(voice_folder)
    voice.save(voice_folder)
    assert Voice.load(voice_folder) == voice
    assert [p.name for p in voice_folder.iterdir() if "partial" in p.name] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": 2}, "'schema'"),
        ({"seed": ...}, "'seed' is missing"),
        ({"surprise": 1}, "'surprise' is unknown"),
        ({"backend": "elsewhere"}, "'backend'"),
        ({"counts": {"train": "many"}}, "'counts.train'"),
        ({"prompt": {"system": "a", "user": "b"}}, "'prompt.no_topic' is missing"),
        ({"base": None}, "'base'"),
        ({"seed": True}, "'seed'"),
        ({"backend": "local", "model": "adapter.gguf"}, "adapter.gguf"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_a_damaged_voice_is_refused_naming_file_and_field(
    voice_folder: Path, changes: dict[str, Any], field: str
) -> None:
    _damage(voice_folder, **changes)
    with pytest.raises(VoiceError) as e:
        Voice.load(voice_folder)
    assert field in str(e.value)
    assert "voice.json" in str(e.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_voice_json_that_is_no_voice_is_refused(voice_folder: Path, text: str) -> None:
    (voice_folder / "voice.json").write_text(text)
    with pytest.raises(VoiceError, match=r"voice\.json"):
        Voice.load(voice_folder)


def test_a_voice_in_a_folder_of_another_name_is_refused(voice_folder: Path) -> None:
    renamed = voice_folder.rename(voice_folder.with_name("somebody-else"))
    with pytest.raises(VoiceError, match="Name the folder mara again"):
        Voice.load(renamed)


def test_a_folder_without_voice_json_is_no_voice(tmp_path: Path) -> None:
    (tmp_path / "half" / "adapter").mkdir(parents=True)
    assert list_voices(tmp_path) == []
    with pytest.raises(VoiceError, match="There is no voice"):
        Voice.load(tmp_path / "half")


def test_posts_come_back_as_they_were(tmp_path: Path) -> None:
    posts = [VoicePost("2026-01-01T00:00:00+00:00", 'two\nlines, "quoted" 🫖', ("tea", "rain"))]
    save_posts(tmp_path, posts)
    assert load_posts(tmp_path) == posts


@pytest.mark.parametrize("line", ["not json", '{"text": 1}', "[]"])
def test_damaged_posts_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "posts.jsonl").write_text(line)
    with pytest.raises(VoiceError, match=r"posts\.jsonl"):
        load_posts(tmp_path)


@pytest.mark.parametrize(
    ("topic", "asked"),
    [("tea", "About: tea!"), (None, "About: anything!"), ("  ", "About: anything!")],
)
def test_the_template_takes_the_topic(topic: str | None, asked: str) -> None:
    prompt = Prompt(system="Write.", user="About: {topic}!")
    assert [m["content"] for m in prompt.messages(PromptParts(topic))] == ["Write.", asked]


def test_a_topic_cannot_bring_its_own_placeholder() -> None:
    assert (
        Prompt(user="{topic}").messages(PromptParts("{topic} {0}"))[1]["content"] == "{topic} {0}"
    )


def _readable(folder: Path) -> Path:
    for place in (folder.parent, folder, *folder.iterdir()):
        place.chmod(0o755)
    return folder


def test_a_folder_of_voices_that_may_not_be_read_is_not_an_empty_one(voice_folder: Path) -> None:
    voices = _readable(voice_folder).parent
    with as_somebody_else(voices.parent, voices):
        with pytest.raises(VoiceError, match=r"voices cannot be read \(Permission denied\)"):
            list_voices(Path("voices"))
        with pytest.raises(VoiceError, match="the right to read"):
            Voice.load(Path("voices/mara"))
    assert list_voices(voices) == ["mara"]


@pytest.mark.parametrize("closed", ["", "voice.json", "posts.jsonl"])
def test_a_voice_that_may_not_be_read_is_listed_and_says_why(
    voice_folder: Path, closed: str
) -> None:
    voices = _readable(voice_folder).parent
    (voices / "lost+found").mkdir()
    with as_somebody_else(voices.parent, voice_folder / closed, voices / "lost+found"):
        assert list_voices(Path("voices")) == ["mara"]
        with pytest.raises(VoiceError, match=r"Permission denied.* Give the user .* the right"):
            load_posts(Path("voices") / Voice.load(Path("voices/mara")).name)


def test_there_are_no_voices_where_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert list_voices(tmp_path / "none") == list_voices(tmp_path / "file") == []
