"""Measures how fast, and in how much memory, an X archive is read and prepared.

    python -m bench.archive [--posts 10000 200000] [--million] [--archive FILE.zip ...]
                            [--against CHECKOUT] [--runs 5]

Writes archives in X's format and mix (1.5 KB a record; a fifth retweets, a third replies, long
posts, edits, links), or takes those given. Each measurement is a process of its own, those of this
checkout and another in turn: MB/s counts the unpacked megabytes per second of the clock, and of the
processor; CPU and the peak of memory are those of the process and its children together. All are
medians.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.machine import machine

HERE = Path(__file__).parent.parent
MILLION = 1_000_000
WATCHED_EVERY_S = 0.2
BEGAN = datetime(2012, 3, 1, tzinfo=UTC)
STEP = timedelta(minutes=31)
SNOWFLAKE_EPOCH_MS = 1288834974657
PART = 50_000  # posts in a file
SYLLABLES = (
    "ka",
    "lo",
    "mer",
    "ti",
    "sun",
    "ra",
    "be",
    "nol",
    "vi",
    "dor",
    "es",
    "gu",
    "pha",
    "ny",
)
WORDS = [a + b + c for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES]
RARENESS = [1 / rank for rank in range(1, len(WORDS) + 1)]  # Zipf's law, as in any language
NAMES = ("Port Almond", "the ferry", "the night shift", "Ada Lovelace", "my kettle", "the fog")
ENDS = (
    "Tell everyone & their goose.",
    "#FogReport",
    "Well.",
    "More at eight.",
    "@river_otter knows.",
)

Json = dict[str, Any]  # Any: X's records have no schema


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description="Measures reading and preparing an archive.")
    parser.add_argument("--posts", type=int, nargs="*", default=[10_000, 200_000])
    parser.add_argument("--million", action="store_true", help="also a million posts: 20 minutes")
    parser.add_argument("--archive", type=Path, nargs="*", help="measure these archives instead")
    parser.add_argument(
        "--against", type=Path, metavar="CHECKOUT", help="another checkout, in turn"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure[0], Path(args.measure[1]))))
        return
    checkouts = {"this checkout": HERE} | ({"the other": args.against} if args.against else {})
    columns = ("posts", "what", "", "wall s", "CPU s", "MB/wall s", "MB/CPU s", "peak MB")
    table = Table(*columns, title=f"{args.runs} each, medians; {machine()}")
    counts = [*args.posts, *([MILLION] if args.million else [])]
    with tempfile.TemporaryDirectory() as folder:
        for archive in args.archive or (write_archive(Path(folder), n) for n in counts):
            for what in ("read and clean", "prepare"):
                runs: dict[str, list[dict[str, float]]] = {name: [] for name in checkouts}
                for _ in range(args.runs):
                    for name, checkout in checkouts.items():
                        runs[name].append(measure_apart(what, archive.resolve(), checkout))
                for name, all_found in runs.items():
                    add_row(table, what, name, all_found)
    Console(width=110).print(table)


def add_row(table: Table, what: str, name: str, runs: list[dict[str, float]]) -> None:
    """Add the medians of some runs."""
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    table.add_row(
        f"{found['posts']:,.0f}, {found['megabytes']:.0f} MB",
        what,
        name,
        f"{found['wall_s']:.1f}",
        f"{found['cpu_s']:.1f}",
        f"{found['megabytes'] / found['wall_s']:.1f}",
        f"{found['megabytes'] / found['cpu_s']:.1f}",
        f"{found['peak_mb']:.0f}",
    )


def measure_apart(what: str, archive: Path, checkout: Path) -> dict[str, float]:
    """Measure a checkout in a fresh process, whose memory nothing else has touched."""
    command = [sys.executable, "-m", "bench.archive", "--measure", what, str(archive)]
    environment = os.environ | {"PYTHONPATH": str(checkout.resolve())}
    began, peak = time.monotonic(), 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=checkout, env=environment
    ) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(WATCHED_EVERY_S)
        assert process.stdout is not None
        found: dict[str, float] = json.loads(process.stdout.read().splitlines()[-1])
    return found | {"peak_mb": peak / 1e6, "wall_s": time.monotonic() - began}


def _memory(pid: int) -> int:
    """Bytes that a process and its children hold; shared ones count once a process."""
    total = 0
    with contextlib.suppress(psutil.Error):  # it may end at any moment
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            total += one.memory_info().rss
    return total


def measure(what: str, archive: Path) -> dict[str, float]:
    """Read or prepare, in this process; returns posts, megabytes unpacked and CPU seconds."""
    from trainer.archives import open_archives, posts_of
    from trainer.archives.post import Post
    from trainer.data.clean import OWN, clean
    from trainer.data.options import PrepareOptions
    from trainer.data.prepare import prepare

    ((reader, tally, _),) = open_archives(archive)
    began = _cpu_s()
    if what == "prepare":
        with tempfile.TemporaryDirectory() as folder:
            console = Console(file=sys.stderr)
            now = datetime.now(UTC)
            posts = prepare(
                [archive], Path(folder) / "data", PrepareOptions(), now=now, stdout=console
            ).read
    else:
        read = (p for p in posts_of(reader, archive) if isinstance(p, Post))
        posts = Counter(clean(p, OWN)[1] for p in read).total()
    return {
        "posts": posts,
        "megabytes": tally.total_bytes / 1e6,
        "cpu_s": _cpu_s() - began,
    }


def _cpu_s() -> float:
    """CPU seconds of this process and of its children that have ended."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, whose))


def write_archive(folder: Path, posts: int, seed: int = 7) -> Path:
    """Write an archive of invented posts, a part at a time."""
    path = folder / f"{posts}.zip"
    rng = random.Random(seed)  # noqa: S311 - no secret is drawn
    notes: list[Json] = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = _rows(rng, posts, notes)
        for part in range(-(-posts // PART)):
            name = f"data/tweets-part{part}.js" if part else "data/tweets.js"
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(f"window.YTD.tweets.part{part} = [\n".encode())
                for number in range(min(PART, posts - part * PART)):
                    file.write(b"," * bool(number) + _record(next(rows)))
                file.write(b"\n]")
        archive.writestr("data/note-tweet.js", b"window.YTD.note_tweet.part0 = " + _record(notes))
        config = {"userInfo": {"accountId": "42"}}
        archive.writestr("data/manifest.js", b"window.__THAR_CONFIG = " + _record(config))
    return path


def _record(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, separators=(",", " : ")).encode()


def _rows(rng: random.Random, posts: int, notes: list[Json]) -> Iterator[Json]:
    """Yield records, newest first as X writes them."""
    for number in reversed(range(posts)):
        text = " ".join(_sentence(rng) for _ in range(rng.randint(1, 3)))
        kind = rng.random()
        if kind < 0.2:
            yield _tweet(rng, number, f"RT @river_otter: {text}"[:139] + "…")
        elif kind < 0.5:
            to = "42" if rng.random() < 0.2 else "77"
            yield _tweet(rng, number, f"@river_otter {text}", in_reply_to_user_id_str=to)
        elif kind < 0.51:
            whole = " ".join(_sentence(rng) for _ in range(8))
            date = (BEGAN + number * STEP).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            core = {"text": whole, "urls": [], "mentions": [], "hashtags": []}
            notes.append({"noteTweet": {"noteTweetId": "1", "createdAt": date, "core": core}})
            yield _tweet(rng, number, whole[:270] + "…")
        else:
            yield _tweet(rng, number, text)


def _sentence(rng: random.Random) -> str:
    words = " ".join(rng.choices(WORDS, RARENESS, k=rng.randint(5, 14)))
    return f"{words.capitalize()} {rng.choice(NAMES)}, {rng.choice(WORDS)}. {rng.choice(ENDS)}"


def _tweet(rng: random.Random, number: int, text: str, **more: str) -> Json:
    date = BEGAN + number * STEP
    key = str(((int(date.timestamp() * 1000) - SNOWFLAKE_EPOCH_MS) << 22) + number % 4096)
    short = "https://t.co/" + "".join(rng.choices("abcdefghijABCDEFGHIJ0123456789", k=10))
    with_link = rng.random() < 0.3
    link = {"url": short, "expanded_url": "https://example.org/news", "indices": ["1", "24"]}
    mention = {"name": "River Otter", "screen_name": "river_otter", "id": "77", "id_str": "77"}
    photo = {
        "media_url_https": f"https://pbs.twimg.com/media/{key}.jpg",
        "type": "photo",
        "id": key,
        "indices": ["1", "24"],
        "sizes": {size: {"w": "680", "h": "383", "resize": "fit"} for size in ("small", "large")},
    }
    media = [photo] if rng.random() < 0.4 else []
    return {
        "tweet": {
            "edit_info": {
                "initial": {
                    "editTweetIds": [key],
                    "editableUntil": "2025-01-19T17:22:47.000Z",
                    "editsRemaining": "5",
                    "isEditEligible": True,
                }
            },
            "retweeted": False,
            "source": '<a href="http://twitter.com/download/iphone">Twitter for iPhone</a>',
            "entities": {
                "hashtags": [{"text": "FogReport"}] if "#FogReport" in text else [],
                "symbols": [],
                "user_mentions": [mention] if "@river_otter" in text else [],
                "urls": [link] if with_link else [],
                "media": media,
            },
            "display_text_range": ["0", str(len(text))],
            "favorite_count": "3",
            "id_str": key,
            "truncated": False,
            "retweet_count": "0",
            "id": key,
            "created_at": date.strftime("%a %b %d %H:%M:%S +0000 %Y"),
            "favorited": False,
            "full_text": text.replace("&", "&amp;") + f" {short}" * with_link,
            "lang": "en",
            "extended_entities": {"media": media * 2},
            **more,
        }
    }


if __name__ == "__main__":
    main()
