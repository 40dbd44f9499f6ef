import json
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import x_archive
from tests.fakes.x_archive import OTHER_ID, OWN_ID, files, key, link, note, tweet
from trainer.archives import Tally, open_archive, read_posts
from trainer.archives.dates import read_date
from trainer.archives.records import BLOCK
from trainer.errors import ArchiveError, TrainerError
from trainer.post import Post

LONG = "A long post that goes on about the harbour lights, one after the other. " * 8


def read(path: Path) -> tuple[list[Post], Tally]:
    tally = Tally()
    return list(read_posts(open_archive(path, tally), path)), tally


def read_tweets(folder: Path, *tweets: dict[str, Any], **more: Any) -> dict[str, Post]:
    path = x_archive.write_zip(folder / "archive.zip", files(tweets, **more))
    return {post.id: post for post in read(path)[0]}


def test_zip_folder_data_folder_and_bare_file_give_the_same_posts(tmp_path: Path) -> None:
    contents = files([tweet(1, "One & one"), tweet(2, "Two")])
    folder = x_archive.write_folder(tmp_path / "unpacked", contents)
    zipped = x_archive.write_zip(tmp_path / "x", contents)
    rooted = x_archive.write_zip(tmp_path / "y", contents, root="twitter-2025/")
    expected = read(zipped)[0]
    assert [p.text for p in expected] == ["One & one", "Two"]
    for path in (folder, folder / "data", folder / "data" / "tweets.js", rooted):
        assert read(path)[0] == expected


def test_every_part_is_read(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")])
    for part in (1, 2, 10):
        rows = [tweet(part + 1, f"part {part}")]
        contents[f"data/tweets-part{part}.js"] = x_archive.script(f"YTD.tweets.part{part}", rows)
    posts, _ = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert [p.text for p in posts] == ["one", "part 1", "part 2", "part 10"]


@pytest.mark.parametrize("is_wrapped", [True, False], ids=["wrapped", "bare records"])
def test_the_era_of_tweet_js_is_read(tmp_path: Path, is_wrapped: bool) -> None:
    row = tweet(1, "from 2019")
    rows = [row if is_wrapped else row["tweet"]]
    (tmp_path / "tweet.js").write_bytes(x_archive.script("YTD.tweet.part0", rows))
    assert [p.text for p in read(tmp_path / "tweet.js")[0]] == ["from 2019"]


def test_a_post_is_read_with_all_it_has(tmp_path: Path) -> None:
    entities = {
        "hashtags": [{"text": "Fog"}],
        "user_mentions": [{"screen_name": "river_otter", "name": "River Otter"}],
    }
    post = read_tweets(tmp_path, tweet(1, "#Fog &amp; 1 < 2 @river_otter", entities=entities))
    assert post[key(1)] == Post(
        id=key(1),
        created_at=datetime(2020, 1, 1, 1, tzinfo=UTC),
        text="#Fog &amp; 1 < 2 @river_otter",
        kind="original",
        tags=("#Fog", "@river_otter River Otter"),
        language="en",
    )


@pytest.mark.parametrize(
    ("text", "more", "kind"),
    [
        ("RT @other: their words…", {}, "retweet"),
        ("RT if you agree", {}, "original"),
        ("@other yes", {"in_reply_to_user_id_str": OTHER_ID}, "reply"),
        ("and another thing", {"in_reply_to_user_id_str": OWN_ID}, "self_reply"),
        ("so true", {"entities": {"urls": [link("https://x.com/other/status/9")]}}, "quote"),
        ("old", {"entities": {"urls": [link("https://twitter.com/o/status/9?s=20")]}}, "quote"),
        ("long…", {"entities": {"urls": [link("https://x.com/i/web/status/9")]}}, "original"),
        ("pic", {"entities": {"urls": [link("https://x.com/me/status/9/photo/1")]}}, "original"),
        ("news", {"entities": {"urls": [link("https://example.org/status/9")]}}, "original"),
    ],
)
def test_kinds_are_told_apart(tmp_path: Path, text: str, more: Any, kind: str) -> None:
    assert read_tweets(tmp_path, tweet(1, text, **more))[key(1)].kind == kind


def test_a_long_post_is_made_whole(tmp_path: Path) -> None:
    cut = LONG[:270] + "… https://t.co/abcdefghij"
    posts = read_tweets(
        tmp_path,
        tweet(1, cut),
        tweet(2, cut),
        tweet(3, "short, of the same second as a note that begins otherwise" * 3),
        note_tweet=[note(1, LONG), note(3, LONG)],
    )
    assert (posts[key(1)].text, posts[key(1)].kind) == (LONG, "note")
    assert (posts[key(2)].text, posts[key(2)].kind) == (cut, "original")  # another hour
    assert posts[key(3)].kind == "original"


def test_a_long_post_of_a_thread_stays_a_self_reply(tmp_path: Path) -> None:
    row = tweet(1, "@me " + LONG[:260] + "…", in_reply_to_user_id_str=OWN_ID)
    post = read_tweets(tmp_path, row, note_tweet=[note(1, LONG)])[key(1)]
    assert (post.text, post.kind) == (LONG, "self_reply")


def test_versions_of_an_edited_post_name_the_first(tmp_path: Path) -> None:
    ids = {"editTweetIds": [key(1), key(2)]}
    posts = read_tweets(
        tmp_path,
        tweet(1, "tpyo", edit_info={"initial": ids}),
        tweet(2, "typo", edit_info={"edit": {"initialTweetId": key(1), "editControlInitial": ids}}),
        tweet(3, "unedited", edit_info={"initial": {"editTweetIds": [key(3)]}}),
    )
    assert [p.edit_of for p in posts.values()] == [key(1), key(1), None]


def test_circle_posts_are_private(tmp_path: Path) -> None:
    posts = read_tweets(
        tmp_path, tweet(1, "for all"), tweet(2, "for few"), twitter_circle_tweet=[tweet(2, "")]
    )
    assert [p.visibility for p in posts.values()] == ["public", "private"]


def test_posts_of_the_circles_time_bring_a_warning(tmp_path: Path) -> None:
    row = tweet(1, "hello", created_at="Wed Apr 05 10:00:00 +0000 2023")
    _, tally = read(x_archive.write_zip(tmp_path / "a.zip", files([row])))
    assert "Circle" in tally.warnings[0]


def test_messages_likes_and_deleted_posts_are_never_opened(tmp_path: Path) -> None:
    contents = files([tweet(1, "mine")])
    for name in ("like", "direct-messages", "deleted-tweets", "tweet-headers"):
        contents[f"data/{name}.js"] = b"\xff opening this would be an error"
    path = x_archive.write_zip(tmp_path / "a.zip", contents)
    with zipfile.ZipFile(path) as archive:
        damaged = archive.getinfo("data/like.js").header_offset
    raw = bytearray(path.read_bytes())
    raw[damaged + 60] ^= 0xFF  # now even unpacking it fails
    path.write_bytes(raw)
    assert [p.text for p in read(path)[0]] == ["mine"]


def test_a_count_that_differs_from_the_manifests_is_told(tmp_path: Path) -> None:
    contents = files([tweet(1, "one"), tweet(2, "two")])
    contents["data/tweets.js"] = x_archive.script("YTD.tweets.part0", [tweet(1, "one")])
    _, tally = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert tally.warnings == ["tweets.js holds 1 posts, but the manifest says 2."]


def test_a_part_that_only_the_manifest_knows_is_told(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")])
    listed = [{"fileName": "data/tweets-part1.js", "count": "9"}]
    config = {"dataTypes": {"tweets": {"files": listed}}}
    contents["data/manifest.js"] = x_archive.script("__THAR_CONFIG", config)
    _, tally = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert tally.warnings == ["The manifest lists tweets-part1.js, which is not there."]


def test_a_record_that_is_no_post_is_counted_and_passed_over(tmp_path: Path) -> None:
    rows: list[Any] = [
        tweet(1, "good"),
        {"tweet": {"id_str": 5, "full_text": ["no text"]}},
        {"tweet": {"full_text": "no id"}},
        "no object",
        None,
        tweet(2, "good too", entities={"hashtags": "none"}),
        tweet(3, "the last"),
    ]
    posts, tally = read(x_archive.write_zip(tmp_path / "a.zip", files(rows)))
    assert [p.text for p in posts] == ["good", "the last"]
    assert tally.unreadable == 5


def test_half_characters_spoil_only_their_own_post(tmp_path: Path) -> None:
    rows = [tweet(n, f"post {n} 🌲 with \\ud83d in words") for n in range(3)]
    text = x_archive.script("YTD.tweets.part0", rows).replace(b"post 1 ", b"post 1 \\ud83d \xff ")
    (tmp_path / "tweets.js").write_bytes(text)
    texts = [p.text for p in read(tmp_path / "tweets.js")[0]]
    assert texts[0] == "post 0 🌲 with \\ud83d in words"  # a backslash that the author typed
    assert texts[1].startswith("post 1 \ufffd \ufffd")
    assert len(texts) == 3


def test_records_are_cut_right_wherever_a_block_ends(tmp_path: Path) -> None:
    rng = random.Random(1)
    media = {"media": [{"id": str(n), "sizes": {"w": "1"}} for n in range(4)]}
    rows = [
        tweet(n, 'He said "}, {" and \\ 🌲 ' * rng.randrange(60), extended_entities=media)
        for n in range(600)
    ]
    for indent, name in ((2, "tweets.js"), (None, "tweet.js")):
        text = json.dumps(rows, indent=indent, ensure_ascii=bool(indent))
        assert len(text) > 2 * BLOCK
        (tmp_path / name).write_text(f"window.YTD.tweets.part0 = {text}", "utf-8")
        posts, tally = read(tmp_path / name)
        assert [p.text for p in posts] == [
            row["tweet"]["full_text"].replace("&gt;", ">") for row in rows
        ]
        assert tally.bytes_read == tally.total_bytes


def test_plain_json_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "posts"
    path.write_text(
        '{"content": "one", "date": "2020-01-01 10:00", "id": 7}\n\n'
        '{"text": "two &amp;", "created_at": 1577872800}\n'
        '{"full_text": "RT @a: three &amp;"}\n'
        '{"other": 1}\n',
        "utf-8",
    )
    posts, tally = read(path)
    ten = datetime(2020, 1, 1, 10, tzinfo=UTC)
    assert posts == [
        Post("7", ten, "one", "original"),
        Post("line-3", ten, "two &amp;", "original"),
        Post("line-4", None, "RT @a: three &", "retweet"),
    ]
    assert tally.unreadable == 1


@pytest.mark.parametrize(
    ("encoding", "warnings"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("cp1252", ["posts.csv is not UTF-8: read as cp1252 (Windows)."]),
    ],
)
def test_a_csv_is_read_in_each_encoding(tmp_path: Path, encoding: str, warnings: Any) -> None:
    path = tmp_path / "posts.csv"
    path.write_bytes('ID;Body;Date\r\n7;"Café; ""zwei""\nZeilen";x\r\n'.encode(encoding))
    posts, tally = read(path)
    assert posts == [Post("7", None, 'Café; "zwei"\nZeilen', "original")]
    assert [w for w in tally.warnings if "date" not in w] == warnings


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


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"  \n ", "empty"),
        (b"hello, world", "neither a zip nor a list of posts"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "neither a zip nor a list of posts"),
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
    path = x_archive.write_zip(tmp_path / "a.zip", {"data/like.js": b"window.YTD.like.part0 = []"})
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = (
    *tweet(1, "")["tweet"],
    "text",
    "edit_info",
    "in_reply_to_user_id_str",
    "in_reply_to_status_id_str",
    "tweet",
)
ODD_TWEETS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3).map(
    lambda changes: {"tweet": tweet(1, "text")["tweet"] | changes}
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(ODD_TWEETS | JSON, max_size=4))
def test_no_record_however_odd_breaks_the_reading(tmp_path: Path, rows: list[Any]) -> None:
    text = b"window.YTD.tweets.part0 = " + json.dumps(rows).encode()
    path = tmp_path / "tweets.js"
    path.write_bytes(text)
    try:
        posts, tally = read(path)
    except TrainerError:
        assert b"NaN" in text or b"Infinity" in text  # these are not JSON
    else:
        assert len(posts) + tally.unreadable == len(rows)


WHOLE = x_archive.script("YTD.tweets.part0", [tweet(n, "a 🌲 post") for n in range(3)])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(WHOLE) - 1), cut=st.integers(0, 40), put=st.binary(max_size=6))
def test_no_damage_to_a_file_shows_as_anything_but_a_sentence(
    tmp_path: Path, at: int, cut: int, put: bytes
) -> None:
    path = tmp_path / "tweets.js"
    path.write_bytes(WHOLE[:at] + put + WHOLE[at + cut :])
    try:
        read(path)
    except TrainerError as e:
        assert str(e).endswith(".")


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.binary(max_size=80).map(lambda b: b'{"text":' + b)
    | st.binary(max_size=80).map(lambda b: b"text,id\n" + b)
)
def test_no_plain_file_breaks_the_reading(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "posts"
    path.write_bytes(content)
    try:
        read(path)
    except TrainerError as e:
        assert str(e).endswith(".")
