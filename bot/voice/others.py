"""Recognises other people's posts of an archive by hashes of their words; keeps no text.

<voice>/others.bin (and the same in the trainer's DATA): four bytes for each run of eight words,
or for a whole post that is shorter. With 100,000 hashes, one in 43,000 runs matches by chance.
Standard library only: the trainer writes the file, the bot reads it.
"""

import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from bot.errors import VoiceError
from bot.voice.copies import RUN, runs_of, words_of

OTHERS_FILE = "others.bin"
SHORTEST = 5  # words of a whole post; anybody writes shorter ones
KEY_BYTES = 4
_WORD_BEFORE = re.compile(r"\w+(?:['’]\w+)*")  # parted no Japanese, and Hindi at every vowel


class Others:
    """Other people's posts, as hashes."""

    def __init__(self) -> None:
        self._keys = array("I")
        self._is_sorted = True

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, text: str) -> None:
        """Note a post."""
        self._keys.extend(_keys(words_of(text)))
        self._is_sorted = False

    def join(self, more: "Others") -> None:
        """Note all that another file holds."""
        self._keys.extend(more._keys)
        self._is_sorted = False

    def wrote(self, text: str) -> bool:
        """Whether eight words in a row, or all words of a short text, are somebody else's."""
        self._sort()
        return any(self._has(key) for words in _readings(text) for key in _keys(words))

    def save(self, folder: Path) -> None:
        """Write the file; none if there is nothing to write."""
        if not self._keys:
            return
        self._sort()
        keys = self._keys[:]
        if sys.byteorder == "big":
            keys.byteswap()
        (folder / OTHERS_FILE).write_bytes(keys.tobytes())

    @classmethod
    def load(cls, folder: Path) -> "Others":
        """Read a voice's file; nothing if it has none. Raises VoiceError."""
        others, file = cls(), folder / OTHERS_FILE
        try:
            others._keys.frombytes(file.read_bytes() if file.exists() else b"")
        except (OSError, ValueError) as e:
            raise VoiceError(f"{file} cannot be read ({e}). Train the voice again.") from e
        if sys.byteorder == "big":
            others._keys.byteswap()
        return others

    def _sort(self) -> None:
        if not self._is_sorted:
            self._keys = array("I", sorted(set(self._keys)))
            self._is_sorted = True

    def _has(self, key: int) -> bool:
        at = bisect_left(self._keys, key)
        return at < len(self._keys) and self._keys[at] == key


def _readings(text: str) -> set[tuple[str, ...]]:
    """A text's words as they are taken now, and as they were by files of before 0.3.0."""
    return {words_of(text), tuple(_WORD_BEFORE.findall(text.lower()))}


def _keys(words: tuple[str, ...]) -> Iterable[int]:
    """Hashes of the runs, the same in every process."""
    runs = runs_of(words) if len(words) >= RUN else [words] if len(words) >= SHORTEST else ()
    return (
        int.from_bytes(blake2b(" ".join(run).encode(), digest_size=KEY_BYTES).digest(), "little")
        for run in runs
    )
