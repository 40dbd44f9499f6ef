"""One record of X's posts, of any year since 2013, and the Post it becomes.

X marks neither retweets nor quotes, so the text and links decide which a record is. Only the first
archives ("Grailbird") name the retweeted post.
"""

import re
from collections.abc import Container

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.notes import LongPosts
from trainer.archives.post import Post, PostKind, Unreadable
from trainer.archives.texts import RETWEET, language, unescape

# A photo's link ends in /photo/1, and /i/web/status/ is the rest of the author's own long post.
QUOTE = re.compile(
    r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/(?!i/)\w+/status(?:es)?/\d+/?(?:[?#].*)?",
    re.IGNORECASE,
)
ADDRESS = re.compile(r"(?:@\w+ )+")


class _Hashtag(msgspec.Struct, gc=False):
    text: str = ""


class _Mention(msgspec.Struct, gc=False):
    screen_name: str = ""
    name: str | None = None


class Url(msgspec.Struct, gc=False):
    """An entry of `entities.urls`."""

    expanded_url: str | None = None


class Entities(msgspec.Struct, gc=False):
    """The links and the like that X found in a text."""

    hashtags: list[_Hashtag] = []
    user_mentions: list[_Mention] = []
    urls: list[Url] = []


class _EditControl(msgspec.Struct, gc=False):
    editTweetIds: list[str | int] = []  # noqa: N815 - X's name


class _Edit(msgspec.Struct, gc=False):
    initialTweetId: str | int | None = None  # noqa: N815 - X's name
    editControlInitial: _EditControl | None = None  # noqa: N815 - X's name


class _EditInfo(msgspec.Struct, gc=False):
    initial: _EditControl | None = None
    edit: _Edit | None = None


class _User(msgspec.Struct, gc=False):
    id_str: str | int | None = None


class Retweeted(msgspec.Struct, gc=False):
    """Somebody else's post, of which only its presence matters."""


class Tweet(msgspec.Struct, gc=False):
    """The fields read from a record; msgspec skips all others.

    They hold no cycles, so `gc=False` spares the garbage collector from walking them. Programs that
    rewrite an archive turn its ids into numbers.
    """

    id_str: str | int | None = None
    id: str | int | None = None
    full_text: str | None = None
    text: str | None = None  # its name before 280 characters
    created_at: str | None = None
    lang: str | None = None
    entities: Entities | None = None
    edit_info: _EditInfo | None = None
    in_reply_to_user_id_str: str | int | None = None
    in_reply_to_user_id: str | int | None = None
    in_reply_to_status_id_str: str | int | None = None
    in_reply_to_status_id: str | int | None = None
    in_reply_to_screen_name: str | None = None
    retweeted_status: Retweeted | None = None
    user: _User | None = None  # the author, in the archives of 2013
    tweet: "Tweet | None" = None  # the record itself, where it is wrapped

    @property
    def key(self) -> str:
        """The id, or "" if there is none."""
        key = self.id_str or self.id
        return "" if key is None else str(key)

    @property
    def parent(self) -> str | None:
        """The id of the post that this one replies to, if known."""
        parent = self.in_reply_to_status_id_str or self.in_reply_to_status_id
        return str(parent) if parent else None


def post_of_tweet(
    tweet: Tweet, own_id: str, circle: Container[str], notes: LongPosts
) -> Post | Unreadable:
    """Build the Post of a record, or Unreadable (without an id, if it has none)."""
    escaped = tweet.full_text if tweet.full_text is not None else tweet.text
    key = tweet.key
    if escaped is None or not key:
        return Unreadable(key)
    text = unescape(escaped)
    created_at = read_date(tweet.created_at)
    own_id = own_id or str((tweet.user.id_str if tweet.user else None) or "")
    kind = _kind(tweet, text, own_id)
    tags = _tags(tweet.entities) if tweet.entities and kind != "retweet" else ()
    reply_to = None
    if kind == "self_reply" or (kind == "reply" and not own_id):
        reply_to = tweet.parent
    if created_at and kind != "retweet" and (note := notes.whole(text, created_at)):
        text, kind = note.text, "note" if kind == "original" else kind
        tags = tuple(dict.fromkeys((*tags, *note.tags)))
    if kind == "self_reply" and text.startswith(f"@{tweet.in_reply_to_screen_name} "):
        text = ADDRESS.sub("", text, count=1)  # after one's own handle, the others are X's too
    return Post(
        id=key,
        created_at=created_at,
        text=text,
        kind=kind,
        tags=tags,
        language=language(tweet.lang),
        reply_to=reply_to,
        edit_of=_first_version(tweet.edit_info) if tweet.edit_info else None,
        visibility="private" if key in circle else "public",
    )


def _kind(tweet: Tweet, text: str, own_id: str) -> PostKind:
    if tweet.retweeted_status is not None or RETWEET.match(text):
        return "retweet"
    # The user's id is nearly always there; a deleted status's id or an old name may not be.
    if to := tweet.in_reply_to_user_id_str or tweet.in_reply_to_user_id:
        return "self_reply" if str(to) == own_id else "reply"
    if tweet.parent or tweet.in_reply_to_screen_name:
        return "reply"
    urls = tweet.entities.urls if tweet.entities else []
    if any(u.expanded_url and QUOTE.fullmatch(u.expanded_url) for u in urls):
        return "quote"
    return "original"


def _tags(entities: Entities) -> tuple[str, ...]:
    if not entities.hashtags and not entities.user_mentions:
        return ()
    return (
        *(f"#{h.text}" for h in entities.hashtags if h.text),
        *(f"@{m.screen_name} {m.name or m.screen_name}" for m in entities.user_mentions),
    )


def _first_version(edit: _EditInfo) -> str | None:
    ids: list[str] = []
    if edit.edit:
        if edit.edit.initialTweetId:
            return str(edit.edit.initialTweetId)
        control = edit.edit.editControlInitial
        ids = [str(i) for i in control.editTweetIds] if control else []
    elif edit.initial and len(edit.initial.editTweetIds) > 1:
        ids = [str(i) for i in edit.initial.editTweetIds]
    return min(ids, key=lambda i: (len(i), i), default=None)
