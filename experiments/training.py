"""Measures how fast a voice trains and what it gains, on 60 posts of the sample archive.

`train` runs as a person runs it, in a process of its own, for one epoch: two minutes on two cores.
Another prepared folder, and any option of `train`, may be given.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.voice import Voice
from trainer.data import dataset
from trainer.training import base_model

ROOT = Path(__file__).parent.parent
TRAIN, VALIDATION = 60, 15
LINE = re.compile(r"(?:epoch \d+/\d+|before training): .* (\d+) s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, help="prepared folder (the sample's)")
    parser.add_argument("more", nargs="*", help="further options of `train`, after --")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = args.data or sample_data(Path(scratch))
        Console().print(measure(data, Path(scratch) / "voices", args.more))


def sample_data(scratch: Path) -> Path:
    """The sample archive, prepared: as many posts of it as two minutes allow."""
    archive, data = scratch / "archive.zip", scratch / "data"
    for command in (
        [str(ROOT / "sample" / "build.py"), str(archive)],
        ["-m", "trainer", "prepare", str(archive), "--out", str(data)],
    ):
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT, capture_output=True)
    for name, rows in (("train", TRAIN), ("validation", VALIDATION)):
        file = data / f"{name}.jsonl"
        lines = file.read_text("utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:rows]), "utf-8")
    return data


def measure(data: Path, voices: Path, more: list[str]) -> Table:
    """Train once, and put what it said and left into a table."""
    command = ["-m", "trainer", "train", str(data), "--voice", "bench", "--voices", str(voices)]
    command += ["--epochs", "1"]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command, *more], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    wall = time.monotonic() - started
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024

    voice = Voice.load(voices / "bench")
    tokens = epoch_tokens(data)
    validation, *ends = [int(seconds) for seconds in LINE.findall(done.stdout)]
    epoch = (ends[-1] - validation) / len(ends)
    table = Table("figure", "value", title=f"Training on {voice.counts['train']} posts")
    before, after = (voice.metrics[k] for k in ("bits_per_char_base", "bits_per_char"))
    for figure, value in {
        "tokens an epoch": f"{tokens:,}",
        "seconds an epoch, with its validation": f"{epoch:.0f}",
        "tokens a second, validation apart": f"{tokens / (epoch - validation):.0f}",
        "seconds in all, loading included": f"{wall:.0f}",
        "peak memory, MB": f"{peak_mb:,.0f}",
        "bits per character, base model": f"{before:.3f}",
        "bits per character, voice": f"{after:.3f} ({after / before - 1:+.0%})",
        "epoch kept": f"{voice.metrics['best_epoch']:.0f} of {len(ends)}",
    }.items():
        table.add_row(figure, value)
    return table


def epoch_tokens(data: Path) -> int:
    """Tokens of all training examples, prompts included."""
    tokenizer = base_model.load_base(base_model.DEFAULT, "float32").tokenizer
    chats = [
        [*e.prompt, {"role": "assistant", "content": e.completion}]
        for e in dataset.load(data).train
    ]
    texts = [tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats]
    return sum(map(len, tokenizer(texts, add_special_tokens=False).input_ids))


if __name__ == "__main__":
    main()
