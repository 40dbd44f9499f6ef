"""Finds where a text joins by small words what its owner's notes set apart.

"Rain whole way, no regrets" says two things; "rain this whole way is no regrets" says a third, with
no word of its own. Marks and *and* join nothing, but "=" does. Pure.
"""

import re

from bot.voice.notes import ASKED, BREAK, NO_WORDING, Wording, notes_of
from bot.voice.tongues import Tongue, tongue_of

_FILLS = {BREAK, "=", "2", "4"}  # "to" and "for" of who writes by sound
_PART = re.compile(rf"{re.escape(BREAK)}|[^\s{re.escape(BREAK)}]+")


def joined(given: str, text: str, wording: Wording = NO_WORDING) -> frozenset[int]:
    """The breaks between two parts of the notes, counted from 0, that a text fills.

    It fills them with small words of its own.
    """
    told = tongue_of(given, wording.languages)
    also = {told.spelled.get("&", "&"), told.spelled.get("+", "+")}
    written = _words(text, wording)
    found = set()
    for i, (before, allowed, after) in enumerate(_breaks(_words(given, wording), told)):
        between = _between(written, before, after, told)
        if BREAK not in between and not also & set(between) and set(between) - allowed:
            found.add(i)
    return frozenset(found)


def _words(text: str, wording: Wording) -> list[str]:
    return _PART.findall(re.sub(rf"{ASKED}|[()（）]", "", notes_of(text, wording).casefold()))


def _breaks(words: list[str], told: Tongue) -> list[tuple[str, set[str], str]]:
    """For each break the stem that says something before it, small words about it, that after."""
    found = []
    for i, word in enumerate(words):
        if word != BREAK:
            continue
        start, end = i - 1, i + 1
        while start >= 0 and words[start] in told.small:
            start -= 1
        while end < len(words) and words[end] in told.small:
            end += 1
        if start >= 0 and end < len(words) and BREAK not in (words[start], words[end]):
            about = set(words[start + 1 : end])
            found.append((told.stem(words[start]), about, told.stem(words[end])))
    return found


def _between(words: list[str], before: str, after: str, told: Tongue) -> list[str]:
    """The small words and breaks between two stems that follow each other; none if they do not."""
    for i, word in enumerate(words):
        if told.stem(word) != before:
            continue
        end = i + 1
        while end < len(words) and (words[end] in told.small or words[end] in _FILLS):
            end += 1
        if end < len(words) and told.stem(words[end]) == after:
            return words[i + 1 : end]
    return []
