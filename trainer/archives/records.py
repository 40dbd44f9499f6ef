"""Streams the records of a JSON list: `window.YTD.tweets.part0 = [ {...} ]`, or one in an object.

Holds one block of the file at a time. A block is cut before its last record, and decoded straight
into typed values. Building only the needed fields makes this three times as fast as ijson, which
alone leaves no time for cleaning at 60 MB/s (bench/archive.py).
"""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any, Generic, TypeVar

import msgspec

from trainer.archives.post import Tally, Unreadable
from trainer.errors import ArchiveError

_R = TypeVar("_R")

BLOCK = 1 << 18
LONGEST_RECORD = (
    1 << 22
)  # a record is a few kilobytes: what does not end in 4 MB is not a list of posts
LONGEST_ID = 200
BRACES = 10_000  # looked at for the end of a record, from the end of a block
TRIES = 64  # nested objects look like ends of records; a post has fewer of them than this
HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:(?:var\s+)?([\w.$]+)\s*=\s*)?\[")
# An escaped backslash, a whole pair, or half a pair, which JSON decoders refuse.
SURROGATE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def list_in_object(key: str) -> re.Pattern[bytes]:
    """A pattern for the head of an object that holds its list of records under `key`."""
    return re.compile(rb'(?:\xef\xbb\xbf)?\s*\{.*?"%b"\s*:\s*\[' % key.encode(), re.DOTALL)


def read_records(
    file: IO[bytes], name: str, kind: type[_R], tally: Tally, head: re.Pattern[bytes] = HEAD
) -> Iterator[_R | Unreadable]:
    """Yield the list's records as `kind`, and Unreadable for those that do not fit it.

    Raises ArchiveError if the file is not such a list, is damaged, or stops in the middle.
    """
    rows = _Rows(kind, name)
    rest = file.read(BLOCK)
    tally.bytes_read += len(rest)
    found = head.match(rest)
    if found is None:
        raise ArchiveError(
            f"{name} is not the list of posts that it is in an archive."
            " Give the archive as it was downloaded."
        )
    rest, block, done = rest[found.end() :], b"", found.end()
    while True:
        read, left = rows.cut(rest + block)
        yield from read
        done += len(rest) + len(block) - len(left)
        rest = left
        block = file.read(BLOCK)
        tally.bytes_read += len(block)
        if not block:
            break
        if len(rest) > LONGEST_RECORD:
            raise _damaged(name, done)
    try:
        end = b"" if head is not HEAD else b"}"
        yield from rows.decode(_mended(rest).rstrip(b" \t\r\n;") + end)
    except ValueError as e:
        raise _damaged(name, done) from e


class _Rows(Generic[_R]):
    # Every list is wrapped in an object, since some stand in one, with a tail behind the list.
    OPEN, CLOSE = b'{"the records":[', b"]}"

    def __init__(self, kind: type[_R], name: str) -> None:
        self._kind, self._name, self._count = kind, name, 0
        page = msgspec.defstruct(
            "Page",
            [("rows", list[kind], msgspec.field(name="the records"))],  # type: ignore[valid-type] # a run-time type
        )
        self._decoder = msgspec.json.Decoder[Any](page)  # Any: a type made at run time

    def cut(self, data: bytes) -> tuple[list[_R | Unreadable], bytes]:
        """Decode the whole records; returns them and the remaining bytes."""
        found = self._cut(data)
        if found[1] is data and (mended := _mended(data)) != data:
            return self._cut(mended)
        return found

    def _cut(self, data: bytes) -> tuple[list[_R | Unreadable], bytes]:
        end, tries = len(data), 0
        for _ in range(BRACES):
            if tries == TRIES or (end := data.rfind(b"{", 0, end)) <= 0:
                break
            before = data[max(0, end - 99) : end].rstrip()
            if not before.endswith(b",") or not before[:-1].rstrip().endswith(b"}"):
                continue
            tries += 1
            try:
                # The part before a brace is valid JSON only if a record of the list begins there.
                return self.decode(data[: data.rfind(b",", 0, end)] + self.CLOSE), data[end:]
            except ValueError:  # a DecodeError, or bytes that are not UTF-8
                continue
        return [], data

    def decode(self, rows: bytes) -> list[_R | Unreadable]:
        """Decode what follows the list's opening bracket, down to the object's end."""
        try:
            found = self._decoder.decode(self.OPEN + rows).rows
        except msgspec.ValidationError:
            values = msgspec.json.decode(self.OPEN + rows)["the records"]
            found = [self._convert(value, place) for place, value in enumerate(values, 1)]
        self._count += len(found)
        return list(found)

    def _convert(self, value: object, place: int) -> _R | Unreadable:
        try:
            return msgspec.convert(value, self._kind)
        except msgspec.ValidationError:
            return Unreadable(own_id(value) or f"{self._name} record {self._count + place}")


def own_id(value: object) -> str | None:
    """The id of a record of any service, which may stand one level deeper."""
    if not isinstance(value, dict):
        return None
    for inside in (value, *(v for v in value.values() if isinstance(v, dict))):
        for key in ("id_str", "id", "uri", "noteTweetId", "tweetId", "tweet_id"):
            found = inside.get(key)
            if isinstance(found, str | int) and 0 < len(str(found)) <= LONGEST_ID:
                return str(found)
    return None


def _mended(data: bytes) -> bytes:
    """Put U+FFFD where bytes are not UTF-8 or an escape is half a character."""
    text, used = codecs.utf_8_decode(data, "replace", False)
    return without_halves(text.encode() + data[used:])


def without_halves(json: bytes) -> bytes:
    """Put U+FFFD where an escape is half a character, which no file can hold as UTF-8."""
    return SURROGATE.sub(lambda m: rb"\ufffd" if m[1] else m[0], json)


def _damaged(name: str, offset: int) -> ArchiveError:
    return ArchiveError(
        f"{name} is damaged, stops in the middle, or holds a post of more than"
        f" {LONGEST_RECORD >> 20} MB: its JSON breaks after byte {offset}."
        " Unpack or download the archive again."
    )
