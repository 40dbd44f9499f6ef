"""Writes a command's folder whole or not at all.

Everything goes to a folder beside it, which takes its place at the end. That folder is locked
meanwhile, so the next run can tell the leftovers of a killed run from a run in progress.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from bot.voice.others import OTHERS_FILE
from trainer.data.folder import FILES, is_written
from trainer.data.preferences import PREFERENCES_FILE
from trainer.errors import DataError

OURS = FILES | {PREFERENCES_FILE, OTHERS_FILE}
UNFINISHED = OURS | {"staging.db", "staging.db-journal", "old"}


def check_target(out: Path) -> None:
    """Raise DataError if `out` holds something that must not be replaced."""
    if out.is_dir():
        names = {f.name for f in out.iterdir()}
        if not names or (is_written(out) and names <= OURS):
            return
        raise DataError(
            f"{out} holds other files than a prepared archive, and they would be lost."
            " Choose another folder with --out."
        )
    if out.exists() or out.is_symlink():
        raise DataError(f"{out} is not a folder. Choose another name with --out.")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give an empty folder that becomes `out` if the block ends well, else vanishes."""
    check_target(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(out)
        partial = Path(tempfile.mkdtemp(prefix=f"{out.name}.partial-", dir=out.parent))
    except OSError as e:
        raise DataError(f"{out.parent} cannot be written ({e.strerror}). Choose another.") from e
    try:
        with _locked(partial):
            partial.chmod(0o755)  # mkdtemp makes it for its owner only
            yield partial
            _move(partial, out)
    except OSError as e:
        raise DataError(f"{out} cannot be written ({e.strerror or e}). Make room for it.") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system releases it with the process. Raises BlockingIOError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(out: Path) -> None:
    """Remove what killed runs left beside `out`; restore a folder that one had moved aside."""
    for folder in out.parent.glob(f"{escape(out.name)}.partial-*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        if not {f.name for f in folder.iterdir()} <= UNFINISHED:
            continue
        with suppress(BlockingIOError), _locked(folder):
            if (folder / "old").is_dir() and not out.exists():
                (folder / "old").rename(out)
            shutil.rmtree(folder)


def _move(partial: Path, out: Path) -> None:
    if not out.exists():
        partial.rename(out)
        return
    check_target(out)  # something may have been put there meanwhile
    old = Path(tempfile.mkdtemp(prefix=f"{out.name}.partial-old-", dir=out.parent))
    with _locked(old):
        out.rename(old / "old")
        partial.rename(out)
        shutil.rmtree(old)
