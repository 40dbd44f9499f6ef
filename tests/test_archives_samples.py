"""The samples of every format, against the expected posts beside them."""

import json
from pathlib import Path

import pytest

from tests.fakes.reading import read
from tests.samples.build import SAMPLES
from trainer.archives.post import Post

HERE = Path(__file__).parent / "samples"


def row(post: Post) -> dict[str, object]:
    """A post's fields that are not the usual ones."""
    fields = post._asdict() | {"created_at": post.created_at and post.created_at.isoformat()}
    usual = Post._field_defaults
    return {k: v for k, v in fields.items() if k not in usual or v != usual[k]}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_read_as_expected(tmp_path: Path, name: str) -> None:
    found = read(SAMPLES[name](tmp_path))
    rows = [row(post) for post in found.posts] + [{"unreadable": key} for key in found.unreadable]
    rows += [{"warning": warning} for warning in found.tally.warnings]
    expected = (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()
    assert json.loads(json.dumps(rows)) == [json.loads(line) for line in expected]
    assert found.kind == name.partition("_")[0]


def test_no_private_word_of_any_sample_is_read(tmp_path: Path) -> None:
    for build in SAMPLES.values():
        assert "CANARY" not in "".join(read(build(tmp_path)).texts)
