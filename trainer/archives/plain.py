"""A record of a plain list: a text, and if there are any, a date, an id, a language.

What else its fields tell is believed: that it answers, repeats or quotes somebody, or that not
everybody could see it.
"""

import re
from collections.abc import Mapping

from trainer.archives.entry import Entry, Tools, known, says
from trainer.archives.post import Post, PostKind, Unreadable, Visibility
from trainer.archives.texts import RETWEET, language, unescape

TEXT = ("text", "content", "fulltext", "body")
TEXT_SHOWN = "text, content, full_text or body"
ID = ("idstr", "id", "tweetid", "postid", "statusid")
DATE = (
    *("createdat", "date", "datetime", "timestamp", "time", "published", "publishedat", "created"),
    *("datepublished", "createdutc", "pubdate", "timestampms", "postedat", "posted", "createddate"),
)
UPDATED = ("updatedat", "editedat", "updated", "edited", "datemodified", "modified")
LANGUAGE = ("lang", "language")
REPLY_TO = ("inreplytostatusidstr", "inreplytostatusid", "inreplytoid", "inreplyto", "replytoid")
_REPLIES = (
    *REPLY_TO,
    *("inreplytouseridstr", "inreplytouserid", "inreplytoscreenname", "inreplytotweetid"),
    *("inreplytouser", "inreplytoaccountid", "replyto", "replyid", "replytotweetid", "replytouser"),
    *("isreply", "parentid", "parent", "parentcommentid", "replytomessageid"),
)
_REPOSTS = (
    *("reblog", "rebloggedfrom", "rebloggedfromid", "reblogof", "reblogofid", "isreblog"),
    *("repostof", "isrepost", "retweet", "isretweet", "retweetedstatus", "retweetedstatusid"),
    *("retweetedtweet", "retweetof", "renoteid", "isboost", "forwardedfrom", "sharedfrom"),
)
_QUOTES = (
    *("quotedstatus", "quotedstatusid", "quotedstatusidstr", "quotedtweet", "quotedtweetid"),
    *("quoteid", "quotedid", "quoteurl", "quoteuri", "isquote", "isquotestatus"),
)
_VISIBILITY = ("visibility", "privacy", "audience")
_PUBLIC = frozenset(("public", "everyone", "anyone", "all", "world", "open", "membernetwork"))
_UNLISTED = frozenset(("unlisted", "home", "quietpublic"))
_DIRECT = frozenset(("direct", "specified", "mentioned", "mentionedonly"))
_HIDING = ("private", "isprivate", "protected", "isprotected", "draft", "isdraft", "deleted")
_SHOWING = ("public", "ispublic", "ispublished", "published")
_STATES = ("status", "state", "poststatus")
_HIDDEN_STATES = frozenset(
    [
        "draft",
        "autodraft",
        "private",
        "pending",
        "trash",
        "future",
        "scheduled",
        "deleted",
        "queued",
    ]
)
_MARKUP = re.compile(r"\s*<(p|div|span|h[1-6]|ul|ol|blockquote|figure|article)\b[^>]*>")


def post_of_plain(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of a record, or Unreadable if it has no text."""
    name = next((n for n in TEXT if isinstance(entry.fields.get(n), str)), None)
    if name is None:
        return entry.unreadable()
    text, is_only_quote = _written(str(entry.fields[name]), tools)
    if name == "fulltext":  # the name that X's interface uses
        text = unescape(text)
    tongue = entry.first(*LANGUAGE)
    reply_to = next((r for r in map(known, (entry.fields.get(n) for n in REPLY_TO)) if r), None)
    kind = _kind(entry, text)
    updated = entry.first(*UPDATED)
    return Post(
        id=entry.id(*ID),
        created_at=tools.dates.read(entry.first(*DATE), entry.place),
        text=text,
        kind="quote" if is_only_quote else kind,
        language=language(tongue) if isinstance(tongue, str) else None,
        reply_to=reply_to if kind == "reply" else None,
        visibility=plain_visibility(entry),
        updated_at=tools.dates.read(updated, entry.place) if isinstance(updated, str) else None,
    )


def _written(text: str, tools: Tools) -> tuple[str, bool]:
    """The text, which may be HTML, and whether it was nothing but somebody's quoted words."""
    found = _MARKUP.match(text)
    if found is None or f"</{found[1]}>" not in text:
        return text, False
    written = tools.html.to_text(text)
    return (written.text, written.has_quote and not written.text) if written else (text, False)


def _kind(entry: Entry, text: str) -> PostKind:
    if any(_is_marked(entry.fields.get(name)) for name in _REPOSTS) or RETWEET.match(text):
        return "retweet"
    if any(says(entry.fields.get(name)) for name in _REPLIES):
        return "reply"
    return "quote" if any(_is_marked(entry.fields.get(n)) for n in _QUOTES) else "original"


def _is_marked(value: object) -> bool:
    """Whether a value marks a post; a small number only counts."""
    return says(value) and (value is True or not isinstance(value, int) or value > 1_000_000)


def plain_visibility(entry: Entry) -> Visibility:
    """Who could see a post: what is not known to be public is private."""
    for name in _VISIBILITY:
        value = entry.fields.get(name)
        if isinstance(value, Mapping):
            value = value.get("value") or value.get("type") or value.get("name")
        if isinstance(value, str) and says(value):
            short = re.sub(r"[\W_]+", "", value).lower()
            if short in _DIRECT:
                return "direct"
            if short in _UNLISTED:
                return "unlisted"
            return "public" if short in _PUBLIC else "private"
    if any(_is_true(entry.fields.get(name)) for name in _HIDING):
        return "private"
    if any(_is_false(entry.fields.get(name)) for name in _SHOWING):
        return "private"
    states = (str(entry.fields.get(name)).lower().replace("-", "") for name in _STATES)
    return "private" if any(state in _HIDDEN_STATES for state in states) else "public"


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes"))


def _is_false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in ("false", "no"))
