"""What a look at an account proves about a text that was sent: it is there, it is not, or neither.

Pure. A list may be late, short or filtered, its times are another clock's, and the owner may have
changed or deleted what stood there. So a text is found by its words, and is surely absent only if
all that the server says agrees.
"""

import html
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.draft import Before, Status

_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|blockquote|pre|h\d)>", re.I)
_TAG = re.compile(r"<[^>]*>")
_ELSEWHERE = re.compile(r"(?<![\w/@])(@\w+)@[\w.-]*\w")  # `@a@b` comes back as `@a`


@dataclass(frozen=True, slots=True)
class Listed:
    """One status of the account, as far as it matters here."""

    status: Status
    texts: tuple[str, ...]  # its text and, if it was edited, every earlier one
    is_all_known: bool  # False if an earlier text, or which program posted it, could not be read


@dataclass(frozen=True, slots=True)
class Glance:
    """What one look saw."""

    found: Status | None
    is_absent: bool = False  # nothing speaks for it, and the list can be trusted
    is_repeatable: bool = False  # it is not there now, and sent again it is still one


def judge(
    text: str,
    news: Sequence[Listed],
    known: Collection[str],
    before: Before | None,
    count: int | None,
    *,
    is_whole: bool,
) -> Glance:
    """Look for a text among the statuses that are new since `before`.

    `known`: ids of other drafts' statuses; `count`: how many the account has by now, None if that
    proves nothing there; `is_whole`: the list goes back to what was there before.
    """
    unknown = [listed for listed in news if listed.status.id not in known]
    for listed in unknown:
        if any(is_same(text, one) for one in listed.texts):
            return Glance(listed.status)
    if before is None or before.count is None or count is None or not is_whole:
        return Glance(None)
    is_counted = count == before.count + len(news)
    return Glance(None, is_counted and all(listed.is_all_known for listed in unknown))


def is_same(text: str, other: str) -> bool:
    """Whether two texts have the same letters and digits, or the same words if they have none."""
    a, b = _letters(text), _letters(other)
    return a == b if a or b else text.split() == other.split()


def plain_text(markup: str) -> str:
    """A status's HTML as text. Links are whole: what a server shortens, it only hides."""
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", markup)))


def _letters(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _ELSEWHERE.sub(r"\1", text))
    return "".join(c for c in folded if c.isalnum())
