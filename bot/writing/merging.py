"""Merges the adapter of a voice into its base model: a file that llama.cpp draws faster from.

It would apply an adapter anew for each token, which costs nearly as much as the base model does
(docs/performance.md). <voice>/merged-<key>.gguf holds the sum, in eight bits a weight. It is a
cache: written when the engine first needs it, and named after what it was made of.
`python -m bot.writing.merging` writes it, so that the engine does not keep the memory this takes.
"""

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.voice import Voice
from bot.voice.weights import DEFAULT_BASE
from bot.writing.gguf_file import write_merged

log = logging.getLogger(__name__)  # to standard error: standard output tells the bot

MERGED_AT_MOST = 3  # voices: each takes 250 MB of memory then, and 10 MB by its adapter
SIZE = 145_000_000  # bytes of a file
SPARE = 500_000_000  # bytes of the disk that are left to others
_KIND = b"1"  # of the files: another number makes those of before stale
_TIMEOUT_S = 90.0  # it takes a processor four seconds


def merged_file(folder: Path, voice: Voice) -> Path:
    """Where a voice's merged weights are or would be: the name tells what they are made of."""
    made_of = hashlib.sha256(_KIND + str(voice.base.sha256).encode())
    made_of.update((folder / voice.model).read_bytes())
    return folder / f"merged-{made_of.hexdigest()[:16]}.gguf"


def obstacle(folder: Path, voice: Voice, voices: int) -> str | None:
    """Why the engine, with so many voices, serves this one by its adapter; None if it merges it."""
    if voice.base != DEFAULT_BASE:
        return f"only those on {DEFAULT_BASE.name} are merged"
    if voices > MERGED_AT_MOST:
        return f"merged voices take memory, so of more than {MERGED_AT_MOST} none is merged"
    if merged_file(folder, voice).exists():
        return None
    if not os.access(folder, os.W_OK):
        return f"{folder} cannot be written to"
    if shutil.disk_usage(folder).free < SIZE + SPARE:
        return f"the disk of {folder} is nearly full"
    return None


def merge(folder: Path, voice: Voice, base: Path, voices: int) -> Path | None:
    """The merged weights of a voice, written if they are not there; None if it does without.

    Removes those that an earlier adapter has left.
    """
    if obstacle(folder, voice, voices):
        return None
    file = merged_file(folder, voice)
    try:
        with _locked(folder):
            for stale in set(folder.glob("merged-*.gguf*")) - {file}:
                stale.unlink()
            if not file.exists():
                _write_aside(base, folder / voice.model, file)
    except (OSError, subprocess.SubprocessError) as e:
        log.warning("The voice %s keeps its adapter; merging failed: %s", voice.name, e)
    return file if file.exists() else None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder: bot and trainer may want the same file."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _write_aside(base: Path, adapter: Path, file: Path) -> None:
    """Write the file whole or not at all, in a process of its own."""
    partial = file.with_name(f"{file.name}.partial")
    command = [sys.executable, "-m", __name__, *map(str, (base, adapter, partial))]
    try:
        subprocess.run(command, check=True, timeout=_TIMEOUT_S, capture_output=True)  # noqa: S603 - ours
        partial.replace(file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


if __name__ == "__main__":
    write_merged(*map(Path, sys.argv[1:]))
