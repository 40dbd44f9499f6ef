"""Writes docs/reference.md from what the programs say of themselves: `make reference`.

Commands and flags come from argparse, settings from bot/config.py, slash commands from the cogs.
Here stands only what Discord leaves no room for: a description there has 100 characters.
"""

import argparse
import inspect
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from textwrap import fill
from typing import Any

from discord import AppCommandOptionType
from discord.app_commands import Command, Parameter
from discord.ext import commands

import bot.chat.cogs
from bot.__main__ import build_parser as bot_parser
from bot.config import ELSEWHERE, DatabaseSettings, DraftSettings, Settings
from trainer.__main__ import build_parser as trainer_parser

FILE = Path(__file__).with_suffix(".md")
INTRODUCTION = """\
# Reference

Everything that can be typed or set: [slash commands](#slash-commands), the commands of the
[bot](#python--m-bot) and of the [trainer](#python--m-trainer), and the [settings](#settings).
`make reference` writes this page from what the programs say of themselves, so change it there.
The [README](../README.md) has the way through it."""
SLASH = """\
## Slash commands

Options in *italics* may be left out. In the menu of any message, under *Apps*, stand *Draft about
this*, which takes the message's text as the topic of a draft, and *Say this in my voice*, which
takes the text of a message of your own as the notes. [In Discord](discord.md) has the buttons and
reactions below a draft, and what happens around them."""
MORE = {  # what a description in Discord has no room for
    "draft": "A topic or notes are enough; without either it opens a form for them. It sends 1 to 8"
    " candidates to you as a direct message, and under each what became of your notes. While you"
    " type a topic, it suggests those you have written about, those you used least lately first.",
    "drafts": "It shows them page by page, and a button shows one again.",
    "undo": "If that was a thread, all of it goes.",
    "daily set": "Or only on the days you name. It says why it comes, and *Tell me* opens the form"
    " of /draft. The topic is one you have not drafted about lately.",
    "voice list": "It says whose they are, and what they learnt from.",
    "voice show": "It also shows the figures from the training, what became of the voice's drafts"
    " in the last 30 days, and how the blind tests went.",
    "voice revoke": "An operator takes it from its owner, the owner from a guest.",
    "which-one": "It is a blind test: you see both side by side, and say which is real.",
    "mastodon connect": "Follow the link, say yes, and enter the code.",
    "mastodon show": "It also says how long they may be.",
    "mastodon disconnect": "The server forgets it, and so does the bot.",
    "export-me": "You get it as a JSON file.",
    "forget-me": "It asks you to confirm. What you posted stays where it is.",
}
SETTINGS = """\
## Settings

Read from the environment and from the file `.env`. `DISCORD_TOKEN` and `OWNER_IDS` must be set for
`run`. A name that is nearly one of these (`OWNER_ID`) is pointed out by `run` and `make doctor`."""


def reference() -> str:
    """The whole page."""
    parts = [
        INTRODUCTION,
        SLASH,
        *(_slash(name, command) for name, command in slash_commands().items()),
        *_program(bot_parser()),
        *_program(trainer_parser()),
        SETTINGS,
        *_settings(),
    ]
    return "\n\n".join(parts) + "\n"


# --- slash commands


def slash_commands() -> "dict[str, Command[Any, ..., Any]]":
    """Every slash command of every cog, by the name that is typed."""
    found: dict[str, Command[Any, ..., Any]] = {}
    for module in iter_modules(bot.chat.cogs.__path__, "bot.chat.cogs."):
        for _, cog in inspect.getmembers(import_module(module.name), inspect.isclass):
            if issubclass(cog, commands.Cog) and cog.__module__ == module.name:
                group = f"{cog.__cog_group_name__} " if cog.__cog_is_app_commands_group__ else ""
                found |= {
                    group + c.name: c for c in cog.__cog_app_commands__ if isinstance(c, Command)
                }
    return dict(sorted(found.items()))


def _slash(name: str, command: "Command[Any, ..., Any]") -> str:
    end = "" if command.description.endswith("?") else "."
    about = f"{command.description}{end} {MORE.get(name, '')}"
    rows = [(_option(p), _explained(p)) for p in command.parameters]
    return "\n\n".join([f"### /{name}", _prose(about), *_table("option", rows)])


def _option(parameter: Parameter) -> str:
    name = f"`{parameter.display_name}:`"
    return name if parameter.required else f"*{name}*"


def _explained(parameter: Parameter) -> str:
    low, high = parameter.min_value, parameter.max_value
    if parameter.choices:
        limits = "; " + ", ".join(choice.name for choice in parameter.choices)
    elif high is None:
        limits = ""
    elif parameter.type == AppCommandOptionType.string:
        limits = f"; up to {high} characters"
    else:
        limits = f"; {low} to {high}"
    return f"{parameter.description}{limits}"


# --- commands and flags


def _program(parser: argparse.ArgumentParser) -> Iterator[str]:
    (subparsers,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    yield f"## {parser.prog}"
    yield _prose(parser.description or "")
    flags = [a for a in parser._actions if a.option_strings and a.dest != "help"]
    yield "Every command has `--help`." + "".join(f" {_flag(a)}: {a.help}." for a in flags)
    about = {action.dest: action.help or "" for action in subparsers._choices_actions}
    rows = [
        (f"[`{name}`](#{_anchor(sub.prog)})", _line(about[name]))
        for name, sub in subparsers.choices.items()
    ]
    yield from _table("command", rows)
    for sub in subparsers.choices.values():
        yield from _command(sub)


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"### {parser.prog}"
    yield _prose(parser.description or "")
    arguments, options, *groups = parser._action_groups
    yield from _table("argument", _flags(arguments) + _flags(options))
    for group in groups:
        title = group.title or ""
        yield _prose(f"*{title[:1].upper()}{title[1:]}.* {group.description or ''}")
        yield from _table("argument", _flags(group))
    if parser.epilog:
        yield "```sh\n" + "\n".join(re.findall(r"^  (.*)$", parser.epilog, re.M)) + "\n```"


def _flags(group: "argparse._ArgumentGroup") -> list[tuple[str, str]]:
    actions = [a for a in group._group_actions if a.dest != "help"]
    return [(_flag(a), _line(_help(a))) for a in actions]


def _flag(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices:
        value = r"\|".join(map(str, action.choices))
    if not action.option_strings:
        return f"`{value}`"
    if action.nargs == 0:
        value = ""
    return f"`{f'{action.option_strings[-1]} {value}'.strip()}`"


def _help(action: argparse.Action) -> str:
    needed = "; needed" if action.option_strings and action.required else ""
    several = "; several may be given" if action.option_strings and action.nargs == "+" else ""
    return (action.help or "") % vars(action) + several + needed


# --- settings


def _settings() -> Iterator[str]:
    seen: set[str] = set()
    kinds: list[tuple[str, type[DraftSettings]]] = [
        ("The voice, and who serves it", DraftSettings),
        ("What the bot keeps", DatabaseSettings),
        ("Discord, Mastodon, and the rest of `run`", Settings),
    ]
    for title, kind in kinds:
        fields = {n: f for n, f in kind.model_fields.items() if n not in seen}
        seen |= fields.keys()
        rows = [
            (f"`{name.upper()}`", _line(f"{field.description}{_default(field.default)}"))
            for name, field in fields.items()
        ]
        yield f"### {title}"
        yield from _table("variable", rows)
    yield "### Read by the trainer, make and docker compose"
    rows = [(f"`{name.upper()}`", _line(about)) for name, about in ELSEWHERE.items()]
    yield from _table("variable", rows)


def _default(value: object) -> str:
    says_something = isinstance(value, str | int | float | Path)
    return f" (default: {value})" if says_something else ""


# --- Markdown


def _table(first: str, rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [f"| {name} | {meaning} |" for name, meaning in rows]
    if lines:
        yield "\n".join([f"| {first} | |", "| --- | --- |", *lines])


def _prose(text: str) -> str:
    """Paragraphs, filled."""
    return "\n\n".join(fill(_line(p), 100, break_on_hyphens=False) for p in text.split("\n\n"))


def _line(text: str) -> str:
    """Text in one line; flags and variables as code, documents as links."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if i % 2 else _marked(part) for i, part in enumerate(parts))


def _marked(text: str) -> str:
    text = text.replace("|", r"\|").replace("<", "&lt;")
    text = re.sub(r"(?<![\w-])--[a-z][a-z-]*[a-z]|\b[A-Z]+(?:_[A-Z]+)+\b", r"`\g<0>`", text)
    return re.sub(r"docs/(\w+\.md)", r"[\1](\1)", text)


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


if __name__ == "__main__":
    FILE.write_text(reference(), "utf-8")
