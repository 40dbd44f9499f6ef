"""Reads a Bluesky repository: a CAR file, which is a heap of blocks, each named by its hash.

Only its tree (a Merkle Search Tree, https://atproto.com/specs/repository) says which records are
the repository's, and under which keys: the heap may also hold blocks of deleted posts. A
temporary SQLite file that deletes itself keeps the place of each block.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from io import BytesIO
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO

import libipld
import msgspec

from trainer.archives.bluesky import POST, REPOST, Record, post_of_record
from trainer.archives.files import Files, FolderFiles, base_name
from trainer.archives.post import Post, Tally, Unreadable
from trainer.errors import ArchiveError

LONGEST_BLOCK = 1 << 22  # Bluesky's own limit is a quarter of it
DEEPEST = 64  # levels of the tree; a million records have six
CID_BYTES = 36  # version, codec, hash function and length, and 32 bytes of SHA-256
SHA_256 = b"\x12\x20"


class _Entry(msgspec.Struct):
    p: int  # bytes that the key shares with the key before it
    k: bytes
    v: bytes
    t: bytes | None = None  # the tree of the keys that follow


class _Node(msgspec.Struct):
    e: list[_Entry] = []
    l: bytes | None = None  # noqa: E741 - Bluesky's name: the tree of the keys before


class _Commit(msgspec.Struct):
    did: str
    data: bytes


class _Header(msgspec.Struct):
    version: int
    roots: list[bytes] = []


class _Missing(ValueError):
    """A block that is missing, or does not match its name."""


def is_car(head: bytes) -> bool:
    """Whether a file with this beginning is a CAR."""
    try:
        _read_header(BytesIO(head))
    except (ValueError, RecursionError):
        return False
    return True


class BlueskyRepo:
    """A repository."""

    kind = "bluesky"

    def __init__(self, files: Files, name: str, tally: Tally) -> None:
        self._files, self._name, self._tally = files, name, tally
        self._size = files.size(name)
        tally.total_bytes += 2 * self._size  # once to find the blocks, once to read them

    def posts(self) -> Iterator[Post | Unreadable]:
        """Yield every post and repost, by key."""
        with self._open() as file, closing(sqlite3.connect("")) as places:
            try:
                header = _read_header(file)
                if header.version != 1 or not header.roots:
                    raise _Missing(f"it is a CAR of version {header.version} without a root")
                self._find_blocks(file, places)
                blocks = _Blocks(file, places, self._tally)
                commit = msgspec.convert(blocks.read(header.roots[0]), _Commit)
                leaves = self._ordered(_leaves(blocks, commit.data, 0))
                yield from _posts(blocks, leaves, commit.did)
            except ValueError as e:  # of ours, of libipld, of msgspec
                raise ArchiveError(
                    f"{base_name(self._name)} is no whole repository of Bluesky: {e}."
                    " Download it again."
                ) from e

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """Open for reading to and fro: a packed file is first unpacked to a nameless one."""
        with self._files.open(self._name) as file:
            if isinstance(self._files, FolderFiles):
                yield file
                return
            with TemporaryFile() as unpacked:
                copyfileobj(file, unpacked, 1 << 20)
                unpacked.seek(0)
                yield unpacked

    def _find_blocks(self, file: IO[bytes], places: sqlite3.Connection) -> None:
        places.execute("CREATE TABLE block (key INTEGER PRIMARY KEY, place INTEGER, size INTEGER)")
        places.executemany("INSERT OR IGNORE INTO block VALUES (?, ?, ?)", self._blocks(file))

    def _blocks(self, file: IO[bytes]) -> Iterator[tuple[int, int, int]]:
        while length := _read_varint(file):
            cid = file.read(CID_BYTES)
            place = file.tell()
            size = length - CID_BYTES
            if length > LONGEST_BLOCK or size < 0 or cid[:1] != b"\x01" or cid[2:4] != SHA_256:
                raise _Missing(f"what stands at byte {place} is no block")
            if place + size > self._size:
                raise _Missing("it stops in the middle")
            self._tally.bytes_read += length
            yield _key(cid), place, size
            file.seek(place + size)

    def _ordered(self, leaves: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[str, bytes]]:
        """Check that the keys ascend: a tree whose keys do not could lead in circles."""
        last = b""
        for key, cid in leaves:
            if key <= last:
                raise _Missing("its keys are in disorder")
            last = key
            yield key.decode(), cid


class _Blocks:
    def __init__(self, file: IO[bytes], places: sqlite3.Connection, tally: Tally) -> None:
        self._file, self._places, self._tally = file, places, tally

    def read(self, cid: bytes) -> object:
        """Decode a block. Raises ValueError if it is missing or damaged."""
        found = self._places.execute("SELECT place, size FROM block WHERE key = ?", (_key(cid),))
        place, size = found.fetchone() or (0, 0)
        self._file.seek(place)
        data = self._file.read(size)
        self._tally.bytes_read += size
        if sha256(data).digest() != cid[4:CID_BYTES]:
            raise _Missing("a block of it is missing or damaged")
        return libipld.decode_dag_cbor(data)


def _leaves(blocks: _Blocks, cid: bytes, depth: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and blocks of a tree.

    It stores each key without its common start with the key before.
    """
    if depth > DEEPEST:
        raise _Missing("its tree is too deep")
    node = msgspec.convert(blocks.read(cid), _Node)
    if node.l is not None:
        yield from _leaves(blocks, node.l, depth + 1)
    key = b""
    for entry in node.e:
        key = key[: entry.p] + entry.k
        yield key, entry.v
        if entry.t is not None:
            yield from _leaves(blocks, entry.t, depth + 1)


def _posts(
    blocks: _Blocks, leaves: Iterator[tuple[str, bytes]], own_did: str
) -> Iterator[Post | Unreadable]:
    for path, cid in leaves:
        collection, _, key = path.partition("/")
        if collection not in (POST, REPOST):
            continue
        try:
            record = msgspec.convert(blocks.read(cid), Record)
        except ValueError:
            yield Unreadable(key)
        else:
            yield post_of_record(record, key, own_did)


def _read_header(file: IO[bytes]) -> _Header:
    length = _read_varint(file)
    if not 0 < length <= 1 << 12:
        raise _Missing("it is no CAR")
    return msgspec.convert(libipld.decode_dag_cbor(file.read(length)), _Header)


def _read_varint(file: IO[bytes]) -> int:
    """Read an unsigned LEB128; 0 at the file's end."""
    number = shift = 0
    while byte := file.read(1):
        number |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return number
        if shift > 35:
            raise _Missing("a length in it is no length")
    if shift:
        raise _Missing("it stops in the middle")
    return 0


def _key(cid: bytes) -> int:
    """The first eight bytes of the hash; the whole hash is compared later."""
    return int.from_bytes(cid[4:12], signed=True)
