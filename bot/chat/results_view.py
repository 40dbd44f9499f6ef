"""What came of a person's posts, as Discord shows it: what did well, and one topic to go on with.

Sends nothing. A custom_id names a draft; the store knows whose it is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from math import isinf

import discord
from discord.utils import format_dt

from bot.language import decimal, translate
from bot.sentences import Words, say, say_n
from bot.store.echoes import Results
from bot.visible import inline
from bot.voice.echoes import CONCLUSIONS, Heard, Standing, by_hour, by_topic, topic_to_go_on_with

GO_ON_ID = r"results:go:(?P<id>\d{1,18})"
_TOPICS = 5  # in one message
_WEEK = timedelta(days=7)


def results_lines(results: Results, zone: tzinfo, locale: str) -> list[Words]:
    """All there is to say: sums, the best post, topics, hours, and what to go on with."""
    posts = results.posts
    if not posts:
        return [*_nothing_yet(results.next_at), *_lost(results.lost)]
    topics, hours = by_topic(posts)[:_TOPICS], by_hour(posts, zone)
    lines = [_sums(posts), *_week(posts), *_best(posts)]
    if topics:
        lines += [say("By topic, beside your other posts:")]
        lines += [_standing(found, locale) for found in topics]
    if hours:
        lines += [say("By the hour ({timezone}):", timezone=str(zone))]
        lines += [_standing(found, locale) for found in hours]
    lines += [*_conclusion(posts, [*topics, *hours]), *go_on(posts), *_lost(results.lost)]
    return lines


def weekly_lines(results: Results, now: datetime, zone: tzinfo) -> list[Words]:
    """The same in short, with what was posted lately; none if nothing was counted since."""
    posts = results.posts
    lately = [post for post in posts if post.posted_at > now - _WEEK - timedelta(days=1)]
    if not lately:
        return []
    found = [*by_topic(posts), *by_hour(posts, zone)]
    sure = [
        say(
            "**{name}** {conclusion}.",
            name=inline(one.name, 60),
            conclusion=CONCLUSIONS[one.meaning],
        )
        for one in found
        if one.meaning in ("better", "worse")
    ]
    return [
        say("📊 Your week."),
        _sums(lately),
        *_best(lately),
        *(sure or _conclusion(posts, found)),
        *go_on(posts),
        say("`/results` shows more, `/results weekly: off` ends this message."),
    ]


def go_on_button(posts: Sequence[Heard], locale: str) -> discord.ui.View:
    """The button that opens the form on the topic to go on with, if there is one."""
    view = discord.ui.View(timeout=None)
    if chosen := topic_to_go_on_with(posts):
        label, style = translate(say("Tell me"), locale)[:80], discord.ButtonStyle.primary
        custom_id = f"results:go:{chosen.draft_id}"
        view.add_item(discord.ui.Button(label=label, style=style, custom_id=custom_id))
    view.stop()  # the custom_id is enough, also after a restart
    return view


def go_on(posts: Sequence[Heard]) -> list[Words]:
    """The one topic to go on with, and how sure that is."""
    chosen = topic_to_go_on_with(posts)
    if chosen is None:
        return []
    topic = inline(chosen.topic or "", 60)
    sure = {found.name for found in by_topic(posts) if found.meaning == "better"}
    if (chosen.topic or "") in sure:
        return [say("One topic to go on with: **{topic}**.", topic=topic)]
    return [say("One topic to go on with, though it is a guess: **{topic}**.", topic=topic)]


def _sums(posts: Sequence[Heard]) -> Words:
    return say_n(
        "{n} post, within a day of it: {boosts}, {favourites}, {replies}.",
        "{n} posts, within a day of each: {boosts}, {favourites}, {replies}.",
        n=len(posts),
        boosts=say_n("{n} boost", "{n} boosts", n=sum(post.boosts for post in posts)),
        favourites=say_n(
            "{n} favourite", "{n} favourites", n=sum(post.favourites for post in posts)
        ),
        replies=say_n("{n} reply", "{n} replies", n=sum(post.replies for post in posts)),
    )


def _week(posts: Sequence[Heard]) -> list[Words]:
    older = [post for post in posts if post.week is not None]
    if not older:
        return []
    day, week = sum(post.day for post in older), sum(post.week or 0 for post in older)
    return [
        say_n(
            "{n} of them was counted again after a week: {day} of all became {week}.",
            "{n} of them were counted again after a week: {day} of all became {week}.",
            n=len(older),
            day=day,
            week=week,
        )
    ]


def _best(posts: Sequence[Heard]) -> list[Words]:
    best = max(posts, key=lambda post: post.day)
    said = {"count": best.day, "id": best.draft_id, "url": best.url}
    return [say("The most, {count}, came of draft {id}: <{url}>", **said)] if best.day else []


def _standing(found: Standing, locale: str) -> Words:
    name, conclusion = inline(found.name, 60), CONCLUSIONS[found.meaning]
    if isinf(found.high):
        return say_n(
            "· **{name}**: {n} post, {conclusion}",
            "· **{name}**: {n} posts, {conclusion}",
            n=found.posts,
            name=name,
            conclusion=conclusion,
        )
    return say_n(
        "· **{name}**: {n} post, {ratio} × ({low} to {high}), {conclusion}",
        "· **{name}**: {n} posts, {ratio} × ({low} to {high}), {conclusion}",
        n=found.posts,
        name=name,
        ratio=decimal(found.ratio, locale),
        low=decimal(found.low, locale),
        high=decimal(found.high, locale),
        conclusion=conclusion,
    )


def _conclusion(posts: Sequence[Heard], found: Sequence[Standing]) -> list[Words]:
    """How the figures are to be read; without any that says something, that."""
    if not any(one.meaning in ("better", "worse", "alike") for one in found):
        return [
            say_n(
                "{n} post: too few to say what did well. Every difference may be chance.",
                "{n} posts: too few to say what did well. Every difference may be chance.",
                n=len(posts),
            )
        ]
    return [
        say(
            "1 × is what your other posts on the same account get. The true figure is likely"
            " between the two in brackets; where that says nothing, there are too few posts."
        )
    ]


def _nothing_yet(next_at: datetime | None) -> list[Words]:
    if next_at:
        return [
            say(
                "Nothing is counted yet. I look {when} what came of your post, a day after it, and"
                " once more after a week.",
                when=format_dt(next_at, "R"),
            )
        ]
    return [
        say(
            "Nothing is counted yet. A day and a week after a post I look what came of it: `/draft`"
            " writes one."
        )
    ]


def _lost(count: int) -> list[Words]:
    if not count:
        return []
    return [
        say_n(
            "{n} post has no count: it is from before I counted, or its server or account could not"
            " be asked in time.",
            "{n} posts have no count: they are from before I counted, or their server or account"
            " could not be asked in time.",
            n=count,
        )
    ]
