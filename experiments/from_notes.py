"""Measures what `bot draft --topics ROWS --out DRAWN --count 8` wrote from notes.

Prints how true the texts of each place are, and what a simulated owner would approve who takes only
what says all and only the notes. With --real (a JSON line a row: the post that the notes were made
of) also chrF and C2ST. `experiments/typed_notes.jsonl` are notes as people type them.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bot.voice import load_posts
from bot.voice.notes import Wording
from trainer.judging.fidelity import fidelity, is_all_and_only
from trainer.judging.yardstick import Yardstick


def main() -> None:
    """Parse the arguments and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("voice", type=Path, help="folder of the voice")
    parser.add_argument("drawn", type=Path, help="what `bot draft --out` wrote")
    parser.add_argument("--real", type=Path, help="the posts behind the notes, a JSON line each")
    parser.add_argument("--show", action="store_true", help="print notes and first texts")
    args = parser.parse_args()
    learnt = [post.text for post in load_posts(args.voice)]
    wording = Wording.of(learnt)
    rows = [json.loads(line) for line in args.drawn.read_text("utf-8").splitlines()]
    real = [json.loads(x) for x in args.real.read_text().splitlines()] if args.real else []
    kept = [i for i, row in enumerate(rows) if row["candidates"]]
    given = ["\n".join(filter(None, (rows[i]["topic"], rows[i].get("notes")))) for i in kept]
    texts = [[c["text"] for c in rows[i]["candidates"]] for i in kept]
    posts = [real[i] for i in kept] if real else given
    by = Yardstick(learnt, posts, seed=0)
    print(f"{len(kept)} of {len(rows)} rows have texts")
    for place in range(min(map(len, texts))):
        shown = [drawn[place] for drawn in texts]
        found = fidelity(shown, given, posts, wording=wording)
        print(place + 1, found, by.separability(shown) if real else "")
    rows_of = zip(texts, given, strict=True)
    good = [[is_all_and_only(text, told, wording) for text in drawn] for drawn, told in rows_of]
    print("approved: the first", fmean(row[0] for row in good), "one of four", _any(good, 4))
    print("one of all", _any(good, 99), "of all texts", fmean(one for row in good for one in row))
    if args.show:
        for told, drawn in zip(given, texts, strict=True):
            print(f"- {' / '.join(told.splitlines())}\n  -> {' / '.join(drawn[0].splitlines())}")


def _any(rows: Sequence[Sequence[bool]], count: int) -> float:
    return fmean(any(row[:count]) for row in rows)


if __name__ == "__main__":
    main()
