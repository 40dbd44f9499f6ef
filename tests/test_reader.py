"""The blind reader's sheet says nothing of where a text comes from, and is read back."""

import json
import sys
from pathlib import Path

import pytest

from experiments.reader import main


def _drawn(file: Path, texts: list[str]) -> Path:
    lines = [
        {"topic": None, "notes": f"goose {n}\nferry", "candidates": [{"text": text}, {"text": "-"}]}
        for n, text in enumerate(texts)
    ]
    lines.append({"topic": "fog", "notes": None, "candidates": []})  # nothing passed the screen
    file.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return file


def test_what_a_reader_marks_comes_back_by_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = _drawn(tmp_path / "ours.jsonl", [f"A ferry\n\nof {n} geese" for n in range(4)])
    base = _drawn(tmp_path / "base.jsonl", [f"Nothing {n}" for n in range(4)])
    read = tmp_path / "sheet.md"

    def run(action: str, *flags: str) -> None:
        arguments = ["reader", action, str(ours), str(base), "--sheet", str(read), *flags]
        monkeypatch.setattr(sys, "argv", arguments)
        main()

    run("sheet")
    text = read.read_text("utf-8")
    assert text.count("## ") == 8
    assert "ours" not in text
    assert "base" not in text
    order = [line for line in text.splitlines() if line.startswith(("A ferry", "Nothing"))]
    assert len({line[:7] for line in order[:4]}) == 2  # mixed
    parts = text.split("## ")
    marked = [part.replace("[ ] true", "[x] true") if "geese" in part else part for part in parts]
    marked[-1] = marked[-1].replace("[ ] could", "[ X] could")
    read.write_text("## ".join(marked), "utf-8")
    run("count")
    told = capsys.readouterr().out.splitlines()
    assert f"{ours}: true to the notes: 1.00 of 4 (0.51 to 1.00)" in told
    assert f"{base}: true to the notes: 0.00 of 4 (0.00 to 0.49)" in told
    assert sum("posted as it is: 0.25" in line for line in told) == 1
    with pytest.raises(SystemExit, match="is not that of these files and this seed"):
        run("count", "--seed", "7")
