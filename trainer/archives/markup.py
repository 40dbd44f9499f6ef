"""Mastodon's HTML as the text that its author wrote."""

import re
from typing import NamedTuple

from lxml import etree

from trainer.archives.texts import shown_link

BLOCKS = {"p": 2, "ul": 2, "ol": 2, "pre": 2, "div": 1, "li": 1} | {f"h{n}": 2 for n in range(1, 7)}
LONGEST = 100_000  # characters; wrong nesting makes lxml's time grow with the square
UNSEEN = {"script", "style", "blockquote"}  # a block quote is somebody else's
QUOTED = "quote-inline"  # "RE: https://…" for servers that show no quotes
BLANKS = re.compile(r"[ \t\r\n\f]+")  # what a browser shows as one space; no-break spaces stay


class PlainText(NamedTuple):
    """A text; `address` counts the characters of the handles in front of it."""

    text: str
    address: int
    links: tuple[str, ...] = ()  # as they stand in the text
    has_quote: bool = False  # it had words of somebody else, which are left out


class Html:
    """Reads HTML as text: paragraphs, links in full, handles as written."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._text = _Text()
        self._parser = etree.HTMLParser(target=self._text)  # to make one takes as long as to use it

    def to_text(self, html: str) -> PlainText | None:
        """The author's text; None if the HTML is too odd."""
        if "<" not in html and "&" not in html:
            return PlainText(html, 0)
        if len(html) > LONGEST:
            return None
        try:
            self._parser.feed(f"<body>{html}".replace("\0", ""))
            written = self._parser.close()
        except (etree.LxmlError, ValueError):
            self._begin()  # neither the parser nor its text can be used any more
            return None
        assert isinstance(written, PlainText)
        return written


class _Text:
    """Collects a text from lxml's events."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._address = 0
        self._parts: list[str] = []
        self._length = 0
        self._breaks = 0  # line breaks before what comes next
        self._preformatted = 0
        self._unseen: list[str] = []  # the open elements from the first one that is not shown
        self._link: tuple[str, list[str]] | None = None  # of the open link: address and classes
        self._shown: list[str] = []
        self._only_handles = True
        self._links: list[str] = []
        self._has_quote = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        classes = (attributes.get("class") or "").split()
        self._has_quote = self._has_quote or tag == "blockquote"
        if self._unseen or tag in UNSEEN or QUOTED in classes:
            self._unseen += [tag] if tag not in ("br", "img") else []
        elif tag == "br":
            self._end_line(self._breaks + 1)
        elif tag == "img":
            self.data(attributes.get("alt") or "")
        elif tag == "a" and self._link is None:
            self._link, self._shown = (attributes.get("href") or "", classes), []
        elif tag in BLOCKS:
            self._end_line(max(self._breaks, BLOCKS[tag]))
        self._preformatted += tag == "pre"

    def end(self, tag: str) -> None:
        """An element ends."""
        self._preformatted -= tag == "pre"
        if self._unseen:
            if tag not in ("br", "img"):
                self._unseen.pop()
            if not self._unseen and tag in ("blockquote", "p", "div"):
                self._end_line(max(self._breaks, 2))
        elif tag == "a" and self._link is not None:
            (href, classes), self._link = self._link, None
            shown = "".join(self._shown)
            is_handle = "mention" in classes and shown.startswith("@")
            is_tag = "hashtag" in classes or shown.startswith(("#", "@"))
            if not is_handle and not is_tag and href and shown_link(shown, href) == href:
                shown = href
                self._links.append(href)
            self._write(shown)
            if is_handle and self._only_handles:
                self._address = self._length
        elif tag in BLOCKS:
            self._end_line(max(self._breaks, BLOCKS[tag]))

    def data(self, text: str) -> None:
        """Characters, their entities undone."""
        if self._unseen:
            return
        text = text if self._preformatted else BLANKS.sub(" ", text)
        if self._link is not None:
            self._shown.append(text)
        else:
            self._only_handles = self._only_handles and not text.strip()
            self._write(text)

    def close(self) -> PlainText:
        """Finish this text and start the next."""
        text = "".join(self._parts).rstrip()
        address = min(self._address, len(text))
        written = PlainText(text, address, tuple(self._links), self._has_quote)
        self._begin()
        return written

    def _end_line(self, breaks: int) -> None:
        self._breaks = breaks

    def _write(self, text: str) -> None:
        if self._breaks or not self._parts:
            text = text if self._preformatted else text.lstrip(" ")
            if not text:
                return
            if self._parts:
                last = self._parts[-1].rstrip(" ")
                self._length -= len(self._parts[-1]) - len(last)
                self._parts[-1] = last
                text = "\n" * self._breaks + text
            self._breaks = 0
        self._parts.append(text)
        self._length += len(text)
