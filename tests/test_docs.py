"""Every slash command, variable and flag is in the README, and every target it names exists."""

import argparse
import re
from pathlib import Path

import pytest
from discord import app_commands

from bot.__main__ import build_parser as bot_parser
from bot.chat.cogs.accounts import AccountCommands
from bot.chat.cogs.blind_test import BlindTests
from bot.chat.cogs.drafts import Drafts
from bot.chat.cogs.history import History
from bot.chat.cogs.privacy import Privacy
from bot.chat.cogs.schedule import Daily
from bot.chat.cogs.voices import VoiceCommands
from bot.config import Settings
from trainer.__main__ import build_parser as trainer_parser

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    found: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                found |= {name, *_flags(sub)}
        elif action.help != argparse.SUPPRESS:
            found |= {o for o in action.option_strings if o.startswith("--")}
    return found - {"--help"}


@pytest.mark.parametrize(
    "word",
    sorted(_flags(bot_parser()) | _flags(trainer_parser())),
)
def test_every_command_and_flag_is_in_the_readme(word: str) -> None:
    assert re.search(rf"`[^`]*(?<![\w-]){re.escape(word)}(?![\w-])[^`]*`", README)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_variable_is_in_the_readme(name: str) -> None:
    assert f"| `{name.upper()}` |" in README


def test_every_variable_in_the_env_example_is_real() -> None:
    names = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M)
    assert names
    assert {n.lower() for n in names} <= set(Settings.model_fields)


COMMANDS = {
    f"{cog.__cog_group_name__} {command.name}"
    if cog.__cog_is_app_commands_group__
    else command.name: command
    for cog in (Drafts, History, Daily, VoiceCommands, BlindTests, AccountCommands, Privacy)
    for command in cog.__cog_app_commands__
    if isinstance(command, app_commands.Command)
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_slash_command_and_option_is_in_the_readme(name: str) -> None:
    row = re.search(rf"^\| `/{name}(?![\w-]).*$", README, re.M)
    assert row
    for parameter in COMMANDS[name].parameters:
        assert f"{parameter.display_name}:" in row[0]


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for doc in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        named = re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", doc.read_text("utf-8"), re.M)
        assert {a or b for a, b in named} <= targets, doc.name


def test_every_link_to_a_file_leads_somewhere() -> None:
    for doc in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", doc.read_text("utf-8")):
            assert (doc.parent / target).exists(), f"{doc.name}: {target}"
