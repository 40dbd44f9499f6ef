"""Folders, zips and tars: everything in them is read, or named as not read."""

import json
from pathlib import Path

import pytest

from tests.fakes import bluesky_archive, mastodon_archive, threads_archive, x_archive
from tests.fakes.hostile import tarred, zipped
from tests.fakes.mastodon_archive import status
from tests.fakes.reading import read
from tests.fakes.x_archive import tweet, write_folder
from tests.test_prepare_sources import run
from trainer.errors import ArchiveError, NoPostsError

X = x_archive.files([tweet(1, "on x")]) | {"Your archive.html": b"<html>", "assets/js/a.js": b""}
MASTODON = mastodon_archive.files(status(1, "<p>on mastodon</p>"))
THREADS = threads_archive.files(threads_archive.entry(1, "on threads"))
CAR = bluesky_archive.Repo(bluesky_archive.posts(bluesky_archive.post("on bluesky"))).car()
GRAILBIRD = {
    "data/js/tweets/2013_05.js": x_archive.script(
        "Grailbird.data.tweets_2013_05", [{"id_str": "5", "text": "in 2013"}]
    ),
    "tweets.csv": b"tweet_id,text,retweeted_status_id\n5,in 2013,\n",
}
PICTURES = {"media/posts/1.jpg": b"\xff\xd8", "your_instagram_activity/media/no-data.txt": b""}
CHANNEL = {
    "type": "public_channel",
    "messages": [{"id": 1, "type": "message", "text": "on telegram", "from_id": "channel1"}],
}


def under(root: str, contents: dict[str, bytes]) -> dict[str, bytes]:
    return {f"{root}/{name}": content for name, content in contents.items()}


@pytest.mark.parametrize(
    ("contents", "texts"),
    [
        (under("a", X) | under("b", MASTODON), ["on x", "on mastodon"]),
        (under("part-1", THREADS) | under("part-2", THREADS), ["on threads"] * 2),
        (X | under("old", X), ["on x"] * 2),
        (X | under("mine", MASTODON) | {"blog.csv": b"text\nin a table\n"}, None),
        ({"a.csv": b"text\none\n", "b.jsonl": b'{"text": "two"}\n'}, ["one", "two"]),
        ({"x.zip": zipped(X), "m.tar.gz": tarred(MASTODON)}, ["on x", "on mastodon"]),
        ({"1.zip": zipped(THREADS), "2.zip": zipped(PICTURES)}, ["on threads"]),
        ({"a.car": CAR, "b/c.car": CAR}, ["on bluesky"] * 2),
        (under("x", GRAILBIRD) | under("y", X), ["on x", "in 2013"]),
        (under("social-media/multimedia", X), ["on x"]),
        (under("1/2/3/4", X), ["on x"]),
        (under("ChatExport", {"result.json": json.dumps(CHANNEL).encode()}), ["on telegram"]),
        (
            {"Shares.csv": b"Date,ShareLink,ShareCommentary\n2024-01-01,u,shared\n"}
            | {"messages.csv": b"FROM,TO,CONTENT\na,b,secret\n"},
            ["shared"],
        ),
        (
            {"posts.csv": b"id,subreddit,title,body\n1,fog,,words\n"}
            | {"drafts.csv": b"id,subreddit,title,body,is_public_link\n1,fog,,secret,\n"}
            | {"announcements.csv": b"announcement_id,from_id,body\n1,2,secret\n"},
            ["words"],
        ),
        (X | {"data/tweets_media/1.mp4": b"", "data/direct-messages.js": b"secret"}, ["on x"]),
    ],
)
@pytest.mark.parametrize("packing", ["folder", "zip", "tar"])
def test_all_archives_in_a_folder_are_read(
    tmp_path: Path, contents: dict[str, bytes], texts: list[str] | None, packing: str
) -> None:
    path = tmp_path / "all"
    if packing == "folder":
        write_folder(path, contents)
    elif any(name.endswith((".zip", ".gz")) for name in contents):
        pytest.skip("what is packed twice is to be unpacked")
    else:
        path.write_bytes(zipped(contents) if packing == "zip" else tarred(contents))
    found = read(path)
    assert found.texts == (texts or ["on x", "on mastodon", "in a table"])
    assert not found.unreadable
    said = [w for w in found.tally.warnings if f"holds {len(found.kinds)} archives" in w]
    assert len(said) == (len(found.kinds) > 1)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"notes.md": b"# Mine", "photo.jpg": b""}, "Not read in all: notes.md."),
        ({f"{n}.pdf": b"" for n in range(8)}, "and 3 more."),
        ({"contacts.csv": b"name,mail\na,b\n"}, "contacts.csv was not read: "),
        ({"broken.zip": b"PK\x03\x04"}, "broken.zip was not read: "),
        ({"2.zip": zipped(PICTURES)}, "2.zip was not read: "),
        ({"chat.json": b'{"type": "personal_chat", "messages": []}'}, "chat.json was not read: "),
        (under("a/b/c/d/e/f/g/h/i", {"deep.csv": b"text\nfar\n"}), "a/b/c/d/e/f/g/h/i"),
        ({"photo.jpg": b"", "clip.mp4": b"", ".DS_Store": b""}, None),
    ],
)
def test_what_is_not_read_is_named(
    tmp_path: Path, contents: dict[str, bytes], said: str | None
) -> None:
    found = read(write_folder(tmp_path / "all", contents | under("x", X)))
    assert found.texts == ["on x"]
    warnings = " ".join(found.tally.warnings)
    assert said in warnings if said else not warnings


def test_a_link_out_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("text\nsecret\n")
    folder = write_folder(tmp_path / "all", X)
    (folder / "linked.csv").symlink_to(tmp_path / "secret.csv")
    found = read(folder)
    assert found.texts == ["on x"]
    assert found.tally.warnings == ["Not read in all: linked.csv."]


def test_a_part_without_posts_is_said_beside_one_with_posts(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(zipped(THREADS))
    (tmp_path / "2.zip").write_bytes(zipped(PICTURES))
    (tmp_path / "3.js").write_bytes(x_archive.script("YTD.tweets.part0", []))
    sources = [tmp_path / name for name in ("2.zip", "1.zip", "3.js")]
    posts, _, printed = run(sources, tmp_path / "data")
    assert [p["text"] for p in posts] == ["on threads"]
    assert "2.zip holds no posts." in " ".join(printed.split())
    assert "3.js: 3.js holds no posts." in " ".join(printed.split())
    with pytest.raises(NoPostsError, match=r"2\.zip holds no posts"):
        run([tmp_path / "2.zip"], tmp_path / "data")
    with pytest.raises(ArchiveError, match="account that posted"):
        run([tmp_path / "3.js"], tmp_path / "data")


def test_every_archive_of_a_folder_is_a_source_of_its_own(tmp_path: Path) -> None:
    write_folder(tmp_path / "all", under("x", X) | under("m", MASTODON))
    posts, _, _ = run([tmp_path / "all"], tmp_path / "data")
    assert {p["text"] for p in posts} == {"on x", "on mastodon"}
    about = json.loads((tmp_path / "data" / "dataset.json").read_text("utf-8"))
    assert about["sources"] == [{"kind": "x", "read": 1}, {"kind": "mastodon", "read": 1}]


PAGE = "<!DOCTYPE html>\n<HTML><head><title>{}</title></head><body>"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.html", PAGE.format("Instagram information"), "Accounts Center"),
        ("a.html", PAGE.format("Facebook"), "Accounts Center"),
        ("a.html", PAGE.format("Exported Data") + '<a href="tg://x" class="tgme_">', "Telegram"),
        ("messages3.html", PAGE.format("Exported Data"), "Telegram"),
        ("Your archive.html", PAGE.format("Archive"), "page that shows an archive of X"),
        ("a.html", PAGE.format("My page"), "a web page, not an archive"),
        ("a.xml", '<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.2/">', "WXR"),
        ("a.xml", '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">', "feed in XML"),
        ("a.xml", '<?xml version="1.0"?><smses count="1">', "is XML"),
        ("tweets.js", "window.YTD.like.part0 = []", "X's list window.YTD.like.part0"),
        ("outbox.json", '{"id": "likes.json", "orderedItems": []}', "other people's posts"),
        ("posts.json", "[]", "empty list"),
        ("notes.db", "SQLite format 3\0", "a database of SQLite"),
        ("a.7z", "Rar!\x1a", "Unpack it and give"),
        ("a.pdf", "%PDF-1.7", "a PDF"),
        ("chat.txt", "[12.01.24, 10:00:00] Oak: hi, you\n", "WhatsApp"),
        ("chat.txt", "1/12/24, 10:00 PM - Oak: hi, you\n", "WhatsApp"),
        ("posts.jsonl", '{"title": "none"}\n', "none of the keys text, content"),
    ],
)
def test_a_refusal_names_what_it_is(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ArchiveError, match=said):
        read(tmp_path / name)
    with pytest.raises(ArchiveError, match=said):
        read(write_folder(tmp_path / "all", {name: content.encode()}))


def test_a_spreadsheet_is_to_be_saved_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "posts.xlsx").write_bytes(
        zipped({"[Content_Types].xml": b"<?xml?>", "xl/workbook.xml": b""})
    )
    with pytest.raises(ArchiveError, match="Save the table in it as CSV"):
        read(tmp_path / "posts.xlsx")


def test_what_is_said_of_files_holds_no_folders_of_a_person(tmp_path: Path) -> None:
    odd = {"a.csv": b"name,mail\na,b\n", "b.zip": b"PK\x03\x04", "c.json": b"{}", "d.md": b""}
    found = read(write_folder(tmp_path / "all", odd | under("x", X)))
    assert found.texts == ["on x"]
    assert str(tmp_path) not in " ".join(found.tally.warnings)


def test_two_archives_packed_twice_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"x.zip": zipped(X), "m.zip": zipped(MASTODON)}))
    with pytest.raises(ArchiveError, match=r"holds m\.zip, x\.zip\. Unpack it"):
        read(tmp_path / "a.zip")
