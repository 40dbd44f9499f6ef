"""Lines of an OpenAI fine-tuning file -> the request, and the text that answers it.

Pure. Reads the chat format, and prompt/completion lines of before 2023. Gives every other line
the reason why nothing can be learnt from it.
"""

import json
import os.path
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.voice import Prompt

TEMPLATE_FROM = 10  # requests; fewer may begin alike by chance


class Fault(StrEnum):
    """Why a line is dropped."""

    NOT_JSON = "not a JSON object"
    NOT_AN_EXAMPLE = "no chat example"
    PREFERENCE = "a pair of preferences"
    TOOLS = "uses tools"
    NOT_TEXT = "not only text"
    BROKEN = "broken characters"
    EMPTY = "no answer to learn from"
    DUPLICATE = "duplicate"
    NEAR_COPY = "nearly a validation post"


@dataclass(frozen=True, slots=True)
class Chat:
    """One line: the author's text, and the request for it."""

    line: int
    system: str | None
    asked: str
    text: str
    turns: int = 1
    is_old: bool = False  # a prompt and its completion


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that teaches nothing."""

    line: int
    reason: Fault


def read_chats(lines: Iterable[bytes]) -> Iterator[Chat | BadLine]:
    """Every line that is not blank, in order."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            chat = _chat(number, line)
            if isinstance(chat, Chat) and _HALF.search(f"{chat.system}{chat.asked}{chat.text}"):
                chat = Fault.BROKEN
            yield BadLine(number, chat) if isinstance(chat, Fault) else chat


_HALF = re.compile("[\ud800-\udfff]")  # of a character, which no file can hold


def without_stops(chats: Sequence[Chat]) -> list[Chat]:
    """Old lines without the stop word that ended every completion."""
    old = [chat for chat in chats if chat.is_old]
    if not (old and all(_STOP.search(chat.text) for chat in old)):
        return list(chats)
    return [replace(c, text=_STOP.sub("", c.text)) if c.is_old else c for c in chats]


_STOP = re.compile(r"\s*(###|<\|endoftext\|>|\bEND|\bSTOP)\s*$")
_SEPARATOR = re.compile(r"[\s#>=-]+$")  # that ended every prompt


def template_of(chats: Sequence[Chat]) -> tuple[Prompt, list[str]]:
    """The template that these requests were rendered with, and the topic of each.

    Keeps the system prompt if all share it, and the words that all requests begin and end with.
    If all requests are the same, they name no topic.
    """
    systems = {chat.system for chat in chats}
    system = systems.pop() if len(systems) == 1 else None
    prompt = Prompt() if system is None else Prompt(system=system)
    asked = [chat.asked for chat in chats]
    if len(asked) < TEMPLATE_FROM:
        return prompt, asked
    if len(set(asked)) == 1:
        return replace(prompt, no_topic=asked[0] or prompt.no_topic), [""] * len(asked)
    begin = _start(asked, r".*[\s:\"“«]")
    end = _start([a[::-1] for a in asked], r".*[\s\"”».?!]")[::-1]
    if "{topic}" in begin + end or len(begin) + len(end) > min(map(len, asked)):
        return prompt, asked
    topics = [a[len(begin) : len(a) - len(end)].strip() for a in asked]
    return replace(prompt, user=f"{begin}{{topic}}{end}"), topics


def _start(texts: Sequence[str], pattern: str) -> str:
    """The beginning that all texts share, cut at the end of a word."""
    found = re.match(pattern, os.path.commonprefix(texts), re.S)  # noqa: RUF071 - of characters
    return found[0] if found else ""


def split_topics(asked: str) -> list[str]:
    """`kettle, fog` are two topics; a sentence with commas is one."""
    parts = [part.strip() for part in asked.split(", ")]
    is_list = all(0 < len(part) <= 40 and len(part.split()) <= 4 for part in parts)
    return parts if is_list else [asked] if asked else []


def _chat(number: int, line: bytes) -> Chat | Fault:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return Fault.NOT_JSON
    if not isinstance(row, dict):
        return Fault.NOT_JSON
    if "preferred_output" in row:
        return Fault.PREFERENCE
    if isinstance(row.get("prompt"), str) and isinstance(row.get("completion"), str):
        asked, text = _SEPARATOR.sub("", row["prompt"]).strip(), row["completion"].strip()
        return Chat(number, None, asked, text, is_old=True) if text else Fault.EMPTY
    messages = row.get("messages")
    if not (isinstance(messages, list) and all(isinstance(m, dict) for m in messages)):
        return Fault.NOT_AN_EXAMPLE
    if row.get("tools") or row.get("functions") or any(map(_uses_tools, messages)):
        return Fault.TOOLS
    return _answered(number, messages)


def _answered(number: int, messages: list[dict[str, Any]]) -> Chat | Fault:
    """The last answer that training used, and the request before it."""
    answers = [
        i for i, m in enumerate(messages) if m.get("role") == "assistant" and m.get("weight") != 0
    ]
    if not answers:
        return Fault.EMPTY
    before = messages[: answers[-1]]
    asked = next((m for m in reversed(before) if m.get("role") == "user"), {"content": ""})
    system = next((m for m in before if m.get("role") in ("system", "developer")), None)
    told = _text(system) if system else None
    request, text = _text(asked), _text(messages[answers[-1]])
    if request is None or text is None or (system and told is None):
        return Fault.NOT_TEXT
    return Chat(number, told, request, text, len(answers)) if text else Fault.EMPTY


def _uses_tools(message: dict[str, Any]) -> bool:
    is_result = message.get("role") in ("tool", "function")
    return is_result or bool(message.get("tool_calls") or message.get("function_call"))


def _text(message: dict[str, Any]) -> str | None:
    """The text, stripped; None if there is anything but text."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        if len(texts) < len(content):
            return None
        content = "".join(texts)
    if content is None:
        return ""
    return content.strip() if isinstance(content, str) else None
