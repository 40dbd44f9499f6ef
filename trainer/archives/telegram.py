"""A message of a Telegram channel, from the `result.json` of Telegram Desktop.

A chat with others is private, and is refused as a whole (shapes.py).
"""

from collections.abc import Mapping

from trainer.archives.entry import Entry, Tools, known
from trainer.archives.post import Post, PostKind, Unreadable

_OTHERS_WORDS = frozenset(("blockquote", "expandable_blockquote"))
_LINKS = frozenset(("link", "text_link"))


def post_of_message(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a message."""
    if entry.fields.get("type", "message") != "message" or "text" not in entry.fields:
        return entry.unreadable()
    text, links, has_quote = _text(entry.fields["text"])
    kind: PostKind = "original"
    if entry.first("forwardedfrom", "forwardedfromid"):
        kind = "retweet"
    elif entry.first("replytomessageid"):
        kind = "reply"
    elif has_quote and not text.strip():
        kind = "quote"
    return Post(
        id=entry.id("id"),
        created_at=tools.dates.read(entry.first("dateunixtime", "date"), entry.place),
        text=text,
        kind=kind,
        reply_to=known(entry.first("replytomessageid")) if kind == "reply" else None,
        links=links,
        updated_at=tools.dates.read(entry.first("editedunixtime", "edited"), entry.place),
    )


def _text(pieces: object) -> tuple[str, tuple[str, ...], bool]:
    """The text, which may be a list of pieces, its links, and whether it quoted somebody."""
    texts, links, has_quote = list[str](), list[str](), False
    for piece in pieces if isinstance(pieces, list) else [pieces]:
        shown = piece.get("text") if isinstance(piece, Mapping) else piece
        kind = piece.get("type") if isinstance(piece, Mapping) else None
        if kind in _OTHERS_WORDS:
            has_quote = True
        elif isinstance(shown, str):
            texts.append(shown)
            links += [shown] if kind in _LINKS and "://" in shown else []
    return "".join(texts), tuple(links), has_quote
