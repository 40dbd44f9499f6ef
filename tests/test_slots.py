"""Slots: as people type them, when they come next, and what an archive proposes."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.clock import DAYS, parse_days
from bot.errors import UserError
from bot.posting.slots import ENOUGH_TIMES, Slots, propose
from bot.writing.screen import ALIKE, likeness

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)  # a Monday, 8:00 in Berlin


@pytest.mark.parametrize(
    ("typed", "slots"),
    [
        ("9:00", "mon tue wed thu fri sat sun 09:00"),
        ("9", "mon tue wed thu fri sat sun 09:00"),
        ("mon-fri 9:00 18:30, sat 11:00", "mon tue wed thu fri 09:00 18:30, sat 11:00"),
        ("weekdays at 9am and 6:30 pm", "mon tue wed thu fri 09:00 18:30"),
        ("Mo, Mi und Fr 8.15 Uhr; So 10", "mon wed fri 08:15, sun 10:00"),
        ("werktags um 7:30, 12:00", "mon tue wed thu fri 07:30 12:00"),
        ("tue 9:00 tue 9:00 thu 9:00", "tue thu 09:00"),
        ("sat-mon 22:05", "mon sat sun 22:05"),
        ("jeden Tag 21 Uhr", "mon tue wed thu fri sat sun 21:00"),
    ],
)
def test_slots_are_read_as_people_type_them(typed: str, slots: str) -> None:
    found = Slots.parse(typed, BERLIN)
    assert str(found) == slots
    assert Slots.parse(str(found), BERLIN) == found


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "names no slots"),
        ("mon-fri", "names no slots|does not name days"),
        ("mon 9:00 sat", "names no slots"),
        ("someday 9:00", "does not name days"),
        ("25:00", "not a time of day"),
        (" ".join(f"{h}:{m:02}" for h in range(4) for m in (0, 30)), "56 slots a week"),
    ],
)
def test_what_are_no_slots_is_said(typed: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Slots.parse(typed, BERLIN)


@pytest.mark.parametrize(
    ("typed", "days"),
    [("mo-mi", DAYS[:3]), ("Di., Do", ("tue", "thu")), ("wochenende", DAYS[5:]), ("so", ("sun",))],
)
def test_days_are_understood_in_both_languages(typed: str, days: tuple[str, ...]) -> None:
    assert parse_days(typed) == days


# A zone, a year, and how many of its local days have a 02:30, a 00:15 and a 23:59 at all: each has
# its slots nonetheless.
CHANGES = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2027),
    ("Australia/Lord_Howe", 2026),  # half an hour
    ("America/Santiago", 2026),  # at midnight
    ("Pacific/Apia", 2011),  # a day was left out
    ("Africa/Casablanca", 2027),
    ("UTC", 2026),
]


@pytest.mark.parametrize(("zone", "year"), CHANGES, ids=[zone for zone, _ in CHANGES])
def test_every_day_of_a_year_has_each_slot_once_whatever_the_clock_does(
    zone: str, year: int
) -> None:
    slots = Slots.parse("0:15 2:30 3:30 23:59", zone)
    first, end = (
        datetime(y, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) for y in (year, year + 1)
    )
    moments = []
    for moment in slots.after(first - timedelta(microseconds=1)):
        if moment >= end:
            break
        moments.append(moment)
    assert all(one < other for one, other in pairwise(moments))
    by_day = Counter(m.astimezone(ZoneInfo(zone)).date() for m in moments)
    odd = {day: n for day, n in by_day.items() if n != 4}
    assert len(odd) <= 3  # a slot that is skipped joins the one an hour later, or the next day
    assert sum(by_day.values()) >= 4 * len(by_day) - 3
    days = sorted(by_day)
    assert all((b - a).days == 1 for a, b in pairwise(days)) or zone == "Pacific/Apia"


def test_slots_come_in_their_order_across_a_week() -> None:
    slots = Slots.parse("mon-fri 9:00 18:30, sat 11:00", BERLIN)
    local = [m.astimezone(ZoneInfo(BERLIN)) for m in islice(slots.after(NOW), 12)]
    assert [f"{m:%a %H:%M}" for m in local[:2] + local[9:]] == [
        *("Mon 09:00", "Mon 18:30", "Fri 18:30", "Sat 11:00", "Mon 09:00")
    ]


@pytest.mark.parametrize(
    ("typed", "is_close"),
    [("9:00 9:59", True), ("9:00 10:00", False), ("sun 23:40, mon 0:10", True), ("9:00", False)],
)
def test_slots_within_an_hour_are_noticed(typed: str, is_close: bool) -> None:
    assert Slots.parse(typed, BERLIN).is_close is is_close


def _posts(zone: str, hours: tuple[int, ...], days: tuple[int, ...], weeks: int) -> list[datetime]:
    """A post on each of these days at about each of these local hours."""
    chance, here = random.Random(5), ZoneInfo(zone)
    return [
        (
            datetime(2025, 6, 2, hour, chance.randrange(60), 7, tzinfo=here)
            + timedelta(weeks=week, days=day)
        ).astimezone(UTC)
        for week in range(weeks)
        for day in days
        for hour in hours
    ]


@pytest.mark.parametrize(
    ("hours", "days", "proposed"),
    [
        ((8, 8, 19), (0, 1, 2, 3, 4), "mon tue wed thu fri 08:30 19:30"),
        ((23,), (5, 6), "sat sun 23:30"),
        ((13,), range(7), "mon tue wed thu fri sat sun 13:30"),
    ],
)
def test_an_archive_proposes_the_hours_and_days_of_its_author(
    hours: tuple[int, ...], days: tuple[int, ...], proposed: str
) -> None:
    found = propose(_posts("America/New_York", hours, tuple(days), 40), "America/New_York")
    assert str(found) == proposed


def test_an_archive_without_times_of_day_proposes_nothing() -> None:
    dates = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(400)]
    assert propose(dates, BERLIN) is None
    few = _posts(BERLIN, (9,), (0,), ENOUGH_TIMES - 1)
    assert propose([*few, *dates], BERLIN) is None
    assert propose([*few, *dates, NOW], BERLIN)


TEXT = "The ferry was 45 minutes late again, and Captain Okafor apologised by megaphone to us all."


@pytest.mark.parametrize(
    ("other", "is_alike"),
    [
        (TEXT.upper(), True),
        (TEXT.replace("45", "50").replace("again, and", "again;"), True),
        ("Again the ferry was late by 45 minutes. Captain Okafor apologised by megaphone.", True),
        ("The ferry was late, and nobody minded: there was soup, and there was fog.", False),
        ("Port Almond has a new buoy. It is painted in the colour of regret.", False),
        ("", False),
    ],
)
def test_what_says_nearly_the_same_is_alike(other: str, is_alike: bool) -> None:
    assert (likeness(TEXT, other) >= ALIKE) is is_alike
    assert likeness(TEXT, TEXT) == 1.0
    assert likeness("今日は霧が深い。港は静かだ。", "今日は霧が深い。港は静かです。") >= ALIKE
