"""Checks every candidate before anyone sees it: each that fails is dropped with its reason.

A near-copy is a text that repeats a training post word for word, or half of whose words lie in runs
of eight that some training post has too: 1.6% of an author's own new posts are that close.
"""

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.draft import Candidate

RUN = 8  # words; shorter runs are shared by any two posts of one author
COPIED_SHARE = 0.5

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b(?:t\.co|bit\.ly)/\S+", re.I)
_HANDLE = re.compile(r"(?<![\w/])@([\w.-]*\w)(?:@[\w.-]*\w)?")
_BROKEN = re.compile(r"\ufffd|<\|\w+\|>")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A text that is not offered, and why."""

    text: str
    reason: str


class Archive:
    """What the voice learnt from, kept small: hashes of whole posts and of their 8-word runs."""

    def __init__(self, texts: Iterable[str]) -> None:
        posts: set[int] = set()
        runs = array("q")
        for text in texts:
            words = _words(text)
            posts.add(hash(words))
            runs.extend(hash(run) for run in _runs(words))
        self._posts = posts
        self._runs = array("q", sorted(runs))  # a sorted array takes a tenth of a set's memory

    def copied_share(self, text: str) -> float:
        """Share of the words that repeat a post or lie in a shared run of eight, 0..1."""
        words = _words(text)
        if hash(words) in self._posts:
            return 1.0
        copied = [False] * len(words)
        for start, run in enumerate(_runs(words)):
            if self._has(hash(run)):
                copied[start : start + RUN] = [True] * RUN
        return sum(copied) / len(words) if words else 0.0

    def _has(self, key: int) -> bool:
        at = bisect_left(self._runs, key)
        return at < len(self._runs) and self._runs[at] == key


@dataclass(frozen=True, slots=True)
class Rules:
    """What a candidate is held against. `length` counts characters as the server does."""

    max_chars: int
    length: Callable[[str], int]
    archive: Archive


def screen(
    texts: Sequence[str], topic: str | None, rules: Rules, taken: Iterable[str] = ()
) -> tuple[list[Candidate], list[Rejected]]:
    """Split texts into candidates to show and texts to drop; `taken` are those shown already."""
    kept: list[Candidate] = []
    dropped: list[Rejected] = []
    seen = {_words(t) for t in taken}
    for raw in texts:
        text = raw.strip()
        reason = _fault(text, topic or "", rules)
        if reason is None and _words(text) in seen:
            reason = "the same as another candidate"
        if reason:
            dropped.append(Rejected(text, reason))
        else:
            seen.add(_words(text))
            kept.append(Candidate(text, rules.length(text)))
    return kept, dropped


def _fault(text: str, topic: str, rules: Rules) -> str | None:
    if not _words(text):
        return "empty"
    if _BROKEN.search(text):
        return "broken characters"
    if rules.length(text) > rules.max_chars:
        return "too long for the server"
    if any(link not in topic for link in _LINK.findall(text)):
        return "an invented link"
    asked = {h.lower() for h in _HANDLE.findall(topic)}
    if any(h.lower() not in asked for h in _HANDLE.findall(text)):
        return "mentions somebody who was not named"
    if rules.archive.copied_share(text) >= COPIED_SHARE:
        return "too close to an old post"
    return None


def _words(text: str) -> tuple[str, ...]:
    """Words in lower case; a post without any (emoji, say) counts by its characters."""
    return tuple(_WORD.findall(text.lower())) or tuple(text.split())


def _runs(words: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (words[i : i + RUN] for i in range(len(words) - RUN + 1))
