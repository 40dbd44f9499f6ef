"""A message of Discord's as plain words: what a person reads there, without Discord's own codes."""

import re
from datetime import UTC, datetime

import discord

_CODES = re.compile(
    r"<a?:(?P<emoji>\w+):\d+>"
    r"|<t:(?P<moment>-?\d{1,12})(?::(?P<style>\w))?>"
    r"|</(?P<command>[^:<>]+):\d+>"
    r"|<(?:@[!&]?|#|id:|sound:)[^<>\s]*>"  # of a forward, whose names Discord does not send along
)
_STYLES = {"t": "%H:%M UTC", "T": "%H:%M UTC", "d": "%Y-%m-%d", "D": "%Y-%m-%d"}


def wording(message: discord.Message) -> str:
    """The words of a message; of a forward those of the message that was passed on."""
    passed_on = (snapshot.content for snapshot in message.message_snapshots)
    return "\n".join(_plain(text) for text in (message.clean_content, *passed_on)).strip()


def _plain(text: str) -> str:
    return _CODES.sub(_meaning, text)


def _meaning(code: re.Match[str]) -> str:
    if code["emoji"]:
        return f":{code['emoji']}:"
    if code["command"]:
        return f"/{code['command']}"
    if not code["moment"]:
        return ""
    try:
        moment = datetime.fromtimestamp(int(code["moment"]), UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime(_STYLES.get(code["style"] or "f", "%Y-%m-%d %H:%M UTC"))
