"""Streams the records of a JavaScript list, `window.YTD.tweets.part0 = [ {...}, {...} ]`.

Holds one block of the file at a time. A block is cut before its last record, and decoded straight
into typed values: building only the fields that are wanted is what makes this three times as
fast as ijson, which alone leaves no room for cleaning at 60 MB/s (bench/archive.py).
"""

import codecs
import re
from collections.abc import Iterator
from typing import IO, Generic, TypeVar

import msgspec

from trainer.archives.tally import Tally
from trainer.errors import ArchiveError

R = TypeVar("R")

BLOCK = 1 << 18
LONGEST = 1 << 22  # a record is a few kilobytes: what does not end in 4 MB is not a list of posts
TRIES = 64  # nested objects look like ends of records; a post has fewer of them than this
HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:[\w.$]+\s*=\s*)?\[")
# An escaped backslash, a whole pair, or half a pair, which JSON decoders refuse.
SURROGATE = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def read_records(file: IO[bytes], name: str, kind: type[R], tally: Tally) -> Iterator[R]:
    """Yield the list's records as `kind`; those that do not fit it count as unreadable.

    Raises ArchiveError if the file is not such a list, is damaged, or stops in the middle.
    """
    rows = _Rows(kind, tally)
    rest = file.read(BLOCK)
    tally.bytes_read += len(rest)
    head = HEAD.match(rest)
    if head is None:
        raise ArchiveError(
            f"{name} is not a list of posts as X writes it (`window.… = [`)."
            " Give the archive as it was downloaded."
        )
    rest, block = rest[head.end() :], b""
    done = head.end()
    while True:
        yield from (found := rows.cut(rest + block))[0]
        done += len(rest) + len(block) - len(found[1])
        rest = found[1]
        block = file.read(BLOCK)
        tally.bytes_read += len(block)
        if not block:
            break
        if len(rest) > LONGEST:
            raise _damaged(name, done)
    rest = rest.rstrip(b" \t\r\n;")
    if not rest.endswith(b"]"):
        raise _damaged(name, done)
    try:
        yield from rows.decode(b"[" + _mended(rest))
    except ValueError as e:
        raise _damaged(name, done) from e


class _Rows(Generic[R]):
    def __init__(self, kind: type[R], tally: Tally) -> None:
        self._kind = kind
        self._tally = tally
        self._decoder = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type] # a run-time type

    def cut(self, data: bytes) -> tuple[list[R], bytes]:
        """Decode the records that are whole; returns them and the bytes that are left."""
        found = self._cut(data)
        if found[1] is data and (mended := _mended(data)) != data:
            return self._cut(mended)
        return found

    def _cut(self, data: bytes) -> tuple[list[R], bytes]:
        end, tries = len(data), 0
        while tries < TRIES and (end := data.rfind(b"{", 0, end)) > 0:
            before = data[max(0, end - 99) : end].rstrip()
            if not before.endswith(b",") or not before[:-1].rstrip().endswith(b"}"):
                continue
            tries += 1
            try:
                # Only before a record of the list itself is what stands before it valid JSON.
                return self.decode(b"[" + data[: data.rfind(b",", 0, end)] + b"]"), data[end:]
            except ValueError:  # a DecodeError, or bytes that are not UTF-8
                continue
        return [], data

    def decode(self, rows: bytes) -> list[R]:
        try:
            return self._decoder.decode(rows)
        except msgspec.ValidationError:
            return [row for value in msgspec.json.decode(rows) for row in self._convert(value)]

    def _convert(self, value: object) -> list[R]:
        try:
            return [msgspec.convert(value, self._kind)]
        except msgspec.ValidationError:
            self._tally.unreadable += 1
            return []


def _mended(data: bytes) -> bytes:
    """Put U+FFFD where bytes are not UTF-8 or an escape is half a character."""
    text, used = codecs.utf_8_decode(data, "replace", False)
    whole = text.encode() + data[used:]
    return SURROGATE.sub(lambda m: rb"\ufffd" if m[1] else m[0], whole)


def _damaged(name: str, offset: int) -> ArchiveError:
    return ArchiveError(
        f"{name} is damaged or stops in the middle: its JSON breaks after byte {offset}."
        " Unpack or download the archive again."
    )
