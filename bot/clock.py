"""Parses times as people type them, in their time zone. Pure: now is an argument."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.errors import UserError

MOST_AHEAD = timedelta(days=366)

_CLOCK = re.compile(r"\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?\s*", re.I)
_MOMENT = re.compile(
    r"(?:(?P<day>today|heute|tomorrow|morgen)"
    r"|(?P<year>\d{4})-(?P<month>\d\d?)-(?P<date>\d\d?)"
    r"|(?P<dotted_day>\d\d?)\.\s?(?P<dotted_month>\d\d?)\.(?:\s?(?P<dotted_year>\d{4}))?)?"
    r"(?:^|,?\s+(?:(?:at|um)\s+)?|T)(?P<clock>[\d:.hapm ]+?)(?:\s*uhr)?",
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
    """The time zone of an IANA name. Raises UserError."""
    try:
        return ZoneInfo(name.strip().replace(" ", "_"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise UserError(
            "“{typed}” is not a time zone. Pick one of the list, such as Europe/Berlin.",
            typed=name[:40],
        ) from e


def parse_moment(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment, in UTC, of "18:30", "tomorrow 9:00", "2026-12-01 09:00" or "1.12. 9:00".

    Raises UserError, also for a time in the past or more than a year ahead. A time that the clock
    skips comes an hour later; of a repeated time the first is meant.
    """
    today = now.astimezone(zone).date()
    found = _MOMENT.fullmatch(text.strip())
    try:
        if not found:
            raise ValueError
        day = _day(found, today)
        at = time.fromisoformat(parse_clock(found["clock"]))
    except (ValueError, UserError) as e:
        raise UserError(
            "“{typed}” is not a time I understand."
            " Write it like 18:30, tomorrow 9:00 or 2026-12-01 09:00.",
            typed=text[:40],
        ) from e
    moment = datetime.combine(day, at, zone).astimezone(UTC)
    if moment <= now:
        raise UserError("{typed} is past. Name a time that is still to come.", typed=text[:40])
    if moment - now > MOST_AHEAD:
        raise UserError("{typed} is more than a year ahead. Name an earlier time.", typed=text[:40])
    return moment


def _day(found: re.Match[str], today: date) -> date:
    if found["year"]:
        return date(int(found["year"]), int(found["month"]), int(found["date"]))
    if found["dotted_day"]:
        month, day = int(found["dotted_month"]), int(found["dotted_day"])
        this_year = date(int(found["dotted_year"] or today.year), month, day)
        is_over = this_year < today and not found["dotted_year"]
        return date(today.year + 1, month, day) if is_over else this_year
    return today + timedelta(days=(found["day"] or "").lower() in ("tomorrow", "morgen"))
