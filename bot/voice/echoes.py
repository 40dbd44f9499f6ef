"""What did well of the posts that were counted: topics and hours beside all the others. Pure.

The bot shows it and the trainer reports it. Both read the bot's database by the same SQL and
compute it here. It is for people alone: no voice and no taste learns from it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import exp, inf, log1p, sqrt
from statistics import NormalDist, fmean
from typing import Any, Literal

from bot.sentences import Words, say

CERTAINTY = 0.95  # that none of the intervals of one table misses the truth
AS_MUCH = 1.5  # times as much, or as little, at most: no difference that matters
HOURS = 3  # in one group of hours
LEAST_POSTS = 2  # on a topic: of one alone nobody can say whether the topic did it
# SQL: the counts of posts, without those that were deleted; a text on two networks has two
HEARD = (
    "SELECT drafts.id, coalesce(twin_of, drafts.id) AS text_id, account, topic, posted_at, url,"
    " day.boosts, day.favourites, day.replies,"
    " coalesce(week.boosts, week.favourites, week.replies) IS NOT NULL AS has_week,"
    " coalesce(week.boosts, 0) + coalesce(week.favourites, 0) + coalesce(week.replies, 0) AS week"
    " FROM drafts JOIN statuses ON statuses.draft_id = drafts.id AND part = 0"
    " JOIN echoes AS day ON day.draft_id = drafts.id AND day.days = 1 AND day.state = 'read'"
    " LEFT JOIN echoes AS week ON week.draft_id = drafts.id AND week.days = 7"
    " WHERE drafts.state = 'published'"
    " AND coalesce(day.boosts, day.favourites, day.replies) IS NOT NULL"
)

Conclusion = Literal["better", "worse", "alike", "few"]
CONCLUSIONS: dict[Conclusion, Words] = {
    "better": say("does better than your others"),
    "worse": say("does worse than your others"),
    "alike": say("much as your others"),
    "few": say("too few posts to say"),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """A post with what came of it within a day; what came within a week, if that was counted."""

    draft_id: int
    text_id: int  # the same for one text on two networks
    account: str
    topic: str | None
    posted_at: datetime
    url: str
    boosts: int
    favourites: int
    replies: int
    week: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Heard":  # Any: a row of SQLite
        """From a row of HEARD; a count that the server does not give is none."""
        return cls(
            row["id"],
            row["text_id"],
            row["account"],
            row["topic"],
            datetime.fromisoformat(row["posted_at"]),
            row["url"],
            row["boosts"] or 0,
            row["favourites"] or 0,
            row["replies"] or 0,
            row["week"] if row["has_week"] else None,
        )

    @property
    def day(self) -> int:
        """Boosts, favourites and replies together, within a day."""
        return self.boosts + self.favourites + self.replies


@dataclass(frozen=True, slots=True)
class Standing:
    """How some posts did beside all the others: so many times as much, and between which bounds."""

    name: str
    posts: int
    ratio: float
    low: float
    high: float

    @property
    def meaning(self) -> Conclusion:
        """The conclusion that these posts allow."""
        if self.low > 1:
            return "better"
        if self.high < 1:
            return "worse"
        return "alike" if self.low >= 1 / AS_MUCH and self.high <= AS_MUCH else "few"


def by_topic(posts: Sequence[Heard]) -> list[Standing]:
    """Every topic that came twice or more, the surest to do well first."""
    return _standings(posts, lambda post: post.topic)


def by_hour(posts: Sequence[Heard], zone: tzinfo) -> list[Standing]:
    """The hours of the day in threes, such as "09–12", the surest to do well first."""

    def hours(post: Heard) -> str:
        first = post.posted_at.astimezone(zone).hour // HOURS * HOURS
        return f"{first:02}–{first + HOURS:02}"

    return _standings(posts, hours)


def topic_to_go_on_with(posts: Sequence[Heard]) -> Heard | None:
    """The newest post on the topic that surest did well; else on that of the best post."""
    scores = _scores(posts)
    surest = next((found.name for found in by_topic(posts) if found.ratio >= 1), None)
    on_topics = [post for post in posts if _topic(post)]
    if surest:
        on_it = [post for post in on_topics if _topic(post) == _folded(surest)]
        return max(on_it, key=lambda post: post.posted_at)
    return max(on_topics, key=lambda post: scores[post.text_id], default=None)


def _topic(post: Heard) -> str:
    return _folded(post.topic or "")


def _folded(topic: str) -> str:
    return " ".join(topic.casefold().split())


def _scores(posts: Sequence[Heard]) -> dict[int, float]:
    """How each text did beside its account's mean, as a logarithm.

    An account with more readers gets more of everything: only what is above its own mean counts.
    A text on two networks is one observation.
    """
    of_account, of_text = defaultdict[str, list[float]](list), defaultdict[int, list[float]](list)
    for post in posts:
        of_account[post.account].append(log1p(post.day))
    for post in posts:
        of_text[post.text_id].append(log1p(post.day) - fmean(of_account[post.account]))
    return {text: fmean(found) for text, found in of_text.items()}


def _standings(posts: Sequence[Heard], group: Callable[[Heard], str | None]) -> list[Standing]:
    """Each group beside all others: a one-way layout of logarithms, by their pooled variance.

    Counts of one author lie apart by factors, so they are compared as logarithms of one more than
    the count, and a ratio is one of typical posts. The variance within the groups is pooled, so
    that two posts that happen to agree look no surer than they are, and is never taken for less
    than chance alone gives a count (Poisson). The intervals are Student's, and hold together: with
    Bonferroni's correction for how many groups one table shows.
    """
    if not posts:
        return []
    scores, named = _scores(posts), defaultdict[str, dict[int, float]](dict)
    names: dict[str, str] = {}
    for post in posts:
        name = group(post) or ""
        names[_folded(name)] = name
        named[_folded(name)][post.text_id] = scores[post.text_id]
    compared = {k: [*v.values()] for k, v in named.items() if k and len(v) >= LEAST_POSTS}
    others = [score for k, v in named.items() if k not in compared for score in v.values()]
    groups = [*compared.values(), *([others] if others else [])]
    if len(groups) < 2:
        return []  # nothing to be held against
    accounts = len({post.account for post in posts})
    freedom = len(scores) - len(groups) - (accounts - 1)
    spread, margin = _spread(groups, freedom, posts), _margin(len(compared), freedom)
    found = [_standing(names[k], mine, groups, spread, margin) for k, mine in compared.items()]
    return sorted(found, key=lambda standing: (-standing.low, -standing.ratio, standing.name))


def _margin(compared: int, freedom: int) -> float:
    """How many standard errors an interval reaches to each side."""
    return students_t(1 - (1 - CERTAINTY) / 2 / max(1, compared), freedom)


def _spread(groups: Sequence[Sequence[float]], freedom: int, posts: Sequence[Heard]) -> float:
    """The standard deviation of one text within its group."""
    if freedom < 1:
        return inf
    within = sum((score - fmean(group)) ** 2 for group in groups for score in group) / freedom
    mean = fmean(post.day for post in posts)
    by_chance = mean / (1 + mean) ** 2  # of log(1 + a count), by the delta method
    return sqrt(max(within, by_chance))


def _standing(
    name: str,
    mine: Sequence[float],
    groups: Sequence[Sequence[float]],
    spread: float,
    margin: float,
) -> Standing:
    count = sum(map(len, groups)) - len(mine)
    difference = fmean(mine) - (sum(map(sum, groups)) - sum(mine)) / count
    error = spread * sqrt(1 / len(mine) + 1 / count)
    reach = margin * error if error else 0.0
    low, high = exp(difference - reach), _exp(difference + reach)
    return Standing(name, len(mine), exp(difference), low, high)


def _exp(power: float) -> float:
    return exp(power) if power < 700 else inf


def students_t(share: float, freedom: int) -> float:
    """The point of Student's t that this share lies below; infinite for less than 3 degrees.

    By the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5), within 5% there.
    """
    if freedom < 3:
        return inf
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(freedom**n) for n, term in enumerate(terms, 1))
