"""X's archives up to 2018."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes import x_archive
from tests.fakes.reading import read
from tests.fakes.x_archive import OWN_ID

MONTH = [
    {
        "id_str": "11",
        "id": 11,
        "text": "Fish &amp; chips &lt;3 http://example.org/a",
        "created_at": "2013-05-31 21:00:00 +0000",
        "entities": {"urls": [], "hashtags": [], "user_mentions": [], "media": []},
        "user": {"id_str": OWN_ID, "screen_name": "me"},
    },
    {
        "id_str": "12",
        "text": "RT @other: cut off at 140 charact…",
        "created_at": "2013-05-31 22:00:00 +0000",
        "retweeted_status": {"id_str": "5", "text": "cut off at 140 characters in their words"},
        "user": {"id_str": OWN_ID},
    },
    {
        "id_str": "13",
        "text": "their words, without the mark",
        "created_at": "2013-05-31 22:30:00 +0000",
        "retweeted_status": {"id_str": "6", "text": "their words, without the mark"},
        "user": {"id_str": OWN_ID},
    },
    {
        "id_str": "14",
        "text": "and one more thing",
        "created_at": "2013-05-31 23:00:00 +0000",
        "in_reply_to_status_id_str": "11",
        "in_reply_to_user_id": int(OWN_ID),
        "user": {"id_str": OWN_ID},
    },
]
TABLE = (
    b'"tweet_id","in_reply_to_status_id","in_reply_to_user_id","timestamp","source","text",'
    b'"retweeted_status_id","retweeted_status_user_id","retweeted_status_timestamp","expanded_urls"\n'
    b'"11","","","2013-05-31 21:00:00 +0000","web","Fish &amp; chips &lt;3 http://example.org/a",'
    b'"","","","http://example.org/a"\n'
    b'"12","","","2013-05-31 22:00:00 +0000","web","RT @other: cut off","5","6",'
    b'"2013-05-31 20:00:00 +0000",""\n'
    b'"13","","","2013-05-31 22:30:00 +0000","web","their words, without the mark","6","7","",""\n'
    b'"14","11","42","2013-05-31 23:00:00 +0000","web","and one more thing","","","",""\n'
    b'"15","","","2013-05-31 23:30:00 +0000","web","so true","","","",'
    b'"https://twitter.com/o/status/9"\n'
)
KINDS = ["original", "retweet", "retweet"]


def grailbird(script: bool = True, table: bool = True) -> dict[str, bytes]:
    contents = {"index.html": b"<html>", "data/js/tweet_index.js": b"var tweet_index = [ {} ]"}
    if script:
        month = x_archive.script("x", MONTH).removeprefix(b"window.x")
        contents["data/js/tweets/2013_05.js"] = b"Grailbird.data.tweets_2013_05" + month
    return contents | ({"tweets.csv": TABLE} if table else {})


def test_an_archive_of_2013_is_read_from_its_scripts_and_not_twice(tmp_path: Path) -> None:
    found = read(x_archive.write_zip(tmp_path / "a.zip", grailbird()))
    assert (found.kind, [p.id for p in found.posts]) == ("x", ["11", "12", "13", "14"])
    assert [p.kind for p in found.posts] == [*KINDS, "self_reply"]
    assert found["11"].text == "Fish & chips <3 http://example.org/a"
    assert found["11"].created_at == datetime(2013, 5, 31, 21, tzinfo=UTC)
    assert found["14"].reply_to == "11"


@pytest.mark.parametrize("where", ["zip", "table alone"])
def test_an_archive_of_2013_without_scripts_is_read_from_its_table(
    tmp_path: Path, where: str
) -> None:
    path = x_archive.write_zip(tmp_path / "a.zip", grailbird(script=False))
    if where == "table alone":
        path = tmp_path / "anything"
        path.write_bytes(TABLE)
    found = read(path)
    assert (found.kind, [p.kind for p in found.posts]) == ("x", [*KINDS, "reply", "quote"])
    assert found["11"].text == "Fish & chips <3 http://example.org/a"
    assert found["14"].reply_to == "11"  # which makes it a thread, once all posts are known


def test_a_month_of_2013_is_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "may").write_bytes(grailbird()["data/js/tweets/2013_05.js"])
    assert [p.kind for p in read(tmp_path / "may").posts] == [*KINDS, "self_reply"]
