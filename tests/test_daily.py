"""The daily suggestion: local days through changes of the clock, and what people type."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.clock import DAYS, next_time, parse_clock, parse_days
from bot.daily import Suggestions, day_of
from bot.drafting import Drafting
from bot.errors import UserError
from bot.store.schedules import Schedule
from tests.conftest import OWNER

AUTUMN, SPRING = datetime(2026, 10, 2, tzinfo=UTC), datetime(2027, 3, 7, tzinfo=UTC)


async def _simulate(drafting: Drafting, schedule: Schedule, days: int) -> Counter[date]:
    """Live through `days` from the schedule's first moment; drafts by the local day they are for.

    The bot is often late, sometimes down for half a day, and some moments reach it twice.
    """
    suggestions, chance = Suggestions(drafting, random.Random(2)), random.Random(3)
    drafts: Counter[date] = Counter()
    zone = ZoneInfo(schedule.timezone)
    end = schedule.next_at.astimezone(zone).date() + timedelta(days=days)
    await drafting.store.schedules.set(schedule)
    while (due := await drafting.store.schedules.of(OWNER)) and _day(due) < end:
        now = due.next_at + timedelta(minutes=chance.choice([0, 0, 1, 20, 55]))
        if chance.random() < 0.1:  # down, but the local day is not over when it is back
            midnight = due.next_at.astimezone(zone).replace(hour=23, minute=50)
            now = max(now, midnight.astimezone(UTC))
        for _ in range(chance.choice([1, 1, 2])):
            if await suggestions.suggest(due, now):
                drafts[_day(due)] += 1
        await suggestions.advance(due, now)
    return drafts


def _day(schedule: Schedule) -> date:
    return schedule.next_at.astimezone(ZoneInfo(schedule.timezone)).date()


@pytest.mark.parametrize("start", [AUTUMN, SPRING], ids=["autumn", "spring"])
@pytest.mark.parametrize(
    ("timezone", "local_time"),
    [("Europe/Berlin", "02:30"), ("America/New_York", "01:30"), ("Australia/Lord_Howe", "09:00")],
)
async def test_a_month_through_the_change_of_the_clock_has_one_suggestion_a_day(
    drafting: Drafting, timezone: str, local_time: str, start: datetime
) -> None:
    days = 32
    first = next_time(local_time, timezone, (), start)
    schedule = Schedule(OWNER, local_time, timezone, first)
    drafts = await _simulate(drafting, schedule, days)
    began = first.astimezone(ZoneInfo(timezone)).date()
    assert drafts == Counter(began + timedelta(days=i) for i in range(days))


def test_the_simulated_months_hold_the_changes_of_the_clock() -> None:
    for timezone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        for start in (AUTUMN, SPRING):
            month = [start + timedelta(days=i) for i in range(32)]
            assert len({m.astimezone(ZoneInfo(timezone)).utcoffset() for m in month}) == 2


ZONES = sorted(available_timezones())
TEN_YEARS = timedelta(days=3653)


def _check_days(zone: str, at: str, days: tuple[str, ...], start: datetime, many: int) -> None:
    """From `start` on, every chosen day has one moment: at that time, or where it is skipped."""
    due, moments = start, list[datetime]()
    for _ in range(many):
        due = next_time(at, zone, days, due)
        moments.append(due)
    here = ZoneInfo(zone)
    served = [day_of(Schedule(OWNER, at, zone, moment, days)) for moment in moments]
    wanted = [DAYS.index(day) for day in days] or range(7)
    for first, second in pairwise(served):
        between = [first + timedelta(days=n) for n in range(1, (second - first).days)]
        assert second > first
        assert not any(day.weekday() in wanted for day in between), (zone, at, first, second)
    for day, moment in zip(served, moments, strict=True):
        local = moment.astimezone(here)
        late = datetime.fromisoformat(f"{local:%Y-%m-%d %H:%M}") - datetime.fromisoformat(
            f"{day} {at}"
        )
        skipped = _offset(local) - _offset((moment - timedelta(hours=3)).astimezone(here))
        assert late in (timedelta(0), skipped)
        assert local.fold == 0, "of a repeated time the first is meant"


def _offset(moment: datetime) -> timedelta:
    found = moment.utcoffset()
    assert found is not None
    return found


@given(
    st.sampled_from(ZONES),
    st.integers(0, 1439),
    st.sets(st.sampled_from(DAYS)),
    st.integers(0, TEN_YEARS.days * 1440),
)
@example("America/New_York", 15, set(), 0)
@example("Africa/Cairo", 15, {"fri"}, 0)
@example("Atlantic/Azores", 15, set(), 15 * 1440)
@example("Antarctica/Troll", 90, set(), 15 * 1440)
@example("America/Nuuk", 23 * 60 + 15, set(), 0)  # skipped, so that it is due on the next day
@settings(max_examples=60)
def test_every_chosen_day_has_its_moment(
    zone: str, minute: int, days: set[str], start: int
) -> None:
    at = f"{minute // 60:02}:{minute % 60:02}"
    chosen = tuple(day for day in DAYS if day in days)
    began = SPRING - timedelta(days=3) + timedelta(minutes=start)
    _check_days(zone, at, chosen, began, 40)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("at", ["00:00", "00:15", "01:30", "02:30", "23:15", "23:59"])
def test_every_change_of_the_clock_in_ten_years_in_every_zone_loses_no_day(at: str) -> None:
    for zone, change in _changes():
        _check_days(zone, at, (), change - timedelta(days=3), 8)


@cache
def _changes() -> list[tuple[str, datetime]]:
    """Every zone with the noons before a change of its clock."""
    noons = [SPRING + timedelta(days=n, hours=12) for n in range(TEN_YEARS.days)]
    found = []
    for zone in ZONES:
        offsets = [noon.astimezone(ZoneInfo(zone)).utcoffset() for noon in noons]
        pairs = zip(noons, pairwise(offsets), strict=False)
        found += [(zone, noon) for noon, (before, after) in pairs if before != after]
    assert len(found) > 2000
    return found


async def test_a_zone_that_is_gone_is_looked_at_once_a_day(drafting: Drafting) -> None:
    schedule = Schedule(OWNER, "09:00", "Mars/Base", AUTUMN)
    await drafting.store.schedules.set(schedule)
    suggestions = Suggestions(drafting, random.Random(1))
    with pytest.raises(UserError, match="is not a time zone"):
        await suggestions.suggest(schedule, AUTUMN)
    assert await suggestions.advance(schedule, AUTUMN) == AUTUMN + timedelta(days=1)


async def test_chosen_days_only(drafting: Drafting) -> None:
    first = next_time("09:00", "Europe/Berlin", ("mon", "fri"), AUTUMN)
    schedule = Schedule(OWNER, "09:00", "Europe/Berlin", first, ("mon", "fri"))
    drafts = await _simulate(drafting, schedule, 21)
    assert len(drafts) == 6
    assert {day.weekday() for day in drafts} == {0, 4}


async def test_topics_of_ones_own_choice(drafting: Drafting) -> None:
    first = next_time("09:00", "UTC", (), AUTUMN)
    await _simulate(drafting, Schedule(OWNER, "09:00", "UTC", first, (), ("tea", "fog")), 12)
    assert set(await drafting.store.drafts.topics_used(OWNER)) == {"tea", "fog"}


async def test_a_day_that_is_over_is_not_made_up_for(drafting: Drafting) -> None:
    due = next_time("09:00", "Europe/Berlin", (), AUTUMN)
    schedule = Schedule(OWNER, "09:00", "Europe/Berlin", due)
    suggestions = Suggestions(drafting, random.Random(1))
    assert await suggestions.suggest(schedule, due + timedelta(hours=16)) is None
    assert await suggestions.suggest(schedule, due + timedelta(hours=14)) is not None


async def test_late_in_the_evening_a_late_bot_takes_nothing_from_tomorrow(
    drafting: Drafting,
) -> None:
    due = next_time("23:55", "Europe/Berlin", (), AUTUMN)
    drafts = await _simulate(drafting, Schedule(OWNER, "23:55", "Europe/Berlin", due), 10)
    assert list(drafts.values()) == [1] * 10


@pytest.mark.parametrize(
    ("typed", "time"),
    [("9", "09:00"), ("9:30", "09:30"), ("21.05", "21:05"), ("9pm", "21:00"), ("12 am", "00:00")],
)
def test_times_of_day_as_people_type_them(typed: str, time: str) -> None:
    assert parse_clock(typed) == time


@pytest.mark.parametrize("typed", ["25:00", "noon", "9:61", "", "13:00:00"])
def test_what_is_no_time_of_day_is_said(typed: str) -> None:
    with pytest.raises(UserError, match="is not a time of day"):
        parse_clock(typed)


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("", ()),
        ("every day", ()),
        ("weekdays", ("mon", "tue", "wed", "thu", "fri")),
        ("Mon, Wed", ("mon", "wed")),
        ("fri-mon", ("mon", "fri", "sat", "sun")),
        ("monday - sunday", ()),
    ],
)
def test_days_as_people_type_them(typed: str, days: tuple[str, ...]) -> None:
    assert parse_days(typed) == days


def test_what_is_no_day_is_said() -> None:
    with pytest.raises(UserError, match="does not name days"):
        parse_days("someday")


def test_an_unknown_time_zone_is_said() -> None:
    with pytest.raises(UserError, match="is not a time zone"):
        next_time("09:00", "Mars/Base", (), AUTUMN)
