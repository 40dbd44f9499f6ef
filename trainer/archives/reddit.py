"""A post or comment of Reddit: of its export (`posts.csv`, `comments.csv`) or of its interface.

Its text is Markdown. A comment always answers somebody.
"""

import html
import re

from trainer.archives.entry import Entry, Tools, known
from trainer.archives.markdown import plain_words
from trainer.archives.post import Post, PostKind, Unreadable

_GONE = frozenset(("[deleted]", "[removed]", "[deleted by user]"))
_OF_A_POST = re.compile(r"/comments/(\w+)")


def post_of_reddit(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a post, whose title is a part of it, or of a comment."""
    title = entry.text("title")
    body = entry.text("body", "selftext")
    key = entry.id("id", "name").removeprefix("t1_").removeprefix("t3_")
    if body.strip().lower() in _GONE or not (title or body):
        return Unreadable(key)
    words, has_quote = plain_words(html.unescape(body))
    is_comment = not title and entry.fields.keys() & {"parent", "parentid", "link", "linkid"}
    kind: PostKind = "reply" if is_comment else "original"
    if entry.first("crosspostparent"):
        kind = "retweet"
    elif has_quote and not words and not title:
        kind = "quote"
    edited = entry.first("edited")
    return Post(
        id=key,
        created_at=tools.dates.read(entry.first("date", "createdutc", "created"), entry.place),
        text="\n\n".join(part for part in (html.unescape(title), words) if part),
        kind=kind,
        reply_to=_parent(entry) if kind == "reply" else None,
        visibility="private" if entry.first("subreddittype") == "private" else "public",
        updated_at=None if edited is True else tools.dates.read(edited, entry.place),
    )


def _parent(entry: Entry) -> str | None:
    parent = known(entry.first("parent", "parentid", "link", "linkid"))
    if parent and (found := _OF_A_POST.search(parent)):
        return found[1]
    return parent.removeprefix("t1_").removeprefix("t3_") if parent else None
