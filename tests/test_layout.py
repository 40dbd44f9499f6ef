"""Rules that the import contracts of pyproject.toml cannot express: sizes, and indirect imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bench import rooms

ROOT = Path(__file__).parent.parent
FILES = [f for name in ("bot", "trainer", "sandbox") for f in sorted((ROOT / name).rglob("*.py"))]
STILL_LONG = {
    "trainer/data/prepare.py: prepare",
    "trainer/taste/taste.py: taste",
}
BOUNDS = {"trainer": (13, 45), "bot": (23, 90)}  # boxes and arrows of `python -m bench.rooms`


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lines = {str(f.relative_to(ROOT)): len(f.read_text("utf-8").splitlines()) for f in FILES}
    assert [file for file, count in lines.items() if count > 400] == []


def test_no_function_is_longer_than_fifty_lines() -> None:
    functions = [
        (f"{file.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert {name for name, lines in functions if lines > 50} <= STILL_LONG


def test_no_cog_reaches_for_the_store() -> None:
    """A cog is handed the tables it reads, so that its first lines say what it knows."""
    reaching = {
        file.name
        for file in (ROOT / "bot/chat/cogs").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "store"
    }
    assert reaching == set()


def test_no_cog_reaches_through_what_it_is_handed_into_the_store() -> None:
    reaching = [
        f"{file.name}:{node.lineno}"
        for file in (ROOT / "bot" / "chat" / "cogs").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "store"
    ]
    assert reaching == []


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
