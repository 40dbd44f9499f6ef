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
from bot.errors import UserError
from bot.thread import candidate_of
from bot.words import Words, say

RUN = 8  # words; shorter runs are shared by any two posts of one author
COPIED_SHARE = 0.5

EMPTY = say("empty")
BROKEN = say("broken characters")
UNSPLITTABLE = say("too long for the server")
INVENTED_LINK = say("an invented link")
STRANGER = say("mentions somebody who was not named")
NEAR_COPY = say("too close to an old post")
REPEATED = say("the same as another candidate")

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+|\b(?:t\.co|bit\.ly)/\S+", re.I)
_HANDLE = re.compile(r"(?<![\w/])@([\w.-]*\w)(?:@[\w.-]*\w)?")
_BROKEN = re.compile(r"\ufffd|<\|\w+\|>")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A text that is not offered, and why."""

    text: str
    reason: Words


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
    texts: Sequence[str], named: str, rules: Rules, taken: Iterable[str] = ()
) -> tuple[list[Candidate], list[Rejected]]:
    """Split texts into candidates to show and texts to drop; `taken` are those shown already.

    `named` is what the owner wrote: a link or a handle in it may stand in a text too. A text too
    long for one status is kept as a thread.
    """
    kept: list[Candidate] = []
    dropped: list[Rejected] = []
    seen = {_words(t) for t in taken}
    for raw in texts:
        text = raw.strip()
        reason = _fault(text, named, rules)
        if reason is None and _words(text) in seen:
            reason = REPEATED
        if reason is None:
            try:
                kept.append(candidate_of(text, rules.max_chars, rules.length))
                seen.add(_words(text))
            except UserError:
                reason = UNSPLITTABLE
        if reason:
            dropped.append(Rejected(text, reason))
    return kept, dropped


def _fault(text: str, named: str, rules: Rules) -> Words | None:
    if not _words(text):
        return EMPTY
    if _BROKEN.search(text):
        return BROKEN
    if any(link not in named for link in _LINK.findall(text)):
        return INVENTED_LINK
    asked = {h.lower() for h in _HANDLE.findall(named)}
    if any(h.lower() not in asked for h in _HANDLE.findall(text)):
        return STRANGER
    if rules.archive.copied_share(text) >= COPIED_SHARE:
        return NEAR_COPY
    return None


def _words(text: str) -> tuple[str, ...]:
    """Words in lower case; a post without any (emoji, say) counts by its characters."""
    return tuple(_WORD.findall(text.lower())) or tuple(text.split())


def _runs(words: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    return (words[i : i + RUN] for i in range(len(words) - RUN + 1))
