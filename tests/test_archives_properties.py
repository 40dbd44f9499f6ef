"""Properties of every archive: written posts are read again, and no damage shows as a traceback.

`make test-nightly` tries many more examples.
"""

import csv
import html
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import bluesky_archive, mastodon_archive, threads_archive, x_archive
from tests.fakes.bluesky_archive import Repo, rkey
from tests.fakes.hostile import tarred, zipped
from tests.fakes.reading import read
from tests.fakes.x_archive import key, note, tweet
from trainer.archives.markup import Html
from trainer.errors import TrainerError

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
some = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.lists(st.text(max_size=60), max_size=5)
WORD = st.text(
    st.characters(categories=("L", "M", "N", "P", "S"), exclude_characters="…"),
    min_size=1,
    max_size=8,
)
LINES = st.lists(st.lists(WORD, min_size=1, max_size=4), min_size=1, max_size=3)
PARAGRAPHS = st.lists(LINES, min_size=1, max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@some
@given(texts=TEXTS, indent=st.sampled_from([None, 2]), is_wrapped=st.booleans())
def test_what_x_wrote_is_read(
    tmp_path: Path, texts: list[str], indent: int | None, is_wrapped: bool
) -> None:
    rows = [tweet(n, text) for n, text in enumerate(texts)]
    rows = rows if is_wrapped else [row["tweet"] for row in rows]
    path = tmp_path / "tweets.js"
    path.write_text(f"window.YTD.tweets.part0 = {json.dumps(rows, indent=indent)}", "utf-8")
    found = read(path)
    assert [(p.id, p.text) for p in found.posts] == [(key(n), t) for n, t in enumerate(texts)]


@some
@given(words=st.lists(WORD, min_size=1, max_size=12), at=st.integers(130, 276))
def test_a_long_post_is_whole_wherever_it_was_cut(
    tmp_path: Path, words: list[str], at: int
) -> None:
    whole = "Long: " + " ".join(words * 300)[:700]
    escaped = html.escape(whole, quote=False)
    cut = escaped[:at] + "… https://t.co/abcdefghij"
    rows = x_archive.files([tweet(1, "", full_text=cut)], note_tweet=[note(1, escaped)])
    assert read(x_archive.write_zip(tmp_path / "a.zip", rows)).texts == [whole]


@some
@given(paragraphs=PARAGRAPHS)
def test_what_mastodon_made_html_is_text_again(paragraphs: list[list[list[str]]]) -> None:
    text = "\n\n".join("\n".join(" ".join(line) for line in lines) for lines in paragraphs)
    made = "".join(f"<p>{html.escape(p)}</p>" for p in text.split("\n\n"))
    made = made.replace("\n", "<br />")
    written = Html().to_text(made)
    assert written is not None
    assert written.text == text


@some
@given(records=st.lists(st.tuples(st.text(max_size=30), st.text(min_size=1, max_size=30))))
def test_what_bluesky_wrote_is_read(tmp_path: Path, records: list[tuple[str, str]]) -> None:
    rows = []
    for before, shown in records:
        mark = bluesky_archive.link(f"{before}\0{shown}", f"\0{shown}", "https://example.org/")
        rows.append(bluesky_archive.post(f"{before}\0{shown}", facets=[mark]))
    path = tmp_path / "repo"
    path.write_bytes(Repo(bluesky_archive.posts(*rows)).car())
    expected = [(rkey(n), f"{b}\0{s}") for n, (b, s) in enumerate(records, 1)]
    assert [(p.id, p.text) for p in read(path).posts] == expected


@some
@given(texts=TEXTS)
def test_what_threads_wrote_is_read(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "threads.json"
    make = (threads_archive.entry, threads_archive.album)
    rows = [make[n % 2](n + 1, text) for n, text in enumerate(texts)]
    path.write_bytes(threads_archive.document(rows))
    assert read(path).texts == [text if text.strip() else "" for text in texts]


@some
@given(texts=TEXTS, delimiter=st.sampled_from(",;\t"))
def test_what_a_table_or_lines_hold_is_read(
    tmp_path: Path, texts: list[str], delimiter: str
) -> None:
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["id", "text"], *([n, text] for n, text in enumerate(texts, 1))])
    lines = "".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(texts, 1))
    for content in (table.getvalue(), lines):
        path = tmp_path / "posts"
        path.write_bytes(content.encode())
        if content:
            found = read(path)
            assert [(p.id, p.text) for p in found.posts] == [
                (str(n), text) for n, text in enumerate(texts, 1)
            ]


STATUS = mastodon_archive.status(1, "<p>text</p>")
POST = {"uri": bluesky_archive.uri(1), "value": bluesky_archive.post("text")}
ENTRY = threads_archive.entry(1, "text")


def odd(record: dict[str, Any], inner: str) -> st.SearchStrategy[Any]:
    """The record with some of its fields, and of those in its `inner` field, being anything."""
    fields = st.dictionaries(st.sampled_from(sorted(record)), JSON, max_size=2)
    inside = record[inner] if isinstance(record[inner], dict) else record[inner][0]
    inner_fields = st.dictionaries(st.sampled_from(sorted(inside)), JSON, max_size=3)
    wrap = (lambda v: [v]) if isinstance(record[inner], list) else (lambda v: v)
    changed = st.tuples(inner_fields, fields).map(
        lambda found: {**record, inner: wrap({**inside, **found[0]}), **found[1]}
    )
    return changed | JSON


ODD = {
    "x": (odd(tweet(1, "text"), "tweet"), "[%s]"),
    "mastodon": (odd(STATUS, "object"), '{"orderedItems": [%s], "a": [1]}'),
    "bluesky": (odd(POST, "value"), '{"$type": "app.bsky.feed.post", "records": [%s]}'),
    "threads": (odd(ENTRY, "media"), '{"text_post_app_text_posts": [%s]}'),
}


@pytest.mark.parametrize("kind", ODD)
def test_every_record_however_odd_is_accounted_for(tmp_path: Path, kind: str) -> None:
    records, frame = ODD[kind]
    first = {"x": tweet(2, "x"), "bluesky": POST}.get(kind)

    @some
    @given(rows=st.lists(records, max_size=4))
    def check(rows: list[Any]) -> None:
        rows = rows if first is None else [first, *rows]
        path = tmp_path / "records"
        path.write_text(frame % ", ".join(map(json.dumps, rows)))
        found = read(path)
        others = [r for r in rows if isinstance(r, dict) and "app.bsky" not in str(r.get("uri"))]
        missing = len(others) if kind == "bluesky" else 0
        assert found.kind == kind
        assert 0 <= len(rows) - len(found.posts) - len(found.unreadable) <= missing

    check()


TWEETS = [tweet(n, "a 🌲 post") for n in range(3)]
STATUSES = [mastodon_archive.status(n, "<p>a 🌲 post</p>") for n in range(3)]
RECORDS = [bluesky_archive.post("a 🌲 post") for _ in range(3)]
WHOLE = {
    "tweets.js": x_archive.script("YTD.tweets.part0", TWEETS),
    "archive.zip": zipped(x_archive.files(TWEETS)),
    "outbox.json": mastodon_archive.outbox(STATUSES),
    "archive.tar.gz": tarred(mastodon_archive.files(*STATUSES)),
    "repo.car": Repo(bluesky_archive.posts(*RECORDS)).car(),
    "listed.json": json.dumps({"records": bluesky_archive.listed(*RECORDS)}).encode(),
    "threads.json": threads_archive.document([ENTRY] * 3),
    "posts.csv": b'id,text\n1,"a post"\n2,another\n',
    "posts.jsonl": b'{"text": "a post"}\n{"text": "another"}\n',
}


@pytest.mark.parametrize("name", WHOLE)
def test_no_damage_shows_as_anything_but_a_sentence(tmp_path: Path, name: str) -> None:
    whole = WHOLE[name]

    @some
    @given(at=st.integers(0, len(whole) - 1), cut=st.integers(0, 40), put=st.binary(max_size=6))
    def check(at: int, cut: int, put: bytes) -> None:
        path = tmp_path / name
        path.write_bytes(whole[:at] + put + whole[at + cut :])
        try:
            read(path)
        except TrainerError as e:
            assert str(e).endswith(".")

    check()


@some
@given(
    content=st.binary(max_size=80)
    | st.binary(max_size=80).map(lambda b: b'{"text":' + b)
    | st.binary(max_size=80).map(lambda b: b"text,id\n" + b)
    | st.binary(max_size=80).map(lambda b: b"[" + b)
    | st.binary(max_size=80).map(lambda b: b"PK\x03\x04" + b)
    | st.binary(max_size=80).map(lambda b: b"\x1f\x8b\x08\0" + b)
    | st.binary(max_size=80).map(lambda b: WHOLE["repo.car"][:59] + b)
)
def test_no_file_at_all_breaks_the_reading(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "anything"
    path.write_bytes(content)
    try:
        read(path)
    except TrainerError as e:
        assert str(e).endswith(".")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_of_this_holds_for_many_more_examples() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not slow",
        "-x",
        "--timeout=800",
        __file__,
    ]
    env = os.environ | {"EXAMPLES": "300"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
