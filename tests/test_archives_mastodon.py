"""Mastodon's archives, and its HTML."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import x_archive
from tests.fakes.mastodon_archive import (
    FOLLOWERS,
    ME,
    OTHER,
    PUBLIC,
    boost,
    files,
    key,
    outbox,
    status,
    write_tar,
)
from tests.fakes.reading import read
from trainer.archives.markup import Html
from trainer.archives.post import Post
from trainer.archives.records import BLOCK

LINK = (
    '<a href="https://example.org/news/2023/a-very-long-path" rel="nofollow" target="_blank">'
    '<span class="invisible">https://www.</span><span class="ellipsis">example.org/news/2023/a-ve'
    '</span><span class="invisible">ry-long-path</span></a>'
)
MENTION = (
    '<span class="h-card"><a href="https://fog.example/@mel" class="u-url mention">'
    "@<span>mel</span></a></span>"
)
TAG = (
    '<a href="https://fog.example/tags/FogReport" class="mention hashtag" rel="tag">'
    "#<span>FogReport</span></a>"
)


def read_outbox(folder: Path, *activities: object, **more: Any) -> dict[str, Post]:
    path = folder / "outbox.json"
    path.write_bytes(outbox(activities, **more))
    return {post.id: post for post in read(path).posts}


def test_tar_zip_folder_and_bare_outbox_give_the_same_posts(tmp_path: Path) -> None:
    contents = files(status(1, "<p>One &amp; one</p>"), boost(2, f"{OTHER}/statuses/9"))
    rooted = {f"archive-2023/{name}": content for name, content in contents.items()}
    x_archive.write_folder(tmp_path / "unpacked", contents)
    paths = (
        write_tar(tmp_path / "archive.tar.gz", contents),
        write_tar(tmp_path / "renamed.zip", contents),
        write_tar(tmp_path / "plain.tar", contents, "w"),
        write_tar(tmp_path / "rooted", rooted),
        x_archive.write_zip(tmp_path / "no-extension", contents),
        tmp_path / "unpacked",
        tmp_path / "unpacked" / "outbox.json",
    )
    for path in paths:
        found = read(path)
        assert (found.kind, found.texts) == ("mastodon", ["One & one", ""]), path.name
        assert [p.kind for p in found.posts] == ["original", "retweet"]
        assert not found.unreadable


def test_a_status_is_read_with_all_it_has(tmp_path: Path) -> None:
    tags = [
        {"type": "Mention", "href": OTHER, "name": "@mel@fog.example"},
        {"type": "Hashtag", "href": "https://fog.example/tags/fog", "name": "#fog"},
        {"type": "Emoji", "name": ":goose:", "icon": {"type": "Image"}},
    ]
    posts = read_outbox(tmp_path, status(1, f"<p>{TAG} for {MENTION} :goose:</p>", tag=tags))
    assert posts[key(1)] == Post(
        id=key(1),
        created_at=datetime(2023, 5, 2, 10, tzinfo=UTC),
        text="#FogReport for @mel :goose:",
        kind="original",
        tags=("@mel mel", "#fog"),
        language="en",
    )


@pytest.mark.parametrize(
    ("to", "cc", "visibility"),
    [
        ([PUBLIC], [FOLLOWERS], "public"),
        (["as:Public"], [], "public"),
        (PUBLIC, FOLLOWERS, "public"),
        ([FOLLOWERS], [PUBLIC], "unlisted"),
        ([FOLLOWERS], [OTHER], "private"),
        ([OTHER], [FOLLOWERS], "private"),
        ([OTHER], [], "direct"),
        ([], [], "direct"),
        (None, None, "direct"),
    ],
)
def test_who_could_see_it_is_told_by_to_and_cc(
    tmp_path: Path, to: Any, cc: Any, visibility: str
) -> None:
    posts = read_outbox(tmp_path, status(1, "<p>hello</p>", to=to, cc=cc))
    assert posts[key(1)].visibility == visibility


def test_a_boost_is_somebody_elses_even_where_it_holds_the_status(tmp_path: Path) -> None:
    whole = status(7, "<p>my own words, boosted to my followers</p>")["object"]
    posts = read_outbox(tmp_path, boost(1, f"{OTHER}/statuses/9"), boost(2, whole, to=[FOLLOWERS]))
    assert [(p.kind, p.text) for p in posts.values()] == [("retweet", ""), ("retweet", "")]


def test_a_poll_is_read_for_its_question(tmp_path: Path) -> None:
    options = [{"type": "Note", "name": n, "replies": {"totalItems": 3}} for n in ("Tea", "Fog")]
    poll = status(1, "<p>Which one?</p>", type="Question", oneOf=options, votersCount=3)
    assert read_outbox(tmp_path, poll)[key(1)].text == "Which one?"


def test_a_content_warning_is_no_part_of_the_text(tmp_path: Path) -> None:
    posts = read_outbox(tmp_path, status(1, "<p>It fell.</p>", summary="soufflé", sensitive=True))
    assert posts[key(1)].text == "It fell."


@pytest.mark.parametrize(
    ("parent", "kind"),
    [
        (key(9), "self_reply"),
        ("https://fog.example/@me/9", "self_reply"),
        (f"{OTHER}/statuses/9", "reply"),
        ("https://fog.example/users/me2/statuses/9", "reply"),
        ({"id": key(9), "type": "Note"}, "self_reply"),
    ],
    ids=["own", "own page", "another's", "a longer name", "as an object"],
)
def test_replies_to_oneself_are_told_from_those_to_others(
    tmp_path: Path, parent: Any, kind: str
) -> None:
    contents = files(status(1, "<p>and</p>", inReplyTo=parent))
    post = read(write_tar(tmp_path / "a", contents)).posts[0]
    assert (post.kind, bool(post.reply_to)) == (kind, kind == "self_reply")


def test_threads_need_no_actor(tmp_path: Path) -> None:
    posts = read_outbox(tmp_path, status(1, "<p>a</p>"), status(2, "<p>b</p>", inReplyTo=key(1)))
    assert (posts[key(2)].kind, posts[key(2)].reply_to) == ("self_reply", key(1))


@pytest.mark.parametrize(
    ("html", "kind", "text"),
    [
        (f"<p>{MENTION} {MENTION} yes, {MENTION}</p>", "reply", "yes, @mel"),
        (f"<p>{MENTION}</p><p>Yes.</p>", "reply", "Yes."),
        (f"<p>{MENTION} is late</p>", "self_reply", "@mel is late"),
        (f"<p>{MENTION} Also this.</p>", "self_reply", "Also this."),
        (f"<p>{MENTION} is late</p>", "original", "@mel is late"),
        (f"<p>So {MENTION} is late</p>", "reply", "So @mel is late"),
        (MENTION, "reply", ""),
    ],
)
def test_handles_in_front_of_a_reply_are_mastodons(
    tmp_path: Path, html: str, kind: str, text: str
) -> None:
    parent = {"reply": f"{OTHER}/statuses/9", "self_reply": key(9), "original": None}[kind]
    assert read_outbox(tmp_path, status(1, html, inReplyTo=parent))[key(1)].text == text


def test_a_quote_is_one_and_its_fallback_no_text(tmp_path: Path) -> None:
    html = '<p class="quote-inline">RE: <a href="https://x.example/1">x</a><br></p><p>So true</p>'
    post = read_outbox(tmp_path, status(1, html, quote="https://x.example/1"))[key(1)]
    assert (post.kind, post.text) == ("quote", "So true")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two<br>Three<br />Four</p>", "One\n\nTwo\nThree\nFour"),
        ("<p>One<br><br>Two</p>", "One\n\nTwo"),
        (f"<p>See {LINK}, {TAG}</p>", "See https://example.org/news/2023/a-very-long-path"),
        ("<p>&amp;lt; &lt;3 &quot;so&quot; &#39;it&#39; is</p>", "&lt; <3 \"so\" 'it' is"),
        ('<p>my <a href="https://example.org/1">own words</a> stay</p>', "my own words stay"),
        ("<p>tea &nbsp; or\n   coffee</p>", "tea \xa0 or coffee"),
        ("<ul><li>tea</li><li>fog</li></ul><p>both</p>", "tea\nfog\n\nboth"),
        ("<p>a</p><blockquote><p>said</p></blockquote><p>so</p>", "a\n\nso"),
        ("<pre><code>a  b\n c</code></pre>", "a  b\n c"),
        ("no markup, 1 > 0", "no markup, 1 > 0"),
        ("", ""),
        ("<p></p>", ""),
        ("<p>unclosed <em>tags", "unclosed tags"),
        ("<script>alert(1)</script><p>safe</p>", "safe"),
        ("<p>🌲 größer &#x1F332;</p>", "🌲 größer 🌲"),
    ],
)
def test_html_becomes_what_was_written(html: str, text: str) -> None:
    written = Html().to_text(html)
    assert written is not None
    if LINK in html:
        text += ", #FogReport"
    assert written.text == text


def test_absurd_markup_is_bounded(tmp_path: Path) -> None:
    deep = "<div>" * 9_000 + "deep" + "</div>" * 9_000
    path = tmp_path / "outbox.json"
    odd = [status(1, "<em></p>" * 100_000), status(2, deep), status(3, "<p>after</p>")]
    path.write_bytes(outbox(odd))
    found = read(path)
    assert found.unreadable == [key(1)]
    assert found.texts[-1] == "after"


def test_every_activity_is_accounted_for(tmp_path: Path) -> None:
    odd: list[Any] = [
        status(1, "<p>good</p>"),
        {"id": "https://fog.example/1", "type": "Delete", "object": "https://fog.example/2"},
        {"id": "https://fog.example/3", "type": "Create", "object": "https://fog.example/4"},
        status(5, "", content=None, contentMap=None),
        {"type": "Create", "object": {"no": "id"}},
        "https://fog.example/6",
        None,
        status(8, "<p>last</p>", conversation=None, contentMap=None, tag=None, attachment=None),
    ]
    path = tmp_path / "outbox.json"
    path.write_bytes(outbox(odd))
    found = read(path)
    assert found.texts == ["good", "last"]
    assert found.unreadable == [
        "https://fog.example/1",
        "https://fog.example/3",
        key(5),
        *(f"outbox.json record {n}" for n in (5, 6, 7)),
    ]


def test_a_text_that_stands_only_by_language_is_read(tmp_path: Path) -> None:
    path = tmp_path / "outbox.json"
    path.write_bytes(outbox([status(1, "", content=None, contentMap={"de": "<p>Nebel</p>"})]))
    (post,) = read(path).posts
    assert (post.text, post.language) == ("Nebel", "de")


def test_an_outbox_of_any_size_is_read_block_by_block(tmp_path: Path) -> None:
    media = [{"type": "Document", "url": f"/{n}.png", "blurhash": "}, {"} for n in range(4)]
    texts = [f'post {n}, with "}}, {{" and \\ in it. ' + "fog " * 200 for n in range(900)]
    statuses = [status(n, text, attachment=media) for n, text in enumerate(texts)]
    path = tmp_path / "outbox.json"
    tail = {"first": {"items": [{"a": 1}, {"b": 2}]}, "summary": "}, {"}
    path.write_bytes(outbox(statuses, **tail))
    assert path.stat().st_size > 4 * BLOCK
    found = read(path)
    assert [t.strip() for t in found.texts] == [t.strip() for t in texts]
    assert found.tally.bytes_read == found.tally.total_bytes
    packed = read(write_tar(tmp_path / "a", {"outbox.json": path.read_bytes()}))
    assert packed.posts == found.posts


def test_the_key_of_the_list_may_stand_anywhere_before_it(tmp_path: Path) -> None:
    loaded = json.loads(outbox([status(1, "<p>one</p>")]))
    rows = loaded.pop("orderedItems")
    path = tmp_path / "anything"
    for order in ({"orderedItems": rows, **loaded}, {**loaded, "orderedItems": rows}):
        path.write_text(json.dumps(order, indent=2))
        assert read(path).texts == ["one"]


def test_likes_and_bookmarks_are_never_opened_nor_taken(tmp_path: Path) -> None:
    contents = files(status(1, f"<p>by {ME}</p>"))
    path = x_archive.write_zip(tmp_path / "a.zip", contents | {"bookmarks.json": b"poison"})
    assert read(path).texts == [f"by {ME}"]
    (tmp_path / "outbox.json").write_bytes(contents["likes.json"])
    with pytest.raises(Exception, match="other people's posts"):
        read(tmp_path / "outbox.json")
