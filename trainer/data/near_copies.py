"""Finds posts that nearly copy one of others: most of their runs of three words are the same.

Over arrays, since a large archive compares every post with its newest ones. Pure.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bot.voice.words import words_in

_NEAR = 0.6  # share of common runs from which two posts are nearly the same
KEYS = 3  # posts that share 60% of their runs agree in one of three smallest with 1 - 0.4^3 = 94%
_MOST_ALIKE = 20  # posts compared: an author's set phrases must not make this quadratic

# Odd numbers (Knuth's multiplicative hashing): a third of the cost of a crc32 of each run.
_ONE, _TWO, _THREE = map(np.uint64, (0x5851F42D4C957F2D, 0x14057B7EF767814F, 0x2545F4914F6CDD1D))
_MASK = np.uint64((1 << 63) - 1)

Integers = NDArray[np.int64]


class Runs(NamedTuple):
    """Hashes of the 3-word runs of texts, sorted by text, then by hash; each once a text."""

    hashes: Integers
    of: Integers  # the number of each hash's text


class NearCopies:
    """Posts that others may copy, as hashes: some 300 bytes each."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """Take batches of texts."""
        found, self._count = [Runs(_integers(), _integers())], 0
        for batch in texts:
            runs = runs_in(batch)
            found.append(Runs(runs.hashes, runs.of + self._count))
            self._count += len(batch)
        runs = Runs(*map(np.concatenate, zip(*found, strict=True)))
        keys = keys_of(runs)
        order = np.lexsort((keys.of, keys.hashes))
        self._hashes, self._keys, self._with_key = runs.hashes, keys.hashes[order], keys.of[order]
        self._begins = np.searchsorted(runs.of, np.arange(self._count + 1))

    def __len__(self) -> int:
        return self._count

    def copied_by(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """The numbers of texts that nearly copy one of these posts, and of that post."""
        runs = runs_in(texts)
        keys = keys_of(runs)
        first, end = (np.searchsorted(self._keys, keys.hashes, s) for s in ("left", "right"))
        alike: dict[int, list[Integers]] = {}
        for at in np.flatnonzero(end > first):  # most texts share no key with a post
            alike.setdefault(int(keys.of[at]), []).append(self._with_key[first[at] : end[at]])
        for number, found in alike.items():
            begin, after = np.searchsorted(runs.of, (number, number + 1))
            several = list(dict.fromkeys(chain.from_iterable(part.tolist() for part in found)))
            posts = [
                self._hashes[self._begins[i] : self._begins[i + 1]] for i in several[:_MOST_ALIKE]
            ]
            nearest = _first_near_copy(runs.hashes[begin:after], posts)
            if nearest is not None:
                yield number, several[nearest]


def runs_in(texts: Sequence[str]) -> Runs:
    """The 3-word runs of texts, letter case and punctuation aside; a shorter text is one run."""
    words, lengths = array("Q"), []
    few: dict[int, int] = {}
    for number, text in enumerate(texts):
        codes = _codes(text)
        if len(codes) < 3:
            few[number] = crc32(repr(codes).encode())
        words.extend(codes)
        lengths.append(len(codes))
    word = np.frombuffer(words, np.uint64) if words else np.empty(0, np.uint64)
    of = np.repeat(np.arange(len(texts)), lengths)
    hashes = (word[:-2] * _ONE + word[1:-1] * _TWO + word[2:] * _THREE) & _MASK
    is_within = of[:-2] == of[2:]
    of = np.concatenate([of[:-2][is_within], _integers(few)])
    hashes = np.concatenate([hashes[is_within].astype(np.int64), _integers(few.values())])
    order = np.lexsort((hashes, of))
    of, hashes = of[order], hashes[order]
    is_new = np.ones(len(of), bool)
    is_new[1:] = (hashes[1:] != hashes[:-1]) | (of[1:] != of[:-1])
    return Runs(hashes[is_new], of[is_new])


def keys_of(runs: Runs) -> Runs:
    """The smallest hashes of each text, of which near copies share one (MinHash, Broder 1997)."""
    is_small = np.arange(len(runs.of)) - np.searchsorted(runs.of, runs.of) < KEYS
    return Runs(runs.hashes[is_small], runs.of[is_small])


def _first_near_copy(one: Integers, others: Sequence[Integers]) -> int | None:
    """The first of several posts that has most of its runs in common with this one."""
    every = np.concatenate(others)
    place = np.minimum(np.searchsorted(one, every), len(one) - 1)
    sizes = np.array([len(other) for other in others])
    common = np.add.reduceat((one[place] == every).astype(np.int64), np.cumsum(sizes) - sizes)
    near = np.flatnonzero(common >= _NEAR * (len(one) + sizes - common))
    return int(near[0]) if len(near) else None


def _integers(values: Iterable[int] = ()) -> Integers:
    return np.array(list(values), np.int64)


def _codes(text: str) -> list[int]:
    plain = text.casefold().replace("'", " ").replace("’", " ")
    return [_code(word) for word in words_in(plain)]


@lru_cache(maxsize=50_000)
def _code(word: str) -> int:
    return crc32(word.encode())
