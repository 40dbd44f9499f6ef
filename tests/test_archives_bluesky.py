"""Bluesky's repositories, and the answers of its listRecords."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bluesky_archive import (
    DID,
    OTHER_DID,
    POST,
    Repo,
    facet,
    link,
    listed,
    post,
    posts,
    reply,
    rkey,
    uri,
)
from tests.fakes.mastodon_archive import write_tar
from tests.fakes.reading import Reading, read
from tests.fakes.x_archive import write_folder, write_zip
from trainer.archives import car
from trainer.archives.post import Post
from trainer.archives.records import BLOCK
from trainer.errors import ArchiveError

REPOST = {
    "$type": "app.bsky.feed.repost",
    "subject": {"uri": uri(9, OTHER_DID), "cid": "bafy"},
    "createdAt": "2024-05-01T10:00:00Z",
}
LIKE = REPOST | {"$type": "app.bsky.feed.like"}


def read_repo(folder: Path, *records: dict[str, Any]) -> Reading:
    path = folder / "repo"
    path.write_bytes(Repo(posts(*records)).car())
    return read(path)


def test_a_repository_and_its_listing_give_the_same_posts(tmp_path: Path) -> None:
    text = "größer: example.org/a-ve... 🌲"
    records = (
        post("one"),
        post(text, facets=[link(text, "example.org/a-ve...", "https://example.org/a-very-long")]),
        post("and", reply=reply(uri(1))),
    )
    expected = read_repo(tmp_path, *records)
    assert expected.kind == "bluesky"
    assert expected.texts == ["one", "größer: https://example.org/a-very-long 🌲", "and"]
    assert [p.id for p in expected.posts] == [rkey(1), rkey(2), rkey(3)]
    rows = listed(*records)
    shapes: list[Any] = [
        json.dumps({"records": rows, "cursor": rkey(1)}),
        json.dumps({"cursor": rkey(1), "records": rows}, indent=2),
        json.dumps(rows),
        json.dumps([{"records": rows[:2], "cursor": "x"}, {"records": rows[2:]}]),
        "\n".join(json.dumps(row) for row in rows),
    ]
    for shape in shapes:
        (tmp_path / "listed").write_text(shape)
        found = read(tmp_path / "listed")
        assert (found.kind, found.posts[::-1]) == ("bluesky", expected.posts)


def test_a_post_is_read_with_all_it_has(tmp_path: Path) -> None:
    text = "🌲 #Fog for @mel.fog.example"
    marks = [
        facet(text, "@mel.fog.example", {"$type": "app.bsky.richtext.facet#mention", "did": "d"}),
        facet(text, "#Fog", {"$type": "app.bsky.richtext.facet#tag", "tag": "Fog"}),
    ]
    record = post(text, facets=marks, langs=["pt-BR", "en"], tags=["weather"])
    assert read_repo(tmp_path, record).posts == [
        Post(
            id=rkey(1),
            created_at=datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=UTC),
            text=text,
            kind="original",
            tags=("#Fog", "@mel.fog.example mel", "#weather"),
            language="pt",
        )
    ]


def test_deleted_posts_do_not_revive(tmp_path: Path) -> None:
    repo = Repo(posts(post("kept")))
    repo.add(post("deleted, but its block is still in the file"))
    (tmp_path / "repo").write_bytes(repo.car())
    assert read(tmp_path / "repo").texts == ["kept"]


def test_keys_are_put_together_from_the_tree(tmp_path: Path) -> None:
    records = posts(*(post(f"post {n}") for n in range(1, 400)))
    others = {f"app.bsky.feed.like/{rkey(n)}": LIKE for n in range(300)}
    others |= {"app.bsky.actor.profile/self": {"$type": "app.bsky.actor.profile"}}
    others |= {f"app.bsky.feed.repost/{rkey(1)}": REPOST}
    (tmp_path / "repo").write_bytes(Repo(records | others).car())
    found = read(tmp_path / "repo")
    assert [(p.id, p.text) for p in found.posts[:-1]] == [
        (rkey(n), f"post {n}") for n in range(1, 400)
    ]
    assert found.posts[-1].kind == "retweet"
    assert not found.unreadable


@pytest.mark.parametrize(
    ("more", "kind", "reply_to"),
    [
        ({}, "original", None),
        ({"reply": reply(uri(7))}, "self_reply", rkey(7)),
        ({"reply": reply(uri(7, OTHER_DID))}, "reply", None),
        ({"reply": reply(uri(7, f"{DID}2"))}, "reply", None),
        (
            {"embed": {"$type": "app.bsky.embed.record", "record": {"uri": uri(7, OTHER_DID)}}},
            "quote",
            None,
        ),
        (
            {
                "embed": {
                    "$type": "app.bsky.embed.recordWithMedia",
                    "record": {
                        "$type": "app.bsky.embed.record",
                        "record": {"uri": uri(7, OTHER_DID)},
                    },
                    "media": {"$type": "app.bsky.embed.images", "images": []},
                }
            },
            "quote",
            None,
        ),
        (
            {
                "embed": {
                    "$type": "app.bsky.embed.record",
                    "record": {"uri": f"at://{OTHER_DID}/app.bsky.feed.generator/birds"},
                }
            },
            "original",
            None,
        ),
        ({"embed": {"$type": "app.bsky.embed.images", "images": []}}, "original", None),
    ],
    ids=["none", "own", "another's", "longer DID", "quote", "with media", "a feed", "images"],
)
def test_kinds_are_told_apart(
    tmp_path: Path, more: dict[str, Any], kind: str, reply_to: str | None
) -> None:
    found = read_repo(tmp_path, post("x", **more)).posts[0]
    assert (found.kind, found.reply_to) == (kind, reply_to)


def test_facets_that_count_wrong_do_no_harm(tmp_path: Path) -> None:
    text = "🌲 example.org"
    whole = link(text, "example.org", "https://example.org/")
    odd = [
        whole | {"index": {"byteStart": start, "byteEnd": end}}
        for start, end in ((1, 3), (5, 99), (-4, 2), (9, 5), (3, 3), (0, 2), (8, 12))
    ]
    assert read_repo(tmp_path, post(text, facets=odd)).texts == [text]
    assert read_repo(tmp_path, post(text, facets=[whole, whole])).texts == [
        "🌲 https://example.org/"
    ]


def test_the_authors_own_words_for_a_link_stay(tmp_path: Path) -> None:
    text = "read my essay, at example.org"
    marks = [
        link(text, "my essay", "https://example.org/essay"),
        link(text, "example.org", "https://example.org/"),
    ]
    texts = read_repo(tmp_path, post(text, facets=marks)).texts
    assert texts == ["read my essay, at https://example.org/"]


def test_nothing_is_unescaped(tmp_path: Path) -> None:
    assert read_repo(tmp_path, post("&amp; &lt;3 <b>")).texts == ["&amp; &lt;3 <b>"]


@pytest.mark.parametrize("date", ["yesterday", "", None, 5e300, "0000-01-01T00:00:00Z", "9" * 40])
def test_the_clients_word_on_the_date_may_be_nonsense(tmp_path: Path, date: object) -> None:
    found = read_repo(tmp_path, post("x", createdAt=date))
    assert [(p.text, p.created_at) for p in found.posts] == [("x", None)]


def test_a_damaged_record_is_told_by_its_key(tmp_path: Path) -> None:
    repo = Repo(posts(post("one"), {"$type": POST}, post("three"), post("four", langs="en")))
    cid = next(cid for cid, data in repo.blocks.items() if b"three" in data)
    repo.blocks[cid] = repo.blocks[cid].replace(b"three", b"eerht")
    (tmp_path / "repo").write_bytes(repo.car())
    found = read(tmp_path / "repo")
    assert (found.texts, found.unreadable) == (["one"], [rkey(2), rkey(3), rkey(4)])


def test_an_unreadable_row_of_a_listing_is_told_by_its_key(tmp_path: Path) -> None:
    rows = [*listed(post("one"), post("two", facets=5)), {"value": {"$type": POST}}]
    (tmp_path / "listed").write_text(json.dumps({"records": rows}))
    found = read(tmp_path / "listed")
    assert (found.texts, found.unreadable) == (["one"], [rkey(2), "listed record 3"])


def test_a_long_listing_is_read_block_by_block(tmp_path: Path) -> None:
    rows = listed(*(post(f'post {n} "}}, {{" \\ ' + "fog " * 60) for n in range(2000)))
    path = tmp_path / "listed"
    path.write_text(json.dumps({"records": rows, "cursor": "}, {"}))
    assert path.stat().st_size > 2 * BLOCK
    found = read(path)
    assert [p.id for p in found.posts] == [rkey(n) for n in range(2000, 0, -1)]


def hostile_repos() -> dict[str, bytes]:
    """Repositories that no server writes."""
    circle = Repo(posts(post("x")))
    circle.root = circle.add({"did": DID, "data": circle.add({"l": None, "e": []})[:-1] + b"!"})
    deep = Repo({})
    node = deep.add({"l": None, "e": []})
    for _ in range(car.DEEPEST + 2):
        node = deep.add({"l": node, "e": []})
    deep.root = deep.add({"did": DID, "data": node})
    again = Repo({})  # a tree whose branches are all the same: twice as many keys a level
    node, leaf = again.add({"l": None, "e": []}), again.add(post("x"))
    for _ in range(40):
        entry = {"p": 0, "k": b"app.bsky.feed.post/3k", "v": leaf, "t": node}
        node = again.add({"l": node, "e": [entry]})
    again.root = again.add({"did": DID, "data": node})
    nested = Repo({})
    bomb = b"\x81" * 100_000 + b"\x00"
    nested.blocks[nested.root] = bomb
    whole = Repo(posts(*(post(f"post {n}") for n in range(9)))).car()
    return {
        "a node that is missing": circle.car(),
        "a deep tree": deep.car(),
        "a tree of copies": again.car(),
        "a nested block": nested.car(),
        "version 2": Repo({}).car(version=2),
        "no commit": Repo({}).car().replace(b"did", b"dad"),
        "a giant block": whole[:60] + b"\xff\xff\xff\xff\x0f" + whole[60:],
        "an endless number": whole[:60] + b"\xff" * 20,
        **{f"cut at {n}/9": whole[: len(whole) * n // 9] for n in range(1, 9)},
        "the last byte missing": whole[:-1],
    }


@pytest.mark.parametrize("name", hostile_repos())
def test_hostile_repositories_end_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "repo.car").write_bytes(hostile_repos()[name])
    with pytest.raises(ArchiveError, match=r"Download|Unpack") as caught:
        read(tmp_path / "repo.car")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("write", [write_zip, write_tar, write_folder])
def test_a_packed_repository_is_found_among_media_and_litter(
    tmp_path: Path, write: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    texts = [f"post {n}" for n in range(300)]
    repo = Repo(posts(*map(post, texts))).car()
    litter = {"__MACOSX/x/._repo.car": b"\0\5", "x/.DS_Store": b"\0", "x/blobs/1.jpg": b"\xff"}
    assert read(write(tmp_path / "a", {"x/repo.car": repo} | litter)).texts == texts


@pytest.mark.parametrize("rows_a_page", [2, 100], ids=["short lines", "lines beyond the head"])
def test_whole_answers_may_stand_one_a_line(tmp_path: Path, rows_a_page: int) -> None:
    rows = listed(*(post(f"post {n} {'fog ' * 200}") for n in range(3 * rows_a_page)))
    pages = [rows[n : n + rows_a_page] for n in range(0, len(rows), rows_a_page)]
    path = tmp_path / "posts.jsonl"
    path.write_text("\n".join(json.dumps({"cursor": "3k", "records": page}) for page in pages))
    assert read(path).texts == [row["value"]["text"] for row in rows]


def test_a_repository_alone_in_a_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "repo.car").write_bytes(Repo(posts(post("x"))).car())
    assert read(tmp_path).texts == ["x"]
