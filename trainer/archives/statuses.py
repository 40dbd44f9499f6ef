"""A status as Mastodon's interface gives it, and those of Pixelfed, Pleroma and GoToSocial.

Its `content` is HTML; a content warning is no part of the text.
"""

from collections.abc import Mapping
from typing import get_args

from trainer.archives.entry import Entry, Tools, known, texts_of
from trainer.archives.mastodon import without_address
from trainer.archives.post import Post, PostKind, Unreadable, Visibility
from trainer.archives.texts import language


def post_of_status(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a status. Its id is its address, as in an archive."""
    key = entry.id("uri", "url", "id")
    created_at = tools.dates.read(entry.first("createdat"), entry.place)
    visibility = _visibility(entry.fields.get("visibility"))
    if entry.first("reblog"):
        return Post(key, created_at, "", "retweet", visibility=visibility)
    content = entry.fields.get("content")
    written = tools.html.to_text(content) if isinstance(content, str) else None
    if written is None:
        return Unreadable(key)
    kind, reply_to, quote_of = _kind(entry, key)
    text, is_bare = without_address(written, kind)
    tongue = entry.fields.get("language")
    return Post(
        id=key,
        created_at=created_at,
        text=text,
        kind="quote" if written.has_quote and not text else kind,
        tags=(
            *(f"#{name}" for name in texts_of(entry.fields.get("tags"), "name")),
            *(f"@{name} {name}" for name in texts_of(entry.fields.get("mentions"), "username")),
        ),
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=reply_to,
        visibility=visibility,
        links=written.links,
        quote_of=quote_of,
        updated_at=tools.dates.read(entry.first("editedat"), entry.place),
        is_bare=is_bare,
    )


def _kind(entry: Entry, key: str) -> tuple[PostKind, str | None, str | None]:
    """What a status is, the own one it continues, and the one it quotes."""
    own = known(entry.inside("account", "id"))
    if parent := known(entry.first("inreplytoid")):
        to = known(entry.first("inreplytoaccountid"))
        if own and to:
            return (
                ("self_reply", _sibling(key, parent), None) if own == to else ("reply", None, None)
            )
        return "reply", _sibling(key, parent), None
    quote = entry.first("quote", "pleroma")
    quoted = quote.get("quoted_status") or quote if isinstance(quote, Mapping) else None
    if isinstance(quoted, Mapping) and isinstance(quoted.get("account"), Mapping):
        if own and str(quoted["account"].get("id")) == own:
            return "original", None, None
        return "quote", None, known(quoted.get("uri"))
    if number := known(entry.first("quoteid", "quotedstatusid")):
        return "quote", None, _sibling(key, number)
    is_quote = isinstance(quote, Mapping) and "state" in quote
    return "quote" if is_quote else "original", None, None


def _sibling(key: str, number: str) -> str:
    """The address of another status of the same author, whose number is known."""
    return f"{key.rpartition('/')[0]}/{number}" if "/" in key else number


def _visibility(value: object) -> Visibility:
    if value == "local":  # everybody on the server, as Pleroma has it
        return "unlisted"
    return next((v for v in get_args(Visibility) if v == value), "private")
