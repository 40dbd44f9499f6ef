"""Secrets at rest: a key of the vault opens them, and no other does."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.errors import ConfigError
from bot.posting.vault import LockedOut, Vault, key_file

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_locked_can_be_unlocked_and_does_not_show() -> None:
    vault = Vault([NEW])
    locked = vault.lock("canary")
    assert "canary" not in locked + repr(vault)
    assert vault.unlock(locked) == "canary"


def test_the_first_start_makes_a_key_for_its_owner_only(tmp_path: Path) -> None:
    database = tmp_path / "bot.db"
    locked = Vault.open(None, database).lock("canary")
    assert key_file(database).stat().st_mode & 0o777 == 0o600
    assert Vault.open(None, database).unlock(locked) == "canary"


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    file = key_file(tmp_path / "bot.db")
    file.write_text(NEW)
    file.chmod(0o644)
    assert Vault.open(None, tmp_path / "bot.db").unlock(Vault([NEW]).lock("canary")) == "canary"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_in_the_environment_needs_no_file(tmp_path: Path) -> None:
    Vault.open(NEW, tmp_path / "bot.db")
    assert list(tmp_path.iterdir()) == []


def test_keys_are_rotated_new_before_old() -> None:
    locked = Vault([OLD]).lock("canary")
    both = Vault.open(f"{NEW}, {OLD}", Path("bot.db"))
    renewed = both.renew(locked)
    assert both.unlock(locked) == both.unlock(renewed) == Vault([NEW]).unlock(renewed) == "canary"
    with pytest.raises(LockedOut):
        Vault([OLD]).unlock(renewed)


def test_the_key_file_still_opens_once_the_environment_has_a_key(tmp_path: Path) -> None:
    locked = Vault.open(None, tmp_path / "bot.db").lock("canary")
    assert Vault.open(NEW, tmp_path / "bot.db").unlock(locked) == "canary"


def test_a_wrong_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(LockedOut):
        Vault([NEW]).unlock(Vault([OLD]).lock("canary"))
    with pytest.raises(ConfigError, match="SECRET_KEY") as e:
        Vault.open("canary-not-a-key", tmp_path / "bot.db")
    assert "canary" not in str(e.value)


def test_a_key_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    key_file(tmp_path / "bot.db").mkdir()
    with pytest.raises(ConfigError, match=r"bot\.db\.key"):
        Vault.open(None, tmp_path / "bot.db")
