"""Which topic the daily suggestion takes. Pure: chance and the moment are arguments."""

import math
import random
from collections.abc import Mapping, Sequence
from datetime import datetime

REST_DAYS = 21.0  # a topic used so long ago has regained two thirds of its weight
ANNIVERSARY_SHARE = 0.15  # about one suggestion a week, on days that have an anniversary


def choose_topic(
    counts: Mapping[str, int],
    last_used: Mapping[str, datetime],
    anniversaries: Sequence[str],
    now: datetime,
    chance: random.Random,
) -> str | None:
    """Pick a topic of the archive, or now and then one of this day in earlier years.

    `counts`: posts about each topic; `last_used`: when it was last drafted about, by its name in
    lower case. A topic weighs the root of its posts, so that favourites come often but not daily,
    and next to nothing right after its use. None if there is no topic at all.
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
