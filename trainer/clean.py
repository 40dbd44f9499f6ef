"""What of an archive is learnt from: a post's text made clean, or the reason why it is dropped.

Pure. What concerns one post alone is decided here; duplicates and older versions of edited posts
are found once all posts are known (staging.py) and have their names here.
"""

import re
from collections.abc import Set
from enum import StrEnum

from trainer.post import Kind, Post


class Reason(StrEnum):
    """Why a post is dropped, in the words of the final table."""

    UNREADABLE = "not a post, or damaged"
    RETWEET = "retweet"
    REPLY = "reply to somebody else"
    QUOTE = "quote of somebody else"
    PRIVATE = "private (Circle)"
    ONLY_LINKS = "only links or media"
    NO_WORDS = "no words"
    BROKEN = "broken characters"
    OLD_VERSION = "older version of an edited post"
    DUPLICATE = "duplicate"


OWN: frozenset[Kind] = frozenset({"original", "note", "self_reply"})

_OF_KIND = {"retweet": Reason.RETWEET, "reply": Reason.REPLY, "quote": Reason.QUOTE}
_SHORT_LINK = re.compile(r"[ \t]*https?://t\.co/\w+")
_LINK = re.compile(r"[ \t]*https?://\S+")
_EMPTY_BRACKETS = re.compile(r"[ \t]*\([ \t]*\)")
_LEADING_HANDLES = re.compile(r"\s*(?:@\w+\s*)+")
_BLANKS = re.compile(r"[^\S\n]+")  # any run of white space but the author's own line breaks
_BLANK_AT_LINE_END = re.compile(r" *\n *")
# U+FFFD stands for a character lost; half a surrogate pair cannot be written as UTF-8.
_BROKEN = re.compile("[\ufffd\ud800-\udfff]")
# Controls, byte order marks and zero-width spaces, which nobody types; joiners belong to emoji.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2028\u2029]")
_WORD = re.compile(r"[^\W_]")


def clean(post: Post, kinds: Set[Kind]) -> tuple[str, Reason | None]:
    """Return the post's text made clean and None, or "" and the reason to drop it.

    A reply that may continue the author's own post passes: whether it does, is known later.
    """
    if post.is_private:
        return "", Reason.PRIVATE
    if post.kind not in kinds and not (post.kind == "reply" and post.reply_to):
        return "", _OF_KIND[post.kind]
    text = post.text
    if text.isascii():
        if not text.isprintable():
            text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    elif _BROKEN.search(text):
        return "", Reason.BROKEN
    else:
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if "reply" in post.kind:
        text = text[_leading(text) :]
    had_link = "http" in text
    if had_link:
        text = _LINK.sub(_closing, _SHORT_LINK.sub("", text))
        text = _EMPTY_BRACKETS.sub("", text)
    text = _BLANK_AT_LINE_END.sub("\n", _BLANKS.sub(" ", text)).strip()
    if not _WORD.search(text):
        return "", Reason.ONLY_LINKS if had_link else Reason.NO_WORDS
    return text, None


def _leading(text: str) -> int:
    """How many characters of @handles a reply begins with."""
    found = _LEADING_HANDLES.match(text)
    return found.end() if found else 0


def _closing(link: re.Match[str]) -> str:
    """Keep the punctuation that ends a sentence or a bracket after a link."""
    text = link[0]
    return text[len(text.rstrip(".,;:!?)]}\"'»”’…")) :]
