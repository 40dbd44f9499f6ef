"""Writes Bluesky repositories for tests: blocks, the tree over their keys, and a CAR of both."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import libipld

DID, OTHER_DID = "did:plc:me", "did:plc:mel"
POST = "app.bsky.feed.post"

Json = dict[str, Any]  # Any: records have no schema here


def rkey(number: int) -> str:
    """The key of the record with this number; keys share their beginnings, as real ones do."""
    return f"3k{number:011}"


def uri(number: int, did: str = DID) -> str:
    """The address of the post with this number."""
    return f"at://{did}/{POST}/{rkey(number)}"


def post(text: str, **more: Any) -> Json:
    """A post's record."""
    record = {"$type": POST, "text": text, "createdAt": "2024-05-01T10:00:00.123Z", "langs": ["en"]}
    return record | more


def link(text: str, shown: str, address: str) -> Json:
    """The facet that makes `shown` in `text` a link; it counts bytes."""
    return facet(text, shown, {"$type": "app.bsky.richtext.facet#link", "uri": address})


def facet(text: str, shown: str, feature: Json) -> Json:
    """A facet over `shown`."""
    start = text.encode().index(shown.encode())
    index = {"byteStart": start, "byteEnd": start + len(shown.encode())}
    return {"$type": "app.bsky.richtext.facet", "index": index, "features": [feature]}


def reply(parent: str) -> Json:
    """The `reply` of an answer to `parent`."""
    return {"parent": {"uri": parent, "cid": "bafy"}, "root": {"uri": parent, "cid": "bafy"}}


class Repo:
    """A repository under construction: `blocks` is all that the file will hold."""

    def __init__(self, records: Mapping[str, Json], did: str = DID) -> None:
        """`records` by path, as "app.bsky.feed.post/3k…"."""
        self.blocks: dict[bytes, bytes] = {}
        leaves = [(path.encode(), self.add(record)) for path, record in sorted(records.items())]
        top = max((_layer(key) for key, _ in leaves), default=0)
        commit = {"did": did, "version": 3, "rev": "3k", "prev": None, "sig": b"s" * 64}
        self.root = self.add(commit | {"data": self._tree(leaves, top)})

    def add(self, value: object) -> bytes:
        """Add a block; returns its CID."""
        data = libipld.encode_dag_cbor(value)
        cid = b"\x01\x71\x12\x20" + sha256(data).digest()
        self.blocks[cid] = data
        return cid

    def _tree(self, leaves: list[tuple[bytes, bytes]], layer: int) -> bytes:
        """A node: the keys of its layer, and between them the trees of lower ones."""
        runs: list[list[tuple[bytes, bytes]]] = [[]]
        mine = []
        for key, cid in leaves:
            if _layer(key) >= layer:
                mine.append((key, cid))
                runs.append([])
            else:
                runs[-1].append((key, cid))
        trees = [self._tree(run, layer - 1) if run else None for run in runs]
        entries, last = [], b""
        for (key, cid), tree in zip(mine, trees[1:], strict=True):
            shared = _shared(key, last)
            entries.append({"p": shared, "k": key[shared:], "v": cid, "t": tree})
            last = key
        return self.add({"l": trees[0], "e": entries})

    def car(self, version: int = 1) -> bytes:
        """The file."""
        header = libipld.encode_dag_cbor({"roots": [self.root], "version": version})
        rows = [cid + data for cid, data in self.blocks.items()]
        return b"".join(_varint(len(row)) + row for row in (header, *rows))


def posts(*records: Json) -> dict[str, Json]:
    """Records by path, numbered from 1."""
    return {f"{POST}/{rkey(n)}": record for n, record in enumerate(records, 1)}


def listed(*records: Json) -> list[Json]:
    """The same as `listRecords` answers with, in its order: the newest first."""
    rows = [{"uri": uri(n), "cid": "bafy", "value": r} for n, r in enumerate(records, 1)]
    return rows[::-1]


def _layer(key: bytes) -> int:
    """Pairs of zero bits that the key's hash begins with."""
    bits = f"{int.from_bytes(sha256(key).digest()):0256b}"
    return (len(bits) - len(bits.lstrip("0"))) // 2


def _shared(key: bytes, last: bytes) -> int:
    """Bytes that both begin with."""
    return next((n for n in range(len(key)) if key[: n + 1] != last[: n + 1]), len(key))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
