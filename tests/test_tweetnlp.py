"""tweetnlp's own code, on a checkpoint that is trained here; see fakes/tiny_ner.py."""

import json
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from trainer.__main__ import main
from trainer.data.tweetnlp import Recogniser
from trainer.errors import ModelError

TEXTS = (
    "just saw Ada Lovelace in London",
    "reading about Grace Hopper today",
    "i love Tokyo in the rain",
    "nothing happens here",
)
# tweetnlp and what it imports warn of their own deprecations; half a minute is its import.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.fakes import tiny_ner  # it imports torch, which other tests need not wait for

    return tiny_ner.build(tmp_path_factory.mktemp("ner") / "tiny")


def prepare(folder: Path, texts: tuple[str, ...], ner: str) -> int:
    """Run the command in this process, which has tweetnlp already: each new one takes seconds."""
    rows = [json.dumps({"text": text, "id": f"n{n}"}) for n, text in enumerate(texts)]
    (folder / "posts.jsonl").write_text("\n".join(rows))
    arguments = ["prepare", folder / "posts.jsonl", "--out", folder / "data", "--ner", ner]
    return main([*map(str, arguments)])


def written(folder: Path) -> tuple[dict[str, list[Any]], dict[str, int]]:
    """Topics of every text, and what dataset.json says of the recogniser."""
    rows = map(json.loads, (folder / "data" / "posts.jsonl").read_text("utf-8").splitlines())
    topics = {r["text"]: [(t["source"], t["text"]) for t in r["topics"]] for r in rows}
    about = json.loads((folder / "data" / "dataset.json").read_text("utf-8"))
    return topics, about["ner"]


def test_prepare_finds_names_and_a_rerun_asks_the_model_nothing(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare(tmp_path, TEXTS, f"tweetnlp:{checkpoint}") == 0
    topics, counts = written(tmp_path)
    assert topics[TEXTS[0]] == [("ner", "Ada Lovelace"), ("ner", "London")]
    assert topics[TEXTS[1]] == [("ner", "Grace Hopper")]
    assert topics[TEXTS[2]] == [("ner", "Tokyo")]
    assert not any(source == "ner" for source, _ in topics[TEXTS[3]])
    assert counts == {"asked": 4, "cached": 0}

    new = "reading about Alan Turing today"
    assert prepare(tmp_path, TEXTS, f"tweetnlp:{checkpoint}") == 0
    assert "0 posts asked, 4 known" in capsys.readouterr().out
    assert written(tmp_path) == (topics, {"asked": 0, "cached": 4})
    assert prepare(tmp_path, (*TEXTS, new), f"tweetnlp:{checkpoint}") == 0
    assert "1 posts asked, 4 known" in capsys.readouterr().out
    assert written(tmp_path)[0][new] == [("ner", "Alan Turing")]


def test_what_was_found_before_a_stop_is_not_asked_again(tmp_path: Path, checkpoint: Path) -> None:
    texts = [f"{TEXTS[n % 3]} {n}" for n in range(80)]
    stopped = Recogniser(str(checkpoint), tmp_path / "cache.db")
    assert next(stopped.learn(texts)) == 32
    # not closed: what a kill leaves behind
    resumed = Recogniser(str(checkpoint), tmp_path / "cache.db")
    assert list(resumed.learn(texts)) == [32, 64, 80]
    assert (resumed.asked, resumed.cached) == (48, 32)
    stopped.close()
    resumed.close()


def test_handles_and_special_tokens_are_no_names(tmp_path: Path, checkpoint: Path) -> None:
    recogniser = Recogniser(str(checkpoint), tmp_path / "cache.db")
    texts = ["Ada Lovelace", "@Ada Lovelace @London {@x@} Sgt.La", "x", "just saw Tokyo " * 90]
    list(recogniser.learn(texts))
    names = [name for text in texts for name in recogniser.cached_names(text) or ()]
    recogniser.close()
    assert names
    assert not [name for name in names if set(name) & set("{}@<>") or name != name.strip()]


def test_the_cache_of_another_model_is_not_used(tmp_path: Path, checkpoint: Path) -> None:
    one = Recogniser(str(checkpoint), tmp_path / "cache.db")
    list(one.learn(TEXTS))
    one.close()
    other = Path(shutil.copytree(checkpoint, tmp_path / "other"))
    with (other / "config.json").open("a") as config:
        config.write("\n")  # told apart by every byte: to train another would take half a minute
    two = Recogniser(str(other), tmp_path / "cache.db")
    assert two.cached_names(TEXTS[0]) is None
    two.close()


def test_a_folder_that_holds_no_such_model_is_refused(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "model").mkdir()
    config = json.loads((checkpoint / "config.json").read_text())
    del config["crf_state_dict"]
    for content in ("{", json.dumps(config)):
        (tmp_path / "model" / "config.json").write_text(content)
        recogniser = Recogniser(str(tmp_path / "model"), tmp_path / "cache.db")
        with pytest.raises(ModelError, match="cannot be loaded"):
            list(recogniser.learn(TEXTS))
        recogniser.close()


def test_a_model_that_cannot_be_downloaded_is_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1
    assert prepare(tmp_path, ("Hello",), "tweetnlp:nobody/no-model") == 2
    error = capsys.readouterr().err
    assert "nobody/no-model cannot be loaded" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_damaged_cache_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"no database " * 100)
    with pytest.raises(ModelError, match="Delete it"):
        Recogniser("any/model", tmp_path / "cache.db")
