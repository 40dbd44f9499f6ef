"""Builds the sample archive: posts.txt beside this file -> a zip in the layout X exports today.

    python sample/build.py OUT.zip [--seed 7] [--language de]

The posts are the text file's; times, ids, counts and short links come from the seed, so the same
seed writes the same bytes. Everything in it is invented, and so are the private parts (messages,
likes, deleted posts): they hold a canary that no training file may ever contain.
"""

import argparse
import html
import json
import random
import re
import string
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

POSTS = Path(__file__).with_name("posts.txt")
LANGUAGES = ("en", *sorted(p.name.split(".")[1] for p in POSTS.parent.glob("posts.*.txt")))
MARKERS = ("edit", "photo", "quote", "reply", "retweet", "thread")

HANDLE, NAME, ACCOUNT_ID = "maraquill_pa", "Mara Quill", "84201957"
CANARY = "CANARY-7f3a: private, and never to be learnt from"

FIRST_NIGHT = datetime(2023, 12, 1, tzinfo=UTC)  # after Circle posts, which need a warning
NIGHTS = 1030
EXPORTED = datetime(2026, 10, 2, 5, 46, 38, tzinfo=UTC)
SHIFT_MIN = (18 * 60, 30 * 60 + 30, 27 * 60)  # minutes from midnight: begins, ends, liveliest

SNOWFLAKE_EPOCH_MS = 1288834974657
POST_CHARS = 280  # more than this goes to note-tweet.js, and tweets.js keeps only a beginning
RETWEET_CHARS = 140
SOURCE = '<a href="https://mobile.twitter.com" rel="nofollow">Twitter Web App</a>'
URL = re.compile(r"https?://\S+")

Json = dict[str, Any]  # Any: what X writes has no schema, and strings stand for numbers


@dataclass(frozen=True, slots=True)
class Block:
    """One block of posts.txt: its text, and the marker line above it, if it has one."""

    text: str
    marker: str | None = None
    handle: str | None = None  # whom it answers, quotes or retweets

    @property
    def is_note(self) -> bool:
        """Whether it is too long for tweets.js."""
        return len(self.text) > POST_CHARS and self.marker is None


@dataclass(frozen=True, slots=True)
class Links:
    """What a full_text hides behind t.co: (short, real address) each, and one photo at most."""

    urls: tuple[tuple[str, str], ...] = ()
    photo: str | None = None


def read_blocks(source: str) -> list[Block]:
    """Blocks of posts.txt, oldest first. Raises ValueError that names an unknown marker."""
    return [_read_block(block.strip()) for block in source.split("\n---\n")]


def _read_block(block: str) -> Block:
    first, _, rest = block.partition("\n")
    if not first.startswith("@"):
        return Block(block)
    marker, _, handle = first[1:].partition(" ")
    if marker not in MARKERS:
        raise ValueError(f"posts.txt has the line {first!r}: known are @{', @'.join(MARKERS)}.")
    return Block(rest, marker, handle or None)


def schedule(blocks: Sequence[Block], rng: random.Random) -> list[datetime]:
    """A time for each block, rising: one night each, but edits and threads stay in their night."""
    nights = iter(sorted(rng.sample(range(NIGHTS), len(blocks))))
    times: list[datetime] = []
    for i, block in enumerate(blocks):
        night = next(nights)
        is_edited = i > 0 and blocks[i - 1].marker == "edit"
        if is_edited or block.marker == "thread":
            times.append(times[-1] + timedelta(seconds=rng.randrange(60, 2400)))
        else:
            seconds = 60 * _minute_of_shift(block.text, rng) + rng.randrange(60)
            times.append(FIRST_NIGHT + timedelta(days=night, seconds=seconds))
    return times


def _minute_of_shift(text: str, rng: random.Random) -> int:
    if stated := re.match(r"([01]\d|2[0-3])([0-5]\d)\.", text):  # "0340. ..." is posted at 03:40
        minute = int(stated[1]) * 60 + int(stated[2])
        return minute if minute >= 12 * 60 else minute + 24 * 60
    return int(rng.triangular(*SHIFT_MIN))


def write_tweets(blocks: Sequence[Block], rng: random.Random) -> Iterator[tuple[Json, Json | None]]:
    """The tweet of each block, oldest first, with its note where it is a long one."""
    times = schedule(blocks, rng)
    ids = [_snowflake(at, i) for i, at in enumerate(times)]
    for i, (block, at) in enumerate(zip(blocks, times, strict=True)):
        full_text, links = _full_text(block, ids[i], at, rng)
        tweet = _tweet(ids[i], at, full_text, links, rng)
        if block.marker == "reply":
            earlier = _snowflake(at - timedelta(minutes=20), i)
            tweet |= _reply_to(earlier, str(block.handle), _account_id(str(block.handle)))
        elif block.marker == "thread":
            tweet |= _reply_to(ids[i - 1], HANDLE, ACCOUNT_ID)
        elif block.marker == "edit":
            tweet["edit_info"] = {"initial": _edit_control(ids[i : i + 2], times[i], left=4)}
        elif i > 0 and blocks[i - 1].marker == "edit":
            control = _edit_control(ids[i - 1 : i + 1], times[i - 1], left=4)
            edit = {"initialTweetId": ids[i - 1], "editControlInitial": control}
            tweet["edit_info"] = {"edit": edit}
        yield tweet, _note(block.text, int(ids[i]), at) if block.is_note else None


def _full_text(block: Block, id_: str, at: datetime, rng: random.Random) -> tuple[str, Links]:
    """The text as X stores it: escaped, marked, cut, every address behind t.co."""
    wording = block.text
    if block.marker == "retweet":
        wording = f"RT @{block.handle}: {wording}"
        if len(wording) > RETWEET_CHARS:
            wording = wording[: RETWEET_CHARS - 1] + "…"
    elif block.marker == "reply":
        wording = f"@{block.handle} {wording}"
    urls = [(_short_link(rng), real) for real in URL.findall(wording)]
    for short, real in urls:
        wording = wording.replace(real, short, 1)
    photo = None
    if block.marker == "quote":
        quoted = _snowflake(at - timedelta(hours=3), 1)
        urls.append((_short_link(rng), f"https://twitter.com/{block.handle}/status/{quoted}"))
        wording += f" {urls[-1][0]}"
    elif block.marker == "photo":
        photo = _short_link(rng)
        wording += f" {photo}"
    elif block.is_note:
        urls = [(_short_link(rng), f"https://twitter.com/i/web/status/{id_}")]
        wording = f"{wording[:250].rsplit(' ', 1)[0]}… {urls[0][0]}"
    return html.escape(wording, quote=False), Links(tuple(urls), photo)


def _tweet(id_: str, at: datetime, full_text: str, links: Links, rng: random.Random) -> Json:
    tweet: Json = {
        "edit_info": {"initial": _edit_control([id_], at, left=5)},
        "retweeted": False,  # always false, and so is favorited: an archive does not know
        "source": SOURCE,
        "entities": _entities(full_text, links),
        "display_text_range": ["0", str(len(full_text))],
        "favorite_count": str(int(rng.paretovariate(1.1))),
        "id_str": id_,
        "truncated": False,
        "retweet_count": str(int(rng.paretovariate(1.4)) - 1),
        "id": id_,
        "created_at": at.strftime("%a %b %d %H:%M:%S +0000 %Y"),
        "favorited": False,
        "full_text": full_text,
        "lang": "en",
    }
    if links.photo:
        media = [_photo(id_, full_text, links.photo)]
        tweet["entities"]["media"] = media
        tweet["extended_entities"] = {"media": media}
    if links.urls or links.photo:
        tweet["possibly_sensitive"] = False
    return tweet


def _entities(full_text: str, links: Links) -> Json:
    tags = re.finditer(r"(?<!\w)#(\w+)", full_text)
    mentions = re.finditer(r"(?<!\w)@(\w{1,15})", full_text)
    return {
        "hashtags": [{"text": m[1], "indices": _indices(*m.span())} for m in tags],
        "symbols": [],
        "user_mentions": [
            {
                "name": m[1].removesuffix("_pa").title(),
                "screen_name": m[1],
                "indices": _indices(*m.span()),
                "id_str": _account_id(m[1]),
                "id": _account_id(m[1]),
            }
            for m in mentions
        ],
        "urls": [
            {
                "url": short,
                "expanded_url": real,
                "display_url": real.removeprefix("https://")[:30],
                "indices": _place(full_text, short),
            }
            for short, real in links.urls
        ],
    }


def _photo(id_: str, full_text: str, short: str) -> Json:
    media_id = str(int(id_) - 1)
    return {
        "expanded_url": f"https://twitter.com/{HANDLE}/status/{id_}/photo/1",
        "indices": _place(full_text, short),
        "url": short,
        "media_url": f"http://pbs.twimg.com/media/{media_id}.jpg",
        "id_str": media_id,
        "id": media_id,
        "media_url_https": f"https://pbs.twimg.com/media/{media_id}.jpg",
        "sizes": {"large": {"w": "2048", "h": "1152", "resize": "fit"}},
        "type": "photo",
        "display_url": f"pic.twitter.com/{short[-10:]}",
    }


def _reply_to(status: str, handle: str, account: str) -> Json:
    return {
        "in_reply_to_status_id_str": status,
        "in_reply_to_status_id": status,
        "in_reply_to_user_id": account,
        "in_reply_to_user_id_str": account,
        "in_reply_to_screen_name": handle,
    }


def _edit_control(ids: list[str], first: datetime, left: int) -> Json:
    return {
        "editTweetIds": ids,
        "editableUntil": _iso(first + timedelta(hours=1)),
        "editsRemaining": str(left),
        "isEditEligible": True,
    }


def _note(text: str, tweet_id: int, at: datetime) -> Json:
    core = {"styletags": [], "urls": [], "text": text, "mentions": [], "cashtags": []}
    return {
        "noteTweetId": str(tweet_id - 4321),  # X gives a note an id of its own, near the tweet's
        "updatedAt": _iso(at),
        "lifecycle": {"value": "0", "name": "Stored", "originalName": "Stored"},
        "createdAt": _iso(at),
        "core": core | {"hashtags": []},
    }


def _snowflake(at: datetime, sequence: int) -> str:
    return str(((round(at.timestamp() * 1000) - SNOWFLAKE_EPOCH_MS) << 22) | sequence)


def _account_id(handle: str) -> str:
    return ACCOUNT_ID if handle == HANDLE else str(int.from_bytes(handle.encode()[:4]))


def _short_link(rng: random.Random) -> str:
    letters = string.ascii_letters + string.digits
    return "https://t.co/" + "".join(rng.choices(letters, k=10))


def _indices(start: int, end: int) -> list[str]:
    return [str(start), str(end)]


def _place(full_text: str, part: str) -> list[str]:
    start = full_text.index(part)
    return _indices(start, start + len(part))


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def archive_rows(source: str, seed: int, language: str) -> dict[str, list[Json]]:
    """The rows of every data file, by its name in data/ without `.js`; tweets newest first."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
    pairs = list(write_tweets(read_blocks(source), rng))
    for tweet, _ in pairs:
        tweet["lang"] = language
    message = {"senderId": "1", "recipientId": ACCOUNT_ID, "text": CANARY, "id": "11"}
    conversation = {"conversationId": f"1-{ACCOUNT_ID}", "messages": [{"messageCreate": message}]}
    deleted = _tweet(_snowflake(FIRST_NIGHT, 0), FIRST_NIGHT, CANARY, Links(), rng)
    account = {
        "email": "mara.quill@example.org",
        "createdVia": "web",
        "username": HANDLE,
        "accountId": ACCOUNT_ID,
        "createdAt": _iso(FIRST_NIGHT - timedelta(days=400)),
        "accountDisplayName": NAME,
    }
    bio = "Night keeper, Port Almond. 73 tins of tea. Not the goose's representative."
    return {
        "account": [{"account": account}],
        "profile": [{"profile": {"description": {"bio": bio, "location": "Port Almond"}}}],
        "tweets": [{"tweet": tweet} for tweet, _ in reversed(pairs)],
        "note-tweet": [{"noteTweet": note} for _, note in reversed(pairs) if note],
        "deleted-tweets": [{"tweet": deleted}],
        "direct-messages": [{"dmConversation": conversation}],
        "like": [{"like": {"tweetId": "12", "fullText": CANARY}}],
        "community-tweet": [],
        "twitter-circle-tweet": [],
    }


def build(out: Path, source: str, seed: int, language: str = "en") -> int:
    """Write the archive and return how many tweets it holds."""
    rows = archive_rows(source, seed, language)
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in rows.items():
            _add(archive, f"data/{name}.js", f"window.{_global(name)} = {_javascript(content)}")
        _add(archive, "data/manifest.js", f"window.__THAR_CONFIG = {_javascript(_manifest(rows))}")
        _add(archive, "Your archive.html", "<!doctype html><title>Your archive</title>")
    return len(rows["tweets"])


def _add(archive: zipfile.ZipFile, name: str, content: str) -> None:
    entry = zipfile.ZipInfo(name, EXPORTED.timetuple()[:6])  # a fixed date: same seed, same bytes
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content.encode())


def _manifest(rows: dict[str, list[Json]]) -> Json:
    return {
        "userInfo": {"accountId": ACCOUNT_ID, "userName": HANDLE, "displayName": NAME},
        "archiveInfo": {"generationDate": _iso(EXPORTED), "isPartialArchive": False},
        "dataTypes": {_camel(name): {"files": [_part(name, rows[name])]} for name in rows},
    }


def _part(name: str, content: list[Json]) -> Json:
    return {
        "fileName": f"data/{name}.js",
        "globalName": _global(name),
        "count": str(len(content)),
    }


def _global(name: str) -> str:
    return f"YTD.{name.replace('-', '_')}.part0"


def _camel(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(word.title() for word in rest)


def _javascript(value: Any) -> str:  # Any: whatever json.dumps takes
    return json.dumps(value, ensure_ascii=False, indent=2, separators=(",", " : "))


def main() -> int:
    """Read the arguments, build, and say what was built."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("out", type=Path, metavar="OUT.zip")
    parser.add_argument("--seed", type=int, default=7, help="of times, ids and counts (7)")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the posts (en)")
    args = parser.parse_args()
    posts = POSTS if args.language == "en" else POSTS.with_suffix(f".{args.language}.txt")
    try:
        count = build(args.out, posts.read_text("utf-8"), args.seed, args.language)
    except (OSError, ValueError) as e:
        print(f"The sample archive was not built: {e}", file=sys.stderr)
        return 2
    print(f"{args.out}: {count} tweets of {NAME}, an invented person.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
