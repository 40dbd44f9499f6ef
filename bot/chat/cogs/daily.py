"""/daily: a question by itself, every day at the owner's local time. Opt-in only."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import discord
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord import app_commands
from discord.ext import commands
from discord.utils import format_dt

from bot.chat.choices import time_zones, usable_voices
from bot.chat.messages import Messages
from bot.chat.work import Work
from bot.clock import DAYS, next_time, parse_clock, parse_days, parse_zone
from bot.daily import Suggestion, Suggestions, is_too_late
from bot.drafting import Drafting
from bot.errors import BotError, Unavailable
from bot.language import day_names, translate
from bot.sentences import Words, say
from bot.store.schedules import Schedule, ScheduleTable
from bot.visible import inline

log = structlog.get_logger()

RETRY = timedelta(minutes=10)
_DAY_CHOICES = ("every day", "weekdays", "weekends", "mon, wed, fri", "tue, thu", *DAYS)


class Daily(commands.GroupCog, name="daily", description="A topic of yours by itself, every day"):
    """The daily suggestion: one a local day."""

    def __init__(
        self,
        drafting: Drafting,
        schedules: ScheduleTable,
        scheduler: AsyncIOScheduler,
        messages: Messages,
        work: Work,
    ) -> None:
        self.voices = drafting.voices
        self.schedules = schedules
        self.scheduler = scheduler
        self.messages = messages
        self.work = work
        self._unsent: dict[int, Suggestion] = {}  # by owner: what Discord did not take
        self._suggestions = Suggestions(
            drafting,
            random.Random(),  # noqa: S311  # it picks a topic, not a secret
        )

    async def cog_load(self) -> None:
        """Plan the stored schedules; a suggestion missed while the bot was away comes late."""
        for schedule in await self.schedules.all():
            self._plan(schedule.owner_id, schedule.next_at)

    @app_commands.command(name="set", description="Ask me every day what there is to tell")
    @app_commands.describe(
        time="Local time, such as 09:00",
        timezone="Such as Europe/Berlin",
        days="Such as mon-fri (every day)",
        topics="Topics to choose from, separated by commas (those of your posts)",
        voice="Which voice writes (the one you use)",
        drafts="Also send a draft on the topic alone, which makes things up (no)",
    )
    @app_commands.autocomplete(timezone=time_zones, voice=usable_voices)
    async def set_daily(
        self,
        interaction: discord.Interaction,
        time: str,
        timezone: str,
        days: str = "",
        topics: app_commands.Range[str, 0, 1000] = "",
        voice: str | None = None,
        drafts: bool = False,
    ) -> None:
        """Set or change its time and topics."""
        owner_id, at, on = interaction.user.id, parse_clock(time), parse_days(days)
        zone = parse_zone(timezone).key  # as it is used, not as it is typed
        await self.voices.of(owner_id, voice)
        schedule = Schedule(
            owner_id,
            at,
            zone,
            next_time(at, zone, on, datetime.now(UTC)),
            on,
            tuple(t for t in (part.strip()[:200] for part in topics.split(",")) if t),
            voice,
            drafts,
        )
        await self.schedules.set(schedule)
        self._plan(owner_id, schedule.next_at)
        await _answer(interaction, _about(schedule, str(interaction.locale)))

    @set_daily.autocomplete("days")
    async def days(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Common choices."""
        found = [d for d in _DAY_CHOICES if d.startswith(typed.strip().lower())]
        return [app_commands.Choice(name=d, value=d) for d in found]

    @app_commands.command(name="off", description="No daily suggestion any more")
    async def off(self, interaction: discord.Interaction) -> None:
        """End the daily suggestion."""
        dropped = await self.schedules.drop(interaction.user.id)
        if job := self.scheduler.get_job(_job_id(interaction.user.id)):
            job.remove()
        await _answer(
            interaction,
            say("The daily suggestion is off. `/daily set` starts it again.")
            if dropped
            else say("There was no daily suggestion to end. `/daily set` starts one."),
        )

    @app_commands.command(name="show", description="When the next daily suggestion comes")
    async def show(self, interaction: discord.Interaction) -> None:
        """Say when the next one comes."""
        mine = await self.schedules.of(interaction.user.id)
        await _answer(
            interaction,
            _about(mine, str(interaction.locale))
            if mine
            else say("There is no daily suggestion. `/daily set` starts one."),
        )

    async def suggest(self, owner_id: int) -> None:
        """Send the day's suggestion; while a service is away, try again the same day.

        Whatever goes wrong, there is a next time.
        """
        now = datetime.now(UTC)
        come_back: datetime | None = now + RETRY
        try:
            self.work.take(person=owner_id)
            come_back = await self._serve(owner_id, now)
        except BotError as e:
            log.warning("no daily suggestion for now", owner=owner_id, why=str(e))
        finally:
            if come_back:
                self._plan(owner_id, come_back)

    async def _serve(self, owner_id: int, now: datetime) -> datetime | None:
        """Send the suggestion that is due; returns when the next one is, or None for none.

        Raises BotError if the same day can be tried again.
        """
        unsent = self._unsent.pop(owner_id, None)
        schedule = await self.schedules.of(owner_id)
        if schedule is None:
            return None
        if schedule.next_at > now:  # changed meanwhile
            return schedule.next_at
        try:
            suggestion = unsent or await self._suggestions.suggest(schedule, now)
            is_sent = suggestion is None or await self.messages.ask(owner_id, suggestion)
            if suggestion and not is_sent and not is_too_late(schedule, now + RETRY):
                self._unsent[owner_id] = replace(suggestion, draft=None)
                return now + RETRY
        except BotError as e:
            if isinstance(e, Unavailable) and not is_too_late(schedule, now + RETRY):
                raise
            log.warning("no daily suggestion today", owner=owner_id, why=str(e))
            words = say("There is no daily suggestion today: {reason}", reason=e.words)
            await self.messages.tell(owner_id, words)
        return await self._suggestions.advance(schedule, now)

    def _plan(self, owner_id: int, when: datetime) -> None:
        """Plan one job an owner; a moment in the past comes at once."""
        self.scheduler.add_job(
            self.suggest,
            "date",
            run_date=when,
            args=[owner_id],
            id=_job_id(owner_id),
            replace_existing=True,
            misfire_grace_time=None,
        )


def _about(schedule: Schedule, locale: str) -> Words:
    names = dict(zip(DAYS, day_names(locale), strict=True))
    days = ", ".join(names[day] for day in schedule.days)
    values: dict[str, object] = {
        "days": days or say("Every day"),
        "time": schedule.local_time,
        "timezone": schedule.timezone,
        "topics": inline(", ".join(schedule.topics), 600) or say("a topic of yours"),
        "when": format_dt(schedule.next_at, "R"),
    }
    if schedule.drafts:
        return say(
            "{days} at {time} ({timezone}) I ask you in your direct messages what there is to tell"
            " about {topics}, with a draft on the topic alone; the next time {when}. `/daily off`"
            " ends it.",
            **values,
        )
    return say(
        "{days} at {time} ({timezone}) I ask you in your direct messages what there is to tell"
        " about {topics}; the next time {when}. `/daily off` ends it.",
        **values,
    )


async def _answer(interaction: discord.Interaction, words: Words) -> None:
    await interaction.response.send_message(
        translate(words, str(interaction.locale)), ephemeral=True
    )


def _job_id(owner_id: int) -> str:
    return f"daily:{owner_id}"
