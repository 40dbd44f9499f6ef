"""Files that no service exports: bombs, links, code, and archives that stop in the middle."""

import gzip
import io
import json
import random
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping

from tests.fakes import bluesky_archive, mastodon_archive, threads_archive, x_archive
from tests.fakes.x_archive import tweet

HELLO = x_archive.files([tweet(1, "hello")])
OUTBOX = mastodon_archive.files(mastodon_archive.status(1, "<p>hello</p>"))


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", size: int = 0) -> bytes:
    """A tar's header of one file, and nothing of the file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, to, size
    return info.tobuf(tarfile.GNU_FORMAT)


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Files that no service exports."""
    long = b'window.YTD.tweets.part0 = [ {"tweet": {"id_str": "1", "full_text": "%b"}} ]'
    bomb = long.replace(b"%b", b"ha" * (30 << 20))  # 60 MB in 58 kB
    yield "a post of 60 MB in 58 kB of zip", zipped({"data/tweets.js": bomb})
    outbox = mastodon_archive.outbox([mastodon_archive.status(1, "ha" * (8 << 20))])
    yield "a status of 16 MB in a tar", tarred({"outbox.json": outbox})
    yield "a record that never ends", zipped({"data/tweets.js": bomb[: 8 << 20]})
    yield "a line of 16 MB", zipped({"a": b'{"text": "%b"}' % (b"ha" * (8 << 20))})
    yield "a path that climbs", zipped(HELLO | {"../../evil.js": b"x"})
    yield "a path from the root", zipped(HELLO | {"/etc/evil.js": b"x"})
    yield "a path of Windows", zipped(HELLO | {"..\\..\\evil.js": b"x"})
    yield "a drive of Windows", zipped(HELLO | {"C:\\evil.js": b"x"})
    climbing = io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        info = zipfile.ZipInfo("data/tweets.js")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    yield "a link in a zip", climbing.getvalue()
    end = b"\0" * 1024
    yield "a link in a tar", member("outbox.json", tarfile.SYMTYPE, "/etc/passwd") + end
    yield "a hard link in a tar", member("outbox.json", tarfile.LNKTYPE, "../secret") + end
    yield "a device in a tar", member("outbox.json", tarfile.CHRTYPE) + end
    yield "a tar that climbs", tarred(OUTBOX | {"../../outbox.json": b"x"})
    yield "a tar from the root", tarred(OUTBOX | {"/tmp/outbox.json": b"x"})
    giant = member("x", tarfile.XHDTYPE, size=1 << 30)
    yield "a tar's header of a gigabyte", gzip.compress(giant + b"9 a=b\n" * (1 << 20))
    yield "a tar's file of an exabyte", member("outbox.json", size=1 << 60) + end
    backwards = bytearray(member("outbox.json"))
    backwards[124:136] = b"\xff" * 11 + b"\x00"  # a size below zero
    backwards[148:156] = b" " * 8
    backwards[148:156] = b"%06o\0 " % sum(backwards)
    yield "a tar's file of less than nothing", bytes(backwards) + end
    yield "a zip in a zip", zipped({"inside.zip": zipped(HELLO)})
    yield "code instead of JSON", b"window.YTD.tweets.part0 = (function() { return [] })()"
    yield "code in the list", b"window.YTD.tweets.part0 = [ process.exit(1) ]"
    yield "code in the outbox", b'{"orderedItems": [ alert(1) ]}'
    yield "code in the export", b'{"text_post_app_text_posts": [ alert(1) ]}'
    yield "an absurdly nested list", b"[" * 5_000_000
    yield "an absurdly nested post", long.replace(b'"%b"', b"[" * 100_000 + b"]" * 100_000)
    yield "an absurdly nested line", b'{"text": ' + b"[" * 100_000
    yield "another service's archive", zipped({"posts/your_posts_1.json": b"[]", "index.htm": b""})
    yield "an unusual packing", zipped(HELLO, zipfile.ZIP_LZMA)
    yield "a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 600
    yield "an endless run of zeros", gzip.compress(b"\0" * (64 << 20))
    yield "a list of nothing", b"[" + b"null," * 900_000 + b"null]"


def zipped(contents: Mapping[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(contents: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def cut_files() -> Iterator[tuple[str, bytes]]:
    """Whole archives of every format, to be cut off."""
    tweets = [tweet(n, random.Random(n).randbytes(40).hex()) for n in range(50)]
    statuses = [mastodon_archive.status(n, random.Random(n).randbytes(40).hex()) for n in range(50)]
    entries = [threads_archive.entry(n, random.Random(n).randbytes(40).hex()) for n in range(50)]
    yield "x.zip", zipped(x_archive.files(tweets))
    yield "x.js", x_archive.script("YTD.tweets.part0", tweets)
    yield "mastodon.tar.gz", tarred(mastodon_archive.files(*statuses))
    yield "mastodon.json", mastodon_archive.outbox(statuses)
    yield "threads.json", threads_archive.document(entries)
    yield (
        "bluesky.json",
        json.dumps(
            {"records": bluesky_archive.listed(*(bluesky_archive.post(str(n)) for n in range(50)))}
        ).encode(),
    )
