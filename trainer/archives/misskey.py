"""A note of Misskey's own export: also Sharkey, Firefish and Iceshrimp.

Its text is MFM. A content warning is no part of it.
"""

from trainer.archives.entry import Entry, Tools, known
from trainer.archives.markdown import plain_words
from trainer.archives.post import Post, PostKind, Unreadable, Visibility

_VISIBILITY: dict[object, Visibility] = {
    "public": "public",
    "home": "unlisted",
    "followers": "private",
    "specified": "direct",
}


def post_of_note(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a note; one without a text has only files, or is a renote."""
    text = entry.fields.get("text")
    if text is not None and not isinstance(text, str):
        return entry.unreadable()
    words, has_quote = plain_words(text or "")
    renoted, replied = known(entry.first("renoteid")), known(entry.first("replyid"))
    kind: PostKind = "reply" if replied else "quote" if renoted else "original"
    if renoted and not words:
        kind = "retweet"
    elif has_quote and not words:
        kind = "quote"
    return Post(
        id=entry.id("id"),
        created_at=tools.dates.read(entry.first("createdat"), entry.place),
        text=words,
        kind=kind,
        reply_to=replied if kind == "reply" else None,
        visibility=_VISIBILITY.get(entry.fields.get("visibility", "public"), "private"),
        quote_of=renoted if kind == "quote" else None,
        updated_at=tools.dates.read(entry.first("updatedat"), entry.place),
    )
