"""Reads a Mastodon archive: `outbox.json`, in a tar.gz, a zip, a folder, or by itself.

Opens the outbox and, for the author's address, `actor.json`; never likes or bookmarks. A content
warning is no part of the text. Other ActivityPub servers write the same outbox.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.files import Files, base_name, folder_of
from trainer.archives.markup import Html
from trainer.archives.post import Post, PostKind, Tally, Unreadable, Visibility
from trainer.archives.records import list_in_object, read_records
from trainer.archives.texts import language

OUTBOX = "outbox.json"
_HEAD = list_in_object("orderedItems")
LONGEST_ACTOR = 1 << 20
PUBLIC = {"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"}

# Any: ActivityPub lets almost every field be an address, an object or a list of both.


class _Note(msgspec.Struct, gc=False):
    id: str
    content: str | None = None
    contentMap: Any = None  # noqa: N815 - ActivityPub's name
    published: Any = None
    inReplyTo: Any = None  # noqa: N815 - ActivityPub's name
    attributedTo: Any = None  # noqa: N815 - ActivityPub's name
    to: Any = None
    cc: Any = None
    tag: Any = None
    quote: Any = None
    quoteUrl: Any = None  # noqa: N815 - another name of it
    quoteUri: Any = None  # noqa: N815
    misskey_quote: Any = msgspec.field(default=None, name="_misskey_quote")


class _Activity(msgspec.Struct, gc=False):
    type: str
    id: str = ""
    actor: Any = None
    object: str | _Note | None = None
    published: Any = None
    to: Any = None
    cc: Any = None


class _Actor(msgspec.Struct):
    id: str = ""
    url: str | None = None


class MastodonArchive:
    """An archive with its posts in the outbox `name`."""

    kind = "mastodon"

    def __init__(self, files: Files, name: str, tally: Tally) -> None:
        self._files, self._name, self._tally = files, name, tally
        tally.total_bytes += files.size(name)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post and boost, in the outbox's order."""
        own, html = self._own_addresses(), Html()
        with self._files.open(self._name) as file:
            rows = read_records(file, base_name(self._name), _Activity, self._tally, _HEAD)
            for place, row in enumerate(rows, 1):
                post = row if isinstance(row, Unreadable) else _to_post(row, own, html)
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


def _to_post(activity: _Activity, own: tuple[str, ...], html: Html) -> Post | Unreadable:
    if activity.type == "Announce":
        return Post(
            id=activity.id or _address(activity.object),
            created_at=read_date(activity.published),
            text="",  # somebody else's, and not in the archive
            kind="retweet",
            visibility=_visibility(activity.to, activity.cc),
        )
    note = activity.object
    if activity.type != "Create" or not isinstance(note, _Note):
        return Unreadable(activity.id)
    content = note.content if note.content is not None else _translation(note)
    written = html.to_text(content) if content is not None else None
    if written is None:
        return Unreadable(note.id)
    mine = {*own, _address(activity.actor), _address(note.attributedTo)} - {""}
    kind, reply_to = _kind(note, mine)
    return Post(
        id=note.id,
        created_at=read_date(note.published or activity.published),
        text=_without_address(*written, kind),
        kind=kind,
        tags=tuple(_tags(note.tag)),
        language=_language(note),
        reply_to=reply_to,
        visibility=_visibility(note.to or activity.to, note.cc or activity.cc),
    )


def _kind(note: _Note, mine: set[str]) -> tuple[PostKind, str | None]:
    if parent := _address(note.inReplyTo):
        is_own = any(parent.startswith(f"{address.rstrip('/')}/") for address in mine)
        if is_own or not mine:
            return "self_reply" if is_own else "reply", parent
        return "reply", None
    is_quote = any((note.quote, note.quoteUrl, note.quoteUri, note.misskey_quote))
    return "quote" if is_quote else "original", None


def _without_address(text: str, address: int, kind: PostKind) -> str:
    """Remove the handles that Mastodon puts in front of a reply, unless they begin a sentence."""
    rest = text[address:].lstrip()
    if "reply" not in kind or (kind == "self_reply" and rest[:1].islower()):
        return text
    return rest


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
