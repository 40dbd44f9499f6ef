"""/daily: a draft by itself, every day at the owner's local time, on a topic not used lately."""

import logging
import random
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import discord
from apscheduler.triggers.cron import CronTrigger
from discord import app_commands
from discord.ext import commands
from discord.utils import format_dt

from bot.draft import Schedule
from bot.drafting import Drafting
from bot.errors import BotError, Unavailable, UserError

if TYPE_CHECKING:
    from bot.client import Bot

log = logging.getLogger(__name__)

CATCH_UP_S = 3600  # a suggestion missed while the bot was down is made up for within an hour
RETRY = timedelta(minutes=10)


@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class Daily(commands.GroupCog, name="daily", description="A draft by itself, every day"):
    """The daily suggestion: opt-in, one a local day."""

    def __init__(self, bot: "Bot") -> None:
        self.bot = bot
        self.drafting: Drafting = bot.drafting
        self.scheduler = bot.scheduler
        self._chance = random.Random()  # noqa: S311  # it picks a topic, not a secret

    async def cog_load(self) -> None:
        """Take up the stored schedules; one that was due within the last hour runs at once."""
        for schedule in await self.drafting.store.schedules.all():
            self._plan(schedule, next_run_time=schedule.next_at)

    @app_commands.command(name="set", description="Send me a draft every day at this time")
    @app_commands.describe(time="Local time, such as 09:00", timezone="Such as Europe/Berlin")
    async def set_daily(self, interaction: discord.Interaction, time: str, timezone: str) -> None:
        """Set or change the time."""
        owner_id = interaction.user.id
        await self.drafting.voices.of(owner_id)
        trigger = _trigger(time, timezone)
        next_at = trigger.get_next_fire_time(None, datetime.now(UTC)).astimezone(UTC)
        schedule = Schedule(owner_id, _clock(time), timezone, next_at)
        await self.drafting.store.schedules.set(schedule)
        self._plan(schedule)
        await interaction.response.send_message(
            f"Every day at {schedule.local_time} ({timezone}) a draft comes to your direct"
            f" messages; the next one {format_dt(next_at, 'R')}. `/daily off` ends it.",
            ephemeral=True,
        )

    @set_daily.autocomplete("timezone")
    async def timezones(self, _: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """IANA names that hold what was typed."""
        wanted = typed.lower().replace(" ", "_")
        found = sorted(z for z in available_timezones() if wanted in z.lower())
        return [app_commands.Choice(name=z, value=z) for z in found[:25]]

    @app_commands.command(name="off", description="No daily draft any more")
    async def off(self, interaction: discord.Interaction) -> None:
        """End the daily draft."""
        dropped = await self.drafting.store.schedules.drop(interaction.user.id)
        if job := self.scheduler.get_job(_job_id(interaction.user.id)):
            job.remove()
        told = "The daily draft is off." if dropped else "There was no daily draft to end."
        await interaction.response.send_message(f"{told} `/daily set` starts one.", ephemeral=True)

    @app_commands.command(name="show", description="When the next daily draft comes")
    async def show(self, interaction: discord.Interaction) -> None:
        """Say when the next one comes."""
        mine = await self.drafting.store.schedules.of(interaction.user.id)
        told = (
            f"Every day at {mine.local_time} ({mine.timezone});"
            f" the next draft comes {format_dt(mine.next_at, 'R')}."
            if mine
            else "There is no daily draft. `/daily set` starts one."
        )
        await interaction.response.send_message(told, ephemeral=True)

    async def suggest(self, owner_id: int) -> None:
        """Write the day's draft and send it; while a service is away, try again the same day."""
        schedule, now = await self.drafting.store.schedules.of(owner_id), datetime.now(UTC)
        if schedule is None:
            return
        local = now.astimezone(ZoneInfo(schedule.timezone))
        try:
            draft = await self.drafting.suggest(owner_id, local.date(), now, self._chance)
        except Unavailable as e:
            log.warning("no daily draft for now: %s", e)
            if (local + RETRY).date() == local.date():
                self.scheduler.add_job(self.suggest, "date", run_date=now + RETRY, args=[owner_id])
        except BotError as e:
            log.warning("no daily draft today: %s", e)
        else:
            if draft:
                await self.bot.show(await self.bot.fetch_owner(owner_id), draft)
        finally:
            trigger = _trigger(schedule.local_time, schedule.timezone)
            next_at = trigger.get_next_fire_time(None, now + timedelta(seconds=1)).astimezone(UTC)
            await self.drafting.store.schedules.advance(schedule, next_at)

    def _plan(self, schedule: Schedule, **when: datetime) -> None:
        self.scheduler.add_job(
            self.suggest,
            _trigger(schedule.local_time, schedule.timezone),
            args=[schedule.owner_id],
            id=_job_id(schedule.owner_id),
            replace_existing=True,
            misfire_grace_time=CATCH_UP_S,
            coalesce=True,
            **when,
        )


def _job_id(owner_id: int) -> str:
    return f"daily:{owner_id}"


def _clock(text: str) -> str:
    """`HH:MM` of what a person types: 9, 9:30, 09.30."""
    found = re.fullmatch(r"\s*(\d{1,2})(?:[:.h](\d{2}))?\s*", text)
    if not found or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise UserError(f"“{text[:20]}” is not a time of day. Write it like 09:00 or 21:30.")
    return f"{int(found[1]):02}:{int(found[2] or 0):02}"


def _trigger(time: str, timezone: str) -> CronTrigger:
    hour, minute = _clock(time).split(":")
    try:
        return CronTrigger(hour=int(hour), minute=int(minute), timezone=ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise UserError(
            f"“{timezone[:40]}” is not a time zone. Pick one of the list, such as Europe/Berlin."
        ) from e


async def setup(bot: "Bot") -> None:
    """Add the cog."""
    await bot.add_cog(Daily(bot))
