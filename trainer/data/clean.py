"""Cleans a post's text, or gives the reason to drop the post.

Pure. Judges by the post's own text and marks. Its language and personal data are checked in
sift.py, duplicates, older versions and leaks in staging.py, once all posts are known.
"""

import re
from collections.abc import Set
from enum import StrEnum

from trainer.archives.post import Post, PostKind
from trainer.archives.texts import LINK, RETWEET, UNSPACED, end_of_link


class Reason(StrEnum):
    """Why a post is not learnt from, in the words of the final table."""

    UNREADABLE = "not a post, or damaged"
    RETWEET = "retweet"
    REPLY = "reply to somebody else"
    QUOTE = "quote of somebody else"
    CIRCLE = "private (Circle)"
    PRIVATE = "private (followers only)"
    DIRECT = "direct message"
    WRITTEN = "written by the bot"
    LANGUAGE = "another language"
    PERSONAL = "personal data"
    ONLY_LINKS = "only links or media"
    NO_WORDS = "no words"
    BROKEN = "broken characters"
    OLD_VERSION = "older version of an edited post"
    DUPLICATE = "duplicate"
    JOINED = "joined to its thread"
    THREAD = "thread on both sides"
    NEAR_COPY = "near copy of a validation post"


# Not everybody may see such a post: no other copy of it brings it in.
NOT_PUBLIC = frozenset((Reason.CIRCLE, Reason.PRIVATE, Reason.DIRECT))
LEFT_OUT = (Reason.THREAD, Reason.NEAR_COPY)  # kept and written, but on neither side of the split
OWN: frozenset[PostKind] = frozenset({"original", "note", "self_reply"})

_OF_KIND = {"retweet": Reason.RETWEET, "reply": Reason.REPLY, "quote": Reason.QUOTE}
_REMOVED = "\x00"  # in the place of a link; texts hold none, since it is invisible
_PAIRS = "()[]{}<>«»»«‹›“”„“„”””‘’‚‘\"\"''「」『』（）【】〈〉《》［］〔〕"
_CLOSING: dict[str, str] = {}
for _opened, _closed in zip(_PAIRS[::2], _PAIRS[1::2], strict=True):
    _CLOSING[_opened] = _CLOSING.get(_opened, "") + _closed
_SPACED_LETTER = re.compile(rf"[^\W_{UNSPACED}]")
_STANDS_ALONE = re.compile(rf"\s|[(\[{{«„“‘{UNSPACED}]")  # no space is wanted behind it
# "> their words": how people mark a quote where nothing else does.
_QUOTED_LINE = re.compile(r"^[^\S\n]*>[^\S\n].*\n?", re.M)
# As X, Bluesky and Mastodon write them: @handle, @handle.example.org, @handle@example.org.
# Not "@bob's", which begins a sentence of the author's.
_LEADING_HANDLES = re.compile(r"\s*(?:@\w++(?:[.@-]\w++)*+(?!['’]\w)[,:;.!]?\s*)+")
_BLANKS = re.compile(r"[^\S\n]+")  # any run of white space but the author's own line breaks
_BLANK_AT_LINE_END = re.compile(r" *\n *")
# U+FFFD marks a lost character; half a surrogate pair cannot be written as UTF-8.
_BROKEN = re.compile("[\ufffd\ud800-\udfff]")
# Controls, byte order marks and zero-width spaces, which nobody types; joiners belong to emoji.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2028\u2029]")
_WORD = re.compile(r"[^\W_]")


def clean(post: Post, kinds: Set[PostKind]) -> tuple[str, Reason | None]:
    """Return the clean text and None, or "" and the reason to drop the post.

    A reply or quote that may be of the author's own post passes: staging.py decides.
    """
    if post.kind not in kinds and not _may_be_of_own(post):
        return "", _OF_KIND[post.kind]
    text = post.text
    if not text.isascii() and _BROKEN.search(text):
        return "", Reason.BROKEN
    is_plain = text.isprintable()  # a single line, with no white space but spaces
    if not is_plain:
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if ">" in text:
        unquoted = _QUOTED_LINE.sub("", text)
        if unquoted != text and not _WORD.search(unquoted):
            return "", Reason.QUOTE
        text = unquoted
    if "reply" in post.kind and not post.is_bare:
        text = _without_address(text, post.kind)
    elif post.kind == "retweet":
        text = RETWEET.sub("", text, count=1)
    had_link = "://" in text
    if had_link:
        text = _without_links(text, post.links)
    if not is_plain or "  " in text:
        text = _BLANK_AT_LINE_END.sub("\n", _BLANKS.sub(" ", text))
    text = text.strip()
    if not _WORD.search(text):
        return "", Reason.ONLY_LINKS if had_link else Reason.NO_WORDS
    return text, None


def _without_address(text: str, kind: PostKind) -> str:
    """Remove the @handles that X writes in front of a reply."""
    found = _LEADING_HANDLES.match(text)
    rest = text[found.end() :] if found else text
    if kind == "self_reply" and (rest[:1].islower() or rest[:1] == "&"):
        return text  # the handle is part of the author's sentence: "@NASA is late"
    return rest


def _may_be_of_own(post: Post) -> bool:
    return bool(
        (post.kind == "reply" and post.reply_to) or (post.kind == "quote" and post.quote_of)
    )


def _without_links(text: str, marked: tuple[str, ...]) -> str:
    """Remove links, the spaces before them, and brackets and quotes that held nothing else."""
    for link in sorted(marked, key=len, reverse=True):  # one may be the beginning of another
        if "://" in link:
            text = text.replace(link, _REMOVED)
    pieces = LINK.sub(lambda m: _REMOVED + m[0][end_of_link(m[0]) :], text).split(_REMOVED)
    text = pieces[0]
    for piece in pieces[1:]:
        before, after = text.rstrip(" "), piece
        while before and after.lstrip(" ")[:1] in tuple(_CLOSING.get(before[-1], "")):
            before, after = before[:-1].rstrip(" "), after.lstrip(" ")[1:]
        if before and _SPACED_LETTER.match(after) and not _STANDS_ALONE.match(before[-1]):
            before += " "  # else two words would become one
        text = before + after
    return text
