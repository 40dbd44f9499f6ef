"""Splits a text that is too long for one status into the numbered parts of a thread.

Pure. Parts end at the end of a paragraph, a line, a sentence or a word, whichever is near; never
inside a link, an emoji or a letter with its accents.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import grapheme
from mastodon import Mastodon as Api

from bot.draft import Candidate
from bot.errors import UserError
from bot.voice.words import ENDS_ALONE, ENDS_SPACED, is_spaceless, line_ends

_TOKEN = re.compile(r"\s+|\S+")
_KEPT_WHOLE = re.compile(r"https?://|[@#]\w", re.I)  # finds a link, a handle or a hashtag
_ENDS = (  # the best end of a part first; white space follows each
    re.compile(r"\n\s*\n\s*\Z"),
    re.compile(r"\n\s*\Z"),
    re.compile(rf"(?:[{ENDS_SPACED}][\"'”’»)\]]*\s|[{ENDS_ALONE}][\"'”’»)\]」』）】]*)\s*\Z"),
    re.compile(r"\s\Z"),
)
_NUMBER = re.compile(r" \(\d+/\d+\)\Z")  # behind a part
_NEAR = 0.6  # a better end is taken if the part is this full


def status_length(text: str, content_warning: str = "") -> int:
    """Characters as a Mastodon server counts them: a link is 23, `@a@b` counts as `@a`."""
    return int(Api.get_status_length(text, content_warning))


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a status may be at one place, and how it is counted there."""

    max_chars: int
    length: Callable[[str], int]


def strictest(measures: Sequence[Measure]) -> Measure:
    """What fits by it fits at every place."""
    return Measure(
        min(measure.max_chars for measure in measures),
        lambda text: max(measure.length(text) for measure in measures),
    )


def as_it_stands(candidate: Candidate, measures: Sequence[Measure]) -> Candidate:
    """A candidate that was cut for the strictest place, cut for each of two by its own measure."""
    if len(measures) == 1 or not candidate.parts:
        return candidate
    here, there = (split_thread(candidate.text, m.max_chars, m.length) for m in measures)
    return replace(candidate, parts=here, also=() if here == there else there or (candidate.text,))


def candidate_of(
    text: str, max_chars: int, length: Callable[[str], int], original: str | None = None
) -> Candidate:
    """The text as it would be posted. Raises UserError if it cannot be."""
    return Candidate(text, length(text), split_thread(text, max_chars, length), original)


def split_thread(text: str, max_chars: int, length: Callable[[str], int]) -> tuple[str, ...]:
    """Parts such as "Once upon a time (1/3)", each at most `max_chars`; none if the text fits.

    `length` counts characters as the server does. Raises UserError if a link is too long.
    """
    text = text.strip()
    if length(text) <= max_chars:
        return ()
    for digits in range(1, 5):
        widest = " ({0}/{0})".format("9" * digits)
        pieces = _pieces(text, max_chars, length, widest)
        if len(pieces) < 10**digits:
            break
    return tuple(f"{piece} ({i}/{len(pieces)})" for i, piece in enumerate(pieces, 1))


def cut_rest(
    candidate: Candidate, done: int, max_chars: int, length: Callable[[str], int]
) -> Candidate:
    """The thread with its parts after the first `done` cut anew, each at most `max_chars`."""
    text, end = candidate.text, 0
    for part in candidate.parts[:done]:
        piece = _NUMBER.sub("", part)
        end = text.find(piece, end) + len(piece) if piece in text[end:] else end
    pieces = _pieces(text[end:].strip(), max_chars, length, " (99/99)")
    total = done + len(pieces)
    cut = (f"{piece} ({i}/{total})" for i, piece in enumerate(pieces, done + 1))
    return replace(candidate, parts=(*candidate.parts[:done], *cut))


def _pieces(text: str, max_chars: int, length: Callable[[str], int], number: str) -> list[str]:
    def fits(piece: str) -> bool:
        return length(piece.rstrip() + number) <= max_chars

    pieces: list[str] = []
    while text:
        end = _end(text, fits)
        pieces.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return pieces


def _end(text: str, fits: Callable[[str], bool]) -> int:
    """Where the first part ends."""
    ends = list(_ends_of_words(text))
    fitting = ends[: _how_many(ends, text, fits)]
    if len(fitting) == len(ends):
        return len(text)
    if not fitting:
        return _inside_a_word(text, fits)
    for better in _ENDS:
        for end in reversed(fitting):
            if end < _NEAR * fitting[-1]:
                break
            if better.search(text[max(0, end - 40) : end]):
                return end
    return fitting[-1]


def _how_many(ends: Sequence[int], text: str, fits: Callable[[str], bool]) -> int:
    """How many of these ends fit into a part."""
    return bisect_left(ends, True, key=lambda end: not fits(text[:end]))


def _ends_of_words(text: str) -> Iterator[int]:
    """Ends of the words, each with the white space after it; in a script without, of any."""
    for token in _TOKEN.finditer(text):
        if token[0].isspace():
            yield token.end()
            continue
        if is_spaceless(token[0]):
            whole = _KEPT_WHOLE.search(token[0])
            most = whole.start() if whole else len(token[0]) - 1
            yield from (token.start() + end for end in line_ends(token[0]) if end <= most)
        if token.end() == len(text):
            yield token.end()


def _inside_a_word(text: str, fits: Callable[[str], bool]) -> int:
    word = re.match(r"\S+", text)
    assert word
    if _KEPT_WHOLE.search(word[0]):
        raise UserError(
            "“{word}” is longer than a status may be on your server. Shorten it.",
            word=word[0][:60],
        )
    ends = list(accumulate(len(letter) for letter in grapheme.graphemes(word[0])))
    return ends[max(0, _how_many(ends, text, fits) - 1)]
