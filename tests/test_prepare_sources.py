"""`prepare` with several sources and choices: every post read is accounted for, and explained."""

import io
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.fakes import x_archive
from tests.fakes.x_archive import OWN_ID, files, key, tweet
from trainer.data.explain import explain
from trainer.data.options import PrepareOptions
from trainer.data.prepare import prepare
from trainer.errors import DataError

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DEFAULT = PrepareOptions()

Rows = list[dict[str, Any]]  # Any: JSON


def run(
    sources: Sequence[Path], out: Path, options: PrepareOptions = DEFAULT
) -> tuple[Rows, Rows, str]:
    """Prepare; returns posts.jsonl, dropped.jsonl and what was printed, once the sums match."""
    printed = io.StringIO()
    prepare(sources, out, options, now=NOW, stdout=Console(file=printed, width=100))
    posts, dropped = rows_of(out / "posts.jsonl"), rows_of(out / "dropped.jsonl")
    counts = json.loads((out / "dataset.json").read_text("utf-8"))["counts"]
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    assert counts["kept"] == len(posts)
    assert Counter(r["reason"] for r in dropped) == counts["dropped"] | counts["left_out"]
    assert Counter(p["split"] for p in posts)["left_out"] == sum(counts["left_out"].values())
    assert not [r for r in dropped if set(r) - {"id", "reason", "because"}]
    return posts, dropped, printed.getvalue()


def rows_of(file: Path) -> Rows:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def lines(file: Path, *rows: dict[str, Any] | str) -> Path:
    """A JSONL of posts; a bare text is a post of one."""
    posts = [{"text": row} if isinstance(row, str) else row for row in rows]
    file.write_text("".join(json.dumps(post) + "\n" for post in posts), "utf-8")
    return file


def archive(folder: Path, name: str, *tweets: dict[str, Any], **more: Any) -> Path:
    return x_archive.write_zip(folder / name, files(tweets, **more))


def reasons(dropped: Rows) -> dict[str, str]:
    return {row["id"]: row["reason"] for row in dropped}


def test_sources_are_ordered_by_time_and_cross_posts_are_duplicates(tmp_path: Path) -> None:
    x = archive(tmp_path, "x.zip", tweet(3, "The third one"), tweet(1, "The first\nof all"))
    csv = tmp_path / "blog.csv"
    csv.write_text(
        "id,date,text\na,2020-01-01T02:00:00Z,The second\n"
        "b,2020-01-01T09:00:00Z,The first of all\nc,2020-01-01T10:00:00Z,The fourth\n"
    )
    posts, dropped, _ = run([x, csv], tmp_path / "data")
    assert [p["text"] for p in posts] == [
        *("The first\nof all", "The second", "The third one", "The fourth"),
    ]
    assert dropped == [{"id": "b", "reason": "duplicate", "because": key(1)}]
    sources = json.loads((tmp_path / "data" / "dataset.json").read_text("utf-8"))["sources"]
    assert sources == [{"kind": "x", "read": 2}, {"kind": "csv", "read": 3}]


def test_the_same_ids_of_different_sources_are_different_posts(tmp_path: Path) -> None:
    one = lines(tmp_path / "one.jsonl", {"id": "7", "text": "One seven"}, "One without an id")
    other = lines(
        tmp_path / "other.jsonl",
        {"id": "7", "text": "Another seven"},
        {"text": "It goes on", "in_reply_to_id": "7"},
        "https://example.org",
    )
    posts, dropped, _ = run([one, other], tmp_path / "data")
    ids = {p["text"]: p["id"] for p in posts}
    assert len(set(ids.values()) | {row["id"] for row in dropped}) == 5
    assert ids["One seven"] == "7"
    assert ids["Another seven"] == "2:7"
    assert {p["text"]: p["kind"] for p in posts}["It goes on"] == "self_reply"


def test_two_archives_of_one_account_are_one(tmp_path: Path) -> None:
    older = archive(tmp_path, "1.zip", tweet(1, "Same"), tweet(2, "For a few"), tweet(3, "Cut…"))
    newer = archive(
        tmp_path,
        "2.zip",
        *(tweet(1, "Same"), tweet(2, "For a few"), tweet(3, "Cut no more"), tweet(4, "New")),
        twitter_circle_tweet=[tweet(2, "")],
    )
    for name, sources in (("there", [older, newer]), ("and back", [newer, older])):
        posts, dropped, _ = run(sources, tmp_path / name)
        assert [p["text"] for p in posts] == ["Same", "Cut no more", "New"]  # the whole text
        assert Counter(r["reason"] for r in dropped) == {"duplicate": 3, "private (Circle)": 1}


def thread(number: int, text: str, to: int) -> dict[str, Any]:
    more = {"in_reply_to_user_id_str": OWN_ID, "in_reply_to_status_id_str": key(to)}
    return tweet(number, text, **more)


def test_a_thread_is_kept_as_posts_or_joined_to_one(tmp_path: Path) -> None:
    source = archive(
        tmp_path,
        "x.zip",
        *(thread(5, "Three", 3), thread(3, "Two", 1), tweet(4, "Apart"), tweet(1, "One #Fog")),
        tweet(6, "The last"),
    )
    posts, dropped, _ = run([source], tmp_path / "kept")
    assert (len(posts), dropped) == (5, [])
    posts, dropped, _ = run([source], tmp_path / "joined", PrepareOptions(threads="join"))
    assert [(p["id"], p["text"]) for p in posts] == [
        (key(1), "One #Fog\n\nTwo\n\nThree"),
        (key(4), "Apart"),
        (key(6), "The last"),
    ]
    joined = {"reason": "joined to its thread", "because": key(1)}
    assert dropped == [{"id": key(5)} | joined, {"id": key(3)} | joined]


def test_retweets_come_in_when_asked_for(tmp_path: Path) -> None:
    source = archive(tmp_path, "x.zip", tweet(1, "RT @other: their words"), tweet(2, "Mine"))
    posts, _, _ = run([source], tmp_path / "data", PrepareOptions(with_retweets=True))
    assert [(p["kind"], p["text"]) for p in posts] == [
        ("retweet", "their words"),
        ("original", "Mine"),
    ]


def test_languages_are_told_apart(tmp_path: Path) -> None:
    source = lines(
        tmp_path / "posts.jsonl",
        "The kettle is on, and the fog is moving slowly.",
        "Das Wasser kocht, und der Nebel zieht langsam auf.",
        "La bouilloire est allumée et le brouillard avance.",
    )
    posts, dropped, _ = run([source], tmp_path / "data", PrepareOptions(languages=("en", "fr")))
    assert [p["text"][:3] for p in posts] == ["The", "La "]
    assert list(reasons(dropped).values()) == ["another language"]


@pytest.mark.parametrize(
    ("policy", "texts", "said"),
    [
        ("mask", ["Write to … today", "Nothing"], "is replaced with …"),
        ("drop", ["Nothing"], "these posts are dropped"),
        ("keep", ["Write to jane@example.org today", "Nothing"], "the voice may repeat it"),
    ],
)
def test_personal_data_is_shown_before_anything_leaves(
    tmp_path: Path, policy: Any, texts: list[str], said: str
) -> None:
    source = lines(tmp_path / "posts.jsonl", "Write to jane@example.org today", "Nothing")
    posts, _, printed = run([source], tmp_path / "data", PrepareOptions(personal=policy))
    assert [p["text"] for p in posts] == texts
    assert "j…@example.org" in printed
    assert said in printed
    found = json.loads((tmp_path / "data" / "dataset.json").read_text("utf-8"))["personal_data"]
    assert found["found"] == {"e-mail address": 1}
    everything = "".join(f.read_text("utf-8") for f in (tmp_path / "data").iterdir())
    assert ("jane@example.org" in everything) == (policy == "keep")


def test_every_post_is_explained(tmp_path: Path) -> None:
    words = [f"Nothing like the {n}th goose of {n * 7} and its {n * 11} kettles" for n in range(9)]
    rows = [tweet(n, text) for n, text in enumerate(words)]
    rows += [thread(20, "A thread from long ago goes on", 2), tweet(21, "RT @a: b")]
    rows += [tweet(22, "https://t.co/abcdefghij"), tweet(23, words[4]), {"tweet": {"id_str": "24"}}]
    source = archive(tmp_path, "x.zip", *rows)
    posts, dropped, _ = run([source], tmp_path / "data")
    said = {row["id"]: " ".join(explain(tmp_path / "data", row["id"])) for row in posts + dropped}
    assert len(said) == 14
    for row in posts:
        assert row["text"] in said[row["id"]]
    assert "is learnt from" in said[key(0)]
    assert "validation" in said[key(8)]
    assert "thread on both sides" in said[key(20)] + said[key(2)]
    assert "--with" not in said[key(21)]
    assert "somebody else's words" in said[key(21)]
    assert said[key(23)].endswith(f"duplicate: the same post is there already, see post {key(4)}.")


def test_an_unknown_post_is_no_answer(tmp_path: Path) -> None:
    run([lines(tmp_path / "posts.jsonl", "One", "Two")], tmp_path / "data")
    with pytest.raises(DataError, match=r"no post with the id line-. Similar ids: line-"):
        explain(tmp_path / "data", "line-")
    with pytest.raises(DataError, match="missing or damaged"):
        explain(tmp_path, "line-1")


TEXTS = st.sampled_from(
    [
        *("One fog", "Two fogs, or three of them at once", "@a hi", "RT @a: b", "🎉", ""),
        *("https://example.org", "bad \ufffd", "call (202) 224-3121", "one  FOG", "One fog"),
        "Two fogs, or three of them at twice",
    ]
)
POSTS = st.lists(
    st.fixed_dictionaries(
        {"text": TEXTS | st.text() | st.none()},
        optional={
            "id": st.sampled_from(["1", "2", "3", "x"]),
            "created_at": st.datetimes(datetime(2010, 1, 1), datetime(2026, 1, 1)).map(str),
            "in_reply_to_id": st.sampled_from(["1", "2", "9"]),
        },
    ),
    min_size=1,
    max_size=12,
)
OPTIONS = st.builds(
    PrepareOptions,
    with_replies=st.booleans(),
    with_retweets=st.booleans(),
    threads=st.sampled_from(["keep", "join"]),
    personal=st.sampled_from(["mask", "drop", "keep"]),
    languages=st.sampled_from([(), ("en",)]),
    validation=st.sampled_from([0, 0.2, 0.5]),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(POSTS, min_size=1, max_size=3), OPTIONS)
def test_every_post_read_is_kept_or_dropped(
    tmp_path: Path, sources: list[Rows], options: PrepareOptions
) -> None:
    sure = {"text": "This one stays, whatever happens to all the others of them."}
    paths = [lines(tmp_path / f"{n}.jsonl", *rows, sure) for n, rows in enumerate(sources)]
    posts, dropped, _ = run(paths, tmp_path / "data", options)
    left_out = sum(p["split"] == "left_out" for p in posts)
    assert len(posts) + len(dropped) - left_out == sum(len(rows) + 1 for rows in sources)
    assert len({p["id"] for p in posts}) == len(posts)
