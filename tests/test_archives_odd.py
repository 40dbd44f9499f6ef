"""Archives as other programs and other years left them: still read, or refused in words."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import mastodon_archive, threads_archive, x_archive
from tests.fakes.reading import Reading, read
from tests.fakes.x_archive import OWN_ID, files, key, link, note, tweet, write_zip
from trainer.errors import ArchiveError

ONES = 'text,id\r\n"größer, 🌲",7\r\n'
LINES = '{"text": "größer, 🌲", "id": 7}\r\n\r\n{"text": "zwei"}\r\n'


def read_x(folder: Path, *tweets: dict[str, Any], **more: Any) -> Reading:
    return read(write_zip(folder / "a.zip", files(tweets, **more)))


def test_ids_that_became_numbers_are_read(tmp_path: Path) -> None:
    numbers = {"id_str": int(key(2)), "id": int(key(2)), "in_reply_to_user_id_str": int(OWN_ID)}
    edits = {"edit": {"initialTweetId": 1, "editControlInitial": {"editTweetIds": [1, 2]}}}
    parent = {"in_reply_to_status_id": int(key(1))}  # and no in_reply_to_status_id_str
    row = tweet(2, "go on", edit_info=edits, **numbers, **parent)
    post = read_x(tmp_path, tweet(1, "begin"), row)[key(2)]
    assert (post.kind, post.reply_to, post.edit_of) == ("self_reply", key(1), "1")


def test_a_manifest_with_numbers_is_believed(tmp_path: Path) -> None:
    row = tweet(2, "go on", in_reply_to_user_id_str=OWN_ID)
    contents = files([tweet(1, "begin"), row])
    raw = contents["data/manifest.js"].decode()
    raw = raw.replace('"count": "2"', '"count": 3').replace(f'"{OWN_ID}"', OWN_ID)
    contents["data/manifest.js"] = raw.encode()
    found = read(write_zip(tmp_path / "a.zip", contents))
    assert found[key(2)].kind == "self_reply"
    assert found.tally.warnings == ["tweets.js holds 2 posts, but the manifest says 3."]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"in_reply_to_screen_name": "gone"}, "reply"),
        ({"in_reply_to_user_id_str": "-1"}, "reply"),
        ({"entities": {"urls": [link("https://X.com/Fox/status/9/?s=46")]}}, "quote"),
        ({"entities": {"urls": [link("https://netflix.com/Fox/status/9")]}}, "original"),
    ],
    ids=["only a name", "a deleted user", "capitals", "the end of another address"],
)
def test_little_is_enough_to_tell_the_kind(tmp_path: Path, more: Any, kind: str) -> None:
    assert read_x(tmp_path, tweet(1, "so true", **more))[key(1)].kind == kind


def test_a_note_that_is_no_longer_than_its_post_is_the_same_post(tmp_path: Path) -> None:
    found = read_x(tmp_path, tweet(1, "short & whole"), note_tweet=[note(1, "short & whole")])
    assert [(p.id, p.kind) for p in found.posts] == [(key(1), "note")]


def test_an_odd_list_of_circle_posts_is_obeyed_or_warned_of(tmp_path: Path) -> None:
    circle = [{"circleTweet": {"tweetId": key(2)}}, {"circleTweet": {}}]
    found = read_x(tmp_path, tweet(1, "for all"), tweet(2, "for few"), twitter_circle_tweet=circle)
    assert [p.visibility for p in found.posts] == ["public", "circle"]
    assert any("without an id" in warning for warning in found.tally.warnings)


@pytest.mark.parametrize("packing", ["file", "zip"])
@pytest.mark.parametrize("content", [ONES, LINES], ids=["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read(tmp_path: Path, encoding: str, content: str, packing: str) -> None:
    raw = f"\ufeff{content}".encode(encoding)
    path = tmp_path / "posts"
    path.write_bytes(raw)
    if packing == "zip":
        path = write_zip(tmp_path / "a.zip", {"posts": raw})
    found = read(path)
    assert found["7"].text == "größer, 🌲"
    assert not found.tally.warnings


@pytest.mark.parametrize("content", [b'[{"text": "a"}]', x_archive.script("YTD.tweets.part0", [])])
def test_a_list_in_utf_16_is_refused_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "posts").write_bytes(content.decode().encode("utf-16"))
    with pytest.raises(ArchiveError, match="Save it as UTF-8"):
        read(tmp_path / "posts")


@pytest.mark.parametrize("before", ["\n\n", "sep=;\n", "\ufeffsep=;\r\n"])
def test_what_stands_before_a_tables_header_is_passed_over(tmp_path: Path, before: str) -> None:
    (tmp_path / "posts").write_text(f"{before}id;text\n7;one, two\n", "utf-8")
    assert read(tmp_path / "posts")["7"].text == "one, two"


def test_a_number_beyond_all_bounds_spoils_only_its_own_line(tmp_path: Path) -> None:
    huge = "9" * 5000
    (tmp_path / "posts").write_text(f'{{"text": "a", "n": {huge}}}\n{{"text": "b", "n": 1e999}}\n')
    found = read(tmp_path / "posts")
    assert (found.texts, found.unreadable) == (["b"], ["line-1"])


def test_threads_in_a_bare_list_are_read(tmp_path: Path) -> None:
    rows = json.dumps([threads_archive.entry(1, "größer")]).encode()
    found = read(write_zip(tmp_path / "a.zip", {threads_archive.NAME: rows}))
    assert (found.kind, found.texts) == ("threads", ["größer"])


@pytest.mark.parametrize("missing", [1, 8, 200])
def test_a_tar_that_misses_its_last_bytes_is_refused(tmp_path: Path, missing: int) -> None:
    texts = (f"<p>post {n * n * 7919}</p>" for n in range(500))
    contents = mastodon_archive.files(
        *(mastodon_archive.status(n, text) for n, text in enumerate(texts))
    )
    path = mastodon_archive.write_tar(tmp_path / "a.tar.gz", contents)
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(ArchiveError, match="cannot be read"):
        read(path)
