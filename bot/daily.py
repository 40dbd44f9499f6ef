"""The daily suggestion: when the next one is due, on which topic, and one draft a local day.

Times of day are local to the owner, through every change of the clock. `next_at` in the store is
the only state, so a bot that was away knows what it missed.
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

from bot.clock import parse_clock, parse_zone
from bot.draft import Draft
from bot.drafting import Drafting
from bot.errors import UserError
from bot.store.schedules import Schedule
from bot.writing.composing import OpenVoice, Request

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED = {"weekdays": DAYS[:5], "weekends": DAYS[5:], "every day": (), "daily": (), "": ()}
CATCH_UP = timedelta(hours=1)  # past midnight; a missed one always comes on the same local day
_COUNT = 4
REST_DAYS = 21.0  # a topic used so long ago has regained two thirds of its weight
ANNIVERSARY_SHARE = 0.15  # about one suggestion a week, on days that have an anniversary


class Suggestions:
    """Writes the draft of the day, once a day for each owner."""

    def __init__(self, drafting: Drafting, chance: random.Random) -> None:
        self._drafting = drafting
        self._chance = chance

    async def suggest(self, schedule: Schedule, now: datetime) -> Draft | None:
        """Write the draft due at `schedule.next_at`; None if that day had its draft.

        Raises Unavailable (the same day can be tried again), UserError or Refused.
        """
        if is_too_late(schedule, now):
            return None
        opened = await self._drafting.voices.of(schedule.owner_id, schedule.voice)
        topic = await self._topic(schedule, opened, now)
        request = Request(topic, _COUNT, voice=schedule.voice)
        draft = await self._drafting.compose_draft(schedule.owner_id, request, now)
        store = self._drafting.store
        day = schedule.next_at.astimezone(ZoneInfo(schedule.timezone)).date()
        if not await store.schedules.claim_day(schedule.owner_id, day, schedule.local_time):
            return None
        return await store.drafts.add(draft)

    async def advance(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Store when the next one is due; None if its owner has changed the schedule since."""
        after = max(now, schedule.next_at)
        due = next_time(schedule.local_time, schedule.timezone, schedule.days, after)
        return due if await self._drafting.store.schedules.advance(schedule, due) else None

    async def _topic(self, schedule: Schedule, opened: OpenVoice, now: datetime) -> str | None:
        used = await self._drafting.store.drafts.topics_used(schedule.owner_id)
        local = now.astimezone(ZoneInfo(schedule.timezone))
        if schedule.topics:
            chosen = {topic: opened.topics.get(topic, 1) for topic in schedule.topics}
            return choose_topic(chosen, used, (), now, self._chance)
        anniversaries = sorted(opened.days.get(f"{local:%m-%d}", ()))
        return choose_topic(opened.topics, used, anniversaries, now, self._chance)


def choose_topic(
    counts: Mapping[str, int],
    last_used: Mapping[str, datetime],
    anniversaries: Sequence[str],
    now: datetime,
    chance: random.Random,
) -> str | None:
    """Pick a topic of the archive, or now and then one of this day in earlier years.

    `counts`: posts about each topic; `last_used`: when it was last drafted about, by its name in
    lower case. A topic's weight is the root of its number of posts, so that favourites come often
    but not daily; right after its use it is near zero. None if there is no topic.
    """
    if anniversaries and chance.random() < ANNIVERSARY_SHARE:
        return chance.choice(anniversaries)
    topics = list(counts)
    weights = [math.sqrt(counts[t]) * _rested(last_used.get(t.casefold()), now) for t in topics]
    return chance.choices(topics, weights)[0] if topics else None


def _rested(used: datetime | None, now: datetime) -> float:
    if used is None:
        return 1.0
    days = max(0.0, (now - used).total_seconds() / 86400)
    return 1e-6 + 1 - math.exp(-days / REST_DAYS)


def is_too_late(schedule: Schedule, now: datetime) -> bool:
    """Whether the due draft comes too late: its local day is over."""
    zone = ZoneInfo(schedule.timezone)
    is_another_day = now.astimezone(zone).date() != schedule.next_at.astimezone(zone).date()
    return is_another_day and now - schedule.next_at > CATCH_UP


def next_time(local_time: str, timezone: str, days: tuple[str, ...], after: datetime) -> datetime:
    """The next moment, in UTC, later than `after`, at which a suggestion is due.

    A time that the clock skips comes an hour later. A repeated time is due twice, and `claim_day`
    gives the day to the first. Raises UserError for an unknown time or zone.
    """
    hour, minute = parse_clock(local_time).split(":")
    trigger = CronTrigger(
        day_of_week=",".join(days) or None,
        hour=int(hour),
        minute=int(minute),
        timezone=parse_zone(timezone),
    )
    due: datetime = trigger.get_next_fire_time(None, after + timedelta(seconds=1))
    return due.astimezone(UTC)


def parse_days(text: str) -> tuple[str, ...]:
    """Days of the week from what a person types: "weekdays", "mon, wed", "fri-sun". None is all."""
    typed = text.strip().lower()
    if typed in _NAMED:
        return _NAMED[typed]
    found: set[str] = set()
    for part in re.split(r"[\s,;/+&]+", re.sub(r"\s*[-–]\s*", "-", typed)):
        first, _, last = (name[:3] for name in part.partition("-"))
        if first not in DAYS or (last and last not in DAYS):
            raise UserError(
                "“{typed}” does not name days. Write them like mon, wed, fri, or mon-fri, or"
                " weekdays.",
                typed=text[:40],
            )
        start = DAYS.index(first)
        length = (DAYS.index(last) - start) % 7 + 1 if last else 1
        found.update(DAYS[(start + i) % 7] for i in range(length))
    return tuple(day for day in DAYS if day in found) if len(found) < 7 else ()
