"""Marks that a device or an app sets, not its author: ' or ’, " or “ ”, ... or ….

A voice that learnt the average of the years would mix them. It learns from plain marks, and what is
shown has the form of the newest posts. Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

NEWEST = 100  # posts: a device stays about as long
_STRAIGHT, _CURLY = re.compile(r"(?<=\w)'(?=\w)"), re.compile(r"(?<=\w)’(?=\w)")
_OPENING = re.compile(r'"(?=\w)(?<![\w.,!?…]")')


@dataclass(frozen=True, slots=True)
class Marks:
    """Which form each mark takes; None where the author sets neither."""

    curly_apostrophes: bool | None = None
    curly_quotes: bool | None = None
    one_ellipsis: bool | None = None
    longest: int | None = None  # characters of the longest post: what their service allows

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Marks":
        """Learn them from the newest posts, given oldest first."""
        newest = list(islice(reversed(texts), NEWEST))

        def mostly(one: str, other: str) -> bool | None:
            ones, others = (sum(bool(re.search(p, t)) for t in newest) for p in (one, other))
            return ones > others if ones or others else None

        return cls(
            mostly(_CURLY.pattern, _STRAIGHT.pattern),
            mostly("[“”]", '"'),
            mostly("…", r"\.\.\."),
            max(map(len, texts)) if len(texts) >= NEWEST else None,
        )

    def set_in(self, text: str) -> str:
        """The text with its marks in these forms."""
        if self.curly_apostrophes is not None:
            text = _STRAIGHT.sub("’", text) if self.curly_apostrophes else _CURLY.sub("'", text)
        is_low = "„" in text  # closed by “ in German, which then is no device's
        if self.curly_quotes is False and not is_low:
            text = re.sub("[“”]", '"', text)
        elif self.curly_quotes and not is_low:
            text = _OPENING.sub("“", text).replace('"', "”")
        if self.one_ellipsis is not None:
            text = re.sub(r"\.\.\.|…", "…" if self.one_ellipsis else "...", text)
        return text


NO_MARKS = Marks()
# Not the ellipsis: it also stands where personal data was
PLAIN_MARKS = Marks(curly_apostrophes=False, curly_quotes=False)
