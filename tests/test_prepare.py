import hashlib
import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.voice import Prompt
from tests.fakes import x_archive
from tests.fakes.x_archive import CANARY, OTHER_ID, OWN_ID, files, key, link, note, tweet
from trainer.data import dataset
from trainer.data.options import PrepareOptions
from trainer.data.prepare import prepare
from trainer.errors import ArchiveError, DataError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG = "It is a long story about the harbour lights, told one light after the other. " * 6
WORDS = ("kettle", "goose", "harbour", "fog", "lamp", "ferry", "letter", "shift", "gull", "tide")
DEFAULT = PrepareOptions()

Rows = list[dict[str, Any]]  # Any: JSON


def run(
    archive: Path, out: Path, options: PrepareOptions = DEFAULT
) -> tuple[Rows, dict[str, Any], str]:
    """Prepare; returns posts.jsonl, dataset.json and what was printed."""
    printed = io.StringIO()
    prepare([archive], out, options, now=NOW, stdout=Console(file=printed, width=100))
    about = json.loads((out / "dataset.json").read_text("utf-8"))
    return rows_of(out / "posts.jsonl"), about, printed.getvalue()


def rows_of(file: Path) -> Rows:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def invented(number: int) -> str:
    rng = random.Random(number)
    return f"{number}: " + " ".join(rng.choice(WORDS) for _ in range(12))


def archive_of(folder: Path, *tweets: dict[str, Any], **more: Any) -> Path:
    return x_archive.write_zip(folder / "archive.zip", files(tweets, **more))


@pytest.fixture
def nasty(tmp_path: Path) -> Path:
    """One of everything that an archive of X may hold, newest first."""
    own = {"in_reply_to_user_id_str": OWN_ID, "in_reply_to_screen_name": "me"}
    other = {"in_reply_to_user_id_str": OTHER_ID}
    ids = {"editTweetIds": [key(20), key(21)]}
    quote = {"urls": [link("https://x.com/other/status/9")]}
    tweets = [
        tweet(1, "The first light & the last <3"),
        tweet(2, "and a second thought on it", in_reply_to_status_id_str=key(1), **own),
        tweet(3, "@me and a third", in_reply_to_status_id_str=key(2), **own),
        tweet(4, "@other how kind", **other),
        tweet(5, "RT @other: their words, cut off…"),
        tweet(6, "so true https://t.co/abcdefghij", entities=quote),
        tweet(7, "https://t.co/abcdefghij"),
        tweet(8, "🎉"),
        tweet(9, LONG[:270] + "… https://t.co/abcdefghij"),
        tweet(10, "for a few only"),
        tweet(11, "broken \ufffd words"),
        tweet(12, "The first light & the last <3"),
        tweet(13, "  Spaces   and\n\nlines  https://t.co/abcdefghij"),
        tweet(20, "a tpyo", edit_info={"initial": ids}),
        tweet(21, "a typo", edit_info={"edit": {"initialTweetId": key(20)}}),
        tweet(22, "The newest one"),
        tweet(22, "The newest one"),
        {"tweet": {"id_str": "23"}},
    ]
    return archive_of(
        tmp_path,
        *reversed(tweets),
        note_tweet=[note(9, LONG)],
        twitter_circle_tweet=[tweet(10, "")],
    )


def test_every_post_goes_where_it_should_and_is_counted(nasty: Path, tmp_path: Path) -> None:
    posts, about, _ = run(nasty, tmp_path / "data")
    assert [(p["id"], p["text"], p["kind"]) for p in posts] == [
        (key(1), "The first light & the last <3", "original"),
        (key(2), "and a second thought on it", "self_reply"),
        (key(3), "and a third", "self_reply"),
        (key(9), LONG.strip(), "note"),
        (key(13), "Spaces and\n\nlines", "original"),
        (key(21), "a typo", "original"),
        (key(22), "The newest one", "original"),
    ]
    assert about["counts"] == {
        "read": 18,
        "kept": 7,
        "train": 6,
        "validation": 1,
        "left_out": {},
        "dropped": {
            "duplicate": 2,
            "reply to somebody else": 1,
            "retweet": 1,
            "quote of somebody else": 1,
            "only links or media": 1,
            "no words": 1,
            "private (Circle)": 1,
            "broken characters": 1,
            "older version of an edited post": 1,
            "not a post, or damaged": 1,
        },
    }


def test_nothing_private_is_anywhere_in_the_data(nasty: Path, tmp_path: Path) -> None:
    run(nasty, tmp_path / "data")
    for file in (tmp_path / "data").iterdir():
        assert CANARY not in file.read_text("utf-8")
        assert "for a few only" not in file.read_text("utf-8")


def test_replies_and_quotes_come_in_when_asked_for(nasty: Path, tmp_path: Path) -> None:
    options = PrepareOptions(with_replies=True, with_quotes=True)
    posts, _, _ = run(nasty, tmp_path / "data", options)
    assert {"how kind", "so true"} <= {p["text"] for p in posts}


def test_without_the_accounts_id_replies_to_own_posts_are_threads(tmp_path: Path) -> None:
    rows = [
        tweet(1, "Mine"),
        tweet(2, "and more", in_reply_to_user_id_str="?", in_reply_to_status_id_str=key(1)),
        tweet(3, "@o yes", in_reply_to_user_id_str="?", in_reply_to_status_id_str="8"),
    ]
    (tmp_path / "tweets.js").write_bytes(x_archive.script("YTD.tweets.part0", rows))
    posts, about, _ = run(tmp_path / "tweets.js", tmp_path / "data")
    assert [(p["text"], p["kind"]) for p in posts] == [
        ("Mine", "original"),
        ("and more", "self_reply"),
    ]
    assert about["counts"]["dropped"] == {"reply to somebody else": 1}


def test_an_edit_that_is_dropped_does_not_bring_back_the_older_version(tmp_path: Path) -> None:
    ids = {"editTweetIds": [key(1), key(2)]}
    archive = archive_of(
        tmp_path,
        tweet(1, "what I regret", edit_info={"initial": ids}),
        tweet(2, "https://t.co/abcdefghij", edit_info={"edit": {"initialTweetId": key(1)}}),
        tweet(3, "something else"),
    )
    posts, about, _ = run(archive, tmp_path / "data")
    assert [p["text"] for p in posts] == ["something else"]
    assert about["counts"]["dropped"]["only links or media"] == 1


def test_the_newest_fifth_validates_and_rows_follow_posts(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, *(tweet(n, invented(n)) for n in reversed(range(50))))
    posts, about, _ = run(archive, tmp_path / "data")
    assert [p["id"] for p in posts] == [key(n) for n in range(50)]
    assert [p["split"] for p in posts] == ["train"] * 40 + ["validation"] * 10
    for side in ("train", "validation"):
        rows = rows_of(tmp_path / "data" / f"{side}.jsonl")
        expected = [p for p in posts if p["split"] == side]
        assert [r["messages"][-1]["content"] for r in rows] == [p["text"] for p in expected]
        asked = [Prompt().parts(r["messages"][:-1]) for r in rows]
        for parts, post in zip(asked, expected, strict=True):
            assert parts.topic == (", ".join(t["text"] for t in post["topics"]) or None)
            told = set((parts.notes or "").replace(";", "").split())
            assert told <= set(post["text"].replace(":", "").split())
        by_notes = [parts for parts in asked if parts.notes]
        assert 0 < len(by_notes) < len(asked) if side == "train" else not by_notes
    assert about["dates"] == {"first": posts[0]["created_at"], "last": posts[-1]["created_at"]}


def test_a_thread_is_on_one_side_only(tmp_path: Path) -> None:
    def reply(number: int, to: int) -> dict[str, Any]:
        more = {"in_reply_to_user_id_str": OWN_ID, "in_reply_to_status_id_str": key(to)}
        return tweet(number, invented(number), **more)

    replies = {7: 6, 8: 7, 9: 3}  # one thread with two posts before the border, one with one
    rows = [reply(n, replies[n]) if n in replies else tweet(n, invented(n)) for n in range(10)]
    posts, about, _ = run(archive_of(tmp_path, *rows), tmp_path / "data")
    assert [p["split"] for p in posts] == [
        *("train", "train", "train", "left_out", "train", "train", "train", "train"),
        *("left_out", "validation"),
    ]
    assert about["counts"]["left_out"] == {"thread on both sides": 2}


def test_a_training_post_that_is_nearly_one_of_validation_leaves(tmp_path: Path) -> None:
    rows = [tweet(n, invented(n)) for n in range(10)]
    rows[2] = tweet(2, invented(9).upper() + "!")
    posts, about, _ = run(archive_of(tmp_path, *rows), tmp_path / "data")
    assert [p["id"] for p in posts if p["split"] == "left_out"] == [key(2)]
    assert about["counts"]["left_out"] == {"near copy of a validation post": 1}


def test_training_reads_what_was_prepared(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, *(tweet(n, invented(n)) for n in range(60)))
    _, about, _ = run(archive, tmp_path / "data", PrepareOptions(seed=7))
    loaded = dataset.load(tmp_path / "data")
    assert (len(loaded.train), len(loaded.validation), len(loaded.posts)) == (48, 12, 48)
    assert loaded.sha256 == about["sha256"]
    assert loaded.prompt == Prompt()
    assert about["seed"] == 7
    assert about["created_at"] == "2026-11-22T12:00:00+00:00"


def test_the_same_archive_gives_the_same_bytes(nasty: Path, tmp_path: Path) -> None:
    def digests(out: Path) -> list[str]:
        run(nasty, out)
        return [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(out.iterdir())]

    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_topics_are_written_with_their_source_and_counted(tmp_path: Path) -> None:
    texts = ["#FogReport: it is fog", "No names at all, but that is it", "We saw Port Almond"]
    posts, about, printed = run(
        archive_of(tmp_path, *(tweet(n, t) for n, t in enumerate(texts, 21))), tmp_path / "data"
    )  # 21 is asked for by notes
    assert posts[0]["topics"] == [{"text": "Fog Report", "source": "hashtag"}]
    assert posts[2]["topics"] == [{"text": "Port Almond", "source": "capitalised"}]
    assert about["topics"]["posts_with"]["hashtag"] == 1
    assert sum(about["topics"]["posts_with"].values()) + about["topics"]["posts_without"] == 3
    assert "anything · Notes: #FogReport; it is fog → #FogReport: it is fog" in printed


def test_older_data_is_replaced(nasty: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    run(nasty, out)
    run(archive_of(tmp_path, tweet(1, "One"), tweet(2, "The other one")), out)
    assert "The other one" in (out / "validation.jsonl").read_text("utf-8")
    files_now = ["dataset.json", "dropped.jsonl", "posts.jsonl", "train.jsonl", "validation.jsonl"]
    assert sorted(f.name for f in out.iterdir()) == files_now
    assert sorted(f.name for f in tmp_path.iterdir()) == ["archive.zip", "data"]


@pytest.mark.parametrize("name", ["notes.txt", "dataset.json"])
def test_a_folder_of_something_else_is_not_replaced(nasty: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "data"
    out.mkdir()
    (out / name).write_text("[]")
    with pytest.raises(DataError, match="other files"):
        run(nasty, out)
    assert (out / name).read_text() == "[]"


def test_what_fails_leaves_the_older_data_as_it_was(nasty: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    run(nasty, out)
    before = {f.name: f.read_bytes() for f in out.iterdir()}
    contents = files([tweet(n, invented(n)) for n in range(3000)])
    contents["data/tweets.js"] = contents["data/tweets.js"][:-200]
    with pytest.raises(ArchiveError):
        run(x_archive.write_zip(tmp_path / "cut.zip", contents), out)
    assert {f.name: f.read_bytes() for f in out.iterdir()} == before
    assert sorted(f.name for f in tmp_path.iterdir()) == ["archive.zip", "cut.zip", "data"]


def test_an_archive_without_usable_posts_names_the_main_reason(tmp_path: Path) -> None:
    archive = archive_of(tmp_path, tweet(1, "RT @a: b"), tweet(2, "RT @a: c"), tweet(3, "🎉"))
    with pytest.raises(ArchiveError, match=r"None of the 3 posts .* 'retweet' \(2\)"):
        run(archive, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_posts_without_dates_keep_their_order(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps({"text": invented(n)}) + "\n" for n in range(10)))
    posts, _, _ = run(file, tmp_path / "data")
    assert [p["text"] for p in posts] == [invented(n) for n in range(10)]
    assert posts[0]["created_at"] is None
