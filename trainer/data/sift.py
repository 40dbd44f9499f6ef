"""Decides on one post after the other: is it kept, and with which text?

Drops the bot's own posts (own_drafts.py). Then cleans (clean.py), and checks what needs a library:
languages and personal data. staging.py decides what needs all posts together.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from bot.voice import personal
from trainer.archives.post import Post
from trainer.data.clean import Reason, clean
from trainer.data.languages import is_in
from trainer.data.options import PrepareOptions
from trainer.data.own_drafts import OwnDrafts
from trainer.data.tokens import CACHED

EXAMPLES = 3  # of a kind of personal data
_SEEN_BY_ALL = ("public", "unlisted")
_WORDLESS = frozenset((Reason.ONLY_LINKS, Reason.NO_WORDS))


@dataclass(slots=True)
class PersonalData:
    """Findings by kind; the examples are shortened so that they give nothing away."""

    posts: int = 0
    found: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, found: list[personal.Found]) -> None:
        """Count the findings in one post."""
        self.posts += 1
        for span in found:
            self.found[span.kind] += 1
            shown = self.examples.setdefault(span.kind, [])
            if len(shown) < EXAMPLES and (short := personal.shorten(span)) not in shown:
                shown.append(short)


class Sift:
    """Decides on each post alone, and notes the personal data it meets."""

    def __init__(self, options: PrepareOptions, own_drafts: OwnDrafts) -> None:
        self.personal = PersonalData()
        self._written = own_drafts
        self._options = options
        self._kinds = options.kinds
        self._languages = frozenset(options.languages)

    def sift(self, post: Post) -> tuple[str, tuple[str, ...], Reason | None]:
        """Return text and tags of a post, or why it is dropped."""
        if post.visibility not in _SEEN_BY_ALL and (reason := self._hidden(post)):
            return "", (), reason
        if self._written.has(post):
            return "", (), Reason.WRITTEN
        text, reason = clean(post, self._kinds)
        if reason:
            return "", (), reason
        if self._languages and not is_in(self._languages, text, post.language):
            return "", (), Reason.LANGUAGE
        found = personal.find(text)
        if found:
            self.personal.note(found)
            if self._options.personal == "drop":
                return "", (), Reason.PERSONAL
            if self._options.personal == "mask":
                masked = post._replace(text=personal.mask(text, found), links=(), is_bare=True)
                text, reason = clean(masked, self._kinds)
                if reason:
                    return "", (), Reason.PERSONAL if reason in _WORDLESS else reason
        return text, self._tags(post), None

    def _hidden(self, post: Post) -> Reason | None:
        if post.visibility == "circle":
            return Reason.CIRCLE
        if post.visibility == "direct":
            return None if self._options.with_direct else Reason.DIRECT
        return None if self._options.with_private else Reason.PRIVATE

    def _tags(self, post: Post) -> tuple[str, ...]:
        """The archive's tags without personal data, which names of accounts may hold too."""
        if self._options.personal == "keep" or not post.tags:
            return post.tags
        return tuple(tag for tag in post.tags if not _is_personal(tag[1:]))


@lru_cache(maxsize=CACHED)
def _is_personal(tag: str) -> bool:
    return bool(personal.find(tag))
