"""Real archives of every format, and random changes of them: for fuzzing the readers.

A change keeps the container whole (zip, tar, JSON, CAR with right hashes) if it can, so that it
reaches the code behind it: odd values in fields, huge numbers, depth, half characters, names that
climb, links, twins.
"""

import io
import json
import lzma
import stat
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.fakes import bluesky_archive, mastodon_archive, threads_archive, x_archive
from tests.fakes.bluesky_archive import Repo
from tests.fakes.hostile import tarred, zipped
from tests.fakes.x_archive import OWN_ID, key, link, note, tweet

Json = Any  # anything that JSON can say

TEXT = "a 🌲 post & <b>more</b>"
_EDIT = {"edit": {"initialTweetId": "1", "editControlInitial": {"editTweetIds": ["1", "2"]}}}
_TWEETS = [
    tweet(1, "begin " * 50 + "… https://t.co/abcdefghij"),
    tweet(2, "RT @other: so true", in_reply_to_user_id_str=OWN_ID, edit_info=_EDIT),
    tweet(3, TEXT, entities={"urls": [link("https://x.com/fox/status/9")], "hashtags": []}),
    tweet(4, "@me go on", in_reply_to_user_id_str=OWN_ID, in_reply_to_status_id_str=key(1)),
]
_X = x_archive.files(
    _TWEETS,
    [tweet(9, "part")],
    note_tweet=[note(1, "begin " * 90)],
    community_tweet=[tweet(8, "hello")],
    twitter_circle_tweet=[{"circleTweet": {"tweetId": key(3)}}],
    account=[{"account": {"accountId": OWN_ID}}],
)
_STATUSES = [
    mastodon_archive.status(1, f"<p>{TEXT}</p><p><a href='https://e.org/'>e.org</a></p>"),
    mastodon_archive.boost(2, "https://other.example/1"),
]
_MASTODON = mastodon_archive.files(*_STATUSES)
_RECORDS = [
    bluesky_archive.post("see e.org", facets=[bluesky_archive.link("see e.org", "e.org", "x:y")]),
    bluesky_archive.post("more", reply=bluesky_archive.reply(bluesky_archive.uri(1))),
    bluesky_archive.post(TEXT, embed={"$type": "app.bsky.embed.record", "record": {"uri": "at:"}}),
]
_LISTED = bluesky_archive.listed(*_RECORDS)
_ENTRIES = [threads_archive.entry(1, TEXT), threads_archive.album(2, "album")]
_MONTH = {"id_str": "11", "text": TEXT, "created_at": "2013-05-31 21:00:00 +0000"}
_CSV = b'"tweet_id","timestamp","text","retweeted_status_id"\n"11","2013-05-31","a, b",""\n'

WHOLE: dict[str, bytes] = {
    "tweets.js": _X["data/tweets.js"],
    "x.zip": zipped(_X),
    "grailbird.zip": zipped({"data/js/tweets/2013_05.js": x_archive.script("G.d", [_MONTH])}),
    "grailbird.csv": _CSV,
    "outbox.json": mastodon_archive.outbox(_STATUSES),
    "mastodon.zip": zipped(_MASTODON),
    "mastodon.tar.gz": tarred(_MASTODON),
    "repo.car": Repo(bluesky_archive.posts(*_RECORDS)).car(),
    "repo.zip": zipped({"repo.car": Repo(bluesky_archive.posts(*_RECORDS)).car()}),
    "listed.json": json.dumps({"records": _LISTED}).encode(),
    "listed.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in _LISTED),
    "threads.json": threads_archive.document(_ENTRIES),
    "threads.zip": zipped(threads_archive.files(*_ENTRIES)),
    "posts.csv": b'id,text,date\n1,"a post",2020-01-01\n2,another,x\n',
    "posts.jsonl": b'{"text": "a post", "id": 1}\n{"text": "another", "date": 1.5e9}\n',
    "posts.json": b'[{"text": "a post", "lang": "en"}, {"content": "another"}]',
}

_HUGE, _DEEP = "@huge@", "@deep@"
ODD: tuple[Json, ...] = (
    *(None, True, 0, -1, 1 << 62, 10**30, 1e308, "", " ", "0", "\0", "\ud83c", "\udf32x", "…"),
    *("RT @a: ", "9999-99-99", "Wed Feb 30 99:00:00 +0000 0000", "at://", "<p>", "&#x110000;"),
    *([], {}, [[]], [None], {"": None}, {"id": {"id": []}}, "x" * 5000, "<p>" * 500, _HUGE, _DEEP),
)
_NAMES = (
    "../../evil",
    "/etc/evil",
    "C:\\evil",
    "data/tweets.js",
    "outbox.json",
    "a\0b",
    "",
    "x" * 300,
)


_PACKING = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError)


def mutated(whole: bytes, chance: Random) -> bytes:
    """An archive, changed in one to three places."""
    for _ in range(chance.randint(1, 3)):
        whole = _changed(whole, chance)
    return whole


def _changed(whole: bytes, chance: Random) -> bytes:
    if chance.random() < 0.3:
        return _torn(whole, chance)
    try:
        if whole.startswith(b"PK"):
            return _zip(whole, chance)
        if whole.startswith(b"\x1f\x8b"):
            return _tar(whole, chance)
        if b"roots" in whole[:60]:
            return _car(chance)
        return _json(whole, chance)
    except (ValueError, OSError, LookupError, RuntimeError, EOFError, *_PACKING):
        return _torn(whole, chance)


def _torn(whole: bytes, chance: Random) -> bytes:
    """Bytes cut out, put in, put elsewhere."""
    at = chance.randrange(len(whole) + 1)
    end = min(len(whole), at + chance.choice((0, 1, 4, 40, 400)))
    put = chance.choice((b"", chance.randbytes(4), b"\0" * 9, whole[at:end] * 2, b"[" * 999, b'"'))
    return whole[:at] + put + whole[end:]


def _zip(whole: bytes, chance: Random) -> bytes:
    contents = _unzipped(whole)
    name = chance.choice(list(contents))
    is_link = chance.random() < 0.05
    out = io.BytesIO()
    packing = chance.choice((0, 8, 8, 8, 12, 14))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", packing) as archive:
        for member, content in _with_change(contents, name, chance):
            info = zipfile.ZipInfo(member)
            info.compress_type = archive.compression
            if is_link and member == name:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    return out.getvalue()


def _unzipped(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {i.filename: archive.read(i) for i in archive.infolist() if i.file_size < 1 << 20}


def _tar(whole: bytes, chance: Random) -> bytes:
    contents: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        for info in archive:
            file = archive.extractfile(info) if info.isreg() else None
            contents[info.name] = file.read(1 << 20) if file else b""
    name = chance.choice(list(contents))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member, content in _with_change(contents, name, chance):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            if member == name and chance.random() < 0.1:
                info.type = chance.choice(
                    (tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE)
                )
                info.linkname = "../../etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _with_change(
    contents: dict[str, bytes], name: str, chance: Random
) -> Iterator[tuple[str, bytes]]:
    """The files, one of them changed, renamed, left out or there twice."""
    what = chance.random()
    for member, content in contents.items():
        if member != name:
            yield member, content
        elif what < 0.8:
            yield member, _changed(content or b" ", chance)
        elif what < 0.9:
            yield chance.choice(_NAMES) or "-", content
        elif what < 0.95:
            yield member, content
            yield member + ".bak" if chance.random() < 0.5 else f"x/{member}", content


def _car(chance: Random) -> bytes:
    """A repository of odd records whose hashes are right."""
    records = [_tree(record, chance, _cbor) for record in _RECORDS]
    repo = Repo(bluesky_archive.posts(*(r if isinstance(r, dict) else {"": r} for r in records)))
    if chance.random() < 0.2:
        repo.blocks.pop(chance.choice(list(repo.blocks)))
    if chance.random() < 0.2:
        repo.root = repo.add(chance.choice(({}, [], {"did": "d", "data": repo.root}, None)))
    return repo.car(chance.choice((1, 1, 1, 2)))


def _cbor(value: Json) -> Json:
    """What DAG-CBOR can hold of the odd values."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return 7 if isinstance(value, int) and abs(value) >= 1 << 63 else value


def _json(whole: bytes, chance: Random) -> bytes:
    """The JSON of a file, or of one of its lines, with an odd value somewhere."""
    starts = [i for i in (whole.find(b"["), whole.find(b"{")) if i >= 0]
    before, rest = whole[: min(starts)], whole[min(starts) :].decode()
    value, end = json.JSONDecoder().raw_decode(rest)
    text = json.dumps(_tree(value, chance, lambda odd: odd), ensure_ascii=chance.random() < 0.8)
    text = text.replace(f'"{_HUGE}"', "9" * 5000).replace(f'"{_DEEP}"', "[" * 3000 + "]" * 3000)
    return before + (text + rest[end:]).encode("utf-8", "surrogatepass")


def _tree(value: Json, chance: Random, fit: Callable[[Json], Json]) -> Json:
    """The value with one of its inner values changed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != name}
        return value | {name: _tree(value[name], chance, fit)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        copies = chance.choice((1, 1, 1, 0, 2))
        return value[:at] + [_tree(value[at], chance, fit)] * copies + value[at + 1 :]
    return fit(chance.choice(ODD))
