"""X's archives of every year."""

import html
import json
import os
import random
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import x_archive
from tests.fakes.reading import read
from tests.fakes.x_archive import OTHER_ID, OWN_ID, files, key, link, note, tweet
from trainer.archives.post import Post
from trainer.archives.records import BLOCK
from trainer.errors import ArchiveError

LONG = "A long post that goes on about the harbour lights, one after the other. " * 8


def read_tweets(folder: Path, *tweets: dict[str, Any], **more: Any) -> dict[str, Post]:
    path = x_archive.write_zip(folder / "archive.zip", files(tweets, **more))
    return {post.id: post for post in read(path).posts}


def test_zip_folder_data_folder_and_bare_file_give_the_same_posts(tmp_path: Path) -> None:
    contents = files([tweet(1, "One & one"), tweet(2, "Two")])
    folder = x_archive.write_folder(tmp_path / "unpacked", contents)
    zipped = x_archive.write_zip(tmp_path / "x", contents)
    rooted = x_archive.write_zip(tmp_path / "y", contents, root="twitter-2025/")
    expected = read(zipped).posts
    assert [p.text for p in expected] == ["One & one", "Two"]
    for path in (folder, folder / "data", folder / "data" / "tweets.js", rooted):
        assert read(path).posts == expected


def test_every_part_is_read(tmp_path: Path) -> None:
    parts = [[tweet(n, f"part {n}")] for n in range(12)]
    path = x_archive.write_zip(tmp_path / "a.zip", files(parts[0], *parts[1:]))
    assert read(path).texts == [f"part {n}" for n in range(12)]


@pytest.mark.parametrize("is_wrapped", [True, False], ids=["wrapped", "bare records"])
def test_the_era_of_tweet_js_is_read(tmp_path: Path, is_wrapped: bool) -> None:
    row = tweet(1, "from 2019")
    rows = [row if is_wrapped else row["tweet"]]
    (tmp_path / "tweet.js").write_bytes(x_archive.script("YTD.tweet.part0", rows))
    assert read(tmp_path / "tweet.js").texts == ["from 2019"]


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
    assert [p.visibility for p in posts.values()] == ["public", "circle"]


def test_posts_of_the_circles_time_bring_a_warning(tmp_path: Path) -> None:
    row = tweet(1, "hello", created_at="Wed Apr 05 10:00:00 +0000 2023")
    tally = read(x_archive.write_zip(tmp_path / "a.zip", files([row] * 3))).tally
    assert ["Circle" in warning for warning in tally.warnings] == [True]


UNOPENED = (
    "account-creation-ip",
    "deleted-tweet-headers",
    "deleted-tweets",
    "direct-message-headers",
    "direct-messages",
    "direct-messages-group",
    "email-address-change",
    "like",
    "tweet-headers",
)


@pytest.mark.parametrize("is_zipped", [True, False], ids=["zip", "folder"])
def test_messages_likes_and_deleted_posts_are_never_opened(tmp_path: Path, is_zipped: bool) -> None:
    contents = files([tweet(1, "mine")]) | {f"data/{n}.js": b"poison" * 99 for n in UNOPENED}
    if is_zipped:
        path = x_archive.write_zip(tmp_path / "a.zip", contents)
        raw = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            for name in UNOPENED:  # now even unpacking them fails
                raw[archive.getinfo(f"data/{name}.js").header_offset] ^= 0xFF
        path.write_bytes(raw)
    else:
        path = x_archive.write_folder(tmp_path / "a", contents)
        for name in UNOPENED:
            (path / "data" / f"{name}.js").unlink()
            os.mkfifo(path / "data" / f"{name}.js")  # whoever opens it, waits for ever
    found = read(path)
    assert (found.texts, found.unreadable, found.tally.warnings) == (["mine"], [], [])


def test_the_e_mail_address_is_not_read(tmp_path: Path) -> None:
    contents = files([tweet(1, "mine", in_reply_to_user_id_str=OWN_ID)])
    del contents["data/manifest.js"]
    account = {"email": 5, "accountId": OWN_ID}  # of a type that reading it would refuse
    contents["data/account.js"] = x_archive.script("YTD.account.part0", [{"account": account}])
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert found.posts[0].kind == "self_reply"


def test_a_count_that_differs_from_the_manifests_is_told(tmp_path: Path) -> None:
    contents = files([tweet(1, "one"), tweet(2, "two")])
    contents["data/tweets.js"] = x_archive.script("YTD.tweets.part0", [tweet(1, "one")])
    tally = read(x_archive.write_zip(tmp_path / "a.zip", contents)).tally
    assert tally.warnings == ["tweets.js holds 1 posts, but the manifest says 2."]


def test_a_part_that_only_the_manifest_knows_is_told(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")])
    listed = [{"fileName": "data/tweets-part1.js", "count": "9"}]
    config = {"dataTypes": {"tweets": {"files": listed}}}
    contents["data/manifest.js"] = x_archive.script("__THAR_CONFIG", config)
    tally = read(x_archive.write_zip(tmp_path / "a.zip", contents)).tally
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
    found = read(x_archive.write_zip(tmp_path / "a.zip", files(rows)))
    assert found.texts == ["good", "the last"]
    assert found.unreadable == ["5", *(f"tweets.js record {n}" for n in (3, 4, 5)), key(2)]
    assert not found.tally.warnings  # the manifest counts them too


def test_half_characters_spoil_only_their_own_post(tmp_path: Path) -> None:
    rows = [tweet(n, f"post {n} 🌲 with \\ud83d in words") for n in range(3)]
    text = x_archive.script("YTD.tweets.part0", rows).replace(b"post 1 ", b"post 1 \\ud83d \xff ")
    (tmp_path / "tweets.js").write_bytes(text)
    texts = read(tmp_path / "tweets.js").texts
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
        found = read(tmp_path / name)
        assert found.texts == [row["tweet"]["full_text"].replace("&gt;", ">") for row in rows]
        assert found.tally.bytes_read == found.tally.total_bytes


@pytest.mark.parametrize(
    "name",
    ["like", "deleted_tweets", "direct_messages", "note_tweet", "tweet_headers", "account"],
)
def test_another_list_of_xs_is_not_taken_for_the_posts(tmp_path: Path, name: str) -> None:
    (tmp_path / "tweets.js").write_bytes(x_archive.script(f"YTD.{name}.part0", [tweet(1, "no")]))
    with pytest.raises(ArchiveError, match=f"YTD.{name}.part0"):
        read(tmp_path / "tweets.js")


def test_the_manifests_listing_goes_before_the_names(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")], [tweet(2, "two")])
    contents["data/tweets-part7.js"] = x_archive.script("YTD.tweets.part7", [tweet(7, "stray")])
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert found.texts == ["one", "two"]
    assert "tweets-part7.js is not listed" in found.tally.warnings[0]


def test_a_manifest_cannot_name_what_is_never_read(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")])
    listed = [{"fileName": f"data/{n}.js"} for n in ("tweets", "like", "deleted-tweets")]
    listed += [{"fileName": "../../../tweets-part9.js"}, {"fileName": "data/tweet-headers.js"}]
    config = {"dataTypes": {"tweets": {"files": listed}}}
    contents["data/manifest.js"] = x_archive.script("__THAR_CONFIG", config)
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert found.texts == ["one"]
    assert found.tally.warnings == ["The manifest lists tweets-part9.js, which is not there."]


def test_a_partial_archive_says_so(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")])
    config = {"archiveInfo": {"isPartialArchive": True}}
    contents["data/manifest.js"] = x_archive.script("__THAR_CONFIG", config)
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert (found.texts, len(found.tally.warnings)) == (["one"], 1)


def test_an_odd_manifest_is_told_and_passed_over(tmp_path: Path) -> None:
    contents = files([tweet(1, "one")]) | {"data/manifest.js": b"window.x = (function() {})()"}
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert found.texts == ["one"]
    assert "manifest.js cannot be read" in found.tally.warnings[0]


def test_posts_in_communities_are_posts(tmp_path: Path) -> None:
    contents = files([tweet(1, "to all")], community_tweet=[tweet(2, "to the bird watchers")])
    found = read(x_archive.write_zip(tmp_path / "a.zip", contents))
    assert found.texts == ["to all", "to the bird watchers"]
    assert found[key(2)].visibility == "public"


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("&lt;3 &amp; &gt;", "<3 & >"),
        ("&amp;lt; is how one writes it", "&lt; is how one writes it"),
        ("&amp;amp;amp;", "&amp;amp;"),
        ("&quot; &#39; &nbsp; stay", "&quot; &#39; &nbsp; stay"),
    ],
)
def test_html_is_unescaped_exactly_once(tmp_path: Path, escaped: str, text: str) -> None:
    assert read_tweets(tmp_path, tweet(1, "", full_text=escaped))[key(1)].text == text


CUTS = {
    "between words": (LONG, LONG[:270] + "… https://t.co/abcdefghij"),
    "without a link": (LONG, LONG[:271] + "…"),
    "inside of an escape": (f"{LONG[:268]}& {LONG}", html.escape(LONG[:268]) + "&am…"),
    "no spaces at all": (
        "港の灯りがまたひとつずつ消えていく。" * 20,
        "港の灯りがまたひとつずつ消えていく。" * 7 + "…",
    ),
    "escaped on both sides": (
        html.escape("1 < 2 & 3 > 2. ") + LONG,
        html.escape("1 < 2 & 3 > 2. ") + LONG[:240] + "…",
    ),
    "other white space": (LONG.replace(", ", ",\n"), LONG[:270] + "…"),
    "handles in front": (LONG, "@river_otter @x_y " + LONG[:240] + "…"),
}


@pytest.mark.parametrize(("whole", "cut"), CUTS.values(), ids=CUTS)
def test_a_cut_post_is_found_again_by_second_and_beginning(
    tmp_path: Path, whole: str, cut: str
) -> None:
    posts = read_tweets(tmp_path, tweet(1, "", full_text=cut), note_tweet=[note(1, whole)])
    assert [(p.id, p.text) for p in posts.values()] == [(key(1), html.unescape(whole))]


@pytest.mark.parametrize(("seconds", "is_found"), [(1, True), (-1, True), (2, False)])
def test_a_note_may_be_a_second_away(tmp_path: Path, seconds: int, is_found: bool) -> None:
    row = note(1, LONG)
    date = datetime(2020, 1, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    row["noteTweet"]["createdAt"] = date.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    posts = read_tweets(tmp_path, tweet(1, LONG[:270] + "…"), note_tweet=[row])
    assert ([p.kind for p in posts.values()] == ["note"]) is is_found


def test_a_note_of_no_post_is_a_post_of_its_own(tmp_path: Path) -> None:
    row = note(5, "Lost &amp; found. " + LONG)
    row["noteTweet"]["core"]["hashtags"] = [{"text": "Fog"}]
    posts = read_tweets(tmp_path, tweet(1, "other"), note_tweet=[row])
    assert posts["5"] == Post(
        "5", datetime(2020, 1, 1, 5, tzinfo=UTC), "Lost & found. " + LONG, "note", ("#Fog",)
    )


def test_what_a_long_post_marks_beyond_the_cut_is_kept(tmp_path: Path) -> None:
    row = note(1, LONG + "#Fog @otter")
    row["noteTweet"]["core"]["hashtags"] = [{"text": "Fog"}]
    row["noteTweet"]["core"]["mentions"] = [{"id": "-1", "name": "Otter O.", "screenName": "otter"}]
    posts = read_tweets(tmp_path, tweet(1, LONG[:270] + "…"), note_tweet=[row])
    assert posts[key(1)].tags == ("#Fog", "@otter Otter O.")


def test_a_long_post_for_the_circle_is_private(tmp_path: Path) -> None:
    posts = read_tweets(
        tmp_path,
        tweet(1, LONG[:270] + "…"),
        note_tweet=[note(1, LONG)],
        twitter_circle_tweet=[tweet(1, "")],
    )
    assert [(p.text, p.visibility) for p in posts.values()] == [(LONG, "circle")]


def test_ids_that_are_missing_or_numbers_or_minus_one_are_borne(tmp_path: Path) -> None:
    mention = {"user_mentions": [{"screen_name": "gone", "name": "Gone", "id_str": "-1"}]}
    bare = {"in_reply_to_user_id_str": None, "in_reply_to_user_id": int(OTHER_ID)}
    posts = read_tweets(
        tmp_path,
        tweet(1, "@gone hello", entities=mention),
        tweet(2, "@other yes", **bare),
        tweet(3, "yes", in_reply_to_status_id_str="5"),
        tweet(4, "yes, me", in_reply_to_user_id_str=OWN_ID),
        tweet(5, "@gone so", in_reply_to_user_id_str="-1"),
    )
    kinds = ["original", "reply", "reply", "self_reply", "reply"]
    assert [p.kind for p in posts.values()] == kinds


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("und", None), ("qme", None), ("in", "id"), ("iw", "he"), ("pt-BR", "pt")],
)
def test_languages_are_iso_639(tmp_path: Path, tag: str, language: str | None) -> None:
    assert read_tweets(tmp_path, tweet(1, "x", lang=tag))[key(1)].language == language
