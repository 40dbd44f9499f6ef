"""Reads a message's Markdown as Discord's client does: what a person sees, and what is formatted.

The rules are the client's own (its simple-markdown rules, in their order), independent of those in
bot/visible.py, so that a test can compare the two.
"""

import re
from typing import NamedTuple

ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
LINK = re.compile(r"(?:https?|steam)://[^\s<]+[^<.,:;\"'\]\s]")
INLINE = {  # what turns characters into something else
    "code block": re.compile(r"```(?:[a-z0-9_+\-.#]+?\n)?\n*[^\n][\s\S]*?\n*```", re.I),
    "angle link": re.compile(r"<(?:[^: >]+:/[^ >]+|[^@\s>]+@[^@\s>]+)>"),
    "masked link": re.compile(r"\[(?:[^\[\]\\]|\\.)*\]\(\s*<?[^\s)]+>?[^)]*\)"),
    "mention": re.compile(r"<(?:@[!&]?|#|id:|/[^:>]+:)\w+>"),
    "emoji": re.compile(r"<a?:\w+:\d+>"),
    "emoji by name": re.compile(r":[^\s:\\]+?(?:::skin-tone-\d)?:"),  # any name: they grow
    "time": re.compile(r"<t:-?\d+(?::[tTdDfFRsS])?>"),
    "spoiler": re.compile(r"\|\|[\s\S]+?\|\|"),
    "bold": re.compile(r"\*\*(?:\\[\s\S]|[^\\])+?\*\*(?!\*)"),
    "underline": re.compile(r"__(?:\\[\s\S]|[^\\])+?__(?!_)"),
    "italics": re.compile(
        r"\b_(?:__|\\[\s\S]|[^\\_])+?_\b|\*(?=\S)(?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?\*(?!\*)"
    ),
    "strikethrough": re.compile(r"~~(?=\S)[\s\S]*?\S~~"),
    "code": re.compile(r"(`+)[\s\S]*?[^`]\1(?!`)"),
}
LINE = {
    "heading": re.compile(r"[^\S\n]*#{1,3} +\S"),
    "small": re.compile(r"[^\S\n]*-# +\S"),
    "quote": re.compile(r"[^\S\n]*>(?:>>)? "),
    "list": re.compile(r"[^\S\n]*(?:[*+-]|\d+\.) +\S"),
}


class Seen(NamedTuple):
    """What a person sees of a message."""

    text: str
    formatted: list[str]  # what was not shown as it stands


def seen(markdown: str) -> Seen:
    """Read a message."""
    text, formatted, at = "", [], 0
    while at < len(markdown):
        is_line_start = at == 0 or markdown[at - 1] == "\n"
        for name, rule in LINE.items():
            if is_line_start and rule.match(markdown, at):
                formatted.append(name)
        if escape := ESCAPE.match(markdown, at):
            text, at = text + escape[1], escape.end()
        elif link := LINK.match(markdown, at):
            text, at = text + link[0], link.end()
        else:
            formatted += [name for name, rule in INLINE.items() if rule.match(markdown, at)]
            text, at = text + markdown[at], at + 1
    return Seen(text, formatted)
