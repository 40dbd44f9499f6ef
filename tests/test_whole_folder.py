import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainer.data.whole_folder import replacing

WRITING = """
import sys, time
from pathlib import Path
from trainer.data.whole_folder import replacing
with replacing(Path(sys.argv[1])) as folder:
    (folder / "staging.db").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def writing(out: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is in the middle of writing `out`."""
    command = [sys.executable, "-c", WRITING, str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def partials(folder: Path) -> list[str]:
    return [f.name for f in folder.iterdir() if ".partial-" in f.name]


def write(out: Path) -> None:
    with replacing(out) as folder:
        (folder / "dataset.json").write_text('{"schema": 1, "counts": {}}')


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with writing(tmp_path / "data") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(partials(tmp_path)) == 1
        write(tmp_path / "data")
    assert [f.name for f in tmp_path.iterdir()] == ["data"]


def test_what_another_run_is_writing_stays(tmp_path: Path) -> None:
    with writing(tmp_path / "data"):
        write(tmp_path / "data")
        assert len(partials(tmp_path)) == 1


@pytest.mark.parametrize("name", ["data.partial-notes", "data2.partial-x", "data.partial"])
def test_only_its_own_kind_is_removed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "mine.txt").write_text("dear to me")
    write(tmp_path / "data")
    assert (tmp_path / name / "mine.txt").exists()


def test_older_data_that_a_killed_run_moved_aside_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / "data.partial-old-abc" / "old"
    aside.mkdir(parents=True)
    (aside / "dataset.json").write_text('{"schema": 1, "counts": {"read": 7}}')
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "data"):
        raise KeyboardInterrupt
    assert '"read": 7' in (tmp_path / "data" / "dataset.json").read_text()
    assert [f.name for f in tmp_path.iterdir()] == ["data"]
