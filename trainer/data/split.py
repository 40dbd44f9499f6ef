"""Train and validation: by time, never at random, and without leaks from one to the other.

Pure. The newest posts validate, since a voice is to write tomorrow's posts. A thread of the
author's own stays on one side, and a training post that nearly copies one of validation leaves.
"""

import re
from functools import lru_cache
from typing import Literal
from zlib import crc32

from bot.voice.words import words_in

Side = Literal["train", "validation", "left_out"]

_NEAR = 0.6  # share of common 3-word runs from which two posts are nearly the same
KEYS = 3  # posts that share 60% of their runs agree in one of three smallest with 1 - 0.4^3 = 94%

_APOSTROPHE = re.compile("['’]")
# Odd numbers (Knuth's multiplicative hashing): a third of the cost of a crc32 of each run.
_ONE, _TWO, _THREE = 0x5851F42D4C957F2D, 0x14057B7EF767814F, 0x2545F4914F6CDD1D
_MASK = (1 << 63) - 1  # what SQLite can store


def count_validation(posts: int, share: float) -> int:
    """How many of the newest posts validate: at least one of several posts, never all."""
    if share == 0 or posts < 2:
        return 0
    return min(max(round(posts * share), 1), posts - 1)


def leaving_side(train: int, validation: int) -> Side:
    """The part of a thread across the border that is left out: the smaller one."""
    return "validation" if validation < train else "train"


def shingles(text: str) -> frozenset[int]:
    """Hashes of the text's 3-word runs, letter case and punctuation aside."""
    words = [_code(word) for word in words_in(_APOSTROPHE.sub(" ", text.casefold()))]
    if len(words) < 3:
        return frozenset((crc32(repr(words).encode()),))
    runs = zip(words, words[1:], words[2:], strict=False)
    return frozenset([(a * _ONE + b * _TWO + c * _THREE) & _MASK for a, b, c in runs])


def keys(runs: frozenset[int]) -> list[int]:
    """A few hashes, of which near copies share at least one (MinHash, Broder 1997)."""
    return sorted(runs)[:KEYS]


def is_near_copy(one: frozenset[int], other: frozenset[int]) -> bool:
    """Whether two posts have most of their 3-word runs in common."""
    return len(one & other) >= _NEAR * len(one | other)


@lru_cache(maxsize=50_000)
def _code(word: str) -> int:
    return crc32(word.encode())
