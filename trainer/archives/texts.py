"""What X does to texts: its escaping, undone, and its retweets, recognised."""

import re

# "RT if you agree" is none. A retweet's text is cut at 140 characters, and somebody else's.
RETWEET = re.compile(r"RT @\w+:? ")


def unescape(text: str) -> str:
    """Undo X's escaping, once: it escapes these three and no others, `&` first."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_storable(text: str) -> bool:
    """Whether the text is free of half surrogate pairs, which no file can hold as UTF-8."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)
