"""Threads' posts in an Instagram export."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.reading import Reading, read
from tests.fakes.threads_archive import NAME, album, document, entry, files
from tests.fakes.x_archive import write_folder, write_zip
from trainer.archives.threads import repaired
from trainer.errors import ArchiveError

MAY = 1714557600


def read_entries(folder: Path, *entries: object) -> Reading:
    path = folder / "anything"
    path.write_bytes(document(entries))
    return read(path)


def test_zip_folder_and_bare_file_give_the_same_posts(tmp_path: Path) -> None:
    contents = files(entry(MAY, "größer 🌲 – so"), album(MAY + 1, "three photos"))
    folder = write_folder(tmp_path / "unpacked", contents)
    rooted = write_zip(tmp_path / "rooted", contents, root="instagram-me-2025-01-22-abc/")
    for path in (write_zip(tmp_path / "a.zip", contents), rooted, folder, folder / NAME):
        found = read(path)
        assert (found.kind, found.texts) == ("threads", ["größer 🌲 – so", "three photos"])
        assert not found.unreadable


def test_text_and_time_of_several_media_stand_on_the_outside(tmp_path: Path) -> None:
    found = read_entries(tmp_path, album(MAY, "three photos"), entry(MAY, "one"))
    assert [p.created_at for p in found.posts] == [datetime(2024, 5, 1, 10, tzinfo=UTC)] * 2


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("gr\u00c3\u00b6\u00c3\u009fer", "größer"),
        ("\u00f0\u009f\u008c\u00b2", "🌲"),
        ("größer, exported right", "größer, exported right"),
        ("gr\u00c3\u00b6\u00c3\u009fer 🌲", "gr\u00c3\u00b6\u00c3\u009fer 🌲"),
        ("Ã alone", "Ã alone"),
        ("plain", "plain"),
    ],
    ids=["umlauts", "emoji", "right already", "half right", "half a character", "ASCII"],
)
def test_bytes_are_made_characters_only_where_they_round_trip(written: str, text: str) -> None:
    assert repaired(written) == text


def test_replies_are_told_where_the_export_tells(tmp_path: Path) -> None:
    found = read_entries(
        tmp_path,
        entry(MAY, "old export"),
        entry(MAY, "new export", reply_control="everyone", is_reply=False),
        entry(MAY, "an answer", is_reply=True),
    )
    assert [p.kind for p in found.posts] == ["original", "original", "reply"]


def test_ids_are_made_and_stay_the_same(tmp_path: Path) -> None:
    first = read_entries(tmp_path, entry(MAY, "one"), entry(MAY, "two"), entry(MAY + 1, "one"))
    second = read_entries(tmp_path, entry(MAY + 1, "one"), entry(MAY, "one"), entry(MAY, "two"))
    ids = [p.id for p in first.posts]
    assert len(set(ids)) == 3
    assert {p.id for p in second.posts} == set(ids)


def test_what_is_no_post_is_told_by_its_place(tmp_path: Path) -> None:
    found = read_entries(
        tmp_path, entry(MAY, "one"), {}, {"media": "x"}, None, {"media": []}, entry(MAY, "")
    )
    assert found.texts == ["one", ""]
    assert found.unreadable == [f"anything record {n}" for n in (2, 3, 4, 5)]


@pytest.mark.parametrize(
    "name",
    ["start_here.html", "your_instagram_activity/threads/threads_and_replies.html"],
)
def test_an_export_as_web_pages_is_refused_with_what_to_ask_for(tmp_path: Path, name: str) -> None:
    path = write_zip(tmp_path / "a.zip", {name: b"<html>", "media/1.jpg": b"", "x.json": b"{}"})
    with pytest.raises(ArchiveError, match="choose JSON"):
        read(path)
    (tmp_path / "page").write_bytes(b"<!DOCTYPE html>\n<HTML><body>Your Threads")
    with pytest.raises(ArchiveError, match="choose JSON"):
        read(tmp_path / "page")
