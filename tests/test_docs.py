"""The reference is complete and new; every target, file and variable the documents name exists."""

import argparse
import re
from pathlib import Path

import pytest
from discord import app_commands

from bot.__main__ import build_parser as bot_parser
from bot.chat.cogs.account_choice import AccountChoice
from bot.chat.cogs.accounts import AccountCommands
from bot.chat.cogs.blind_test import BlindTests
from bot.chat.cogs.bluesky import BlueskyCommands
from bot.chat.cogs.daily import Daily
from bot.chat.cogs.drafts import Drafts
from bot.chat.cogs.history import History
from bot.chat.cogs.privacy import Privacy
from bot.chat.cogs.voices import VoiceCommands
from bot.config import ELSEWHERE, Settings
from docs import reference
from trainer.__main__ import build_parser as trainer_parser

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
LISTED = {"commands", "cogs", "store"}  # rooms whose modules stand in a list of bare names
FIRST_PAGES = {"README.md": 200, "ARCHITECTURE.md": 150}  # lines at most
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                found |= {name, *_flags(sub)}
        elif action.help != argparse.SUPPRESS:
            found |= {o for o in action.option_strings if o.startswith("--")}
    return found - {"--help"}


def test_the_reference_is_what_the_programs_say() -> None:
    assert reference.reference() == REFERENCE, "run `make reference`"


def test_every_command_and_flag_is_in_the_reference() -> None:
    words = _flags(bot_parser()) | _flags(trainer_parser())
    assert len(words) > 60
    assert {w for w in words if not re.search(rf"`(\S+ )*{re.escape(w)}[ `]", REFERENCE)} == set()


def test_every_variable_is_in_the_reference() -> None:
    names = {*Settings.model_fields, *ELSEWHERE}
    assert {name for name in names if f"| `{name.upper()}` |" not in REFERENCE} == set()


def test_every_variable_in_the_env_example_is_real() -> None:
    names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert names
    assert {n.lower() for n in names} <= set(Settings.model_fields)


def test_every_slash_command_and_option_is_in_the_reference(subtests: pytest.Subtests) -> None:
    cogs = Drafts, History, Daily, VoiceCommands, BlindTests, AccountCommands, BlueskyCommands
    for cog in (*cogs, AccountChoice, Privacy):
        for command in cog.__cog_app_commands__:
            with subtests.test(command.name):
                assert isinstance(command, app_commands.Command)
                group = f"{cog.__cog_group_name__} " if cog.__cog_is_app_commands_group__ else ""
                heading = f"/{group}{command.name}"
                section = re.search(rf"^### {heading}\n(.*?)^##", REFERENCE, re.M | re.S)
                assert section
                options = {f"`{parameter.display_name}:`" for parameter in command.parameters}
                assert {option for option in options if option not in section[1]} == set()


def test_every_make_target_in_the_docs_exists(subtests: pytest.Subtests) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for doc in DOCUMENTS:
        with subtests.test(doc.name):
            named = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", doc.read_text("utf-8"), re.M)
            assert {a or b for a, b in named} - targets == set()


def test_every_link_to_a_file_leads_somewhere(subtests: pytest.Subtests) -> None:
    for doc in DOCUMENTS:
        with subtests.test(doc.name):
            targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", doc.read_text("utf-8"))
            assert [target for target in targets if not (doc.parent / target).exists()] == []


def test_the_first_pages_are_short() -> None:
    lines = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in FIRST_PAGES}
    assert {name for name, most in FIRST_PAGES.items() if lines[name] > most} == set()


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    files = [file for room in ("bot", "trainer") for file in (ROOT / room).rglob("*.py")]
    assert len(files) > 150
    missing = {
        file.relative_to(ROOT)
        for file in files
        if file.stem != "__init__"
        and not re.search(rf"\b{file.stem}{'' if file.parent.name in LISTED else '[.]py'}\b", text)
    }
    assert missing == set()
