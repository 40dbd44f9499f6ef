"""Small archives of every format, with every nasty case of each; everybody in them is invented.

    python -m tests.samples.build FOLDER    writes them, to try `prepare` on

`<name>.jsonl` beside this file holds the posts that a reader must find, one a line.
"""

import json
import sys
from pathlib import Path

from tests.fakes import bluesky_archive as bluesky
from tests.fakes import mastodon_archive as mastodon
from tests.fakes import threads_archive as threads
from tests.fakes import x_archive as x
from tests.fakes.x_archive import OTHER_ID, OWN_ID, key, link, note, tweet

FOG = "The fog came in at six, took the harbour, and has since refused every offer. " * 6
KETTLE = "Notes on a kettle: it knows, it waits, it boils & says nothing < twice. " * 6


def x_2013(folder: Path) -> Path:
    """Scripts and table of the same posts; retweets named, not marked; numbers as numbers."""
    me = {"id_str": OWN_ID, "id": int(OWN_ID), "screen_name": "me"}
    rows = [
        {
            "id": 11,
            "id_str": "11",
            "text": "Tea &amp; fog &lt;3 http://example.org/1",  # before t.co
            "created_at": "2013-05-31 21:00:00 +0000",
            "entities": {"urls": [], "hashtags": [], "user_mentions": [], "media": []},
            "user": me,
        },
        {
            "id_str": "12",
            "text": "RT @mel: Fewer boats &amp; more gulls is what the harbour board decid…",
            "created_at": "2013-05-31 22:00:00 +0000",
            "retweeted_status": {"id_str": "5", "text": "Fewer boats and more gulls"},
            "user": me,
        },
        {
            "id_str": "13",
            "text": "RT if you agree that gulls are underpaid",
            "created_at": "2013-06-01 08:00:00 +0000",
            "user": me,
        },
        {
            "id_str": "14",
            "text": "@me and overworked",
            "created_at": "2013-06-01 08:01:00 +0000",
            "in_reply_to_status_id_str": "13",
            "in_reply_to_user_id": int(OWN_ID),
            "in_reply_to_screen_name": "me",
            "user": me,
        },
        {
            "id_str": "15",
            "text": "@mel who knows",
            "created_at": "2013-06-01 09:00:00 +0000",
            "in_reply_to_user_id_str": OTHER_ID,
            "user": me,
        },
    ]
    contents = {"index.html": b"<html>", "tweets.csv": b"tweet_id,text,retweeted_status_id\n99,no,"}
    for month, part in (("2013_05", rows[:2]), ("2013_06", rows[2:])):
        script = json.dumps(part, indent=1)
        name = f"Grailbird.data.tweets_{month}"
        contents[f"data/js/tweets/{month}.js"] = f"{name} = \n {script}".encode()
    return x.write_zip(folder / "x_2013", contents)


def x_2019(folder: Path) -> Path:
    """`tweet.js`, its records bare, the id only in account.js, unpacked in a folder."""
    rows = [
        tweet(1, "No wrapper, no manifest"),
        tweet(2, "@me still mine", in_reply_to_user_id_str=OWN_ID, in_reply_to_screen_name="me"),
        tweet(3, "@gone so", in_reply_to_user_id_str="-1", lang="und"),
    ]
    account = [{"account": {"email": "nobody@example.org", "accountId": OWN_ID}}]
    return x.write_folder(
        folder / "x_2019",
        {
            "tweet.js": x.script("YTD.tweet.part0", [row["tweet"] for row in rows]),
            "account.js": x.script("YTD.account.part0", account),
            "direct-message.js": b"\xff never opened",
            "like.js": b"\xff never opened",
        },
    )


def x_2025(folder: Path) -> Path:
    """Parts, long posts, edits, the Circle, communities, quotes, links, and a stray part."""
    urls = {
        "quote": [link("https://x.com/mel/status/9?s=20")],
        "rest": [link("https://twitter.com/i/web/status/8")],
        "photo": [link("https://twitter.com/me/status/7/photo/1")],
    }
    edits = {"editTweetIds": [key(20), key(21)]}
    mention = {"user_mentions": [{"screen_name": "gull", "name": "A Gull", "id_str": "-1"}]}
    first = [
        tweet(1, "Literally: &lt; is a less-than, &amp; an ampersand"),
        tweet(2, "RT @mel: Not my words"),
        tweet(3, "RT if you like fog"),
        tweet(4, "So true https://t.co/abcdefghij", entities={"urls": urls["quote"]}),
        tweet(5, "A photo https://t.co/abcdefghij", entities={"urls": urls["photo"]}),
        tweet(6, FOG[:250] + "… https://t.co/abcdefghij", entities={"urls": urls["rest"]}),
        tweet(7, KETTLE[:270] + "…", in_reply_to_user_id_str=OWN_ID),
        tweet(8, "@mel @gull yes", in_reply_to_user_id_str=OTHER_ID, entities=mention),
    ]
    second = [
        tweet(20, "A tpyo", edit_info={"initial": edits}),
        tweet(
            21,
            "A typo",
            edit_info={"edit": {"initialTweetId": key(20), "editControlInitial": edits}},
        ),
        tweet(22, "For the circle", created_at="Wed Apr 05 10:00:00 +0000 2023"),
        tweet(23, "No text", full_text=None),
        {"tweet": {"full_text": "no id"}},
        tweet(24, "Half a character \ud83d lost"),
    ]
    contents = x.files(
        first,
        second,
        note_tweet=[note(6, FOG), note(7, KETTLE.replace("&", "&amp;").replace("<", "&lt;")),
                    note(9, "Nobody's: " + FOG)],
        twitter_circle_tweet=[tweet(22, "")],
        community_tweet=[tweet(30, "To the kettle people")],
    )  # fmt: skip
    contents["data/tweets-part9.js"] = x.script("YTD.tweets.part9", [tweet(90, "stray")])
    return x.write_zip(folder / "x_2025", contents, root="twitter-2025-01-22/")


def mastodon_tar(folder: Path) -> Path:
    """A tar.gz named zip: boosts, a poll, warnings, every visibility, spans, old nulls."""
    hidden = '<span class="invisible">https://</span>'
    cut = f'{hidden}<span class="ellipsis">example.org/fo</span><span class="invisible">g</span>'
    anchor = f'<a href="https://example.org/fog" rel="nofollow">{cut}</a>'
    mel = f'<span class="h-card"><a href="{mastodon.OTHER}" class="u-url mention">@<span>mel</span>'
    mel += "</a></span>"
    only = {"to": [mastodon.OTHER], "cc": []}
    contents = mastodon.files(
        mastodon.status(1, f"<p>Fog &amp; tea &lt;3</p><p>See {anchor}<br />now</p>"),
        mastodon.boost(2, f"{mastodon.OTHER}/statuses/9"),
        mastodon.status(3, "<p>Fog or tea?</p>", type="Question", oneOf=[{"name": "Fog"}]),
        mastodon.status(4, "<p>It ends.</p>", summary="spoiler", sensitive=True),
        mastodon.status(5, f"<p>{mel} yes</p>", inReplyTo=f"{mastodon.OTHER}/statuses/9"),
        mastodon.status(6, "<p>and more</p>", inReplyTo=mastodon.key(1)),
        mastodon.status(7, "<p>quietly</p>", to=[mastodon.FOLLOWERS], cc=[mastodon.PUBLIC]),
        mastodon.status(8, "<p>followers</p>", to=[mastodon.FOLLOWERS], cc=[]),
        mastodon.status(9, f"<p>{mel} psst</p>", **only),
        mastodon.status(10, "<p>old</p>", conversation=None, contentMap=None, tag=None),
        {"id": "https://fog.example/d", "type": "Delete", "object": mastodon.key(99)},
    )
    return mastodon.write_tar(folder / "mastodon.zip", contents)


def bluesky_repo(folder: Path) -> Path:
    """A CAR with a deleted post's block, bytes and characters apart, nonsense for a date."""
    long = "🌲 größer: example.org/a-ver... by @mel.fog.example"
    marks = [bluesky.link(long, "example.org/a-ver...", "https://example.org/a-very-long-path")]
    quoted = {"$type": "app.bsky.embed.record", "record": {"uri": bluesky.uri(1, "did:plc:mel")}}
    records = bluesky.posts(
        bluesky.post("Tea &amp; fog, unescaped"),
        bluesky.post(long, facets=marks, langs=["de"]),
        bluesky.post("and more", reply=bluesky.reply(bluesky.uri(1))),
        bluesky.post("yes", reply=bluesky.reply(bluesky.uri(1, "did:plc:mel"))),
        bluesky.post("So true", embed=quoted, createdAt="yesterday"),
        {"$type": bluesky.POST, "createdAt": "2024-05-01T10:00:00Z"},
    )
    repost = {"$type": "app.bsky.feed.repost", "createdAt": "2024-05-02T10:00:00Z"}
    records |= {
        "app.bsky.feed.repost/3kr": repost | {"subject": {"uri": bluesky.uri(1, "did:plc:mel")}},
        "app.bsky.feed.like/3kl": repost | {"$type": "app.bsky.feed.like"},
        "app.bsky.actor.profile/self": {"$type": "app.bsky.actor.profile", "displayName": "Me"},
    }
    repo = bluesky.Repo(records)
    repo.add(bluesky.post("Deleted, and not to be revived"))
    (folder / "bluesky").write_bytes(repo.car())
    return folder / "bluesky"


def threads_export(folder: Path) -> Path:
    """Bytes as characters, an album, a reply, a record that is none."""
    contents = threads.files(
        threads.entry(1714557600, "Größer 🌲 – so"),
        threads.album(1714557601, "Three photos of “fog”"),
        threads.entry(1714557602, "yes", is_reply=True),
        {"media": [{"title": "Ã written right", "creation_timestamp": 1714557603}]},
        {"media": None},
        {},
    )
    return x.write_zip(folder / "threads", contents)


def csv_table(folder: Path) -> Path:
    """A table from Windows: cp1252, semicolons, a text of several lines."""
    rows = (
        'ID;Content;Date\r\n7;"Café; ""zwei""\nZeilen – so";2020-01-01 10:00\r\n8\r\n;dritte;x\r\n'
    )
    (folder / "csv").write_bytes(rows.encode("cp1252"))
    return folder / "csv"


def json_lines(folder: Path) -> Path:
    """Lines under a byte order mark, with four names for a text."""
    lines = [
        '{"text": "one &amp; one", "id": 1, "created_at": 1577872800}',
        '{"full_text": "two &amp; two", "id_str": "2", "lang": "en"}',
        '{"content": "RT @mel: three"}',
        "",
        '{"body": "four", "in_reply_to_id": "2"}',
        '{"title": "no text", "id": "5"}',
    ]
    (folder / "jsonl").write_text("\n".join(lines), "utf-8-sig")
    return folder / "jsonl"


SAMPLES = {
    "x_2013": x_2013,
    "x_2019": x_2019,
    "x_2025": x_2025,
    "mastodon": mastodon_tar,
    "bluesky": bluesky_repo,
    "threads": threads_export,
    "csv": csv_table,
    "jsonl": json_lines,
}

if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for build in SAMPLES.values():
        print(build(target))
