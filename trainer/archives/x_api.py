"""A post as X's interface of today gives it (API v2), and as the scrapers of X write it.

X escapes `&`, `<` and `>` in it, as in its archives.
"""

import json
from collections.abc import Mapping

import msgspec

from trainer.archives.entry import Entry, Tools, known, says, texts_of
from trainer.archives.post import Post, PostKind, Unreadable
from trainer.archives.texts import RETWEET, language, unescape
from trainer.archives.tweet import QUOTE, Account, Tweet, post_of_tweet

_KINDS: dict[object, PostKind] = {"retweeted": "retweet", "replied_to": "reply", "quoted": "quote"}


def post_of_v1(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a record as X's older interface gives it, which is that of its archives."""
    if isinstance(entry.raw.get("tweet"), str):
        return post_of_twint(entry, tools)
    inner = entry.raw.get("tweet")
    raw: Mapping[str, object] = inner if isinstance(inner, Mapping) else entry.raw
    if isinstance(extended := raw.get("extended_tweet"), Mapping):  # the whole of a cut post
        raw = {**raw, **extended}
    try:
        post = post_of_tweet(msgspec.convert(raw, Tweet), Account())
    except msgspec.ValidationError:
        return entry.unreadable()
    return post if post.id else entry.unreadable()


def post_of_v2(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a record of API v2, nested or as a table has it."""
    text = entry.inside("notetweet", "text") or entry.fields.get("text")
    if not isinstance(text, str):
        return entry.unreadable()
    references = _references(entry)
    author = known(entry.first("authorid")) or known(entry.inside("author", "id"))
    to = known(entry.first("inreplytouserid"))
    kinds: tuple[PostKind, ...] = ("retweet", "reply", "quote")
    kind: PostKind = next((k for k in kinds if k in references), "original")
    if kind == "original" and to:
        kind = "reply"
    if kind == "reply" and to and author:
        kind = "self_reply" if to == author else "reply"
    may_be_own = kind == "self_reply" or (kind == "reply" and not (to and author))
    versions = entry.fields.get("edithistorytweetids")
    ids = [str(i) for i in versions] if isinstance(versions, list) else []
    tongue = entry.fields.get("lang")
    tags, links = _marks(entry)
    return Post(
        id=entry.id("id"),
        created_at=tools.dates.read(entry.first("createdat"), entry.place),
        text=unescape(text),
        kind="retweet" if RETWEET.match(text) else kind,
        tags=tags if kind != "retweet" else (),
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=references.get("reply") if may_be_own else None,
        edit_of=min(ids, key=lambda i: (len(i), i)) if len(ids) > 1 else None,
        visibility="private" if entry.inside("author", "protected") is True else "public",
        links=links,
        quote_of=references.get("quote") if kind == "quote" else None,
    )


def _references(entry: Entry) -> dict[PostKind, str]:
    """The posts that this one refers to, by what it is to them."""
    listed = entry.first("referencedtweets")
    if isinstance(listed, str):  # in a table
        try:
            listed = json.loads(listed.replace("'", '"'))
        except (ValueError, RecursionError):
            listed = None
    found: dict[PostKind, str] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping) and one.get("type") in _KINDS:
            found[_KINDS[one["type"]]] = str(one.get("id") or "")
    for name, kind in _KINDS.items():
        column = entry.first(f"referencedtweets{str(name).replace('_', '')}id")
        if column:
            found[kind] = str(column)
    return found


def _marks(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tags and links of a record."""
    tags = [f"#{tag}" for tag in texts_of(entry.inside("entities", "hashtags"), "tag", "text")]
    for handle in texts_of(entry.inside("entities", "mentions"), "username"):
        tags.append(f"@{handle} {handle}")
    return tuple(tags), tuple(texts_of(entry.inside("entities", "urls"), "url"))


def post_of_scraped(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a line of snscrape or twscrape."""
    text = entry.text("rawcontent", "content")
    if not text:
        return entry.unreadable()
    own = known(entry.inside("user", "id")) or known(entry.inside("user", "username"))
    replied, quoted = entry.first("inreplytotweetid"), entry.first("quotedtweet")
    kind: PostKind = "original"
    quote_of = None
    if entry.first("retweetedtweet") or RETWEET.match(text):
        kind = "retweet"
    elif replied or entry.first("inreplytouser"):
        kind = "self_reply" if own and own == _who(entry.first("inreplytouser"), own) else "reply"
    elif quoted:
        user = quoted.get("user") if isinstance(quoted, Mapping) else None
        kind = "original" if own and own == _who(user, own) else "quote"
        quote_of = known(quoted.get("id")) if isinstance(quoted, Mapping) else None
    tongue = entry.fields.get("lang")
    return Post(
        id=entry.id("id", "idstr"),
        created_at=tools.dates.read(entry.first("date"), entry.place),
        text=unescape(text),
        kind=kind,
        tags=tuple(f"#{tag}" for tag in texts_of(entry.fields.get("hashtags"))),
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=known(replied) if kind in ("reply", "self_reply") else None,
        visibility="private" if entry.inside("user", "protected") is True else "public",
        quote_of=quote_of if kind == "quote" else None,
    )


def _who(user: object, like: str) -> str | None:
    """A user's id, or name if the other is known by name."""
    if not isinstance(user, Mapping):
        return None
    return known(user.get("id")) if like.isdecimal() else known(user.get("username"))


def post_of_twint(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a line or row of twint."""
    text, key = entry.text("tweet"), entry.id("id", "idstr")
    if not text:
        return entry.unreadable()
    address = QUOTE.fullmatch(entry.text("quoteurl"))
    began = known(entry.first("conversationid"))
    kind: PostKind = "original"
    if entry.first("retweet", "userrt", "userrtid") or RETWEET.match(text):
        kind = "retweet"
    elif says(entry.fields.get("replyto")) or (began and began != key):
        kind = "reply"
    elif entry.first("quoteurl"):
        is_own = address and address[1].lower() == entry.text("username").lower()
        kind = "original" if is_own else "quote"
    tongue = entry.fields.get("language")
    return Post(
        id=key,
        created_at=tools.dates.read(entry.first("createdat", "date"), entry.place),
        text=unescape(text),
        kind=kind,
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=began if kind == "reply" and not says(entry.fields.get("replyto")) else None,
        quote_of=address[2] if kind == "quote" and address else None,
    )
