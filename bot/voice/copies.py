"""Finds the parts of a text that are taken word for word from other texts.

A text is a near copy if it is one of them, or if half of its words lie in runs of eight words that
they hold too. 1.6% of an author's own new posts are that close to older ones. The screen drops such
drafts, and the trainer counts them.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from bot.voice.words import words_in

RUN = 8  # words; any two posts of one author share shorter runs
COPIED_SHARE = 0.5


def words_of(text: str) -> tuple[str, ...]:
    """Words in lower case; the characters of a post without words (emoji, say)."""
    return tuple(words_in(text.lower())) or tuple(text.split())


def runs_of(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every eight words in a row."""
    return (words[i : i + RUN] for i in range(len(words) - RUN + 1))


class Copies:
    """Texts, kept small: hashes of each whole one and of its runs."""

    def __init__(self, texts: Iterable[str]) -> None:
        wholes: set[int] = set()
        runs = array("q")
        for text in texts:
            words = words_of(text)
            wholes.add(hash(words))
            runs.extend(hash(run) for run in runs_of(words))
        self._wholes = wholes
        self._runs = array("q", sorted(runs))  # a sorted array takes a tenth of a set's memory

    def is_near_copy(self, text: str) -> bool:
        """Whether a text is one of these, or half of its words are theirs."""
        words = words_of(text)
        if hash(words) in self._wholes:
            return True
        return bool(words) and sum(self._copied(words)) >= COPIED_SHARE * len(words)

    def longest_run(self, text: str) -> int:
        """Words of the longest passage made of shared runs; 0 if there is none."""
        longest = length = 0
        for is_copied in self._copied(words_of(text)):
            length = length + 1 if is_copied else 0
            longest = max(longest, length)
        return longest

    def _copied(self, words: tuple[str, ...]) -> list[bool]:
        """For each word, whether it lies in a shared run."""
        copied = [False] * len(words)
        for start, run in enumerate(runs_of(words)):
            if self._has(hash(run)):
                copied[start : start + RUN] = [True] * RUN
        return copied

    def _has(self, key: int) -> bool:
        at = bisect_left(self._runs, key)
        return at < len(self._runs) and self._runs[at] == key
