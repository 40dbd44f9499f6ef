"""Reads a Mastodon archive: `outbox.json`, in a tar.gz, a zip, a folder, or by itself.

Opens the outbox and, for the author's address, `actor.json`; never likes or bookmarks. A content
warning is no part of the text. Other servers of ActivityPub write the same outbox, or bare notes
instead of activities; Pixelfed, until 2024, under `data`.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.entry import Entry, Tools
from trainer.archives.files import Files, base_name, folder_of
from trainer.archives.markup import Html, PlainText
from trainer.archives.post import Post, PostKind, Tally, Unreadable, Visibility
from trainer.archives.records import list_in_object, read_records
from trainer.archives.texts import language

OUTBOX = "outbox.json"
ACTIVITIES, PIXELFED = list_in_object("orderedItems"), list_in_object("data")
LONGEST_ACTOR = 1 << 20
UNMARKED_REPLIES = (
    "Pixelfed's older outbox does not say which posts are replies: those that begin with a handle"
    " count as replies. Look through posts.jsonl."
)
NOTES = {"Note", "Question", "Article", "Page"}
PUBLIC = {"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"}

# Any: ActivityPub lets almost every field be an address, an object or a list of both.


class _Note(msgspec.Struct, gc=False):
    id: str = ""
    type: Any = None
    content: str | None = None
    contentMap: Any = None  # noqa: N815 - ActivityPub's name
    published: Any = None
    updated: Any = None
    url: Any = None
    inReplyTo: Any = None  # noqa: N815 - ActivityPub's name
    attributedTo: Any = None  # noqa: N815 - ActivityPub's name
    to: Any = None
    cc: Any = None
    tag: Any = None
    quote: Any = None
    quoteUrl: Any = None  # noqa: N815 - another name of it
    quoteUri: Any = None  # noqa: N815
    misskey_quote: Any = msgspec.field(default=None, name="_misskey_quote")


class _Item(_Note, gc=False):
    """An activity, or a bare note."""

    actor: Any = None
    object: str | _Note | None = None


class _Actor(msgspec.Struct):
    id: str = ""
    url: str | None = None


class MastodonArchive:
    """An archive with its posts in the outbox `name`."""

    kind = "mastodon"

    def __init__(
        self, files: Files, name: str, tally: Tally, head: re.Pattern[bytes] = ACTIVITIES
    ) -> None:
        """The list of posts begins behind `head`."""
        self._files, self._name, self._tally, self._head = files, name, tally, head
        tally.total_bytes += files.size(name)
        if head is PIXELFED:
            tally.warnings.append(UNMARKED_REPLIES)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post and boost, in the outbox's order."""
        own, html = self._own_addresses(), Html()
        with self._files.open(self._name) as file:
            rows = read_records(file, base_name(self._name), _Item, self._tally, self._head)
            for place, row in enumerate(rows, 1):
                post = row if isinstance(row, Unreadable) else _to_post(row, own, html)
                if self._head is PIXELFED and isinstance(post, Post) and post.text[:1] == "@":
                    post = post._replace(kind="reply")
                yield post if post.id else Unreadable(f"{base_name(self._name)} record {place}")

    def _own_addresses(self) -> tuple[str, ...]:
        name = folder_of(self._name) + "actor.json"
        if base_name(self._name) != OUTBOX or name not in self._files.names():
            return ()
        with self._files.open(name) as file:
            try:
                actor = msgspec.json.decode(file.read(LONGEST_ACTOR), type=_Actor)
            except (ValueError, RecursionError):
                return ()
        return tuple(a for a in (actor.id, actor.url) if a)


def _to_post(item: _Item, own: tuple[str, ...], html: Html) -> Post | Unreadable:
    if item.type == "Announce":
        return Post(
            id=item.id or _address(item.object),
            created_at=read_date(item.published),
            text="",  # somebody else's, and not in the archive
            kind="retweet",
            visibility=_visibility(item.to, item.cc),
        )
    note = item.object if item.type == "Create" else item if _is_note(item) else None
    if not isinstance(note, _Note):
        return Unreadable(item.id)
    content = note.content if note.content is not None else _translation(note)
    written = html.to_text(content) if content is not None else None
    if written is None:
        return Unreadable(note.id)
    mine = {*own, *_author(note, _address(item.actor) or _address(note.attributedTo))} - {""}
    kind, reply_to, quote_of = _kind(note, mine)
    text, is_bare = without_address(written, kind)
    return Post(
        id=note.id,
        created_at=read_date(note.published or item.published),
        text=text,
        kind="quote" if written.has_quote and not text else kind,
        tags=tuple(_tags(note.tag)),
        language=_language(note),
        reply_to=reply_to,
        visibility=_visibility(note.to or item.to, note.cc or item.cc),
        links=written.links,
        quote_of=quote_of,
        updated_at=read_date(note.updated) if note.updated else None,
        is_bare=is_bare,
    )


def post_of_item(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of an activity or a note that stands in a list of its own."""
    try:
        post = _to_post(msgspec.convert(entry.raw, _Item), (), tools.html)
    except msgspec.ValidationError:
        return entry.unreadable()
    return post if post.id else Unreadable(entry.place)


def _is_note(item: _Item) -> bool:
    return isinstance(item.type, str) and item.type in NOTES


def _author(note: _Note, actor: str) -> tuple[str, str]:
    """The author's address, and that of the page on which the post stands: …/@me/1."""
    page = note.url if isinstance(note.url, str) else ""
    return actor, page.rpartition("/")[0] if "/@" in page else ""


def _kind(note: _Note, mine: set[str]) -> tuple[PostKind, str | None, str | None]:
    """What a note is, the post it continues, and the post it quotes, if these may be own ones."""
    if parent := _address(note.inReplyTo):
        is_own = _is_of(parent, mine)
        if is_own or not mine:
            return "self_reply" if is_own else "reply", parent, None
        return "reply", None, None
    quotes = (note.quote, note.quoteUrl, note.quoteUri, note.misskey_quote, _linked(note.tag))
    quoted = [q for q in quotes if q]
    if not quoted or any(_is_of(_address(q), mine) for q in quoted):
        return "original", None, None
    return "quote", None, next((q for q in map(_address, quoted) if q), None)


def _is_of(address: str, mine: set[str]) -> bool:
    return any(address.startswith(f"{own.rstrip('/')}/") for own in mine)


def _linked(tags: Any) -> str:
    """The post that a tag quotes, which is a link to an object (FEP-e232)."""
    for tag in tags if isinstance(tags, list) else [tags]:
        if isinstance(tag, dict) and tag.get("type") == "Link":
            href, kind = tag.get("href"), tag.get("mediaType")
            if isinstance(href, str) and isinstance(kind, str) and "json" in kind:
                return href
    return ""


def without_address(written: PlainText, kind: PostKind) -> tuple[str, bool]:
    """Remove the handles that Mastodon puts in front of a reply, unless they begin a sentence.

    Returns the text, and whether there were any.
    """
    rest = written.text[written.address :].lstrip()
    if "reply" not in kind or (kind == "self_reply" and rest[:1].islower()):
        return written.text, False
    return rest, written.address > 0


def _visibility(to: object, cc: object) -> Visibility:
    if PUBLIC & set(_addresses(to)):
        return "public"
    if PUBLIC & set(_addresses(cc)):
        return "unlisted"
    if any(a.endswith("/followers") for a in (*_addresses(to), *_addresses(cc))):
        return "private"
    return "direct"


def _tags(tags: Any) -> Iterator[str]:
    for tag in tags if isinstance(tags, list) else [tags]:
        name = tag.get("name") if isinstance(tag, dict) else None
        if not isinstance(name, str):
            continue
        if tag.get("type") == "Hashtag":
            yield f"#{name.removeprefix('#')}"
        elif tag.get("type") == "Mention":
            handle = name.removeprefix("@").partition("@")[0]
            yield f"@{handle} {handle}"


def _language(note: _Note) -> str | None:
    """The language of the shown text."""
    if not isinstance(note.contentMap, dict):
        return None
    shown = note.content if note.content is not None else _translation(note)
    return language(next((tag for tag, text in note.contentMap.items() if text == shown), None))


def _translation(note: _Note) -> str | None:
    """The text of a post that holds it only by language."""
    texts = note.contentMap.values() if isinstance(note.contentMap, dict) else ()
    return next((text for text in texts if isinstance(text, str)), None)


def _addresses(value: object) -> list[str]:
    return [_address(v) for v in value] if isinstance(value, list) else [_address(value)]


def _address(value: object) -> str:
    """The address in a field: a string, an object's `id`, or a list that begins with either."""
    if isinstance(value, list):
        return _address(value[0]) if value and not isinstance(value[0], list) else ""
    if isinstance(value, dict):
        value = value.get("id")
    elif isinstance(value, _Note):
        return value.id
    return value if isinstance(value, str) else ""
