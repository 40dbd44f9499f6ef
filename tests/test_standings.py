"""What did well is said only where so few posts allow it: intervals, and what they are worth."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from scipy.stats import t as student

from bot.voice.echoes import (
    Heard,
    Standing,
    by_hour,
    by_topic,
    students_t,
    topic_to_go_on_with,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACCOUNT = "https://m.example @ann"


def _heard(
    number: int,
    topic: str | None,
    day: int,
    hour: int = 9,
    *,
    account: str = ACCOUNT,
    text_id: int | None = None,
) -> Heard:
    at = NOW + timedelta(days=number, hours=hour)
    text = number if text_id is None else text_id
    return Heard(number, text, account, topic, at, "", 0, day, 0)


def _of(counts: dict[str, list[int]]) -> list[Heard]:
    flat = [(topic, count) for topic, found in counts.items() for count in found]
    return [_heard(number, topic, count) for number, (topic, count) in enumerate(flat)]


@pytest.mark.parametrize("freedom", [3, 4, 8, 20, 100])
@pytest.mark.parametrize("share", [0.9, 0.975, 0.997])
def test_the_margin_is_students_as_scipy_has_it(freedom: int, share: float) -> None:
    assert students_t(share, freedom) == pytest.approx(student.ppf(share, freedom), rel=0.03)


MEANT = {
    "one post": ({"tea": [9]}, {}),
    "all alike, all none": (
        {"tea": [0] * 5, "fog": [0] * 5},
        {"tea": "alike", "fog": "alike"},
    ),
    "two that happen to agree": (
        {"tea": [3, 3], "fog": [1, 1]},
        {"tea": "few", "fog": "few"},
    ),
    "one hit among many": (
        {"tea": [0, 1, 400, 0, 1], "fog": [0, 1, 0, 2, 1, 0]},
        {"tea": "few", "fog": "few"},
    ),
    "ten times as much": (
        {"tea": [30, 44, 25, 60, 38], "fog": [3, 5, 2, 4, 6, 3]},
        {"tea": "better", "fog": "worse"},
    ),
    "much the same": (
        {"tea": [98, 105, 110, 101, 99, 97], "fog": [100, 96, 108, 103, 99, 102]},
        {"tea": "alike", "fog": "alike"},
    ),
    "only one topic": ({"tea": [4, 9, 7]}, {}),
    "a single post beside two": ({"tea": [4, 9], "fog": [7]}, {"tea": "few"}),
}


@pytest.mark.parametrize("case", MEANT)
def test_few_posts_are_not_over_read(case: str) -> None:
    counts, meant = MEANT[case]
    found = by_topic(_of(counts))
    assert {standing.name: standing.meaning for standing in found} == meant
    assert all(s.low <= s.ratio <= s.high for s in found)
    assert found == sorted(found, key=lambda s: -s.low)


@pytest.mark.parametrize(("posts", "mean"), [(8, 3.0), (25, 3.0), (25, 40.0)])
def test_where_nothing_makes_a_difference_hardly_anybody_hears_of_one(
    posts: int, mean: float
) -> None:
    """Counts as they come, most small and some large: at most one table in twenty, and chance."""
    chance, wrong, tables = random.Random(7), 0, 150
    for _ in range(tables):
        found = [
            _heard(
                number,
                chance.choice("aabcd"),
                round(chance.gammavariate(0.8, mean / 0.8)),
                chance.randrange(24),
            )
            for number in range(posts)
        ]
        wrong += any(s.meaning in ("better", "worse") for s in by_topic(found))
        wrong += any(s.meaning in ("better", "worse") for s in by_hour(found, UTC))
    assert wrong / 2 / tables < 0.05 + 2 * (0.05 * 0.95 / 2 / tables) ** 0.5


def test_a_difference_that_is_there_is_found_with_enough_posts() -> None:
    chance = random.Random(3)
    found = [
        _heard(number, topic, round(chance.gammavariate(2, mean / 2)))
        for number, (topic, mean) in enumerate([("tea", 40), ("fog", 10), ("sea", 10)] * 20)
    ]
    best, *others = by_topic(found)
    assert (best.name, best.meaning, best.posts) == ("tea", "better", 20)
    assert best.low < 4 < best.high
    assert {other.meaning for other in others} <= {"worse", "few"}


def test_an_account_with_more_readers_makes_no_topic_better() -> None:
    """The large account's posts are all about fog, the small one's about tea."""
    small = [_heard(n, "tea", count) for n, count in enumerate([1, 2, 1, 3])]
    large = [
        _heard(n, "fog", count, account="bluesky @ann did:plc:x")
        for n, count in enumerate([110, 210, 95, 300], 4)
    ]
    assert {s.meaning for s in by_topic(small + large)} <= {"few", "alike"}
    assert all(0.9 < s.ratio < 1.1 for s in by_topic(small + large))


def test_a_text_on_two_networks_is_one_observation() -> None:
    there = [
        _heard(n + 10, "tea", 5 + n, account="bluesky @ann did:plc:x", text_id=n) for n in range(3)
    ]
    found = by_topic([*_of({"tea": [1, 2, 3], "fog": [2, 2]}), *there])
    assert {s.name: s.posts for s in found} == {"tea": 3, "fog": 2}


def test_topics_are_one_whatever_their_capitals_and_are_shown_as_last_typed() -> None:
    posts = [_heard(0, "Fog  Horn", 1), _heard(1, "fog horn", 2), _heard(2, None, 3)]
    assert [(s.name, s.posts) for s in by_topic(posts)] == [("fog horn", 2)]


def test_hours_are_the_owners_own() -> None:
    posts = [_heard(n, "tea", 1, hour) for n, hour in enumerate([22, 22, 23, 3])]
    names = {s.name: s.posts for s in by_hour(posts, ZoneInfo("Asia/Tokyo"))}
    assert names == {"06–09": 3}  # 22:00 in UTC is 7:00 in Tokyo


def test_one_goes_on_with_what_surest_did_well() -> None:
    posts = _of({"tea": [30, 44, 25, 60, 38], "fog": [3, 5, 2, 4, 6, 3], "hit": [200]})
    chosen = topic_to_go_on_with(posts)
    assert chosen and (chosen.topic, chosen.draft_id) == ("tea", 4)
    best = topic_to_go_on_with(_of({"tea": [3], "fog": [8]}))
    assert best and best.topic == "fog"
    assert topic_to_go_on_with([_heard(0, None, 9)]) is None
    assert topic_to_go_on_with([]) is None


def test_nothing_overflows() -> None:
    huge = _of({"tea": [10**15, 10**15, 0, 0], "fog": [0, 10**15, 0]})
    assert all(isinstance(s, Standing) and s.low <= s.high for s in by_topic(huge))
