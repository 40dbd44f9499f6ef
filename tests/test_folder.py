"""The folder of training data: what is written is read back; what is damaged is named."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.voice import Prompt, PromptParts
from tests.fakes.prepared import invented_posts, write_prepared
from trainer.data import dataset, folder, preferences
from trainer.data.folder import (
    About,
    DroppedRow,
    Example,
    Lines,
    PostRow,
    TopicRow,
    checksum,
    read_about,
    read_dropped,
    read_examples,
    read_post_rows,
    to_line,
    write_about,
    write_dropped,
    write_posts,
)
from trainer.data.preferences import PREFERENCES_FILE, Preference
from trainer.errors import DataError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
POSTS = st.builds(
    PostRow,
    id=TEXT,
    created_at=st.none() | TEXT,
    text=TEXT.filter(str.strip),
    kind=TEXT,
    topics=st.lists(st.builds(TopicRow, TEXT, TEXT), max_size=2),
    split=st.sampled_from(["train", "validation", "left_out"]),
)


def _lines(post: PostRow) -> Lines:
    example = Example.of(Prompt(), PromptParts(post.kind), post.text)
    return Lines(post.split, to_line(post), example.line())


def test_an_example_asks_as_the_bot_will() -> None:
    prompt = Prompt(system="Be her.", user="About {topic}, please", no_topic="anything")
    example = Example.of(prompt, PromptParts("fog, Port Almond"), "It is fog.")
    assert msgspec.json.decode(example.line()) == {
        "messages": [
            {"role": "system", "content": "Be her."},
            {"role": "user", "content": "About fog, Port Almond, please"},
            {"role": "assistant", "content": "It is fog."},
        ]
    }


def test_a_post_without_a_topic_answers_the_question_for_anything() -> None:
    assert Example.of(Prompt(), PromptParts(""), "Hm.").prompt == Prompt().messages(PromptParts())


@given(st.lists(POSTS, max_size=5))
def test_posts_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, posts: list[PostRow]
) -> None:
    data = tmp_path_factory.mktemp("data")
    write_posts(data, map(_lines, posts))
    assert [*read_post_rows(data)] == posts
    for side, name in (("train", folder.TRAIN_FILE), ("validation", folder.VALIDATION_FILE)):
        kept = [post for post in posts if post.split == side]
        written = [Example.of(Prompt(), PromptParts(post.kind), post.text) for post in kept]
        assert read_examples(data / name) == written


def test_dropped_rows_and_the_account_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [DroppedRow("1", "duplicate", "0"), DroppedRow("2", "reply")]
    write_posts(tmp_path, [])
    write_dropped(tmp_path, rows)
    assert [*read_dropped(tmp_path)] == rows
    assert [*read_dropped(tmp_path, b'"2"')] == rows[1:]
    about = About(prompt={"system": "s", "user": "u", "no_topic": "n"}, seed=3, warnings=["ß"])
    write_about(tmp_path, about)
    assert read_about(tmp_path) == msgspec.structs.replace(about, sha256=checksum(tmp_path))


def test_preferences_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Also with marks that Python, and no JSON, takes for the end of a line."""
    rows = [
        Preference(Prompt().messages(PromptParts("fog")), "Fog\u2028again.", "Fog\x85no\nmore.")
    ]
    (tmp_path / PREFERENCES_FILE).write_text("".join(f"{row.line()}\n" for row in rows))
    assert preferences.read_preferences(tmp_path / PREFERENCES_FILE) == rows


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("posts.jsonl", (b'"text":"The', b'"text":7,"x":"The'), "line 1: field 'text' is missing"),
        ("posts.jsonl", (b'"source":', b'"sauce":'), "line 1: field 'topics[0].source' is missing"),
        ("posts.jsonl", (b"The", b"\xff\xfe"), "line 1: is not JSON"),
        ("posts.jsonl", (b"{", b'{"x":' + b"[" * 100_000), "line 1: is not JSON"),
        ("train.jsonl", (b'"role"', b'"rolle"'), "line 1: 'messages' is not a list of {\"role\""),
        ("train.jsonl", (b'"system"', b'"user"'), "line 1: 'messages' are not system, user"),
        ("dataset.json", (b'"seed"', b'"weed"'), "dataset.json: field 'seed' is missing"),
        ("dataset.json", (b'"no_topic"', b'"nope"'), "field 'prompt.no_topic' is missing"),
        ("dataset.json", (b'"user":', b'"user":7,"x":'), "field 'prompt"),
    ],
    ids=["text", "topic", "bytes", "nested", "role", "roles", "seed", "template", "type"],
)
def test_what_is_damaged_is_named_with_its_place(
    tmp_path: Path, name: str, damage: tuple[bytes, bytes], said: str
) -> None:
    data = write_prepared(tmp_path / "data", invented_posts(48), validation=8)
    good = (data / name).read_bytes().replace(b'": ', b'":')
    (data / name).write_bytes(good.replace(*damage, 1))
    with pytest.raises(DataError) as e:
        dataset.load(data)
    assert said in str(e.value)
    assert name in str(e.value)
    assert "Run `python -m trainer prepare` again, or mend it." in str(e.value)
