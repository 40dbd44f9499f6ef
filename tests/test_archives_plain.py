"""Plain lists of posts, and the dates in them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.reading import read
from trainer.archives.dates import read_date
from trainer.archives.post import Post
from trainer.archives.records import LONGEST_RECORD
from trainer.errors import ArchiveError


def test_plain_json_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    path.write_text(
        '{"content": "one", "date": "2020-01-01 10:00", "id": 7}\n\n'
        '{"text": "two &amp;", "created_at": 1577872800}\n'
        '{"full_text": "RT @a: three &amp;"}\n'
        '{"other": 1}\n',
        "utf-8",
    )
    found = read(path)
    ten = datetime(2020, 1, 1, 10, tzinfo=UTC)
    assert found.posts == [
        Post("7", ten, "one", "original"),
        Post("line-3", ten, "two &amp;", "original"),
        Post("line-4", None, "RT @a: three &", "retweet"),
    ]
    assert found.unreadable == ["line-5"]


@pytest.mark.parametrize(
    ("encoding", "warnings"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        (
            "cp1252",
            [
                "posts.csv is not UTF-8: read as cp1252 (Windows), with words such as 'Café'."
                " If that is wrong, name its encoding with --encoding."
            ],
        ),
    ],
)
def test_a_csv_is_read_in_each_encoding(tmp_path: Path, encoding: str, warnings: Any) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes('ID;Body;Date\r\n7;"Café; ""zwei""\nZeilen";x\r\n'.encode(encoding))
    found = read(path)
    assert found.posts == [Post("7", None, 'Café; "zwei"\nZeilen', "original")]
    assert [w for w in found.tally.warnings if "date" not in w] == warnings


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Wed Apr 10 17:13:03 +0000 2019", datetime(2019, 4, 10, 17, 13, 3, tzinfo=UTC)),
        ("2019-04-10T17:13:03.000Z", datetime(2019, 4, 10, 17, 13, 3, tzinfo=UTC)),
        ("2019-04-10T19:13:03+02:00", datetime(2019, 4, 10, 17, 13, 3, tzinfo=UTC)),
        (1554916383, datetime(2019, 4, 10, 17, 13, 3, tzinfo=UTC)),
        ("1554916383000", datetime(2019, 4, 10, 17, 13, 3, tzinfo=UTC)),
        ("Wed Nix 10 17:13:03 +0000 2019", None),
        ("yesterday", None),
        (1e300, None),
        (None, None),
    ],
)
def test_dates_are_read_in_every_format(value: object, date: datetime | None) -> None:
    assert read_date(value) == date


@pytest.mark.parametrize("key", ["text", "content", "full_text", "body"])
def test_the_text_has_one_of_four_names(tmp_path: Path, key: str) -> None:
    for content in (
        f'{{"{key}": "hello"}}',
        f"{key.upper()},id\nhello,1",
        f'[{{"{key}": "hello"}}]',
    ):
        (tmp_path / "posts").write_text(content)
        assert read(tmp_path / "posts").texts == ["hello"]


def test_a_json_list_is_read_like_its_lines(tmp_path: Path) -> None:
    (tmp_path / "posts").write_text('[{"text": "a &amp; b", "lang": "de"}, {"x": 1}, 5]')
    found = read(tmp_path / "posts")
    assert (found.kind, found.texts) == ("jsonl", ["a &amp; b"])
    assert found.posts[0].language == "de"
    assert found.unreadable == ["line-2", "posts record 3"]


def test_rows_without_a_text_are_told_by_id_or_line(tmp_path: Path) -> None:
    (tmp_path / "posts").write_text("id,text\n1,one\n\n2\n,,\n3,three\n")
    found = read(tmp_path / "posts")
    assert (found.texts, found.unreadable) == (["one", "", "three"], ["posts line 4"])


@pytest.mark.parametrize(
    "content",
    [
        b'{"text": "' + b"x" * LONGEST_RECORD + b'"}\n',
        b"text\n" + b"x" * LONGEST_RECORD,
        b'text\n"' + b"x\n" * LONGEST_RECORD,
        b"text," + b"x," * LONGEST_RECORD,
    ],
    ids=["line", "cell", "unclosed quote", "header"],
)
def test_what_is_longer_than_any_post_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "posts").write_bytes(content)
    with pytest.raises(ArchiveError, match=r"4 MB|not a readable CSV"):
        read(tmp_path / "posts")


def test_a_post_about_another_service_does_not_make_a_list_its_archive(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"text": "app.bsky.feed.repost"}\n{"text": "at://a/app.bsky.feed.post/1"}\n')
    assert [p.text for p in read(path).posts] == [
        "app.bsky.feed.repost",
        "at://a/app.bsky.feed.post/1",
    ]
