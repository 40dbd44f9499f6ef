import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import x_archive
from tests.fakes.x_archive import files, key, tweet


def trainer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainer", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_prepare_prints_its_table_and_nothing_else(tmp_path: Path) -> None:
    archive = x_archive.write_zip(
        tmp_path / "a.zip", files([tweet(n, f"Post {n}") for n in (1, 2)])
    )
    done = trainer("prepare", archive, "--out", tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    assert "posts read" in done.stdout
    assert "\x1b" not in done.stdout  # no colours, no bar, where nobody looks


def _zip_without_posts(folder: Path) -> Path:
    return x_archive.write_zip(folder / "a.zip", {"data/account.js": b"window.x = []"})


def _no_usable_posts(folder: Path) -> Path:
    return x_archive.write_zip(folder / "a.zip", files([tweet(1, "RT @a: b")]))


def _file(content: bytes, name: str = "archive") -> object:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda folder: folder / "missing.zip", "There is no file or folder"),
        (_file(b"plain words", "archive.zip"), "nor a list of posts"),
        (_file(b""), "is empty"),
        (_file(b"window.YTD.tweets.part0 = [ {]"), "damaged"),
        (_file(b'{"text": "a"}\n{"text'), "Line 2"),
        (_file(b"window.YTD.tweets.part0 = [ ]"), "holds no posts"),
        (_zip_without_posts, "holds no posts"),
        (_no_usable_posts, "None of the 1 posts"),
    ],
    ids=["missing", "no zip", "empty", "broken JSON", "broken line", "no posts", "zip", "unusable"],
)
def test_bad_input_gets_a_sentence_and_leaves_nothing(
    tmp_path: Path, write: object, words: str
) -> None:
    assert callable(write)
    archive = write(tmp_path)
    before = set(tmp_path.rglob("*"))
    done = trainer("prepare", archive, "--out", tmp_path / "new" / "data")
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "new"}


def test_a_post_is_explained_without_the_archive(tmp_path: Path) -> None:
    archive = x_archive.write_zip(
        tmp_path / "a.zip", files([tweet(1, "Post"), tweet(2, "RT @a: b"), tweet(3, "Another")])
    )
    data = tmp_path / "data"
    assert trainer("prepare", archive, "--out", data).returncode == 0
    archive.unlink()
    done = trainer("prepare", "--out", data, "--explain", key(2))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Post {key(2)} was dropped: retweet: ")
    unknown = trainer("prepare", "--out", data, "--explain", "5")
    assert unknown.returncode == 2
    assert "no post with the id 5" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--ner", "spacy"), "--ner spacy is unknown"),
        (("--ner", "tweetnlp:./missing"), "There is no folder ./missing"),
        (("--validation", "1.5"), "not a share"),
        (("--validation", "many"), "--validation"),
        (("--language", "english"), "english is no language"),
        (("--personal", "hide"), "--personal"),
    ],
)
def test_bad_options_get_a_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    archive = x_archive.write_zip(tmp_path / "a.zip", files([tweet(1, "Post")]))
    done = trainer("prepare", archive, "--out", tmp_path / "data", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["a.zip"]


def test_prepare_without_an_archive_says_so(tmp_path: Path) -> None:
    done = trainer("prepare", "--out", tmp_path / "data")
    assert done.returncode == 2
    assert done.stderr.startswith("Name the archives to prepare")


def test_prepare_never_imports_torch(tmp_path: Path) -> None:
    archive = x_archive.write_zip(tmp_path / "a.zip", files([tweet(1, "Post")]))
    code = (
        "import sys; from trainer.__main__ import main\n"
        f"assert main(['prepare', {str(archive)!r}, '--out', {str(tmp_path / 'data')!r}]) == 0\n"
        "assert not {'torch', 'transformers', 'discord', 'tweetnlp'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
