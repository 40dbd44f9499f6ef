"""Archives of any kind: recognising them, and refusing what is none."""

import os
import random
from pathlib import Path

import pytest

from tests.fakes import bluesky_archive, hostile, mastodon_archive, threads_archive, x_archive
from tests.fakes.reading import read
from tests.fakes.x_archive import files, tweet
from tests.rights import as_somebody_else
from trainer.errors import ArchiveError

HELLO = x_archive.files([tweet(1, "hello")])
OUTBOX = mastodon_archive.files(mastodon_archive.status(1, "<p>hello</p>"))
EXPORT = threads_archive.files(threads_archive.entry(1, "hello"))
REPO = bluesky_archive.Repo(bluesky_archive.posts(bluesky_archive.post("hello"))).car()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"hello, world", "neither an archive nor a list of posts"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "neither an archive nor a list of posts"),
        (b"PK\x03\x04 and no more", "stops in the middle"),
        (b'window.YTD.tweets.part0 = [ {"tweet": {"id": "1"', "stops in the middle"),
        (b'window.YTD.tweets.part0 = [ {"tweet": } ]', "damaged"),
        (b'{"text": "one"}\n{"text": "two"\n', "Line 2"),
        (b'{"text": ' + b"[" * 100_000, "cannot be read"),
        (b"[" * 100_000 + b"]" * 100_000, "cannot be read"),
    ],
)
def test_what_is_no_archive_is_refused_in_words(tmp_path: Path, content: bytes, word: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=word):
        read(path)


def test_a_zip_without_posts_is_refused(tmp_path: Path) -> None:
    path = x_archive.write_zip(tmp_path / "a.zip", {"data/like.js": b"", "data/account.js": b""})
    with pytest.raises(ArchiveError, match="no posts"):
        read(path)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    rows = [tweet(n, random.Random(n).randbytes(50).hex()) for n in range(200)]
    path = x_archive.write_zip(tmp_path / "a.zip", files(rows))
    raw = bytearray(path.read_bytes())
    raw[2000:2100] = b"\0" * 100
    path.write_bytes(raw)
    with pytest.raises(ArchiveError, match=r"cannot be read|damaged"):
        read(path)


KINDS = {
    "x": x_archive.script("YTD.tweets.part0", [tweet(1, "hello")]),
    "mastodon": OUTBOX["outbox.json"],
    "bluesky": REPO,
    "threads": EXPORT[threads_archive.NAME],
    "csv": b"text\nhello\n",
    "jsonl": b'{"text": "hello"}\n',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["tweets.js", "outbox.json", "a.car", "x.zip", "a.tar.gz", "y"])
def test_a_file_is_recognised_by_its_content_whatever_its_name(
    tmp_path: Path, kind: str, name: str
) -> None:
    (tmp_path / name).write_bytes(KINDS[kind])
    found = read(tmp_path / name)
    assert (found.kind, found.texts) == (kind, ["hello"])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bluesky"])
@pytest.mark.parametrize("packing", ["zip", "tar", "folder"])
def test_one_file_that_was_packed_by_hand_is_read(tmp_path: Path, kind: str, packing: str) -> None:
    contents = {"my posts.json": KINDS[kind]}
    path = tmp_path / "packed"
    if packing == "folder":
        x_archive.write_folder(path, contents)
    else:
        write = x_archive.write_zip if packing == "zip" else mastodon_archive.write_tar
        write(path, contents)
    found = read(path)
    assert (found.kind, found.texts) == (kind, ["hello"])


def test_a_tar_of_xs_archive_is_read_as_x(tmp_path: Path) -> None:
    found = read(mastodon_archive.write_tar(tmp_path / "twitter.zip", HELLO))
    assert (found.kind, found.texts) == ("x", ["hello"])


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.js"
    secret.write_bytes(x_archive.script("YTD.tweets.part0", [tweet(9, "secret")]))
    folder = x_archive.write_folder(tmp_path / "a", HELLO)
    (folder / "data" / "tweets-part1.js").symlink_to(secret)
    (folder / "data" / "manifest.js").unlink()
    assert read(folder).texts == ["hello"]
    (folder / "data" / "tweets.js").unlink()
    with pytest.raises(ArchiveError, match="no posts"):
        read(folder)


def test_folders_that_lead_in_circles_are_passed_over(tmp_path: Path) -> None:
    folder = x_archive.write_folder(tmp_path / "a", HELLO)
    (folder / "again").symlink_to(folder)
    assert read(folder).texts == ["hello"]


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        read(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="There is no"):
        read(tmp_path / "nothing")


def test_a_zip_with_a_password_is_to_be_unpacked(tmp_path: Path) -> None:
    raw = bytearray(hostile.zipped({"data/tweets.js": b"window.YTD.tweets.part0 = [ ]" * 9}))
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(ArchiveError, match="password"):
        read(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["a.zip", "posts.jsonl"])
def test_an_archive_that_may_not_be_read_is_not_to_be_downloaded_again(
    tmp_path: Path, name: str
) -> None:
    x_archive.write_zip(tmp_path / "a.zip", HELLO)
    (tmp_path / "posts.jsonl").write_text('{"text": "hello"}')
    with as_somebody_else(tmp_path, tmp_path / name), pytest.raises(ArchiveError) as e:
        read(Path(name))
    assert "(Permission denied). Give the user" in str(e.value)
    assert "Download" not in str(e.value)
