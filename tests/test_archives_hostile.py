"""Archives that no service exports: each ends in one sentence, in bounds, and writes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.hostile import cut_files, hostile_files
from tests.fakes.reading import read
from trainer.errors import ArchiveError

BOUND_MB = 60  # above what the process had before
READ_ALL = """
import re, sys
from pathlib import Path
from tests.fakes.reading import read
from trainer.errors import ArchiveError
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        found = read(path)
        text = f"read {len(found.posts)} posts"
    except ArchiveError as e:
        text = str(e)
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
    print(path.name, int(peak[1]) // 1024, text, sep="|")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_hostile_files_end_in_one_sentence_within_memory_and_write_nothing(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "! none").write_bytes(b"text\nthe memory before\n")
    names = []
    for number, (name, content) in enumerate(hostile_files()):
        names.append(name)
        (folder / f"{number:03} {name}").write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert sorted(tmp_path.rglob("*")) == before
    rows = [line.split("|") for line in done.stdout.splitlines()]
    assert len(rows) == len(names) + 1
    assert rows[0][2] == "read 1 posts"
    for (_, memory, text), name in zip(rows[1:], names, strict=True):
        assert text.endswith("."), (name, text)
        assert len(text) < 500, (name, text)
        assert int(memory) - int(rows[0][1]) < BOUND_MB, (name, memory)


CUT = dict(cut_files())


@pytest.mark.parametrize(("name", "content"), CUT.items(), ids=CUT)
def test_a_file_cut_off_anywhere_ends_in_one_sentence(
    tmp_path: Path, name: str, content: bytes
) -> None:
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        (tmp_path / name).write_bytes(content[: int(len(content) * share)])
        with pytest.raises(ArchiveError) as caught:
            read(tmp_path / name)
        assert str(caught.value).endswith(".")
