"""Undoes what services do to texts: X's escaping and retweets, language tags, shortened links.

Knows where a link ends, and which words are somebody else's, repeated by hand.
"""

import re

from trainer.archives.post import Post

# Scripts without spaces between words: behind a link, their letters are the author's words.
UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff\u1950-\u19ff"
    "\u2e80-\ud7ff\uf900-\uffef\U00020000-\U0003ffff"
)
# A short link of X is of ASCII letters and digits. Any other holds what RFC 3986 allows, and, as in
# twitter-text, letters of scripts that put spaces between words.
LINK = re.compile(
    rf"https?://(?:t\.co/[A-Za-z0-9]+|(?:[!#-;=?-\[\]_a-z|~]|[^\x00-\x7f\W{UNSPACED}])+)",
    re.IGNORECASE,
)
_BRACKETS = {")": "(", "]": "["}
_HANDLE = r"@\w[\w.@-]*"
# "RT if you agree" is none. A retweet's text is cut at 140 characters, and somebody else's.
RETWEET = re.compile(
    rf"\s*(?:RT|MT|QT)\s*[:：]?\s*[“„«\"]?{_HANDLE}(?:\s*[:：]|(?=\s))\s*", re.IGNORECASE
)
# As people repeated others before there was a button: "So true! RT @fox: their words", or
# “@fox: their words” same here. A quote that is never closed was cut.
_BEFORE_OTHERS = frozenset('Tt:“„«"')
_BY_HAND = re.compile(
    rf"(?:^|(?<=[^\w@]))(?:(?:[Rr][Tt]|MT|QT)\s*[:：]?\s*[“„«\"]?{_HANDLE}\s?[:：]\s*(?P<rest>.*)"
    rf"|“{_HANDLE}\s?:(?P<a>.*)”|„{_HANDLE}\s?:(?P<b>.*)[“”]|«\s?{_HANDLE}\s?:(?P<c>.*)»"
    rf"|\"{_HANDLE}\s?:(?P<d>.*)\"|[“„«\"]{_HANDLE}\s?:(?P<cut>.*)$)",
    re.DOTALL,
)
_WORD = re.compile(r"[^\W_]")
_OLD_LANGUAGES = {"in": "id", "iw": "he", "ji": "yi", "no": "nb"}
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_]\w+)*", re.IGNORECASE)


def somebody_elses(retweet: str) -> str:
    """The text that was retweeted, without links and the word that X cut."""
    text = LINK.sub("", RETWEET.sub("", retweet, count=1)).rstrip()
    return text.rpartition(" ")[0] if text.endswith("…") else text


def without_words_of_others(post: Post) -> Post:
    """Take out what somebody else wrote and the author repeated by hand.

    Beside words of the author's own it makes the post a quote, and alone, a retweet.
    """
    text, at = post.text, post.text.find("@", 1)
    while (
        at > 0
        and text[at - 1] not in _BEFORE_OTHERS
        and text[at - 2 : at - 1] not in _BEFORE_OTHERS
    ):
        at = text.find("@", at + 1)
    if at < 0:
        return post
    if RETWEET.match(text):
        return post._replace(kind="retweet", reply_to=None, tags=())
    found = _BY_HAND.search(text)
    if found is None:
        return post
    own = f"{text[: found.start()].rstrip()} {text[found.end() :].lstrip()}".strip()
    if _WORD.search(LINK.sub("", own)):
        return post._replace(text=own, kind="quote", quote_of=None)
    words = next((words for words in found.groups() if words), "").strip()
    return post._replace(text=words, kind="retweet", reply_to=None, tags=())


def end_of_link(text: str) -> int:
    """How much of a match of `LINK` is the link.

    Punctuation at its end, and a bracket that nothing opened in it, are the sentence's.
    """
    opened = {"(": 0, "[": 0}
    for place, sign in enumerate(text):
        if sign in opened:
            opened[sign] += 1
        elif sign in _BRACKETS:
            opened[_BRACKETS[sign]] -= 1
            if opened[_BRACKETS[sign]] < 0:
                text = text[:place]
                break
    return len(text.rstrip(".,;:!?'"))


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
