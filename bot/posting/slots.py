"""Slots: the days and times of a week, in their owner's zone, at which queued texts go out. Pure.

Reads them as people type them, says when they come next, and proposes some from the hours at which
posts were posted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from math import ceil

from bot.clock import DAYS, next_time, parse_clock, parse_days, parse_zone
from bot.errors import UserError

MOST_SLOTS = 50  # slots a week
CLOSE = timedelta(hours=1)  # two posts with less between them come close upon each other
USUAL_SLOTS = "mon-fri 09:00"  # where nothing says when its author posts
ENOUGH_TIMES = 40  # posts with a time of day: as many as a voice needs
_AT_TIME = re.compile(r"(\d{1,2}(?:[:.h]\d{2})?(?:\s*[ap]m\b)?)(?:\s*uhr\b)?", re.I)
_BETWEEN = re.compile(r"\b(?:at|on|and|um|am|und)\b|[;,.+&]", re.I)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Slots:
    """Times of day, each with its days, and their zone."""

    weekly: tuple[tuple[str, tuple[str, ...]], ...]  # ("09:00", ("mon", "tue")), sorted
    timezone: str  # IANA name

    @classmethod
    def parse(cls, text: str, timezone: str) -> "Slots":
        """Read "9:00", or "mon-fri 9:00 18:30, sat 11:00". Raises UserError."""
        days_of, is_used = defaultdict[str, set[str]](set), True
        days: tuple[str, ...] = DAYS
        for i, piece in enumerate(_AT_TIME.split(text)):
            if i % 2:
                days_of[parse_clock(piece)].update(days)
                is_used = True
            elif named := _BETWEEN.sub(" ", piece).strip():
                if not is_used:
                    raise _without_time(text)
                days, is_used = parse_days(named) or DAYS, False
        if not days_of or not is_used:
            raise _without_time(text)
        weekly = ((at, tuple(d for d in DAYS if d in days_of[at])) for at in sorted(days_of))
        found = cls(tuple(weekly), parse_zone(timezone).key)
        if (count := sum(len(days) for _, days in found.weekly)) > MOST_SLOTS:
            raise UserError(
                "That makes {n} slots a week, and a queue may have {most}. Name fewer.",
                n=count,
                most=MOST_SLOTS,
            )
        return found

    @property
    def by_days(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Days that have the same times, and those times."""
        times = {day: tuple(at for at, days in self.weekly if day in days) for day in DAYS}
        together = defaultdict[tuple[str, ...], list[str]](list)
        for day, those in times.items():
            if those:
                together[those].append(day)
        return [(tuple(days), those) for those, days in together.items()]

    @property
    def is_close(self) -> bool:
        """Whether two slots come within an hour, in a week without a change of the clock."""
        minutes = sorted(
            DAYS.index(day) * 1440 + int(at[:2]) * 60 + int(at[3:])
            for at, days in self.weekly
            for day in days
        )
        around = [*minutes, minutes[0] + 7 * 1440]
        return any(timedelta(minutes=b - a) < CLOSE for a, b in pairwise(around))

    def __str__(self) -> str:
        """The slots as `parse` reads them."""
        return ", ".join(f"{' '.join(days)} {' '.join(at)}" for days, at in self.by_days)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Every slot later than a moment, in UTC and in their order. Raises UserError.

        Each day has its slots through every change of the clock. Two that a change puts at one
        moment are one.
        """
        while True:
            due = (next_time(at, self.timezone, days, moment) for at, days in self.weekly)
            yield (moment := min(due))


def propose(posted: Iterable[datetime], timezone: str) -> Slots | None:
    """Slots like the hours at which an author posts; None if too few posts have a time of day.

    One or two times, on the days on which they post, and no more a week than they do.
    """
    zone = parse_zone(timezone)
    local = [at.astimezone(zone) for at in posted if at.timetz().replace(tzinfo=None) != time()]
    if len(local) < ENOUGH_TIMES:
        return None
    weeks = len({at.date().isocalendar()[:2] for at in local})
    a_week = max(3.0, len(local) / weeks)  # of those in which anything was posted
    times = _times(Counter(at.hour for at in local), 2 if a_week >= 10 else 1)
    days = _days(Counter(at.weekday() for at in local), ceil(a_week / len(times)))
    return Slots(tuple((at, days) for at in sorted(times)), zone.key)


def _times(hours: Counter[int], most: int) -> list[str]:
    """The middle of the hours around which most is posted, four hours apart at least."""
    around = {h: hours[h] + (hours[(h - 1) % 24] + hours[(h + 1) % 24]) / 2 for h in range(24)}
    found: list[int] = []
    for hour in sorted(around, key=lambda h: -around[h]):
        is_apart = all(min((hour - h) % 24, (h - hour) % 24) >= 4 for h in found)
        if len(found) < most and is_apart and (not found or around[hour] > around[found[0]] / 3):
            found.append(hour)
    return [f"{hour:02}:30" for hour in found]


def _days(days: Counter[int], most: int) -> tuple[str, ...]:
    """Those with half as many posts as the mean day or more, the commonest of them."""
    usual = [day for day, n in days.most_common(most) if n >= days.total() / 14]
    return tuple(DAYS[day] for day in sorted(usual))


def _without_time(text: str) -> UserError:
    return UserError(
        "“{typed}” names no slots. Write days and times, like mon-fri 9:00 18:30, sat 11:00.",
        typed=text[:60],
    )
