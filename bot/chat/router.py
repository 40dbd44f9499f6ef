"""Routes a button or a form to a cog's method, by its custom_id alone.

discord.py keeps views and forms in memory only; ours work after a restart too, and old messages
hold those of earlier versions. So a pattern, once in use, is never removed.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

import discord
from discord.ext import commands

from bot.chat.answers import begin_interaction, report_fault

Taker = Callable[[discord.Interaction, re.Match[str]], Awaitable[None]]
Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])


def pressed(pattern: str) -> Callable[[Method], Method]:
    """Mark a method that takes a button: the interaction and the match of its whole custom_id."""
    return _marked(discord.InteractionType.component, pattern)


def submitted(pattern: str) -> Callable[[Method], Method]:
    """Mark a method that takes a form; `typed` reads its fields."""
    return _marked(discord.InteractionType.modal_submit, pattern)


def typed(interaction: discord.Interaction) -> dict[str, str]:
    """The texts in the fields of a form, by their custom_ids."""
    labels = cast(Any, interaction.data)["components"]  # Any: Discord's JSON
    return {label["component"]["custom_id"]: label["component"]["value"] for label in labels}


class Router:
    """The one listener for buttons and forms. Shows any error to the user."""

    def __init__(self) -> None:
        self._takers: list[tuple[discord.InteractionType, re.Pattern[str], Taker]] = []

    def add(self, cog: commands.Cog) -> None:
        """Register the buttons and forms of a cog."""
        for name, function in vars(type(cog)).items():
            if mark := getattr(function, "_takes", None):
                self._takers.append((*mark, getattr(cog, name)))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Hand a button or a form to the method that takes it."""
        data: Mapping[str, object] = interaction.data or {}
        for kind, pattern, take in self._takers:
            found = pattern.fullmatch(str(data.get("custom_id")))
            if interaction.type is kind and found:
                try:
                    begin_interaction(interaction)
                    await take(interaction, found)
                except Exception as e:  # discord.py itself would only log it
                    await report_fault(interaction, e)
                return


def _marked(kind: discord.InteractionType, pattern: str) -> Callable[[Method], Method]:
    def mark(method: Any) -> Any:  # Any: a function with an attribute
        method._takes = kind, re.compile(pattern)
        return method

    return mark
