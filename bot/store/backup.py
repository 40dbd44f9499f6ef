"""A copy of the whole database, consistent also while a bot uses it."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from bot.errors import UserError
from bot.store.database import reading_uri

PAGES = 256  # a step: the bot can write between two of them


def back_up(database: Path, target: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database to a new file; `progress` gets pages done and in all. Raises UserError.

    Secrets in it stay encrypted; the key is not part of it.
    """
    uri = reading_uri(database)
    if target.exists():
        raise UserError("{file} exists, and is not overwritten. Name another file.", file=target)
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.touch(mode=0o600)
        with (
            closing(sqlite3.connect(uri, uri=True)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(
                copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_)
            )
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        os.link(partial, target)  # unlike a rename, it replaces nothing
    except FileExistsError as e:
        raise UserError("{file} exists, and is not overwritten.", file=target) from e
    except (OSError, sqlite3.Error) as e:
        raise UserError(
            "The backup {file} cannot be written ({reason}). Name another file.",
            file=target,
            reason=str(e),
        ) from e
    finally:
        with suppress(OSError):
            partial.unlink()
