"""Marks that a device or an app sets, not its author: ' or ’, " or “ ”, ... or ….

A voice that learnt the average of the years would mix them within a text. It learns from plain
marks, and what is shown has either form as often as the newest posts. Pure.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

NEWEST = 100  # posts: a device stays about as long
_RARE = 0.02  # of the posts
_STRAIGHT, _CURLY = re.compile(r"(?<=\w)'(?=\w)"), re.compile(r"(?<=\w)’(?=\w)")
_OPENING = re.compile(r'"(?=\w)(?<![\w.,!?…]")')


@dataclass(frozen=True, slots=True)
class Marks:
    """How often marks take their typographer's form, 0..1; None if the author sets neither."""

    curly_apostrophes: float | None = None
    curly_quotes: float | None = None
    one_ellipsis: float | None = None
    semicolons: bool = False  # whether they are at home here
    longest: int | None = None  # characters of the longest post: what their service allows

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Marks":
        """Learn them from the newest posts, given oldest first."""
        newest = list(islice(reversed(texts), NEWEST))

        def share(one: str, other: str) -> float | None:
            ones, others = (sum(bool(re.search(p, t)) for t in newest) for p in (one, other))
            return ones / (ones + others) if ones or others else None

        return cls(
            share(_CURLY.pattern, _STRAIGHT.pattern),
            share("[“”]", '"'),
            share("…", r"\.\.\."),
            sum(";" in text for text in newest) > _RARE * len(newest),
            max(map(len, texts)) if len(texts) >= NEWEST else None,
        )

    def set_in(self, text: str) -> str:
        """The text as one device would set it; texts with the same letters get the same one."""
        device = 0.5
        if {self.curly_apostrophes, self.curly_quotes, self.one_ellipsis} - {None, 0.0, 1.0}:
            letters = re.sub(r"[\W_]+", "", text.casefold())
            device = random.Random(letters).random()  # noqa: S311 - no secret
        if self.curly_apostrophes is not None:
            is_curly = device < self.curly_apostrophes
            text = _STRAIGHT.sub("’", text) if is_curly else _CURLY.sub("'", text)
        if self.curly_quotes is not None and "„" not in text:  # closed by “: German, no device's
            if device < self.curly_quotes:
                text = _OPENING.sub("“", text).replace('"', "”")
            else:
                text = re.sub("[“”]", '"', text)
        if self.one_ellipsis is not None:
            text = re.sub(r"\.\.\.|…", "…" if device < self.one_ellipsis else "...", text)
        return text


NO_MARKS = Marks()
# Not the ellipsis: it also stands where personal data was
PLAIN_MARKS = Marks(curly_apostrophes=0.0, curly_quotes=0.0)
