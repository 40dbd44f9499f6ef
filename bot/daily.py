"""The daily suggestion: when the next one is due, on which topic and why, one a local day.

It asks what there is to tell; only who wants it gets a draft on the topic alone besides, and who
uses a voice that cannot follow notes.

Times of day are local to the owner, through every change of the clock. `next_at` in the store is
the only state, so a bot that was away knows what it missed.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.clock import local_moment, next_time, parse_zone
from bot.draft import Draft
from bot.drafting import Drafting
from bot.errors import UserError
from bot.store.questions import Question
from bot.store.schedules import Schedule
from bot.writing.composing import OpenVoice, Request

CATCH_UP = timedelta(hours=1)  # past midnight; a missed one always comes on the same local day
_COUNT = 4
REST_DAYS = 21.0  # a topic used so long ago has regained two thirds of its weight
ANNIVERSARY_SHARE = 0.15  # about one suggestion a week, on days that have an anniversary


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What comes on one day, and why this topic."""

    topic: str | None
    year: str | None  # when a post was about it on the same day
    posts: int  # about it in all; 0 if it is one of the topics that the owner chose
    question: Question | None  # None: the voice cannot follow what its owner tells
    draft: Draft | None


class Suggestions:
    """Thinks of the suggestion of the day, once a day for each owner."""

    def __init__(self, drafting: Drafting, chance: random.Random) -> None:
        self._drafting = drafting
        self._chance = chance

    async def suggest(self, schedule: Schedule, now: datetime) -> Suggestion | None:
        """Store the suggestion due at `schedule.next_at`; None if that day had its own.

        Raises Unavailable (the same day can be tried again), UserError or Refused.
        """
        if is_too_late(schedule, now):
            return None
        opened = await self._drafting.voices.of(schedule.owner_id, schedule.voice)
        topic = await self._topic(schedule, opened, now)
        request = Request(topic, _COUNT, voice=schedule.voice)
        draft, question = None, None
        if schedule.drafts or not opened.voice.knows_notes:
            draft = await self._drafting.compose_draft(schedule.owner_id, request, now)
        store, day = self._drafting.store, day_of(schedule)
        if not await store.schedules.claim_day(schedule.owner_id, day, schedule.local_time):
            return None
        if draft:
            draft = await store.drafts.add(draft)
        if opened.voice.knows_notes:
            question = await self._drafting.ask(schedule.owner_id, request, now)
        year = opened.days.get(_month_and_day(schedule, now), {}).get(topic or "")
        posts = 0 if schedule.topics else opened.topics.get(topic or "", 0)
        return Suggestion(topic, year, posts, question, draft)

    async def advance(self, schedule: Schedule, now: datetime) -> datetime | None:
        """Store when the next one is due; None if its owner has changed the schedule since.

        One that cannot be read any more, such as a zone that was renamed, is due in a day: its
        owner hears of it once a day.
        """
        after = max(now, schedule.next_at)
        try:
            due = next_time(schedule.local_time, schedule.timezone, schedule.days, after)
        except UserError:
            due = after + timedelta(days=1)
        return due if await self._drafting.store.schedules.advance(schedule, due) else None

    async def _topic(self, schedule: Schedule, opened: OpenVoice, now: datetime) -> str | None:
        used = await self._drafting.store.drafts.topics_used(schedule.owner_id)
        if schedule.topics:
            chosen = {topic: opened.topics.get(topic, 1) for topic in schedule.topics}
            return choose_topic(chosen, used, (), now, self._chance)
        anniversaries = sorted(opened.days.get(_month_and_day(schedule, now), ()))
        return choose_topic(opened.topics, used, anniversaries, now, self._chance)


def _month_and_day(schedule: Schedule, now: datetime) -> str:
    """The owner's day as "MM-DD"."""
    return f"{now.astimezone(parse_zone(schedule.timezone)):%m-%d}"


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
    zone = parse_zone(schedule.timezone)
    is_another_day = now.astimezone(zone).date() != schedule.next_at.astimezone(zone).date()
    return is_another_day and now - schedule.next_at > CATCH_UP


def day_of(schedule: Schedule) -> date:
    """The local day that the due draft is for; a skipped 23:30 is due on the day after it."""
    at, zone = time.fromisoformat(schedule.local_time), parse_zone(schedule.timezone)
    day = schedule.next_at.astimezone(zone).date()
    yesterday = day - timedelta(days=1)
    return yesterday if local_moment(yesterday, at, zone) == schedule.next_at else day
