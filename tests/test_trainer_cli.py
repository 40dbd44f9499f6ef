import argparse
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tests import warm
from tests.fakes import x_archive
from tests.fakes.x_archive import files, key, tweet
from trainer.__main__ import build_parser, main
from trainer.commands import COMMANDS

ROOT = Path(__file__).parent.parent
LIBRARIES = {"torch", "transformers", "sklearn", "matplotlib", "numpy", "msgspec", "openai", "rich"}


def trainer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return warm.run("trainer", *arguments)


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


def _parsers() -> dict[str, argparse.ArgumentParser]:
    actions = build_parser()._actions
    (commands,) = (a for a in actions if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)


NUMBERS = [
    (name, action.option_strings[0])
    for name, parser in _parsers().items()
    for action in parser._actions
    if action.type not in (None, Path) and action.option_strings
]


@pytest.mark.parametrize(("command", "flag"), NUMBERS, ids=" ".join)
def test_a_flag_says_what_it_takes(
    command: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`train --rank abc` said "invalid _count value"."""
    with pytest.raises(SystemExit, match="2"):
        main([command, flag, "1.5abc"])
    (said,) = re.findall(rf"error: argument {flag}: (.*)", capsys.readouterr().err)
    assert re.fullmatch(r"1.5abc is (not a|no) [\w ]+.*", said)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("train --rank 0", "0 is not a whole number from 1 on"),
        ("train --max-tokens 63", "63 is not a whole number from 64 on"),
        ("train --learning-rate 0", "0 is no learning rate"),
        ("train --learning-rate nan", "nan is no learning rate"),
        ("train --beta 2.1", "2.1 is no beta"),
        ("train --price 1e7", "1e7 is not a number above 0, up to a million"),
        ("train --seed 10000000000000000000", "is not a whole number of up to 18 digits"),
        ("evaluate --seed -1", "-1 is not a whole number from 0 to"),
        ("prepare --validation 1", "1 is not a share"),
        ("prepare --validation -0.1", "-0.1 is not a share"),
    ],
)
def test_a_number_beyond_its_limits_is_refused(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments.split())
    assert said in capsys.readouterr().err


def test_help_waits_for_no_library_and_for_no_other_command() -> None:
    code = (
        "import sys; from trainer.__main__ import main\n"
        "for argv in (['--help'], ['train', '--help'], ['--version']):\n"
        "    try: main(argv)\n"
        "    except SystemExit as e: assert e.code == 0\n"
        "print(sorted(m for m in sys.modules if m.startswith('trainer.commands.')))\n"
        "from trainer.__main__ import build_parser\n"
        "build_parser()\n"
        f"print({LIBRARIES} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == [
        "['trainer.commands.arguments', 'trainer.commands.train']",
        "set()",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_explains_itself_with_examples_that_parse(name: str) -> None:
    parser = _parsers()[name]
    assert parser.description
    assert all(action.help for action in parser._actions)
    examples = re.findall(r"^  python -m trainer (.*)$", parser.epilog or "", re.M)
    assert any(example.startswith(name) for example in examples)
    for example in examples:
        build_parser().parse_args(shlex.split(example))


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"write-my-posts {version('write-my-posts')}\n"


def test_a_checkout_that_was_never_installed_says_its_own_version(tmp_path: Path) -> None:
    for name in ("bot", "trainer", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    command = [sys.executable, "-S", "-m", "trainer", "--version"]  # without installed packages
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    said = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert said.stdout == f"write-my-posts {project['version']}\n"


def test_a_missing_library_is_a_sentence() -> None:
    code = (
        "import sys; from trainer.__main__ import main\n"
        "sys.modules['sklearn'] = None\n"
        "sys.exit(main(['rank', 'nobody']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.fullmatch(r"This needs sklearn\S*, .* Run `make install`\.\n", done.stderr)
