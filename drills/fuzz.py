"""Fuzzes the readers of archives with atheris, guided by the code that each input reaches.

    python -m drills.fuzz [--minutes 60] [--corpus FOLDER]

Starts from an archive of every format (tests/fakes/mutants.py), and changes pieces and bytes. A
finding is an input that ends in anything but posts or one sentence, takes more than a minute or a
gigabyte, or leaves a file behind. It stays in the corpus folder and ends the run with code 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from tests.fakes.mutants import WHOLE, mutated

LONGEST_S, MOST_MB = 60, 1024  # by the wall: a busy machine took 11 s to write an input
LONGEST_INPUT = 1 << 16


def fuzz(corpus: Path, seconds: int) -> None:
    """Fuzz in this very process, which libFuzzer ends."""
    import atheris

    with atheris.instrument_imports(include=["trainer.archives"]):
        from tests.fakes.reading import read
        from trainer.errors import TrainerError
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        path, parent = Path(scratch) / "archive", os.getppid()

        def one(data: bytes) -> None:
            if os.getppid() != parent:  # the parent was killed, and could not end this one
                os._exit(1)
            path.write_bytes(data)
            try:
                for post in read(path).posts:
                    f"{post.id} {post.text} {post.tags} {post.reply_to} {post.edit_of}".encode()
            except TrainerError as e:
                said = str(e)
                assert said.endswith(".") and len(said) < 600, said
            assert os.listdir(scratch) == ["archive"]  # noqa: PTH208  # faster

        def change(data: bytes, max_size: int, seed: int) -> bytes:
            chance = Random(seed)  # noqa: S311  # no secret comes of it
            new = mutated(data, chance) if chance.random() < 0.5 else b""
            if new and len(new) <= max_size:
                return new
            return bytes(atheris.Mutate(data, min(max_size, len(data) + 64)))

        limits = [f"-timeout={LONGEST_S}", f"-rss_limit_mb={MOST_MB}", f"-max_len={LONGEST_INPUT}"]
        where = [
            f"-artifact_prefix={corpus}/",
            f"-max_total_time={seconds}",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *limits, *where, str(corpus)], one, custom_mutator=change)
        atheris.Fuzz()


def main() -> int:
    """Run it in a child, which libFuzzer ends as it likes, and print the outcome."""
    parser = argparse.ArgumentParser(prog="python -m drills.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--corpus", type=Path, help="where inputs are kept (default: nowhere)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        fuzz(args.corpus, round(args.minutes * 60))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        corpus = args.corpus or Path(scratch)
        corpus.mkdir(parents=True, exist_ok=True)
        for name, whole in WHOLE.items():
            (corpus / name).write_bytes(whole)
        command = [sys.executable, "-m", "drills.fuzz", "--child", "--minutes", str(args.minutes)]
        done = subprocess.run(
            [*command, "--corpus", str(corpus)], stderr=subprocess.PIPE, text=True, check=False
        )
        findings = [
            f for kind in ("crash", "timeout", "oom", "leak") for f in corpus.glob(f"{kind}-*")
        ]
    _show(done.stderr, findings)
    if findings or done.returncode:
        print(done.stderr[-6000:], file=sys.stderr)
        return 1
    return 0


def _show(said: str, findings: list[Path]) -> None:
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", said))
    covered = re.findall(r"cov: (\d+)", said)
    table = Table("inputs", "a second", "branches reached", "peak MB", "findings")
    table.add_row(
        stats.get("number_of_executed_units", "?"),
        stats.get("average_exec_per_sec", "?"),
        covered[-1] if covered else "?",
        stats.get("peak_rss_mb", "?"),
        str(len(findings)),
    )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
