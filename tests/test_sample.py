"""The sample archive: the output of build.py, and the README's claims about the voice."""

import html
import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.voice.tongues import main_languages
from sample import build
from tests import warm
from trainer.__main__ import main

SAMPLE = Path(__file__).parents[1] / "sample"


BLOCKS = build.read_blocks((SAMPLE / "posts.txt").read_text("utf-8"))
OWN = [b.text for b in BLOCKS if b.marker in (None, "photo", "thread")]
MARAS = [b.text for b in BLOCKS if b.marker != "retweet"]


def run_build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SAMPLE / "build.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "mara.zip"
    assert run_build(out).returncode == 0
    return out


def rows(archive: Path, name: str) -> Any:
    with zipfile.ZipFile(archive) as files:
        return json.loads(files.read(f"data/{name}.js").decode().split("=", 1)[1])


def tweets(archive: Path) -> list[dict[str, Any]]:
    return [row["tweet"] for row in rows(archive, "tweets")]


def created(tweet: dict[str, Any]) -> datetime:
    return datetime.strptime(tweet["created_at"], "%a %b %d %H:%M:%S %z %Y")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_same_seed_writes_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.zip", tmp_path / "other.zip"
    assert run_build(again, "--seed", "7").returncode == 0
    assert run_build(other, "--seed", "8").returncode == 0
    assert again.read_bytes() == archive.read_bytes()
    assert other.read_bytes() != archive.read_bytes()


def test_a_folder_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    built = run_build(tmp_path / "missing" / "mara.zip")
    assert built.returncode == 2
    assert built.stderr.startswith("The sample archive was not built: ")
    assert "Traceback" not in built.stderr


def test_an_unknown_marker_is_named() -> None:
    with pytest.raises(ValueError, match="@retwet"):
        build.read_blocks("@retwet somebody\nHello.")


def test_manifest_lists_every_data_file_with_its_count(archive: Path) -> None:
    listed = {}
    for kind in rows(archive, "manifest")["dataTypes"].values():
        for part in kind["files"]:
            name = part["fileName"].removeprefix("data/").removesuffix(".js")
            listed[name] = part
    with zipfile.ZipFile(archive) as files:
        names = {Path(n).stem for n in files.namelist() if n.startswith("data/")}
        assert names - {"manifest"} == listed.keys()
        for name, part in listed.items():
            first_line = files.read(part["fileName"]).decode().split("\n", 1)[0]
            assert first_line.startswith(f"window.{part['globalName']} = [")
            assert part["count"] == str(len(rows(archive, name)))


def test_every_block_is_a_tweet_and_the_newest_comes_first(archive: Path) -> None:
    all_tweets = tweets(archive)
    assert len(all_tweets) == len(BLOCKS)
    assert len({t["id"] for t in all_tweets}) == len(BLOCKS)
    assert all(created(newer) > created(older) for newer, older in pairwise(all_tweets))
    assert created(all_tweets[-1]).year == 2023
    assert created(all_tweets[0]) < datetime(2026, 10, 2, tzinfo=UTC)


def test_she_posts_on_the_night_shift_and_when_she_says_so(archive: Path) -> None:
    said = 0
    for tweet in tweets(archive):
        at = created(tweet)
        assert not 8 <= at.hour < 18, tweet["full_text"]
        if re.match(r"([01]\d|2[0-3])[0-5]\d\. ", tweet["full_text"]):
            is_edited = "edit" in tweet["edit_info"]
            said += is_edited or tweet["full_text"].startswith(at.strftime("%H%M."))
    assert said == sum(bool(re.match(r"\d{4}\. ", b.text)) for b in BLOCKS) > 30


def test_entities_point_at_what_they_name(archive: Path) -> None:
    seen: Counter[str] = Counter()
    for tweet in tweets(archive):
        for kind, sign, key in (
            ("hashtags", "#", "text"),
            ("user_mentions", "@", "screen_name"),
            ("urls", "", "url"),
            ("media", "", "url"),
        ):
            for entity in tweet["entities"].get(kind, []):
                start, end = map(int, entity["indices"])
                assert tweet["full_text"][start:end] == sign + entity[key]
                seen[kind] += 1
        assert tweet["full_text"].count("https://t.co/") == sum(
            len(tweet["entities"].get(kind, [])) for kind in ("urls", "media")
        )
    assert min(seen[k] for k in ("hashtags", "user_mentions", "urls", "media")) > 10


def test_plain_posts_come_back_word_for_word(archive: Path) -> None:
    expected = [b.text for b in reversed(BLOCKS) if b.marker is None and not b.is_note]
    texts = []
    for tweet in tweets(archive):
        text = html.unescape(tweet["full_text"])
        for link in tweet["entities"]["urls"]:
            text = text.replace(link["url"], link["expanded_url"])
        texts.append(text)
    assert [t for t in texts if t in expected] == expected
    assert any("&gt;" in t["full_text"] for t in tweets(archive))
    assert any("&amp;" in t["full_text"] for t in tweets(archive))


def test_the_archive_holds_what_a_real_one_holds(archive: Path) -> None:
    blocks = Counter(b.marker for b in BLOCKS)
    all_tweets = tweets(archive)
    retweets = [t for t in all_tweets if t["full_text"].startswith("RT @")]
    replies = [t for t in all_tweets if "in_reply_to_user_id_str" in t]
    own = [t for t in replies if t["in_reply_to_user_id_str"] == build.ACCOUNT_ID]
    quotes = [
        t
        for t in all_tweets
        if any("_pa/status/" in u["expanded_url"] for u in t["entities"]["urls"])
    ]
    assert len(retweets) == blocks["retweet"] >= 35
    assert len(replies) - len(own) == blocks["reply"] >= 25
    assert len(own) == blocks["thread"] >= 5
    assert len(quotes) == blocks["quote"] >= 5
    assert all(len(t["full_text"]) <= 140 or "&" in t["full_text"] for t in retweets)
    ids = {t["id"]: t for t in all_tweets}
    assert all(t["in_reply_to_status_id"] in ids for t in own)


def test_edits_name_both_versions(archive: Path) -> None:
    ids = {t["id"] for t in tweets(archive)}
    later = [t["edit_info"]["edit"] for t in tweets(archive) if "edit" in t["edit_info"]]
    assert len(later) == 2
    for edit in later:
        first, last = edit["editControlInitial"]["editTweetIds"]
        assert first == edit["initialTweetId"]
        assert {first, last} <= ids


def test_long_posts_are_whole_in_the_notes_only(archive: Path) -> None:
    notes = [row["noteTweet"] for row in rows(archive, "note-tweet")]
    by_time = {created(t).strftime("%Y-%m-%dT%H:%M:%S.000Z"): t for t in tweets(archive)}
    assert len(notes) == sum(b.is_note for b in BLOCKS) >= 5
    for note in notes:
        text, tweet = note["core"]["text"], by_time[note["createdAt"]]
        beginning = html.unescape(tweet["full_text"]).split("… https://t.co/")[0]
        assert text.startswith(beginning)
        assert len(beginning) < 280 < len(text)
        assert note["noteTweetId"] != tweet["id"]


@pytest.mark.parametrize("name", ["direct-messages", "like", "deleted-tweets"])
def test_private_parts_hold_the_canary(archive: Path, name: str) -> None:
    assert build.CANARY in json.dumps(rows(archive, name))
    assert build.CANARY not in json.dumps(rows(archive, "tweets"))


@pytest.mark.parametrize(
    "never",
    [
        pytest.param(r"!", id="exclamation-mark"),
        pytest.param(r"\?", id="question-mark"),
        pytest.param(r"…|\.\.\.", id="ellipsis"),
        pytest.param(r"[–—]| - ", id="dash"),
        pytest.param(r"n't\b|'(ll|re|ve|m|d)\b", id="contraction"),
        pytest.param(r"(?i)\b(it|that|there|he|she|what|who|here)'s\b", id="contracted-is"),
        pytest.param(r"[^\x00-\x7f🫖]", id="any-emoji-but-the-teapot"),
        pytest.param(r"\b\d{1,2}:\d\d\b", id="time-with-a-colon"),
    ],
)
def test_mara_never_writes(never: str) -> None:
    assert [text for text in MARAS if re.search(never, text)] == []


def test_everyone_she_retweets_shouts() -> None:
    assert [b.text for b in BLOCKS if b.marker == "retweet" and "!" not in b.text[:120]] == []


@pytest.mark.parametrize(
    ("subject", "at_least"),
    [
        ("Hal Brandt", 25),
        ("Ottilie", 25),
        ("Kettle Law", 20),
        ("Fog report:", 20),
        ("Port Almond", 20),
        ("Magistrate", 15),
        ("Dunstan", 15),
        ("Lost Umbrella Register", 15),
        ("Gregory", 14),
        ("Clementine", 14),
        ("Tide Table", 14),
        ("Captain Noonan", 14),
        ("Gull", 14),
        ("Minutes of the goose:", 12),
        ("Inspector Pell", 12),
        ("Noted.", 12),
        ("Port Almond Choir", 8),
        ("Mrs Abara", 8),
        ("So recorded.", 8),
        ("The kettle knows.", 7),
    ],
)
def test_subjects_and_turns_recur(subject: str, at_least: int) -> None:
    assert sum(subject in text for text in OWN) >= at_least


def test_there_are_posts_enough_of_many_lengths() -> None:
    lengths = sorted(map(len, OWN))
    assert len(OWN) >= 320
    assert lengths[0] < 25
    assert 80 <= lengths[len(lengths) // 2] <= 120
    assert sum(n > 160 for n in lengths) > 15


def test_kettle_laws_and_umbrellas_are_numbered_upwards() -> None:
    for turn in (r"Kettle Law (\d+):", r"Lost Umbrella Register, no\. (\d+):"):
        numbers = [int(m[1]) for text in OWN if (m := re.match(turn, text))]
        assert numbers == sorted(set(numbers))
        assert len(numbers) > 15


def test_no_two_posts_share_eight_words_in_a_row() -> None:
    """Edits are left out: an earlier wording is meant to be like the later one."""
    seen: dict[tuple[str, ...], str] = {}
    for text in (b.text for b in BLOCKS if b.marker != "edit"):
        spoken = words(re.sub(r"https?://\S+", "", text))
        for gram in {tuple(spoken[i : i + 8]) for i in range(len(spoken) - 7)}:
            assert gram not in seen, f"{text!r} repeats {seen[gram]!r}"
            seen[gram] = text
    assert len({tuple(words(text)) for text in OWN}) == len(OWN)


@pytest.fixture(scope="module")
def data(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "data"
    prepared = warm.run("trainer", "prepare", archive, "--out", out)
    assert prepared.returncode == 0, prepared.stderr
    assert "Circle" not in prepared.stdout + prepared.stderr  # the demo begins without a warning
    return out


def test_prepare_keeps_her_own_posts_and_nothing_else(data: Path) -> None:
    lines = (data / "posts.jsonl").read_text("utf-8").splitlines()
    expected = [re.sub(r" https?://\S+", "", text) for text in OWN]
    assert [json.loads(line)["text"] for line in lines] == expected


def test_prepare_learns_from_nothing_private_and_nobody_else(data: Path) -> None:
    files = [file for file in data.rglob("*") if file.is_file()]
    assert {"train.jsonl", "validation.jsonl", "posts.jsonl"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes()
        assert b"CANARY" not in content
        assert b"example.org" not in content
    for name in ("train.jsonl", "validation.jsonl", "posts.jsonl"):
        assert "!" not in (data / name).read_text("utf-8")


def test_prepare_finds_a_topic_in_most_posts_and_her_subjects_among_them(data: Path) -> None:
    posts = [json.loads(line) for line in (data / "posts.jsonl").read_text("utf-8").splitlines()]
    assert sum(bool(post["topics"]) for post in posts) > 0.8 * len(posts)
    found = Counter(topic["text"] for post in posts for topic in post["topics"])
    for subject in ("Ottilie", "Hal Brandt", "Magistrate", "Gregory", "Dunstan", "Tide Table"):
        assert found[subject] >= 8, subject


def test_the_archive_in_german_becomes_rows_with_german_topics_and_notes(tmp_path: Path) -> None:
    archive, data = tmp_path / "de.zip", tmp_path / "data"
    assert run_build(archive, "--language", "de").returncode == 0
    assert {tweet["lang"] for tweet in tweets(archive)} == {"de"}
    assert main(["prepare", str(archive), "--out", str(data), "--language", "de"]) == 0
    posts = [json.loads(line) for line in (data / "posts.jsonl").read_text().splitlines()]
    assert len(posts) > 45
    assert main_languages([post["text"] for post in posts]) == ("de",)
    topics = Counter(topic["text"] for post in posts for topic in post["topics"])
    assert {"Schwan", "Adelheid", "Kapitän Holm"} <= topics.keys()
    assert not {"Die", "Der Schwan", "Montag", "Dezember"} & topics.keys()
    learnt = (data / "train.jsonl").read_text("utf-8")
    assert "HAFENFEST" not in learnt
    assert build.CANARY not in learnt
    notes = re.findall(r"Notes: (.*?)\"}", learnt)
    assert any("nicht" in line.split() for line in notes)
    assert any(not {"der", "die", "das"} & set(line.split()) for line in notes)
