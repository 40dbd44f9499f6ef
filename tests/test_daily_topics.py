"""The topic that the daily suggestion chooses."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from bot.daily import choose_topic

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def _choices(counts: dict[str, int], used: dict[str, datetime], days: list[str]) -> Counter[str]:
    chance = random.Random(1)
    return Counter(str(choose_topic(counts, used, days, NOW, chance)) for _ in range(4000))


def test_what_is_written_about_more_comes_more_often_but_not_always() -> None:
    found = _choices({"often": 100, "seldom": 1}, {}, [])
    assert 8 < found["often"] / found["seldom"] < 13


def test_a_topic_just_used_rests_and_comes_back() -> None:
    counts = {"fresh": 4, "Used": 4}
    now, month = (_choices(counts, {"used": NOW - timedelta(days=d)}, []) for d in (0, 60))
    assert now["Used"] == 0
    assert 0.85 < month["Used"] / month["fresh"] < 1.1


def test_a_single_topic_comes_even_right_after_its_use() -> None:
    assert _choices({"tea": 3}, {"tea": NOW}, [])["tea"] == 4000


def test_now_and_then_it_is_one_of_this_day_in_earlier_years() -> None:
    found = _choices({"tea": 3}, {}, ["regatta"])
    assert 0.12 < found["regatta"] / 4000 < 0.18


def test_without_topics_there_is_none() -> None:
    assert choose_topic({}, {}, [], NOW, random.Random(1)) is None
