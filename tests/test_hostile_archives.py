"""Randomly changed archives: read, or refused in a sentence, and nothing else touched.

The short form of `make fuzz`, which runs as long as you like (drills/fuzz.py).
"""

import os
import time
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.mutants import WHOLE, mutated
from tests.fakes.reading import read
from trainer.__main__ import main
from trainer.errors import TrainerError

EXAMPLES = int(os.environ.get("EXAMPLES", "15"))
LONGEST_S = 5.0


@pytest.mark.parametrize("name", WHOLE)
def test_the_archives_themselves_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(WHOLE[name])
    assert read(tmp_path / name).posts


@pytest.mark.parametrize("name", WHOLE)
def test_no_change_of_an_archive_ends_but_in_posts_or_a_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "beside").write_text("mine")
    folder = tmp_path / "in"
    folder.mkdir()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(seed=st.integers(0, 1 << 32))
    def check(seed: int) -> None:
        path = folder / name
        path.write_bytes(mutated(WHOLE[name], Random(seed)))
        begun = time.monotonic()
        try:
            found = read(path)
            for post in found.posts:
                f"{post.id} {post.text} {post.tags} {post.reply_to} {post.edit_of}".encode()
        except TrainerError as e:
            assert str(e).endswith(".")
            assert len(str(e)) < 600
        assert time.monotonic() - begun < LONGEST_S

    check()
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "beside", folder, folder / name])


@pytest.mark.parametrize("name", ["x.zip", "mastodon.tar.gz", "repo.car"])
def test_prepare_writes_nowhere_but_to_its_folder(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(6):
        source = tmp_path / f"{seed}-{name}"
        source.write_bytes(mutated(WHOLE[name], Random(seed)))
        before = set(tmp_path.rglob("*"))
        code = main(["prepare", str(source), "--out", str(tmp_path / "out" / "data")])
        shown = capsys.readouterr()
        assert code in (0, 2)
        assert "Traceback" not in shown.err
        new = set(tmp_path.rglob("*")) - before
        assert all(path.is_relative_to(tmp_path / "out") for path in new)
        assert not [path for path in new if path.name.startswith(".")]


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "half \\ud83c", "id": "\\udf32", "lang": "\\ud83c"}',
        '{"uri": "at://did:plc:me/app.bsky.feed.post/\\ud83c", "value": {"text": "half"}}',
    ],
    ids=["plain", "bluesky"],
)
def test_half_a_character_in_a_line_is_one_lost_character(tmp_path: Path, line: str) -> None:
    (tmp_path / "posts.jsonl").write_text(f"{line}\n{line}\n")
    (post, *_) = read(tmp_path / "posts.jsonl").posts
    assert "\ufffd" in post.text + post.id
    f"{post}".encode()


def test_what_is_said_of_a_broken_zip_does_not_repeat_it(tmp_path: Path) -> None:
    whole = bytearray(WHOLE["x.zip"])
    whole[26:28] = (900).to_bytes(2, "little")  # how long the first file's name is said to be
    (tmp_path / "x.zip").write_bytes(whole)
    with pytest.raises(TrainerError, match="cannot be read") as e:
        read(tmp_path / "x.zip")
    assert len(str(e.value)) < 400
