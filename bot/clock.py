"""Times and days as people type them, in their time zone, and when they come next.

Pure: now is an argument.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.errors import UserError

MOST_AHEAD = timedelta(days=366)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY_NAMES = (  # in the bot's languages; two letters or more of one name a day
    ("monday", "montag"),
    ("tuesday", "dienstag"),
    ("wednesday", "mittwoch"),
    ("thursday", "donnerstag"),
    ("friday", "freitag"),
    ("saturday", "samstag"),
    ("sunday", "sonntag"),
)
_SEVERAL = {
    **dict.fromkeys(("weekdays", "workdays", "werktags", "wochentags"), DAYS[:5]),
    **dict.fromkeys(("weekends", "weekend", "wochenende", "wochenends"), DAYS[5:]),
    **dict.fromkeys(("every day", "everyday", "daily", "täglich", "jeden tag", ""), ()),
}
_CLOCK = re.compile(r"\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?\s*", re.I)
_STAMP = re.compile(r"<t:(\d{1,12})(?::\w)?>")  # a moment as Discord writes it
_MOMENT = re.compile(
    r"(?:(?P<day>today|tomorrow)"
    r"|(?P<year>\d{4})-(?P<month>\d\d?)-(?P<date>\d\d?)"
    r"|(?P<dotted_day>\d\d?)\.\s?(?P<dotted_month>\d\d?)\.(?:\s?(?P<dotted_year>\d{4}))?)?"
    r"(?:^|,?\s+(?:at\s+)?|T)(?P<clock>[\d:.hapm ]+?)(?:\s*o'clock)?",
    re.I,
)


def parse_clock(text: str) -> str:
    """`HH:MM` from what a person types: 9, 9:30, 09.30, 9pm. Raises UserError."""
    found = _CLOCK.fullmatch(text)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    if found and found[3] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if found[3].lower() == "pm" else 0)
    if hour > 23 or minute > 59:
        raise UserError(
            "“{typed}” is not a time of day. Write it like 09:00 or 21:30.", typed=text[:20]
        )
    return f"{hour:02}:{minute:02}"


def parse_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name, or of its city alone, as typed. Raises UserError.

    What is stored is its `key`, so that what was checked is what is used.
    """
    try:
        return ZoneInfo(_zones()[_folded(name)])
    except (KeyError, ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise UserError(
            "“{typed}” is not a time zone. Pick one of the list, such as Europe/Berlin.",
            typed=name[:40],
        ) from e


@cache
def zone_names() -> tuple[str, ...]:
    """The IANA names in their order."""
    return tuple(sorted(available_timezones()))


@cache
def _zones() -> dict[str, str]:
    """The IANA names by what people type; a city alone names a zone if only one ends in it."""
    names = zone_names()
    cities = defaultdict[str, list[str]](list)
    for name in names:
        cities[_folded(name.rpartition("/")[2])].append(name)
    alone = {city: found[0] for city, found in cities.items() if len(found) == 1}
    return alone | {_folded(name): name for name in names}


def _folded(name: str) -> str:
    """A zone's name in lower case, without accents, with one mark between words."""
    parted = unicodedata.normalize("NFKD", name.strip()).casefold()
    letters = "".join(c for c in parted if not unicodedata.combining(c))
    return re.sub(r"\s*/\s*", "/", re.sub(r"[\s_]+", " ", letters.replace("\\", "/")))


def parse_moment(
    text: str, zone: ZoneInfo, now: datetime, in_english: Callable[[str], str] = str
) -> datetime:
    """The moment, in UTC, of "18:30", "tomorrow 9:00", "2026-12-01 09:00" or "1.12. 9:00".

    Also of one that names its own zone: 2026-12-01T09:00Z, or Discord's <t:1796115600>.
    `in_english` puts words of other languages into English.

    Raises UserError, also for a time in the past or more than a year ahead. A time that the clock
    skips comes an hour later; of a repeated time the first is meant.
    """
    try:
        moment = _read_moment(in_english(text.strip()), zone, now)
    except (ValueError, OverflowError, OSError, UserError) as e:
        raise UserError(
            "“{typed}” is not a time I understand."
            " Write it like 18:30, tomorrow 9:00 or 2026-12-01 09:00.",
            typed=text[:40],
        ) from e
    if moment <= now:
        raise UserError("{typed} is past. Name a time that is still to come.", typed=text[:40])
    if moment - now > MOST_AHEAD:
        raise UserError("{typed} is more than a year ahead. Name an earlier time.", typed=text[:40])
    return moment


def _read_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    if stamp := _STAMP.fullmatch(text):
        return datetime.fromtimestamp(int(stamp[1]), UTC)
    found = _MOMENT.fullmatch(text)
    if found is None:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    day = _day(found, now.astimezone(zone).date())
    at = time.fromisoformat(parse_clock(found["clock"]))
    return local_moment(day, at, zone)


def _day(found: re.Match[str], today: date) -> date:
    if found["year"]:
        return date(int(found["year"]), int(found["month"]), int(found["date"]))
    if found["dotted_day"]:
        month, day = int(found["dotted_month"]), int(found["dotted_day"])
        this_year = date(int(found["dotted_year"] or today.year), month, day)
        is_over = this_year < today and not found["dotted_year"]
        return date(today.year + 1, month, day) if is_over else this_year
    return today + timedelta(days=(found["day"] or "").lower() == "tomorrow")


def parse_days(text: str) -> tuple[str, ...]:
    """Days of the week from what a person types: "weekdays", "mon, wed", "fri-sun". None is all.

    Raises UserError.
    """
    typed = text.strip().lower()
    if typed in _SEVERAL:
        return _SEVERAL[typed]
    found: set[str] = set()
    for part in re.split(r"[\s,;/+&]+", re.sub(r"\s*[-–]\s*", "-", typed)):
        first, _, last = part.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        if start is None or end is None:
            raise UserError(
                "“{typed}” does not name days. Write them like mon, wed, fri, or mon-fri, or"
                " weekdays.",
                typed=text[:40],
            )
        found.update(DAYS[(start + i) % 7] for i in range((end - start) % 7 + 1))
    return tuple(day for day in DAYS if day in found) if len(found) < 7 else ()


def _weekday(name: str) -> int | None:
    """Monday is 0; None if it is no day, or too short to say which."""
    for number, names in enumerate(_DAY_NAMES):
        if len(name) > 1 and any(known.startswith(name.rstrip(".")) for known in names):
            return number
    return None


def next_time(local_time: str, timezone: str, days: tuple[str, ...], after: datetime) -> datetime:
    """The next moment, in UTC, later than `after`, at which a suggestion is due.

    Every chosen day has one: a time that the clock skips comes an hour later, of a repeated one
    the first is meant. Raises UserError for an unknown time or zone.
    """
    at, zone = time.fromisoformat(parse_clock(local_time)), parse_zone(timezone)
    # from the day before: its 23:30 is due today, if the clock skipped it
    first = after.astimezone(zone).date() - timedelta(days=1)
    wanted = (
        day
        for day in (first + timedelta(days=n) for n in count())
        if not days or DAYS[day.weekday()] in days
    )
    return next(due for day in wanted if (due := local_moment(day, at, zone)) > after)


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time in UTC. In a gap of the clock zoneinfo goes on by the offset before it."""
    return datetime.combine(day, at, zone).astimezone(UTC)
