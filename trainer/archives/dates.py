"""Dates as archives and people write them, read as aware UTC.

A number is a date only where it falls into the years of social media: else it is another number.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from dateutil import parser

from trainer.archives.post import Tally

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
MONTHS = {name: f"{number:02}" for number, name in enumerate(_MONTHS.split(), 1)}
EARLIEST_NUMBER = datetime(2006, 1, 1, tzinfo=UTC).timestamp()  # before any of these services
LATEST_NUMBER = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
EARLIEST_YEAR, LATEST_YEAR = 1990, 2100  # of a blog; what programs write for "never" is 1970
UNITS = (1, 1_000, 1_000_000, 1_000_000_000)  # parts of a second
LONGEST_DATE = 60
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE]\+?\d\d?)?")
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_DAY_OR_MONTH = re.compile(r"(?:[^\d]{0,12}\s)?(\d{1,2})([./-])(\d{1,2})\2\d{4}(?!\d)")
_OF_A_SCRIPT = re.compile(r"\b(?:GMT|UTC)(?=[+-]\d)|\s*\([^()]*\)$")  # as JavaScript writes them
_DEFAULTS = (datetime(2000, 1, 1), datetime(2001, 2, 2))
_HOURS = {
    **{"UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2},
    **{"EEST": 3, "MSK": 3, "JST": 9, "KST": 9, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5},
    **{"MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
}


class Dates:
    """Reads the dates of one list, and counts those that it cannot read."""

    def __init__(self, tally: Tally, every: Callable[[], Iterable[object]]) -> None:
        """`every` yields all dates of the list, to see whether the day or the month comes first."""
        self._tally, self._every = tally, every
        self._unread, self._example = 0, ""
        self._day_first: bool | None = None
        self._is_settled = False

    def read(self, value: object, place: str) -> datetime | None:
        """Read a date, if there is one."""
        if not value:
            return None
        date = read_date(value, self._day_first)
        if date is None and not self._is_settled and _has_two_readings(value):
            self._settle(str(value).strip())
            date = read_date(value, self._day_first)
        if date is None:
            self._unread += 1
            self._example = self._example or f"{str(value)[:40]!r} ({place})"
        return date

    def tell(self) -> None:
        """Note how many dates could not be read."""
        if self._unread:
            dates = "1 date is" if self._unread == 1 else f"{self._unread:,} dates are"
            self._tally.warnings.append(
                f"{dates} in no known format, or before {EARLIEST_YEAR}, such as {self._example}:"
                " left out. Write dates as 2024-01-31 or 2024-01-31T18:00:00Z."
            )

    def _settle(self, shown: str) -> None:
        self._is_settled = True
        for found in filter(None, map(_day_or_month, self._every())):
            first, second = int(found[1]), int(found[3])
            if (first > 12) != (second > 12):
                self._day_first = first > 12
                what = "day" if self._day_first else "month"
                self._tally.warnings.append(
                    f"Dates such as {shown[:40]!r} are read with the {what} first, as"
                    f" {found[0].strip()!r} is in the list too."
                )
                return


def read_date(value: object, day_first: bool | None = None) -> datetime | None:
    """Read a date; None for anything else, and for 03/04/2024 if nothing says what comes first."""
    try:
        if isinstance(value, str):
            if value[3:4] == " " and value[20:21] == "+":
                return read_x_date(value)
            text = value.strip()
            if text and text[-1].isdigit() and _NUMBER.fullmatch(text):
                return _of_number(float(text)) if len(text) <= LONGEST_DATE else None
            date = _of_text(text, day_first)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            return _of_number(float(value))
        elif isinstance(value, Mapping):  # as databases write them out
            inner = (value.get(name) for name in ("$date", "_seconds", "seconds", "$numberLong"))
            return read_date(next((v for v in inner if v), None), day_first)
        else:
            return None
        if date is None or not EARLIEST_YEAR <= date.year <= LATEST_YEAR:
            return None
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError, KeyError, ArithmeticError, TypeError):
        return None


def read_x_date(text: str) -> datetime:
    """Read "Wed Apr 10 17:13:03 +0000 2019": ten times as fast as strptime."""
    month = MONTHS[text[4:7]]
    return datetime.fromisoformat(f"{text[26:30]}-{month}-{text[8:10]}T{text[11:19]}+00:00")


def _of_number(number: float) -> datetime | None:
    """Seconds since 1970 or parts of one, or 20240131 or 20240131180000."""
    for unit in UNITS:
        if EARLIEST_NUMBER <= number / unit < LATEST_NUMBER:
            return datetime.fromtimestamp(number / unit, UTC)
    found = _DIGITS.fullmatch(f"{number:.0f}") if number < 1e14 else None
    if found is None or not EARLIEST_YEAR <= int(found[1]) < LATEST_YEAR:
        return None
    return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type] # six numbers


def _of_text(text: str, day_first: bool | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        pass
    text = _OF_A_SCRIPT.sub("", text)
    if len(text) > LONGEST_DATE or not _YEAR.search(text):
        return None
    if found := _day_or_month(text):
        if found[2] == ".":  # only ever the day first
            day_first = True
        elif day_first is None:
            if _has_two_readings(text):
                return None
            day_first = int(found[1]) > 12
    readings = [
        parser.parse(text, dayfirst=bool(day_first), default=default, tzinfos=_zone)
        for default in _DEFAULTS
    ]
    return readings[0] if readings[0] == readings[1] else None  # else it names no day


def _zone(name: str | None, offset: int | None) -> int | None:
    if offset is not None:
        return offset
    return _HOURS[name] * 3600 if name in _HOURS else None


def _day_or_month(value: object) -> re.Match[str] | None:
    return _DAY_OR_MONTH.match(value.strip()) if isinstance(value, str) else None


def _has_two_readings(value: object) -> bool:
    """Whether a date may have its day first or its month."""
    found = _day_or_month(value)
    return bool(found and found[2] != "." and int(found[1]) <= 12 and int(found[3]) <= 12)
