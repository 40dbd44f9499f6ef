"""A file is written whole or not at all."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.voice.files import write_whole, writing_whole

HALF = """
import sys
from pathlib import Path
from bot.voice.files import writing_whole
with writing_whole(Path(sys.argv[1])) as out:
    out.write("half of it")
    out.flush()
    print("writing", flush=True)
    input()
"""


def test_a_new_text_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    for text in ("old 🫖\n", "new\r\n"):
        write_whole(file, text)
        assert file.read_bytes() == text.encode()
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    file = tmp_path / "page.html"
    file.write_text("old")
    with pytest.raises(error), writing_whole(file) as out:
        out.write("half of it")
        raise error
    assert file.read_text() == "old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_killed_process_leaves_the_old_file_and_the_next_one_writes(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    write_whole(file, '{"old": 1}')
    command = [sys.executable, "-c", HALF, str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert json.loads(file.read_text()) == {"old": 1}
    write_whole(file, "new")
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("name", ["none/data.json", "file/data.json"])
def test_a_place_that_cannot_be_written_is_told_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match=r"data\.json"):
        write_whole(tmp_path / name, "text")
