"""Bluesky's records as posts, and the answers of its `listRecords` call as an archive.

`car.py` reads the whole repository, which is what people download.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from trainer.archives.dates import read_date
from trainer.archives.encoding import find_encoding
from trainer.archives.entry import Entry, Tools
from trainer.archives.files import Files, base_name
from trainer.archives.lines import read_json_lines
from trainer.archives.post import Post, PostKind, Tally, Unreadable
from trainer.archives.records import HEAD, LONGEST_RECORD, list_in_object, read_records
from trainer.archives.texts import language, shown_link

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
QUOTING = {"app.bsky.embed.record", "app.bsky.embed.recordWithMedia"}


class _Index(msgspec.Struct, gc=False):
    byteStart: int  # noqa: N815 - Bluesky's name; of the text in UTF-8
    byteEnd: int  # noqa: N815


class _Feature(msgspec.Struct, gc=False):
    type: str = msgspec.field(default="", name="$type")
    uri: str = ""
    tag: str = ""


class _Facet(msgspec.Struct, gc=False):
    index: _Index
    features: list[_Feature] = []


class _Reference(msgspec.Struct, gc=False):
    uri: str = ""


class _Reply(msgspec.Struct, gc=False):
    parent: _Reference = msgspec.field(default_factory=_Reference)


class _Embed(msgspec.Struct, gc=False):
    type: str = msgspec.field(default="", name="$type")
    record: Any = None  # Any: a reference, or in recordWithMedia an embed with one


class Record(msgspec.Struct, gc=False):
    """The fields read from a post or a repost."""

    type: str = msgspec.field(default="", name="$type")
    text: str | None = None
    createdAt: Any = None  # noqa: N815 - Bluesky's name; the client's word, so of any type
    langs: list[str] | None = None
    tags: list[str] | None = None
    facets: list[_Facet] | None = None
    reply: _Reply | None = None
    embed: _Embed | None = None


class _Item(msgspec.Struct, gc=False):
    uri: str = ""
    value: Record | None = None
    records: list["_Item"] | None = None  # where whole answers were put in a list


class ListRecords:
    """One answer of `listRecords`, a list of answers, or a list of their records."""

    kind = "bluesky"

    def __init__(self, files: Files, name: str, tally: Tally) -> None:
        self._files, self._name, self._tally = files, name, tally
        tally.total_bytes += files.size(name)

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post and repost, in the file's order."""
        yield from _posts(self._items(), base_name(self._name))

    def _items(self) -> Iterator[_Item | Unreadable]:
        with self._files.open(self._name) as file:
            is_list = HEAD.match(file.read(1 << 10)) is not None
        head = HEAD if is_list else list_in_object("records")
        with self._files.open(self._name) as file:
            yield from read_records(file, base_name(self._name), _Item, self._tally, head)


class RecordLines(ListRecords):
    """A file with one record, or one whole answer, a line."""

    def _items(self) -> Iterator[_Item | Unreadable]:
        encoding = find_encoding(self._files, self._name, self._tally)
        lines = read_json_lines(self._files, self._name, encoding, self._tally)
        for number, value in lines:
            try:
                yield msgspec.convert(value, _Item)
            except msgspec.ValidationError:
                yield Unreadable(f"line-{number}")


def has_lines(files: Files, name: str) -> bool:
    """Whether a file of objects has one a line, rather than a single object."""
    with files.open(name) as file:
        first, second = file.readline(LONGEST_RECORD), file.readline(LONGEST_RECORD)
    return first.rstrip().endswith(b"}") and second.lstrip().startswith(b"{")


def _posts(items: Iterable[_Item | Unreadable], name: str) -> Iterator[Post | Unreadable]:
    for place, item in enumerate(items, 1):
        if isinstance(item, Unreadable):
            yield Unreadable(_record_key(item.id))
        elif item.records is not None:
            yield from _posts(item.records, f"{name} page {place}")
        else:
            _, _, path = item.uri.removeprefix("at://").partition("/")
            own_did = item.uri.removeprefix("at://").partition("/")[0]
            collection = path.partition("/")[0] or (item.value.type if item.value else POST)
            if collection not in (POST, REPOST):
                continue
            key = _record_key(item.uri) or f"{name} record {place}"
            yield post_of_record(item.value, key, own_did) if item.value else Unreadable(key)


def post_of_view(entry: Entry, tools: Tools) -> Post | Unreadable:
    """Build the Post of an entry of a feed, as Bluesky's apps are given it."""
    view = entry.fields.get("post")
    view = view if isinstance(view, Mapping) else entry.raw
    uri, author = view.get("uri"), view.get("author")
    if not isinstance(uri, str):
        return entry.unreadable()
    if entry.first("reason"):
        return Post(_record_key(uri), None, "", "retweet")
    did = author.get("did") if isinstance(author, Mapping) else None
    try:
        value = msgspec.convert(view.get("record"), Record)
    except msgspec.ValidationError:
        return Unreadable(_record_key(uri))
    return post_of_record(value, _record_key(uri), did if isinstance(did, str) else "")


def post_of_record(record: Record, key: str, own_did: str) -> Post | Unreadable:
    """Build the Post of a record, which does not hold its own key and author."""
    created_at = read_date(record.createdAt)
    if record.type == REPOST:
        return Post(key, created_at, "", "retweet")  # somebody else's text is not in it
    if record.text is None:
        return Unreadable(key)
    text, tags, links = _with_links(record.text, record.facets or [])
    kind, reply_to = _kind(record, own_did)
    return Post(
        id=key,
        created_at=created_at,
        text=text,
        kind=kind,
        tags=(*tags, *(f"#{tag}" for tag in record.tags or ())),
        language=language(record.langs[0]) if record.langs else None,
        reply_to=reply_to,
        links=links,
    )


def _kind(record: Record, own_did: str) -> tuple[PostKind, str | None]:
    if record.reply is not None:
        parent = record.reply.parent.uri
        is_own = bool(own_did) and parent.startswith(f"at://{own_did}/")
        return ("self_reply", _record_key(parent)) if is_own else ("reply", None)
    if record.embed and record.embed.type in QUOTING:
        quoted = _embedded(record.embed)
        if f"/{POST}/" in quoted and not (own_did and quoted.startswith(f"at://{own_did}/")):
            return "quote", None
    return "original", None


def _embedded(embed: _Embed) -> str:
    """The address of the embedded record, which may also be a feed or a list."""
    record = embed.record
    if isinstance(record, dict) and isinstance(record.get("record"), dict):
        record = record["record"]
    uri = record.get("uri") if isinstance(record, dict) else None
    return uri if isinstance(uri, str) else ""


def _with_links(text: str, facets: list[_Facet]) -> tuple[str, list[str], tuple[str, ...]]:
    """The text with its links in full, its tags, and the links. Facets count in bytes."""
    tags, links, raw, end = [], [], text.encode(), len(text.encode())
    for facet in sorted(facets, key=lambda f: -f.index.byteStart):
        start, stop = facet.index.byteStart, facet.index.byteEnd
        if not 0 <= start < stop <= end:
            continue
        try:
            shown = raw[start:stop].decode()
        except UnicodeDecodeError:  # inside of a character
            continue
        for feature in facet.features:
            match feature.type.partition("#")[2]:
                case "link" if feature.uri:
                    link = shown_link(shown, feature.uri)
                    links += [link] if link == feature.uri else []
                    raw = raw[:start] + link.encode() + raw[stop:]
                case "tag" if feature.tag:
                    tags.append(f"#{feature.tag}")
                case "mention":
                    handle = shown.removeprefix("@")
                    tags.append(f"@{handle} {handle.partition('.')[0]}")
        end = start
    return raw.decode(errors="replace"), tags[::-1], tuple(links)


def _record_key(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]
