"""Reads a model's answer: the texts in it, without what the model thought and the server left on.

Pure. A model that reasons writes its thoughts into a field of their own, into marks, or, where the
template opened the mark, before its end; a server that does not know a model's marks leaves them at
the ends of a text. Marks inside of a text are the screen's to find.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WHOLE = {"", "stop", "eos", "eos_token", "end_turn", "stop_sequence"}  # reasons to have ended
_FULL = {"length", "max_tokens", "model_length", "max_length"}
_WITHHELD = {"content_filter", "safety", "recitation", "prohibited_content", "blocklist", "refusal"}

_THOUGHT = (
    r"(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad)"
)
_OPENS = re.compile(
    rf"<{_THOUGHT}\b[^<>]*>|\[THINK\]|◁think▷|<\|START_THINKING\|>|<\|begin_of_thought\|>"
    r"|<unused94>|<\|channel\|?>\s*(?:analysis|commentary|thought)",
    re.I,
)
_CLOSES = re.compile(
    rf"</{_THOUGHT}>|\[/THINK\]|◁/think▷|<\|END_THINKING\|>|<\|end_of_thought\|>|<unused95>"
    r"|<channel\|>|<\|channel\|>\s*final[^<]*<\|message\|>|\A\s*analysis.*?assistant\s*final",
    re.I | re.S,
)
_MARK = (  # of roles, turns and ends, in the templates of today's models
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?turn\|?>"
    r"|<(?:bos|eos|pad|eot|EOT)>|</?(?:answer|response|output|final)>"
)
_AT_START = re.compile(
    rf"\A(?:\s|{_MARK})*(?:(?<=[>\]])(?:assistant|model)\b\s*(?:{_MARK}|\n)|assistant\n\n)?"
    rf"(?:\s|{_MARK})*",
    re.I,
)
_AT_END = re.compile(rf"(?:\s|{_MARK})*\Z", re.I)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered: the whole texts, and what became of the others."""

    texts: list[str]
    choices: int  # how many there were, whole or not
    is_cut_in_thought: bool  # the limit of tokens came before any text
    is_withheld: bool  # the server, or the model, would not give one
    tokens: int | None


def read_reply(body: object, n: int) -> Reply:
    """Read an answer to a request for `n` texts. Raises ValueError if it makes no sense."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not all(isinstance(c, dict) for c in choices):
        raise ValueError("no choices")
    texts, is_cut, is_withheld = list[str](), False, False
    for choice in choices[:n]:
        end = str(choice.get("finish_reason") or "").lower()
        message = choice.get("message")
        message = message if isinstance(message, dict) else {}
        text = own_text(_content(message))
        is_withheld |= end in _WITHHELD or bool(message.get("refusal"))
        is_cut |= end in _FULL and not text
        if text and end in _WHOLE:
            texts.append(text)
    usage = body.get("usage") if isinstance(body, dict) else None
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return Reply(texts, len(choices[:n]), is_cut, is_withheld, tokens)


def own_text(content: str) -> str:
    """The text without the thoughts before it and the marks around it; empty if it only thinks."""
    ends = [found.end() for found in _CLOSES.finditer(content)]
    text = content[ends[-1] :] if ends else content
    if _OPENS.search(
        text
    ):  # the thought that follows never ends, so where the text does is unknown
        return ""
    text = _AT_START.sub("", text, count=1)
    return _AT_END.sub("", text, count=1)


def _content(message: Mapping[str, Any]) -> str:  # Any: a stranger's JSON
    """The content of a message: a text, or the texts among its parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(_parts(content)) if isinstance(content, list) else ""


def _parts(content: list[Any]) -> Iterator[str]:
    for part in content:
        if isinstance(part, dict) and part.get("type") in ("text", "output_text"):
            text = part.get("text")
            if isinstance(text, str):
                yield text
