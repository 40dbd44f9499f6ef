"""Secrets at rest: encrypted with Fernet. The first key encrypts, every key opens.

Keys come from SECRET_KEY, or from a file beside the database, made at the first start. To change
the key, put a new one before the old one and start the bot: it encrypts everything anew.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot import logs
from bot.errors import ConfigError


class LockedOut(Exception):
    """No key here opens a secret."""


class Vault:
    """Encrypts and opens secrets; neither its repr nor its errors show one."""

    def __init__(self, keys: Sequence[str]) -> None:
        for key in keys:
            logs.hide(key)
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as e:
            raise ConfigError(
                "A key in SECRET_KEY, or in the key file beside the database, is none. Make one"
                ' with `python -c "from cryptography.fernet import Fernet;'
                ' print(Fernet.generate_key().decode())"`.'
            ) from e

    @classmethod
    def open(cls, secret_key: str | None, database: Path) -> "Vault":
        """The vault of a database, with the given keys and those of its key file."""
        return cls([*_split(secret_key or ""), *_keys_of_file(key_file(database), not secret_key)])

    def lock(self, secret: str) -> str:
        """Encrypt a secret."""
        logs.hide(secret)
        return self._fernet.encrypt(secret.encode()).decode()

    def unlock(self, locked: str) -> str:
        """Decrypt a secret. Raises LockedOut."""
        try:
            secret = self._fernet.decrypt(locked.encode()).decode()
        except InvalidToken as e:
            raise LockedOut from e
        logs.hide(secret)
        return secret

    def renew(self, locked: str) -> str:
        """Encrypt again, with the first key. Raises LockedOut."""
        try:
            return self._fernet.rotate(locked.encode()).decode()
        except InvalidToken as e:
            raise LockedOut from e


def key_file(database: Path) -> Path:
    """The file with a database's key, unless SECRET_KEY holds it."""
    return database.with_name(database.name + ".key")


def _keys_of_file(file: Path, is_needed: bool) -> list[str]:
    try:
        if not file.exists() and is_needed:
            file.touch(mode=0o600, exist_ok=False)
            file.write_bytes(Fernet.generate_key() + b"\n")
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(0o600)  # it may have been copied here
        return _split(file.read_text("utf-8")) if file.exists() else []
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(
            f"The key file {file} cannot be used ({e}). Make it readable for the bot only, or set"
            " SECRET_KEY."
        ) from e


def _split(keys: str) -> list[str]:
    return [key for key in re.split(r"[\s,]+", keys) if key]
