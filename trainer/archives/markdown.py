"""Markdown and Misskey's MFM as the words that one reads, for services that write posts in it.

Lines that quote somebody (`>`) are left out, links keep their words.
"""

import re

_CODE = re.compile(r"```[\w-]*\n?(.*?)```|`([^`\n]+)`", re.DOTALL)
_QUOTED = re.compile(r"^[^\S\n]*>(?!!|\s*[:;][-()]).*\n?", re.M)
_LINK = re.compile(
    r"[!?]?\[([^\[\]\n]*)\]\(<?(?:https?://|/|mailto:)[^\s()]*(?:\([^\s()]*\)[^\s()]*)*>?[^()\n]*\)"
)
_EFFECT = re.compile(r"\$\[[\w.,=:#-]+\s+([^\[\]]*)\]")  # $[tada words]
_TAG = re.compile(r"</?(?:b|i|s|u|small|center|plain|br|sup|sub)\s*/?>", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s+", re.M)
_EMPHASIS = (
    re.compile(r"(?<![\w*\\])(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?![\w*])"),
    re.compile(r"(?<![\w_\\])(_{1,3})(?=\S)([^_\n]+?)(?<=\S)\1(?![\w_])"),
    re.compile(r"(?<!\\)(~~)(?=\S)(.+?)(?<=\S)\1"),
    re.compile(r"(?<!\\)(>!)(.+?)!<"),  # a spoiler of Reddit's
)
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!~>|^-])")


def plain_words(text: str) -> tuple[str, bool]:
    """The words, and whether there was a quote among them that is left out."""
    text = text.replace("\r\n", "\n")
    unquoted = _QUOTED.sub("", text)
    has_quote = unquoted != text
    text = _CODE.sub(lambda m: m[1] or m[2] or "", unquoted)
    text = _HEADING.sub("", _TAG.sub("", _LINK.sub(r"\1", text)))
    while (without := _EFFECT.sub(r"\1", text)) != text:
        text = without
    for pattern in _EMPHASIS:
        while (without := pattern.sub(r"\2", text)) != text:
            text = without
    return _ESCAPED.sub(r"\1", text).strip(), has_quote
