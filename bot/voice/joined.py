"""Counts where a text joins by small words what its owner's notes set apart.

"Rain whole way, no regrets" says two things; "rain this whole way is no regrets" says a third, with
no word of its own. Marks and *and* join nothing. Pure.
"""

import re

from bot.voice.notes import BREAK, NO_WORDING, Wording, notes_of
from bot.voice.tongues import tongue_of

_STEM = 5  # letters: "taxes" and "taxing" speak of the same
_PART = re.compile(rf"{re.escape(BREAK)}|[^\s{re.escape(BREAK)}]+")


def joined(given: str, text: str, wording: Wording = NO_WORDING) -> int:
    """How many breaks between two parts of the notes a text fills with small words of its own."""
    told = tongue_of(given, wording.languages)
    small, also = told.small, {told.spelled.get("&", "&"), told.spelled.get("+", "+")}
    written = _words(text, wording)
    count = 0
    for before, allowed, after in _breaks(_words(given, wording), small):
        between = _between(written, before, after, small)
        if between and BREAK not in between and not also & set(between):
            count += bool(set(between) - allowed)
    return count


def _words(text: str, wording: Wording) -> list[str]:
    return _PART.findall(notes_of(text, wording).casefold())


def _breaks(words: list[str], small: frozenset[str]) -> list[tuple[str, set[str], str]]:
    """For each break the word that says something before it, small words about it, that after."""
    found = []
    for i, word in enumerate(words):
        if word != BREAK:
            continue
        start, end = i - 1, i + 1
        while start >= 0 and words[start] in small:
            start -= 1
        while end < len(words) and words[end] in small:
            end += 1
        if start >= 0 and end < len(words) and BREAK not in (words[start], words[end]):
            about = set(words[start + 1 : end])
            found.append((words[start][:_STEM], about, words[end][:_STEM]))
    return found


def _between(words: list[str], before: str, after: str, small: frozenset[str]) -> list[str]:
    """The small words and breaks between two words that follow each other; none if they do not."""
    for i, word in enumerate(words):
        if word[:_STEM] != before:
            continue
        end = i + 1
        while end < len(words) and (words[end] in small or words[end] == BREAK):
            end += 1
        if end < len(words) and words[end][:_STEM] == after:
            return words[i + 1 : end]
    return []
