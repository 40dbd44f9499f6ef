"""Who may import what, kept by this test and not by goodwill; ARCHITECTURE.md says why."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = {"actions", "clock", "thread", "draft", "rates", "screen", "errors", "words", "topics"}
PURE |= {"copies", "visible"}
_WORDS = {"errors", "words", "voice", "draft"}  # what every room may know
ALLOWED = {  # module of bot -> modules of bot it may import; what is not named is free
    "words": set(),
    "errors": {"words"},
    "voice": {"errors"},
    "draft": {"errors", "words"},
    "actions": {"draft"},
    "choices": set(),
    "clock": {"errors"},
    "thread": {"draft", "errors"},
    "visible": set(),
    "copies": set(),
    "others": {"copies", "errors"},
    "screen": {*_WORDS, "thread", "personal", "copies", "others", "visible"},
    "render": {*_WORDS, "actions", "language", "screen", "visible"},
    "language": {"errors", "words"},
    "config": {"errors", "voice"},
    "rates": {"words"},
    "store": {*_WORDS, "config", "rates", "store"},
    "bounded": set(),
    "llm": {*_WORDS, "bounded", "config"},
    "instance": {"errors", "words"},
    "oauth": {"errors", "words", "instance"},
    "vault": {"errors"},
    "mastodon": {*_WORDS, "config", "instance", "visible"},
    "engine": {"errors", "voice", "weights"},
    "weights": {"errors", "voice"},
    "logs": set(),
    "metrics": set(),
    "work": {"errors"},
    "line": {"errors", "words"},
    "composing": {*_WORDS, "llm", "others", "ranker", "screen"},
    "voices": {*_WORDS, "composing", "store"},
    "accounts": {*_WORDS, "instance", "mastodon", "oauth", "store", "vault"},
    "publishing": {*_WORDS, "store", "accounts", "voices"},
    "drafting": {
        *(*_WORDS, "store", "llm", "accounts", "voices", "composing", "publishing", "screen"),
        *("line", "thread", "visible"),
    },
    "privacy": {*_WORDS, "accounts", "store"},
    "topics": set(),
    "blind_test": {
        *_WORDS,
        "composing",
        "drafting",
        "line",
        "mastodon",
        "rates",
        "screen",
        "store",
    },
    "daily": {*_WORDS, "clock", "composing", "drafting", "topics"},
    "report": {"errors", "words", "language"},
    "client": {*_WORDS, "actions", "drafting", "render", "report", "language", "work"},
    "cogs": {
        *("actions", "clock", "daily", "draft", "drafting", "errors", "language", "privacy"),
        *("blind_test", "choices", "line", "publishing", "rates", "render", "report", "words"),
    },
}
WATCHED = {"logs", "metrics"}  # what every room but the pure ones may write to
NOT_PURE = {"asyncio", "aiohttp", "aiosqlite", "sqlite3", "socket", "time", "os", "subprocess"}


def _modules(package: str) -> list[Path]:
    return [p for p in (ROOT / package).rglob("*.py") if "sandbox" not in p.parts]


def _imports(file: Path) -> set[str]:
    """Dotted names a file imports, those only for the type checker left out."""
    found: set[str] = set()
    for node in _live(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return found


def _live(tree: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        nodes += [child, *_live(child)]
    return nodes


def _rooms(file: Path) -> set[str]:
    return {n.split(".")[1] for n in _imports(file) if n.startswith("bot.")}


@pytest.mark.parametrize("file", _modules("bot"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_bot_never_imports_the_trainer_or_torch(file: Path) -> None:
    tops = {name.split(".")[0] for name in _imports(file)}
    assert not tops & {"trainer", "torch", "transformers", "peft", "tweetnlp"}


@pytest.mark.parametrize("file", _modules("trainer"), ids=lambda f: str(f.relative_to(ROOT)))
def test_the_trainer_imports_only_voice_and_weights_of_the_bot(file: Path) -> None:
    """But for two: the server of voices is the bot's, and is not written twice; and what is judged
    must be what is served, so drafts come by the bot's own path.
    """
    more = {
        "serve.py": {"engine", "errors"},
        "drawing.py": {"composing"},
        "drafts.py": {"composing", "config", "engine", "errors", "llm", "mastodon", "screen"},
    }
    assert _rooms(file) <= {
        "voice",
        "weights",
        "personal",
        "rates",
        "copies",
        "others",
        "ranker",
        *more.get(file.name, set()),
    }


@pytest.mark.parametrize("file", _modules("bot"), ids=lambda f: str(f.relative_to(ROOT)))
def test_every_room_imports_only_what_it_may(file: Path) -> None:
    parts = file.relative_to(ROOT / "bot").with_suffix("").parts
    allowed = ALLOWED.get(parts[0])
    if allowed is not None:
        assert _rooms(file) <= allowed | (set() if parts[0] in PURE else WATCHED)
    if parts[0] in PURE:
        assert not {n.split(".")[0] for n in _imports(file)} & NOT_PURE


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "bot").glob("*.py")))
def test_no_module_goes_beyond_its_one_room(name: str) -> None:
    assert len((ROOT / "bot" / f"{name}.py").read_text("utf-8").splitlines()) < 400


def test_importing_the_voice_drags_nothing_in() -> None:
    code = "import sys, bot.voice; print([m for m in ('discord', 'pydantic') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_only_the_fine_tune_imports_torch() -> None:
    users = {
        f.name
        for f in _modules("trainer")
        if {"torch", "peft"} & {n.split(".")[0] for n in _imports(f)}
    }
    assert users <= {"local.py", "training.py", "base_model.py"}
