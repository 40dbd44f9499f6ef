"""Undoes what services do to texts: X's escaping and retweets, language tags, shortened links."""

import re

# "RT if you agree" is none. A retweet's text is cut at 140 characters, and somebody else's.
RETWEET = re.compile(r"RT @\w+: ")
_SHORT_LINK = re.compile(r"https?://\S*")
_OLD_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi", "no": "nb"}
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_]\w+)*", re.IGNORECASE)


def somebody_elses(retweet: str) -> str:
    """The text that was retweeted, without links and the word that X cut."""
    text = _SHORT_LINK.sub("", RETWEET.sub("", retweet, count=1)).rstrip()
    return text.rpartition(" ")[0] if text.endswith("…") else text


def unescape(text: str) -> str:
    """Undo X's escaping, once: it escapes these three and no others, `&` first."""
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def language(tag: str | None) -> str | None:
    """The ISO 639-1 code of a language tag; None for none, and for X's "und", "qme" and such.

    Raises nothing. Both "pt-BR" and "pt" are "pt".
    """
    if tag is None or len(tag) == 2:
        return _OLD_LANGUAGES.get(tag, tag) if tag else None
    found = _LANGUAGE.fullmatch(tag)
    return language(found[1].lower()) if found else None


def shown_link(shown: str, href: str) -> str:
    """The text of a link: its address, unless the author gave it words."""
    is_address = _bare(href).startswith(_bare(shown.strip().rstrip("….")))
    return href if is_address else shown


def _bare(address: str) -> str:
    lower = address.lower().removeprefix("https://").removeprefix("http://")
    return lower.removeprefix("www.")
