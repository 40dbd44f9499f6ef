"""Settings: one error names all faults, and no secret is printed."""

from pathlib import Path

import pytest

from bot.config import DraftSettings, Settings, misspelt, read_settings
from bot.errors import ConfigError

GOOD = {
    "DISCORD_TOKEN": "canary-discord",
    "OWNER_IDS": "1, 2",
    "MASTODON_BASE_URL": "https://example.org",
    "MASTODON_ACCESS_TOKEN": "canary-mastodon",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine, no .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as e:
        read_settings(Settings)
    assert all(name in str(e.value) for name in ("DISCORD_TOKEN", "OWNER_IDS"))


@pytest.mark.parametrize("missing", ["MASTODON_BASE_URL", "MASTODON_ACCESS_TOKEN"])
def test_the_shared_account_is_set_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    with pytest.raises(ConfigError, match="set both, or neither") as e:
        read_settings(Settings)
    assert "canary" not in str(e.value)
    for name in GOOD:
        if name.startswith("MASTODON"):
            monkeypatch.delenv(name, raising=False)
    assert read_settings(Settings).mastodon_base_url is None


def test_a_bad_value_is_named_beside_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        GOOD | {"OWNER_IDS": "canary-owner", "MASTODON_VISIBILITY": "loud"}
    ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DISCORD_TOKEN")
    with pytest.raises(ConfigError) as e:
        read_settings(Settings)
    for name in ("OWNER_IDS", "MASTODON_VISIBILITY", "DISCORD_TOKEN"):
        assert name in str(e.value)
    assert "canary" not in str(e.value)


def test_the_environment_and_env_file_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("".join(f"{k}={v}\n" for k, v in GOOD.items()) + "VOICE=\n")
    monkeypatch.setenv("MASTODON_BASE_URL", "https://other.example")
    settings = read_settings(Settings)
    assert settings.owner_ids == {1, 2}
    assert settings.mastodon_base_url == "https://other.example"
    assert settings.voice is None
    assert "canary" not in repr(settings)


OTHERS = (
    *("PATH", "LANGUAGE", "LOGNAME", "HOSTNAME", "VIRTUAL_ENV", "KUBERNETES_PORT", "HF_HOME"),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "SANDBOX_PORT", "VOICES_FROM", "TORCH_INDEX"),
)


def test_a_misspelt_variable_is_named_with_the_one_that_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("DISCORD_BOT_TOKEN=canary\nOWNER_IDS=1\nOWNER_ID=2\nVOICE_=\n")
    monkeypatch.setenv("LOGLEVEL", "INFO")
    with pytest.raises(ConfigError) as e:
        read_settings(Settings)
    hints = [*misspelt()]
    assert [(hint.split()[0], hint.split()[-2]) for hint in hints] == [
        ("DISCORD_BOT_TOKEN", "DISCORD_TOKEN"),
        ("LOGLEVEL", "LOG_LEVEL"),
    ]  # OWNER_ID is not there, as OWNER_IDS is set; nor VOICE_, which is empty
    assert "in .env" in hints[0] and "in the environment" in hints[1]
    assert all(hint in str(e.value) and "canary" not in hint for hint in hints)


@pytest.mark.parametrize("name", OTHERS)
def test_a_variable_of_another_program_is_not_spoken_of(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = {*misspelt()}
    monkeypatch.setenv(name, "1")
    Path(".env").write_text(f"{name}=1\n")
    assert {*misspelt()} == before


def test_the_only_voice_needs_no_name(monkeypatch: pytest.MonkeyPatch, voice_folder: Path) -> None:
    monkeypatch.setenv("VOICES", str(voice_folder.parent))
    assert read_settings(DraftSettings).voice_folder() == voice_folder


def test_two_voices_need_a_choice(monkeypatch: pytest.MonkeyPatch, voice_folder: Path) -> None:
    other = voice_folder.parent / "other"
    other.mkdir()
    (other / "voice.json").write_text("{}")
    monkeypatch.setenv("VOICES", str(voice_folder.parent))
    with pytest.raises(ConfigError, match="mara, other"):
        read_settings(DraftSettings).voice_folder()


def test_no_voice_at_all_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICES", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="trainer train"):
        read_settings(DraftSettings).voice_folder()


def test_blocked_words_are_read_or_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert read_settings(DraftSettings).blocked_lines() == []
    monkeypatch.setenv("BLOCKED_WORDS", "words.txt")
    with pytest.raises(ConfigError, match=r"words\.txt cannot be read .* BLOCKED_WORDS"):
        read_settings(DraftSettings).blocked_lines()
    (tmp_path / "words.txt").write_text("goose\nbad egg\n", "utf-8")
    assert read_settings(DraftSettings).blocked_lines() == ["goose", "bad egg"]
