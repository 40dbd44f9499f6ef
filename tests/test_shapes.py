"""Lists of records: whose they are is told by their keys, and what these tell is believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.reading import read
from tests.test_prepare_sources import reasons, run
from trainer.archives.entry import field_name
from trainer.archives.markdown import plain_words
from trainer.archives.shapes import SHAPES, shape_of
from trainer.errors import ArchiveError

Json = dict[str, Any]  # Any: JSON

STATUS: Json = {
    "id": "1",
    "uri": "https://fog.example/users/me/statuses/1",
    "created_at": "2024-01-02T08:00:00.000Z",
    "in_reply_to_id": None,
    "in_reply_to_account_id": None,
    "reblog": None,
    "content": "<p>Fog &amp; <b>tea</b><br>at six</p>",
    "visibility": "public",
    "spoiler_text": "",
    "account": {"id": "5", "acct": "me"},
    "mentions": [],
    "tags": [],
}
NOTE: Json = {
    "id": "1",
    "text": "Fog & tea\nat six",
    "createdAt": "2024-01-02T08:00:00.000Z",
    "replyId": None,
    "renoteId": None,
    "cw": None,
    "visibility": "public",
    "localOnly": False,
}
V2: Json = {
    "id": "1",
    "text": "Fog &amp; tea\nat six",
    "created_at": "2024-01-02T08:00:00.000Z",
    "author_id": "5",
    "edit_history_tweet_ids": ["1"],
}
V1: Json = {
    "id_str": "1",
    "full_text": "Fog &amp; tea\nat six",
    "created_at": "Tue Jan 02 08:00:00 +0000 2024",
    "user": {"id_str": "5", "screen_name": "me"},
    "entities": {"urls": []},
}
SCRAPED: Json = {
    "_type": "snscrape.modules.twitter.Tweet",
    "id": 1,
    "date": "2024-01-02T08:00:00+00:00",
    "rawContent": "Fog & tea\nat six",
    "user": {"id": 5, "username": "me"},
    "inReplyToTweetId": None,
    "inReplyToUser": None,
    "retweetedTweet": None,
    "quotedTweet": None,
}
TWINT: Json = {
    "id": 1,
    "conversation_id": "1",
    "created_at": 1704182400000,
    "username": "me",
    "tweet": "Fog & tea\nat six",
    "reply_to": [],
    "retweet": False,
    "quote_url": "",
}
TUMBLR: Json = {
    "id_string": "1",
    "blog_name": "me",
    "reblog_key": "x",
    "type": "text",
    "state": "published",
    "timestamp": 1704182400,
    "body": "<p>Fog &amp; tea<br>at six</p>",
    "tags": ["fog"],
}
REDDIT: Json = {
    "id": "1",
    "subreddit": "fog",
    "author": "me",
    "created_utc": 1704182400.0,
    "title": "",
    "selftext": "**Fog** &amp; [tea](https://example.org/t)\nat six",
}
EVENT: Json = {
    "id": "1",
    "pubkey": "me",
    "kind": 1,
    "created_at": 1704182400,
    "content": "Fog & tea\nat six",
    "tags": [],
    "sig": "x",
}
MESSAGE: Json = {
    "id": 1,
    "type": "message",
    "date": "2024-01-02T10:00:00",
    "date_unixtime": "1704182400",
    "from_id": "channel5",
    "text": ["Fog & ", {"type": "bold", "text": "tea"}, "\nat six"],
}
BLOG: Json = {
    "id": 1,
    "slug": "fog",
    "date_gmt": "2024-01-02T08:00:00",
    "status": "publish",
    "content": {"rendered": "<p>Fog &amp; tea<br>at six</p>", "protected": False},
    "excerpt": {"rendered": "Fog"},
}
ITEM: Json = {
    "id": "1",
    "content_html": "<p>Fog &amp; tea<br>at six</p>",
    "date_published": "2024-01-02T08:00:00Z",
}
PUB: Json = {
    "id": "1",
    "type": "Note",
    "attributedTo": "https://fog.example/users/me",
    "content": "<p>Fog &amp; tea<br>at six</p>",
    "published": "2024-01-02T08:00:00Z",
    "to": "as:Public",
}
VIEW: Json = {
    "post": {
        "uri": "at://did:plc:me/app.bsky.feed.post/1",
        "cid": "x",
        "author": {"did": "did:plc:me"},
        "record": {"text": "Fog & tea\nat six", "createdAt": "2024-01-02T08:00:00Z"},
    }
}
PLAIN: Json = {"id": "1", "text": "Fog & tea\nat six", "createdAt": "2024-01-02T08:00:00Z"}
WHOLE = {
    **{"mastodon": STATUS, "misskey": NOTE, "x v2": V2, "x v1": V1, "x scraped": SCRAPED},
    **{"x twint": TWINT, "tumblr": TUMBLR, "reddit": REDDIT, "nostr": EVENT, "telegram": MESSAGE},
    **{"wordpress": BLOG, "feed": ITEM, "mastodon notes": PUB, "bluesky": VIEW, "jsonl": PLAIN},
}


def written(path: Path, rows: list[Json], form: str) -> Path:
    """The rows as lines, as a list, or as a list inside of an object on many lines."""
    if form == "lines":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        other = {"liked": [{"text": "somebody else's"}], "n": 1}
        whole = rows if form == "list" else {**other, "items": rows}
        path.write_text(json.dumps(whole, indent=1 if form == "object" else None))
    return path


@pytest.mark.parametrize("form", ["lines", "list", "object", "page"])
@pytest.mark.parametrize("name", WHOLE)
def test_every_service_is_told_and_read_in_every_form(tmp_path: Path, name: str, form: str) -> None:
    found = read(written(tmp_path / "posts", [WHOLE[name]], form))
    assert found.kind == name.partition(" ")[0]
    (post,) = found.posts
    assert (post.text, post.kind, post.visibility) == ("Fog & tea\nat six", "original", "public")
    assert post.created_at is not None
    assert post.created_at.isoformat() == "2024-01-02T08:00:00+00:00"
    assert post.id.rpartition("/")[2] == "1"
    assert not found.unreadable + found.tally.warnings


OTHER = {"id": "9", "acct": "oak"}
QUOTED = {"quoted_status": {"uri": "https://x.example/1", "account": OTHER}}
MINE = {"quoted_status": {"uri": "https://fog.example/2", "account": {"id": "5"}}}
CHANGED: list[tuple[Json, Json, tuple[str, str]]] = [
    (STATUS, {"visibility": "private"}, ("original", "private")),
    (STATUS, {"visibility": "direct"}, ("original", "direct")),
    (STATUS, {"visibility": "unlisted"}, ("original", "unlisted")),
    (STATUS, {"visibility": "limited"}, ("original", "private")),
    (STATUS, {"visibility": None}, ("original", "private")),
    (STATUS, {"reblog": {"id": "7", "content": "theirs"}}, ("retweet", "public")),
    (STATUS, {"in_reply_to_id": "3", "in_reply_to_account_id": "9"}, ("reply", "public")),
    (STATUS, {"in_reply_to_id": "3", "in_reply_to_account_id": "5"}, ("self_reply", "public")),
    (STATUS, {"quote": {"state": "accepted", **QUOTED}}, ("quote", "public")),
    (STATUS, {"quote": {"state": "accepted", **MINE}}, ("original", "public")),
    (STATUS, {"quote": {"state": "revoked", "quoted_status": None}}, ("quote", "public")),
    (STATUS, {"quote_id": "8"}, ("quote", "public")),
    (STATUS, {"content": "<blockquote>theirs</blockquote>"}, ("quote", "public")),
    (NOTE, {"visibility": "followers"}, ("original", "private")),
    (NOTE, {"visibility": "specified"}, ("original", "direct")),
    (NOTE, {"visibility": "home"}, ("original", "unlisted")),
    (NOTE, {"visibility": "new one"}, ("original", "private")),
    (NOTE, {"renoteId": "7"}, ("quote", "public")),
    (NOTE, {"renoteId": "7", "text": None}, ("retweet", "public")),
    (NOTE, {"replyId": "7"}, ("reply", "public")),
    (NOTE, {"text": "> theirs"}, ("quote", "public")),
    (V2, {"referenced_tweets": [{"type": "retweeted", "id": "9"}]}, ("retweet", "public")),
    (V2, {"referenced_tweets": [{"type": "quoted", "id": "9"}]}, ("quote", "public")),
    (V2, {"referenced_tweets": [{"type": "replied_to", "id": "9"}]}, ("reply", "public")),
    (V2, {"in_reply_to_user_id": "9"}, ("reply", "public")),
    (V2, {"in_reply_to_user_id": "5"}, ("self_reply", "public")),
    (V2, {"author": {"protected": True}}, ("original", "private")),
    (V1, {"retweeted_status": {}}, ("retweet", "public")),
    (V1, {"is_quote_status": True}, ("quote", "public")),
    (V1, {"extended_tweet": {"full_text": "whole"}, "text": "theirs…"}, ("original", "public")),
    (V1, {"in_reply_to_user_id_str": "9"}, ("reply", "public")),
    (V1, {"in_reply_to_user_id_str": "5"}, ("self_reply", "public")),
    (V1, {"user": {"id_str": "5", "protected": True}}, ("original", "private")),
    (SCRAPED, {"retweetedTweet": {"id": 9}}, ("retweet", "public")),
    (SCRAPED, {"quotedTweet": {"id": 9, "user": {"id": 9}}}, ("quote", "public")),
    (SCRAPED, {"quotedTweet": {"id": 9, "user": {"id": 5}}}, ("original", "public")),
    (SCRAPED, {"inReplyToTweetId": 9, "inReplyToUser": {"id": 9}}, ("reply", "public")),
    (SCRAPED, {"inReplyToTweetId": 9, "inReplyToUser": {"id": 5}}, ("self_reply", "public")),
    (SCRAPED, {"user": {"id": 5, "protected": True}}, ("original", "private")),
    (TWINT, {"retweet": True}, ("retweet", "public")),
    (TWINT, {"reply_to": [{"screen_name": "oak"}]}, ("reply", "public")),
    (TWINT, {"quote_url": "https://twitter.com/oak/status/9"}, ("quote", "public")),
    (TWINT, {"quote_url": "https://twitter.com/Me/status/9"}, ("original", "public")),
    (TUMBLR, {"state": "private"}, ("original", "private")),
    (TUMBLR, {"state": "draft"}, ("original", "private")),
    (TUMBLR, {"type": "quote", "text": "theirs"}, ("quote", "public")),
    (TUMBLR, {"type": "answer", "answer": "<p>mine</p>"}, ("reply", "public")),
    (TUMBLR, {"reblogged_from_id": "9", "reblog": {"comment": ""}}, ("retweet", "public")),
    (TUMBLR, {"reblogged_from_id": "9", "reblog": {"comment": "<p>hm</p>"}}, ("quote", "public")),
    (REDDIT, {"parent_id": "t1_9", "body": "so", "selftext": None}, ("reply", "public")),
    (REDDIT, {"crosspost_parent": "t3_9"}, ("retweet", "public")),
    (REDDIT, {"subreddit_type": "private"}, ("original", "private")),
    (REDDIT, {"selftext": "&gt; theirs"}, ("quote", "public")),
    (EVENT, {"kind": 6, "content": "{}"}, ("retweet", "public")),
    (EVENT, {"tags": [["e", "9", "", "root"]]}, ("reply", "public")),
    (EVENT, {"tags": [["q", "9"]]}, ("quote", "public")),
    (EVENT, {"tags": [["e", "9", "", "mention"], ["t", "fog"]]}, ("original", "public")),
    (MESSAGE, {"forwarded_from": "Oak"}, ("retweet", "public")),
    (MESSAGE, {"reply_to_message_id": 9}, ("reply", "public")),
    (MESSAGE, {"text": [{"type": "blockquote", "text": "theirs"}]}, ("quote", "public")),
    (BLOG, {"status": "draft"}, ("original", "private")),
    (BLOG, {"content": {"rendered": "<p>a</p>", "protected": True}}, ("original", "private")),
    (PUB, {"to": "https://fog.example/users/me/followers"}, ("original", "private")),
    (PUB, {"inReplyTo": "https://x.example/1"}, ("reply", "public")),
    (VIEW, {"reason": {"by": "me"}}, ("retweet", "public")),
    (PLAIN, {"visibility": "followers"}, ("original", "private")),
    (PLAIN, {"privacy": {"value": "SELF"}}, ("original", "private")),
    (PLAIN, {"audience": "Public"}, ("original", "public")),
    (PLAIN, {"visibility": "direct"}, ("original", "direct")),
    (PLAIN, {"is_private": True}, ("original", "private")),
    (PLAIN, {"public": False}, ("original", "private")),
    (PLAIN, {"status": "draft"}, ("original", "private")),
    (PLAIN, {"status": "feeling fine"}, ("original", "public")),
    (PLAIN, {"isRetweet": True}, ("retweet", "public")),
    (PLAIN, {"repost_of": "7"}, ("retweet", "public")),
    (PLAIN, {"retweet": 3}, ("original", "public")),  # a count
    (PLAIN, {"is_reply": True}, ("reply", "public")),
    (PLAIN, {"in_reply_to": "7"}, ("reply", "public")),
    (PLAIN, {"parent_id": None}, ("original", "public")),
    (PLAIN, {"isQuote": "true"}, ("quote", "public")),
    (PLAIN, {"quoted_status_id": ""}, ("original", "public")),
]


@pytest.mark.parametrize(("record", "more", "expected"), CHANGED)
def test_what_a_record_tells_is_believed(
    tmp_path: Path, record: Json, more: Json, expected: tuple[str, str]
) -> None:
    rows = [{**record, **more}]
    (post,) = read(written(tmp_path / "posts", rows, "list")).posts
    assert (post.kind, post.visibility) == expected
    assert "theirs" not in post.text or post.kind == "retweet"


@pytest.mark.parametrize(
    ("record", "more"),
    [
        (REDDIT, {"selftext": "[deleted]"}),
        (REDDIT, {"selftext": "[removed]"}),
        (EVENT, {"kind": 4, "content": "secret"}),
        (EVENT, {"kind": 7, "content": "+"}),
        (MESSAGE, {"type": "service", "text": ""}),
        (STATUS, {"content": None}),
        (NOTE, {"text": 5}),
        (BLOG, {"content": {"rendered": ""}}),
        (VIEW, {"post": {"uri": 5}}),
    ],
)
def test_what_is_no_post_is_counted_as_none(tmp_path: Path, record: Json, more: Json) -> None:
    found = read(written(tmp_path / "posts", [record, {**record, **more, "id": "2"}], "list"))
    assert (len(found.posts), len(found.unreadable)) == (1, 1)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"sender_name": "Oak", "timestamp_ms": 1, "content": "hi"}, "private messages"),
        ({"from": "a", "to": "b", "body": "hi"}, "private messages"),
        ({"ts": "1", "user": "U1", "text": "hi"}, "private messages"),
        ({"conversation id": "1", "from": "a", "content": "hi"}, "private messages"),
        ({"ID": "1", "Contents": "hi", "Attachments": ""}, "private messages"),
        ({"media": [], "title": "a picture", "creation_timestamp": 1}, "Instagram"),
        ({"Comment Text": "first", "Video ID": "1"}, "YouTube"),
    ],
)
def test_what_is_not_read_is_refused_by_name(tmp_path: Path, record: Json, words: str) -> None:
    with pytest.raises(ArchiveError, match=words):
        read(written(tmp_path / "posts", [record], "list"))
    with pytest.raises(ArchiveError, match=words):
        read(written(tmp_path / "posts", [record], "lines"))


def text_of(value: object, depth: int = 1) -> str:
    return json.dumps(value, indent=depth)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text_of({"liked": [{"text": "theirs"}], "saved": []}), r"`liked` \(1\), `saved` \(0\)"),
        (text_of({"liked": [{"text": "theirs"}]}, 0), r"the list `liked` \(1\)"),
        (text_of({"[" * 5_000: []}), r"the list `\[{40}` \(0\), and none"),
        (text_of({"name": "no list", "n": 1}), "with no list"),
        (text_of({"type": "personal_chat", "messages": [MESSAGE]}), "personal_chat"),
        (text_of({"type": "private_supergroup", "messages": [MESSAGE]}), "Only a public channel"),
        (text_of({"personal_information": {}, "chats": {"list": []}}), "export of everything"),
        (text_of([{"title": "no text"}]), "none of the keys text, content"),
        ("a,b,c\n1,2,3\n", "the columns a, b, c, of which none is text, content"),
    ],
)
def test_an_unknown_list_is_said_to_be_what_it_is(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "posts").write_text(content)
    with pytest.raises(ArchiveError, match=words):
        read(tmp_path / "posts")


@pytest.mark.parametrize(
    ("record", "more"),
    [
        (STATUS, {"account": OTHER}),
        (V2, {"author_id": "9"}),
        (V1, {"user": {"id_str": "9"}}),
        (SCRAPED, {"user": {"id": 9}}),
        (EVENT, {"pubkey": "oak"}),
        (REDDIT, {"author": "oak"}),
        ({**PLAIN, "author": "me"}, {"author": "oak"}),
        ({**PLAIN, "user": {"username": "me"}}, {"user": {"username": "oak"}}),
    ],
)
def test_a_list_of_several_authors_is_refused(tmp_path: Path, record: Json, more: Json) -> None:
    with pytest.raises(ArchiveError, match="several authors"):
        read(written(tmp_path / "posts", [record, {**record, **more}], "lines"))


def test_somebody_elses_words_in_a_repost_are_nobodys_list(tmp_path: Path) -> None:
    rows = [VIEW, {"post": {**VIEW["post"], "author": {"did": "did:plc:oak"}}, "reason": {"a": 1}}]
    found = read(written(tmp_path / "posts", rows, "list"))
    assert [p.kind for p in found.posts] == ["original", "retweet"]


TABLES = {
    "linkedin": (
        'Date,ShareLink,ShareCommentary,Visibility\n2024-01-02 08:00:00,u1,"One ""\n"" two",'
        "MEMBER_NETWORK\n2024-01-03 08:00:00,u2,For friends,CONNECTIONS\n",
        [("One \n two", "original", "public"), ("For friends", "original", "private")],
    ),
    "linkedin comments": (
        "Date,Link,Message\n2024-01-02 08:00:00,u1,Well said\n",
        [("Well said", "reply", "public")],
    ),
    "reddit": (
        "id,permalink,date,subreddit,title,url,body\n"
        "p1,u,2024-01-02 08:00:00 UTC,fog,My title,,My *body*\n",
        [("My title\n\nMy body", "original", "public")],
    ),
    "reddit comments": (
        "id,date,subreddit,link,parent,body\nc1,2024-01-02 08:00:00 UTC,fog,u,,Yes\n",
        [("Yes", "reply", "public")],
    ),
    "x flat": (
        "id,text,created_at,author_id,referenced_tweets.replied_to.id,public_metrics.like_count\n"
        "1,a &amp; b,2024-01-02T08:00:00.000Z,5,,3\n2,@oak no,2024-01-02T08:00:00.000Z,5,9,0\n",
        [("a & b", "original", "public"), ("@oak no", "reply", "public")],
    ),
    "x twint": (
        "id,conversation_id,created_at,username,tweet,reply_to,retweet\n"
        "1,1,2024-01-02 08:00:00 UTC,me,a b,[],False\n",
        [("a b", "original", "public")],
    ),
    "csv": (
        "Text,Created At,Visibility\nmine,2024-01-02,public\nhers,2024-01-02,friends\n",
        [("mine", "original", "public"), ("hers", "original", "private")],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_services_are_told_by_their_columns(tmp_path: Path, name: str) -> None:
    content, expected = TABLES[name]
    (tmp_path / "posts.csv").write_text(content)
    found = read(tmp_path / "posts.csv")
    assert found.kind == name.partition(" ")[0]
    assert [(p.text, p.kind, p.visibility) for p in found.posts] == expected
    assert all(post.created_at for post in found.posts)


def test_facebook_does_not_say_who_could_see_a_post(tmp_path: Path) -> None:
    rows = [{"timestamp": 1704182400, "data": [{"post": "caf\u00c3\u00a9"}], "title": "Me."}]
    found = read(written(tmp_path / "posts", rows, "list"))
    assert [(p.text, p.visibility) for p in found.posts] == [("café", "private")]
    assert "--with-private" in found.tally.warnings[0]


def test_threads_of_a_service_are_followed(tmp_path: Path) -> None:
    rows = [
        NOTE | {"id": "a1", "text": "It begins"},
        NOTE | {"id": "a2", "text": "It goes on", "replyId": "a1"},
        NOTE | {"id": "a3", "text": "This, by myself", "renoteId": "a1"},
        NOTE | {"id": "a4", "text": "@oak no", "replyId": "zz"},
        NOTE | {"id": "a5", "text": "So true", "renoteId": "zz"},
    ]
    posts, dropped, _ = run([written(tmp_path / "notes.json", rows, "list")], tmp_path / "data")
    assert {p["id"]: p["kind"] for p in posts} == {
        **{"a1": "original", "a2": "self_reply", "a3": "original"}
    }
    assert set(reasons(dropped)) == {"a4", "a5"}


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        ("$[tada *Ten* years] **so** far", "Ten years so far"),
        ("$[x2 $[spin.speed=2s deep]] end", "deep end"),
        ("[words](https://example.org/a_(b)) stay", "words stay"),
        ("?[quiet](https://example.org) ~~gone~~ `code`", "quiet gone code"),
        ("# Heading\ntext", "Heading\ntext"),
        ("<small>low</small> <center>mid</center>", "low mid"),
        ("> theirs\nmine", "mine"),
        (">theirs\nmine", "mine"),
        (">!spoiler!< mine", "spoiler mine"),
        ("2 * 3 * 4 and a_b_c", "2 * 3 * 4 and a_b_c"),
        (r"\*not bold\*", "*not bold*"),
        ("***all*** _of_ __it__", "all of it"),
        ("#hashtag stays", "#hashtag stays"),
        (":emoji: @oak@fog.example", ":emoji: @oak@fog.example"),
    ],
)
def test_markdown_is_not_learnt_as_words(marked: str, words: str) -> None:
    assert plain_words(marked)[0] == words


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Fog &amp; tea</p>", "Fog & tea"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a <b>bold</b> word", "a <b>bold</b> word"),  # a text that holds marks
        ("<p> is how a paragraph begins", "<p> is how a paragraph begins"),
        ("I &amp; you", "I &amp; you"),
    ],
)
def test_a_plain_text_that_is_html_becomes_text(tmp_path: Path, html: str, text: str) -> None:
    assert read(written(tmp_path / "p", [{"text": html}], "lines")).texts == [text]


def test_every_shape_is_found_by_each_of_its_own_keys() -> None:
    for shape in SHAPES:
        for fields in shape.fields:
            found = shape_of([dict.fromkeys(fields)])
            assert found is not None
            assert SHAPES.index(found) <= SHAPES.index(shape)
    assert field_name("Created At") == field_name("createdAt") == field_name("created_at")
