"""One record of X's posts, of any year since 2013, and the Post it becomes.

X's archives mark neither retweets nor quotes, so the text and links decide which a record is. Only
the first archives ("Grailbird") name the retweeted post, and X's interface also the quoted one.
"""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.notes import LongPosts
from trainer.archives.post import Post, PostKind, Unreadable, Visibility
from trainer.archives.texts import RETWEET, language, unescape

# A photo's link ends in /photo/1, and /i/web/status/ is the rest of the author's own long post.
QUOTE = re.compile(
    r"https?://(?:www\.|mobile\.)?(?:twitter|x)\.com/(?:i|(?!i/)(\w+))/status(?:es)?/(\d+)/?(?:[?#].*)?",
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

    url: str | None = None  # as it stands in the text
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
    screen_name: str | None = None
    protected: bool | None = None


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
    display_text_range: list[str | int] | None = None
    retweeted_status: Retweeted | None = None
    is_quote_status: bool | None = None  # this and the next two: only in X's interface
    quoted_status_id_str: str | int | None = None
    quoted_status_id: str | int | None = None
    user: _User | None = None  # the author, in X's interface and the archives of 2013
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


@dataclass(frozen=True, slots=True)
class Account:
    """What an archive tells of its owner."""

    id: str = ""
    name: str = ""  # in lower case
    circle: Set[str] = frozenset()  # ids of the posts for X's Circle
    locked: Sequence[tuple[datetime, datetime]] = ()  # when only followers could read it

    def visibility(self, tweet: Tweet, created_at: datetime | None) -> Visibility:
        """Who could see a post."""
        if tweet.key in self.circle:
            return "circle"
        if tweet.user is not None and tweet.user.protected:
            return "private"
        if self.locked and created_at and any(a <= created_at < b for a, b in self.locked):
            return "private"
        return "public"


def post_of_tweet(
    tweet: Tweet, account: Account, notes: LongPosts | None = None
) -> Post | Unreadable:
    """Build the Post of a record, or Unreadable (without an id, if it has none)."""
    escaped = tweet.full_text if tweet.full_text is not None else tweet.text
    key = tweet.key
    if escaped is None or not key:
        return Unreadable(key)
    text = unescape(escaped)
    created_at = read_date(tweet.created_at)
    own_id = account.id or str((tweet.user.id_str if tweet.user else None) or "")
    kind, quote_of = _kind(tweet, text, own_id, account.name)
    tags = _tags(tweet.entities) if tweet.entities and kind != "retweet" else ()
    reply_to = None
    if kind == "self_reply" or (kind == "reply" and not own_id):
        reply_to = tweet.parent
    shown = tweet.display_text_range
    handles = _handles(shown[0], text) if shown and shown[0] != "0" else ""
    note = notes.whole(text, created_at) if notes and created_at and kind != "retweet" else None
    if note:
        text, kind = note.text, "note" if kind == "original" else kind
        tags = tuple(dict.fromkeys((*tags, *note.tags)))
    if handles:
        text = text.removeprefix(handles)
        tags = tuple(t for t in tags if t[0] != "@" or t.partition(" ")[0].lower() in text.lower())
    elif kind == "self_reply" and text.startswith(f"@{tweet.in_reply_to_screen_name} "):
        text = ADDRESS.sub("", text, count=1)  # after one's own handle, the others are X's too
    post = Post(
        id=key,
        created_at=created_at,
        text=text,
        kind=kind,
        tags=tags,
        language=language(tweet.lang),
        reply_to=reply_to,
        edit_of=_first_version(tweet.edit_info) if tweet.edit_info else None,
    )
    # The rest is seldom told, and most posts are built sooner without.
    if tweet.entities and tweet.entities.urls:
        links = tuple(u.url for u in tweet.entities.urls if u.url)
        post = post._replace(links=links, quote_of=quote_of)
    elif quote_of:
        post = post._replace(quote_of=quote_of)
    if handles:
        post = post._replace(is_bare=True)
    if account.circle or account.locked or tweet.user:
        post = post._replace(visibility=account.visibility(tweet, created_at))
    return post


def _handles(shown: str | int, text: str) -> str:
    """The handles that X put in front of a reply, and shows the text only from here on."""
    start = int(shown) if str(shown).isdecimal() else 0
    found = ADDRESS.match(text) if 0 < start <= len(text) else None
    return text[:start] if found and found.end() >= start else ""


def _kind(tweet: Tweet, text: str, own_id: str, own_name: str) -> tuple[PostKind, str | None]:
    """What a record is, and the id of the post that it quotes."""
    if tweet.retweeted_status is not None or RETWEET.match(text):
        return "retweet", None
    # The user's id is nearly always there; a deleted status's id or an old name may not be.
    if to := tweet.in_reply_to_user_id_str or tweet.in_reply_to_user_id:
        return "self_reply" if str(to) == own_id else "reply", None
    if tweet.parent or tweet.in_reply_to_screen_name:
        return "reply", None
    own_name = own_name or ((tweet.user.screen_name if tweet.user else None) or "").lower()
    for url in tweet.entities.urls if tweet.entities else ():
        if url.expanded_url and (found := QUOTE.fullmatch(url.expanded_url)):
            is_own = bool(own_name) and (found[1] or "").lower() == own_name
            return ("original", None) if is_own else ("quote", found[2])
    if tweet.is_quote_status or tweet.quoted_status_id_str or tweet.quoted_status_id:
        return "quote", str(tweet.quoted_status_id_str or tweet.quoted_status_id or "") or None
    return "original", None


def _tags(entities: Entities) -> tuple[str, ...]:
    if not entities.hashtags and not entities.user_mentions:
        return ()
    return (
        *(f"#{h.text}" for h in entities.hashtags if h.text),
        *(f"@{m.screen_name} {m.name or m.screen_name}" for m in entities.user_mentions),
    )


def _first_version(edit: _EditInfo) -> str | None:
    ids: list[str | int] = []
    if edit.edit:
        if edit.edit.initialTweetId:
            return str(edit.edit.initialTweetId)
        ids = edit.edit.editControlInitial.editTweetIds if edit.edit.editControlInitial else []
    elif edit.initial and len(edit.initial.editTweetIds) > 1:
        ids = edit.initial.editTweetIds
    return min(map(str, ids), key=lambda i: (len(i), i)) if ids else None
