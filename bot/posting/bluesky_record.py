"""The record that a text becomes on Bluesky, and its key: the same for the same draft, always.

Pure. A post sent twice is then one post. Links, mentions and tags are plain text there unless a
facet says by byte offsets where they stand; the server checks neither, so it is checked here.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import grapheme

MAX_GRAPHEMES = 300
POST = "app.bsky.feed.post"
WARNINGS = ("sexual", "nudity", "porn", "graphic-media")  # all that the app knows as a warning
_DIGITS = "234567abcdefghijklmnopqrstuvwxyz"
_LONGEST_TAG = 64  # graphemes
# as the reference client's detector: https://github.com/bluesky-social/atproto, api/src/rich-text
_FOUND = re.compile(
    r"(?P<link>(?<![^\s(])https?://\S+|(?<![^\s(])(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/\S*)?)"
    r"|(?<![^\s(])(?P<mention>@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9])(?![\w@])"
    r"|(?<!\S)(?P<tag>[#＃](?!\ufe0f)\S*[^\d\s]\S*)",
    re.I,
)
_BEHIND = ".,;:!?…。、！？"  # marks that end a sentence, not a link or a tag

_Kind = Literal["link", "mention", "tag"]
_Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """A link, a mention or a tag: where it stands in the text, and what it is."""

    start: int
    end: int
    kind: _Kind
    value: str  # the address, the handle without @, the tag without #


def length(text: str) -> int:
    """Characters as Bluesky counts them: graphemes, of at most ten bytes each on the average."""
    return max(int(grapheme.length(text)), -(-len(text.encode()) // 10))


def spans(text: str) -> Iterator[Span]:
    """What becomes a facet, in its order."""
    for found in _FOUND.finditer(text):
        if found["link"] is not None:
            yield from _link(found)
        elif found["mention"] is not None:
            handle = found["mention"][1:].lower()
            yield Span(found.start("mention"), found.end("mention"), "mention", handle)
        else:
            tag = _without_marks(found["tag"])
            if 1 < grapheme.length(tag) <= _LONGEST_TAG + 1:
                start = found.start("tag")
                yield Span(start, start + len(tag), "tag", tag[1:])


def _without_marks(tag: str) -> str:
    while tag and unicodedata.category(tag[-1]).startswith("P"):
        tag = tag[:-1]
    return tag


def _link(found: re.Match[str]) -> Iterator[Span]:
    """A link without the marks behind it; one without a scheme only if its ending is common."""
    text = found["link"].rstrip(_BEHIND)
    if text.endswith(")") and text.count("(") < text.count(")"):
        text = text[:-1].rstrip(_BEHIND)
    address = text if re.match("https?://", text, re.I) else f"https://{text}"
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return
    is_whole = parts.scheme.lower() in ("http", "https") and host
    if is_whole and (address == text or host.rpartition(".")[2].lower() in _ENDINGS):
        yield Span(found.start("link"), found.start("link") + len(text), "link", address)


# Of what people write without https://; "end.Then" and "script.py" are no addresses.
_ENDINGS = frozenset(
    {"com", "org", "net", "edu", "gov", "info", "io", "dev", "app", "social", "blog"}
    | {"de", "uk", "fr", "eu", "nl", "ch", "at"}
)


def facets(text: str, dids: Mapping[str, str]) -> list[_Json]:
    """The facets of a text; a mention whose handle has no DID stays text."""
    made = []
    for span in spans(text):
        match span.kind:
            case "link":
                feature = {"uri": span.value}
            case "tag":
                feature = {"tag": span.value}
            case "mention" if span.value in dids:
                feature = {"did": dids[span.value]}
            case _:
                continue
        index = {
            "byteStart": len(text[: span.start].encode()),
            "byteEnd": len(text[: span.end].encode()),
        }
        kind = {"$type": f"app.bsky.richtext.facet#{span.kind}"}
        made.append({"index": index, "features": [kind | feature]})
    return made


def record_key(key: str, since: datetime, number: int) -> str:
    """The key of a thread's part: a TID of the first attempt's time, and ten bits of a hash."""
    micros = round((since.astimezone(UTC) - _EPOCH) / timedelta(microseconds=1)) + number
    bits = micros << 10 | int.from_bytes(hashlib.sha256(key.encode()).digest()[:2]) >> 6
    return "".join(_DIGITS[bits >> shift & 31] for shift in range(60, -1, -5))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record(
    text: str,
    since: datetime,
    *,
    number: int = 0,
    language: str | None = None,
    label: str | None = None,
    dids: Mapping[str, str] | None = None,
    reply: _Json | None = None,
) -> _Json:
    """The whole record; `reply` are the references to its thread, `dids` those of mentions."""
    created = since.astimezone(UTC) + timedelta(milliseconds=number)  # a thread in its order
    made: _Json = {
        "$type": POST,
        "text": text,
        "createdAt": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if found := facets(text, dids or {}):
        made["facets"] = found
    if language:
        made["langs"] = [language]
    if label:
        made["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": label}],
        }
    if reply:
        made["reply"] = reply
    return made
