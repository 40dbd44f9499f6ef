"""A post of a blog: as WordPress gives it, or an item of a JSON Feed, as micro.blog exports it."""

from collections.abc import Mapping

from trainer.archives.entry import Entry, Tools, says, texts_of
from trainer.archives.plain import plain_visibility
from trainer.archives.post import Post, Unreadable, Visibility
from trainer.archives.texts import language


def post_of_wordpress(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a post or page of WordPress's interface."""
    content = entry.inside("content", "rendered")
    is_public = entry.fields.get("status", "publish") == "publish"
    is_locked = bool(entry.first("password")) or entry.inside("content", "protected") is True
    visibility: Visibility = "public" if is_public and not is_locked else "private"
    return _of_html(
        entry,
        tools,
        content if isinstance(content, str) else "",
        entry.first("dategmt", "date"),
        entry.first("modifiedgmt", "modified"),
        visibility,
    )


def post_of_feed(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of an item of a JSON Feed."""
    html, text = entry.text("contenthtml"), entry.text("contenttext")
    if not html and text:
        html = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
    dates = (entry.first("datepublished"), entry.first("datemodified"))
    post = _of_html(entry, tools, html, *dates, plain_visibility(entry))
    tongue = entry.fields.get("language")
    if isinstance(post, Post) and isinstance(tongue, str):
        post = post._replace(language=language(tongue))
    return post


def _of_html(
    entry: Entry, tools: Tools, html: str, date: object, updated: object, seen: Visibility
) -> Post | Unreadable:
    written = tools.html.to_text(html)
    if written is None or not says(html):
        return entry.unreadable()
    tags = entry.fields.get("tags")
    names = texts_of(tags) if not isinstance(tags, Mapping) else ()
    return Post(
        id=entry.id("id", "url", "guid", "link"),
        created_at=tools.dates.read(date, entry.place),
        text=written.text,
        kind="quote" if written.has_quote and not written.text else "original",
        tags=tuple(f"#{name}" for name in names),
        visibility=seen,
        links=written.links,
        updated_at=tools.dates.read(updated, entry.place),
    )
