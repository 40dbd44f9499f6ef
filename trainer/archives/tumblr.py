"""A post as Tumblr's interface gives it, which its exporting programs keep.

A reblog shows everybody's words: only what the blog itself added is read.
"""

from collections.abc import Mapping

from trainer.archives.entry import Entry, Tools, known, texts_of
from trainer.archives.post import Post, PostKind, Unreadable

_OTHERS_WORDS = frozenset(("quote", "chat"))  # types of posts
_QUOTED = frozenset(("indented", "quote"))  # of paragraphs


def post_of_tumblr(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a post of any type."""
    own = entry.text("blogname")
    source = known(entry.first("rebloggedfromid", "parentpostid", "rebloggedrootid"))
    is_reblog = bool(source or entry.first("rebloggedfromname", "parentposturl"))
    text = _added(entry, own) if is_reblog else _written(entry)
    written = tools.html.to_text(text)
    if written is None:
        return entry.unreadable()
    is_own = bool(own) and entry.fields.get("rebloggedfromname") == own
    kind: PostKind = "original"
    if is_reblog:
        kind = "retweet" if not written.text else "original" if is_own else "quote"
    elif entry.fields.get("type") == "answer":
        kind = "reply"
    elif entry.fields.get("type") in _OTHERS_WORDS or (written.has_quote and not written.text):
        kind = "quote"
    state = entry.fields.get("state", "published")
    return Post(
        id=entry.id("idstring", "id"),
        created_at=tools.dates.read(entry.first("timestamp", "date"), entry.place),
        text=written.text,
        kind=kind,
        tags=tuple(f"#{tag}" for tag in texts_of(entry.fields.get("tags"))),
        visibility="public" if state == "published" else "private",
        links=written.links,
        quote_of=source if kind == "quote" and is_reblog else None,
    )


def _written(entry: Entry) -> str:
    """The HTML of a post of the blog's own; a title stands in for a missing text."""
    blocks = entry.fields.get("content")
    if isinstance(blocks, list):
        return _of_blocks(blocks)
    if entry.fields.get("type") == "answer":
        return entry.text("answer")
    return entry.text("body", "caption", "description", "text", "content", "title")


def _added(entry: Entry, own: str) -> str:
    """The HTML that the blog added to somebody else's post."""
    comment = entry.inside("reblog", "comment")
    if isinstance(comment, str):
        return comment
    blocks = entry.fields.get("content")
    if isinstance(blocks, list):
        return _of_blocks(blocks)
    trail = entry.fields.get("trail")
    for item in reversed(trail) if isinstance(trail, list) else ():
        blog = item.get("blog") if isinstance(item, Mapping) else None
        if isinstance(blog, Mapping) and blog.get("name") == own:
            return str(item.get("content_raw") or item.get("content") or "")
    return ""


def _of_blocks(blocks: list[object]) -> str:
    """The paragraphs of Tumblr's newer format."""
    texts = [
        block["text"]
        for block in blocks
        if isinstance(block, Mapping)
        and isinstance(block.get("text"), str)
        and block.get("subtype") not in _QUOTED
    ]
    escaped = (t.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for t in texts)
    return "".join(f"<p>{text}</p>" for text in escaped)
