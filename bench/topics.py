"""Measures how many posts a second the topic extractor takes, without a model.

    python -m bench.topics [--posts 20000] [--file POSTS.jsonl]

Takes the texts of a JSON-lines file (a prepared posts.jsonl, say), or the sample's posts, as often
as it needs. Counts CPU time in one process; `prepare` shares a large archive among several.
"""

import argparse
import json
import time
from collections import Counter
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.voice import personal
from trainer.data.near_copies import runs_in
from trainer.data.topics import SAMPLE, find_topics, learn_habits

SAMPLE_POSTS = Path(__file__).parent.parent / "sample" / "posts.txt"


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description="Measures the topic extractor.")
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--file", type=Path, help="JSON lines with a text each")
    args = parser.parse_args()
    found = _texts(args.file)
    texts = list(islice(cycle(found), args.posts))
    learnt = texts[:SAMPLE]
    table = Table("what", "posts", "CPU s", "posts/s")

    began = time.process_time()
    habits = learn_habits(learnt)
    _add(table, "learn how the author writes", len(learnt), time.process_time() - began)

    began = time.process_time()
    topics = [find_topics(text, (), (), habits) for text in texts]
    _add(table, "find topics", len(texts), time.process_time() - began)

    began = time.process_time()
    for text in texts:
        personal.find(text)
    _add(table, "find personal data", len(texts), time.process_time() - began)

    began = time.process_time()
    runs_in(texts)
    _add(table, "hash for near copies", len(texts), time.process_time() - began)

    Console().print(table)
    sources = Counter(source for post in topics for source in {topic.source for topic in post})
    shares = ", ".join(f"{source} {n / len(texts):.0%}" for source, n in sources.most_common())
    print(
        f"{len(found):,} different posts, {sum(map(len, texts)) / len(texts):.0f} characters each."
    )
    print(f"Posts with a topic: {sum(map(bool, topics)) / len(texts):.0%} ({shares}).")


def _texts(file: Path | None) -> list[str]:
    if file is None:
        posts = SAMPLE_POSTS.read_text("utf-8").split("\n---\n")
        return [post for post in posts if not post.startswith("@")]  # those mark what is no post
    return [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()]


def _add(table: Table, what: str, posts: int, cpu_s: float) -> None:
    table.add_row(what, f"{posts:,}", f"{cpu_s:.1f}", f"{posts / cpu_s:,.0f}")


if __name__ == "__main__":
    main()
