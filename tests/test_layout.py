"""Rules that the import contracts of pyproject.toml cannot express: sizes, and indirect imports."""

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from bench import rooms

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "trainer", "sandbox")
WRITTEN = {".py", ".js", ".css", ".html", ".sql", ".jinja"}  # by hand; a catalogue is data
FILES = [f for name in PACKAGES for f in sorted((ROOT / name).rglob("*.py"))]
BOUNDS = {"trainer": (13, 45), "bot": (23, 90)}  # boxes and arrows of `python -m bench.rooms`


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    written = [f for name in PACKAGES for f in (ROOT / name).rglob("*") if f.suffix in WRITTEN]
    assert {file.suffix for file in written} == WRITTEN
    lines = {str(f.relative_to(ROOT)): len(f.read_text("utf-8").splitlines()) for f in written}
    assert [file for file, count in lines.items() if count > 400] == []


def test_no_function_is_longer_than_fifty_lines() -> None:
    functions = [
        (f"{file.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {name for name, lines in functions if lines > 50} == set()


def test_no_cog_reaches_for_the_store() -> None:
    """A cog is handed the tables it reads, so that its first lines say what it knows."""
    reaching = {
        file.name
        for file in (ROOT / "bot/chat/cogs").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "store"
    }
    assert reaching == set()


@pytest.mark.parametrize("package", rooms.PACKAGES)
def test_the_drawing_stays_small_and_its_arrows_go_down(package: str) -> None:
    drawing = rooms.draw(package)
    boxes, arrows = BOUNDS[package]
    assert len(drawing.boxes) <= boxes
    assert len(drawing.arrows) <= arrows
    layers = rooms.layers(ROOT, package)
    assert layers is not None
    assert drawing.upwards(layers) == []
    assert drawing.circles() == []


def test_importing_the_voice_drags_nothing_in() -> None:
    code = "import sys, bot.voice; print([m for m in ('discord', 'pydantic') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_bot_that_waits_has_not_loaded_what_draws_texts() -> None:
    code = (
        "import sys, bot.commands.run, bot.health, bot.chat.client, bot.posting.accounts\n"
        "print([m for m in ('openai.types', 'phonenumbers', 'xllamacpp') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# Each command is a module of the same shape, and each program has its own main.
SAME_SHAPE = {"add", "run", "DESCRIPTION", "EXAMPLES", "COMMANDS", "build_parser", "main", "log"}


def test_no_public_name_stands_for_two_things() -> None:
    homes = defaultdict[str, set[str]](set)
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.parse(file.read_text("utf-8")).body:
                for name in _defined(node):
                    homes[name].add(str(file.relative_to(ROOT)))
    twice = {name: files for name, files in homes.items() if len(files) > 1}
    assert len(homes) > 500
    assert {name for name in twice if not name.startswith("_")} - SAME_SHAPE == set()


def _defined(node: ast.stmt) -> list[str]:
    """The names that a statement at a module's top level gives a meaning to."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            return [target.id for target in node.targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []
