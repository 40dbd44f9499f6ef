"""Words in any script: signs on letters belong to them, and scripts without spaces have words too.

Where the words of a script without spaces end is ICU's to say (icu4py); it is loaded by the first
text that needs it. Pure.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import accumulate

# Thai, Lao, Burmese, Khmer, kana, Chinese characters
SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff"
)
# Signs on or beside a letter, which Python's \w leaves out: vowels of India and Thailand, points of
# Arabic and Hebrew, accents that stand apart. tests/test_words.py compares with Unicode.
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0711-\u07f3\u07fd\u0816-\u082d"
    "\u0859-\u085b\u0898-\u08e1\u08e3-\u0963\u0981-\u09e3\u09fe-\u0a75\u0a81-\u0ae3\u0afa-\u0b63"
    "\u0b82-\u0bd7\u0c00-\u0c63\u0c81-\u0c83\u0cbc-\u0d4d\u0d57-\u0d63\u0d81-\u0df3\u0e31-\u0e3a"
    "\u0e47-\u0e4e\u0eb1-\u0ecd\u0f18-\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6"
    "\u102b-\u103e\u1056-\u109d\u135d-\u135f\u1712-\u1734\u1752-\u17d3\u17dd\u180b-\u180d"
    "\u180f-\u193b\u1a17-\u1a1b\u1a55-\u1a7f\u1ab0-\u1b44\u1b6b-\u1b73\u1b80-\u1bf3\u1c24-\u1c37"
    "\u1cd0-\u1cd2\u1cd4-\u1dff\u2cef-\u2cf1\u2d7f-\u2dff\u302a-\u302f\u3099-\u309a\ua66f-\ua672"
    "\ua674-\ua67d\ua69e-\ua6f1\ua802-\ua827\ua82c\ua880-\ua8c5\ua8e0-\ua8f1\ua8ff-\ua92d"
    "\ua947-\ua953\ua980-\ua9c0\ua9e5-\uaa4d\uaa7b-\uaac1\uaaeb-\uaaef\uaaf5-\uaaf6\uabe3-\uabea"
    "\uabec-\uabed\ufb1e"
)
JOINERS = "\u200c\u200d"  # between two letters they shape both: Persian, Hindi
LETTERS = rf"\w[\w{MARKS}]*(?:[{JOINERS}][\w{MARKS}]+)*"
WORD = rf"{LETTERS}(?:['’]{LETTERS})*"  # a pattern
# What ends a sentence: with a space after it, or (Chinese, Japanese) without one
ENDS_SPACED = ".!?…؟۔।॥։።၊။។"
ENDS_ALONE = "。！？｡．"
COMMAS = ",，、､،؍՝፣၊"

_WORD, _ASCII_WORD = re.compile(WORD), re.compile(r"\w+(?:'\w+)*")
_SPACELESS = re.compile(f"[{SPACELESS}]")
# Digits and Latin letters stand on their own: 12人, AI技術
_RUN = re.compile(rf"[{SPACELESS}{MARKS}]+|[^{SPACELESS}]+")


def words_in(text: str) -> list[str]:
    """The words of a text, as they are written."""
    if text.isascii():
        return _ASCII_WORD.findall(text)
    found = _WORD.findall(text)
    if not _SPACELESS.search(text):
        return found
    return [part for word in found for part in parted(word)]


def parted(letters: str) -> Iterator[str]:
    """The words in letters without spaces between them: one, but where a script has no spaces.

    A link or a tag is one, too.
    """
    if not is_spaceless(letters) or not letters[0].isalnum() or "://" in letters:
        yield letters
        return
    from icu4py.breakers import WordBreaker  # noqa: PLC0415 - few voices need it

    for run in _RUN.findall(letters):
        # Of all languages ICU knows its words of Chinese, Japanese, Thai and others by the letters
        yield from WordBreaker(run, "en") if is_spaceless(run) else (run,)


def line_ends(letters: str) -> Iterator[int]:
    """Where a line may end in letters without spaces between them; never before a mark."""
    from icu4py.breakers import LineBreaker  # noqa: PLC0415

    # Its own positions are those of UTF-16
    return accumulate(map(len, LineBreaker(letters, "en")))


def is_lettered(word: str) -> bool:
    """Whether a word is of letters, with the signs on them, alone."""
    return word.isalpha() or all(
        c.isalpha() or unicodedata.category(c)[0] == "M" or c in JOINERS for c in word
    )


def is_spaceless(word: str) -> bool:
    """Whether a word is of a script without spaces."""
    return not word.isascii() and _SPACELESS.search(word) is not None
