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
    (tmp_path / "words.txt").write_text("goose\nbad egg\n", "utf-8-sig")
    assert read_settings(DraftSettings).blocked_lines() == ["goose", "bad egg"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("Example.org", "https://example.org"),
        (" https://Example.Org/@ann ", "https://example.org"),
        ("HTTPS://example.org/about?x=1#y", "https://example.org"),
        ("@ann@example.org", "https://example.org"),
        ("“https://example.org”", "https://example.org"),
        ("'example.org'", "https://example.org"),
        ("<https://example.org>", "https://example.org"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://10.0.0.7:3000/@ann", "http://10.0.0.7:3000"),
        ("mastodon:3000", "http://mastodon:3000"),
        ("social.lan", "http://social.lan"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("example.org:8443", "https://example.org:8443"),
    ],
)
def test_a_servers_address_is_understood_as_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    for name, value in (GOOD | {"MASTODON_BASE_URL": typed}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTODON_PRIVATE_INSTANCES", f"{typed.strip()}, http://a.lan/")
    settings = read_settings(Settings)
    assert settings.mastodon_base_url == meant
    assert settings.mastodon_private_instances == {meant, "http://a.lan"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://api.example.org/v1/", "https://api.example.org/v1"),
        ("api.example.org/v1/chat/completions", "https://api.example.org/v1"),
        ('"https://api.example.org/openai/v1/models"', "https://api.example.org/openai/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("127.0.0.1:1234/v1", "http://127.0.0.1:1234/v1"),
        ("host.docker.internal:8000/v1", "http://host.docker.internal:8000/v1"),
        ("https://Ann:Secret@llm.example.org/v1", "https://Ann:Secret@llm.example.org/v1"),
        ("https://x.example/openai/v1/?api-version=1", "https://x.example/openai/v1?api-version=1"),
    ],
)
def test_a_models_address_is_understood_as_it_is_typed(
    monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    monkeypatch.setenv("LLM_BASE_URL", typed)
    assert read_settings(DraftSettings).llm_base_url == meant


@pytest.mark.parametrize("name", ["LLM_BASE_URL", "MASTODON_BASE_URL"])
@pytest.mark.parametrize(
    "typed", ["my server", "https://", "ftp://example.org", "https://exa mple.org", "example.org:x"]
)
def test_what_is_no_address_is_said_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, typed: str
) -> None:
    for key, value in (GOOD | {name: typed}).items():
        monkeypatch.setenv(key, value)
    with pytest.raises(ConfigError, match=f"{name} is not valid"):
        read_settings(Settings)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("LLM_API_KEY", "Bearer"), ("DISCORD_TOKEN", "Bot"), ("MASTODON_ACCESS_TOKEN", "bearer")],
)
def test_a_key_is_freed_of_what_was_copied_with_it(
    monkeypatch: pytest.MonkeyPatch, name: str, prefix: str
) -> None:
    field = name.lower()
    for typed in ("canary-key", ' "canary-key"\n', f"{prefix} canary-key", "\u200bcanary-key"):
        for key, value in (GOOD | {name: typed}).items():
            monkeypatch.setenv(key, value)
        assert getattr(read_settings(Settings), field).get_secret_value() == "canary-key"
    for typed in ("canary-ключ", "canary key", "canary…"):
        monkeypatch.setenv(name, typed)
        with pytest.raises(ConfigError, match=rf"{name} is not valid .*copy it again") as e:
            read_settings(Settings)
        assert "canary" not in str(e.value)


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VOICES", "'~/voices'")
    assert read_settings(DraftSettings).voices == tmp_path / "voices"


def test_ids_and_names_are_freed_of_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (GOOD | {"OWNER_IDS": "<@1>; <@!2>", "LLM_MODEL": "'qwen3:8b' "}).items():
        monkeypatch.setenv(name, value)
    settings = read_settings(Settings)
    assert settings.owner_ids == {1, 2}
    assert settings.llm_model == "qwen3:8b"
