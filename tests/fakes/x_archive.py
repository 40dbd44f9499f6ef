"""Writes X archives for tests, record by record, in the layout that X exports."""

import html
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OWN_ID, OTHER_ID = "42", "77"
CANARY = "CANARY of somebody's private words"

Json = dict[str, Any]  # Any: X's records have no schema


def tweet(number: int, text: str, **more: Any) -> Json:
    """A record of `tweets.js`; posts with a greater number are newer, an hour each."""
    day, hour = divmod(number, 24)
    record: Json = {
        "id": f"{10**18 + number}",
        "id_str": f"{10**18 + number}",
        "created_at": f"Wed Jan {day + 1:02} {hour:02}:00:00 +0000 2020",
        "full_text": html.escape(text, quote=False),
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
        "lang": "en",
        "retweeted": False,
    }
    return {"tweet": record | more}


def key(number: int) -> str:
    """The id of the tweet with this number."""
    return f"{10**18 + number}"


def link(expanded: str) -> Json:
    """An entry of `entities.urls`."""
    return {"url": "https://t.co/abcdefghij", "expanded_url": expanded, "indices": ["0", "23"]}


def note(number: int, text: str) -> Json:
    """A record of `note-tweet.js` from the time of the tweet with this number."""
    day, hour = divmod(number, 24)
    return {
        "noteTweet": {
            "noteTweetId": "5",
            "createdAt": f"2020-01-{day + 1:02}T{hour:02}:00:00.000Z",
            "core": {"text": text, "urls": [], "mentions": [], "hashtags": []},
        }
    }


def script(name: str, value: object) -> bytes:
    """A file of the archive: a JavaScript global with JSON behind it."""
    return f"window.{name} = {json.dumps(value, ensure_ascii=False, indent=2)}".encode(
        "utf-8", "surrogatepass"
    )


def files(
    tweets: Sequence[Json], *parts: Sequence[Json], **more: Sequence[Json]
) -> dict[str, bytes]:
    """The archive's files by name; `more` are further lists, such as `note_tweet=[…]`."""
    names = ["data/tweets.js", *(f"data/tweets-part{n}.js" for n in range(1, len(parts) + 1))]
    posts = dict(zip(names, (tweets, *parts), strict=True))
    listed = [{"fileName": name, "count": str(len(rows))} for name, rows in posts.items()]
    private = [{"like": {"tweetId": "1", "fullText": CANARY}}]
    return {
        **{n: script(f"YTD.tweets.part{i}", rows) for i, (n, rows) in enumerate(posts.items())},
        "data/manifest.js": script(
            "__THAR_CONFIG",
            {"userInfo": {"accountId": OWN_ID}, "dataTypes": {"tweets": {"files": listed}}},
        ),
        "data/like.js": script("YTD.like.part0", private),
        "data/direct-messages.js": script("YTD.direct_messages.part0", private),
        "data/deleted-tweets.js": script("YTD.deleted_tweets.part0", [tweet(900, CANARY)]),
        "data/tweet-headers.js": script("YTD.tweet_headers.part0", [{"tweet": {"tweet_id": "1"}}]),
        **{
            f"data/{name.replace('_', '-')}.js": script(f"YTD.{name}.part0", rows)
            for name, rows in more.items()
        },
    }


def write_zip(path: Path, contents: Mapping[str, bytes], root: str = "") -> Path:
    """Zip the files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(root + name, content)
    return path


def write_folder(path: Path, contents: Mapping[str, bytes]) -> Path:
    """Write the files unpacked."""
    for name, content in contents.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path
