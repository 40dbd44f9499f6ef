"""/results: what came of a person's posts, and once a week by itself for who wants it."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import discord
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from discord import app_commands
from discord.app_commands import Choice, locale_str
from discord.ext import commands
from discord.utils import format_dt

from bot.chat.answers import answer
from bot.chat.choices import time_zones
from bot.chat.messages import Messages
from bot.chat.questions import tell_form
from bot.chat.results_view import GO_ON_ID, go_on_button, results_lines, weekly_lines
from bot.chat.router import pressed
from bot.clock import next_time, parse_zone
from bot.drafting import Drafting
from bot.errors import BotError, UserError
from bot.posting.echoes import UNTIL
from bot.sentences import Words, say
from bot.store.echoes import EchoTable
from bot.store.people import PeopleTable
from bot.writing.composing import Request

log = structlog.get_logger()

_AT, _ON = "09:00", ("mon",)
_COUNT = 4
UTC_ZONE = ZoneInfo("UTC")


class ResultsCommand(commands.Cog):
    """A person's own results."""

    def __init__(
        self,
        drafting: Drafting,
        echoes: EchoTable,
        people: PeopleTable,
        scheduler: AsyncIOScheduler,
        messages: Messages,
    ) -> None:
        self.drafting = drafting
        self.echoes = echoes
        self.people = people
        self.scheduler = scheduler
        self.messages = messages

    async def cog_load(self) -> None:
        """Look every minute who is to be told; a week that ended while the bot was away, too."""
        self.scheduler.add_job(
            self.tell_weekly,
            "interval",
            minutes=1,
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
        )

    @app_commands.command(description="What came of your posts: what did well, by topic and hour")
    @app_commands.describe(
        weekly="Tell me every Monday by direct message (off)",
        timezone="Whose hours count, such as Europe/Berlin",
    )
    @app_commands.choices(
        weekly=[
            Choice(name=locale_str("on"), value="on"),
            Choice(name=locale_str("off"), value="off"),
        ]
    )
    @app_commands.autocomplete(timezone=time_zones)
    async def results(
        self,
        interaction: discord.Interaction,
        weekly: str | None = None,
        timezone: str | None = None,
    ) -> None:
        """Show what came of one's posts; with `weekly`, begin or end the weekly message."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        person, now = interaction.user.id, datetime.now(UTC)
        if timezone:
            await self.people.use_timezone(person, parse_zone(timezone).key)
        lines = [await self._set_weekly(person, now, is_on=weekly == "on")] if weekly else []
        found, zone = await self.echoes.of(person, now, UNTIL), await self._zone(person)
        locale = str(interaction.locale)
        lines += results_lines(found, zone or UTC_ZONE, locale)
        await answer(interaction, *lines, view=go_on_button(found.posts, locale))

    @pressed(GO_ON_ID)
    async def go_on(self, interaction: discord.Interaction, found: re.Match[str]) -> None:
        """Open the form on the topic of one's own draft."""
        draft = await self.drafting.own(int(found["id"]), interaction.user.id)
        request = Request(draft.topic, _COUNT)
        question = await self.drafting.ask(interaction.user.id, request, datetime.now(UTC))
        await interaction.response.send_modal(tell_form(question, str(interaction.locale)))

    async def tell_weekly(self, now: datetime | None = None) -> None:
        """Tell everybody whose week is over what came of it; nothing, if nothing was counted."""
        now = now or datetime.now(UTC)
        try:
            for person, due in (await self.people.results_due(now)).items():
                zone = await self._zone(person) or UTC_ZONE
                if not await self.people.advance_results(person, due, _monday(zone, now)):
                    continue
                found = await self.echoes.of(person, now, UNTIL)
                if lines := weekly_lines(found, now, zone):
                    await self.messages.tell(person, *lines)
        except BotError as e:
            log.error("the weekly results wait for the next minute", why=str(e))

    async def _set_weekly(self, person: int, now: datetime, *, is_on: bool) -> Words:
        if not is_on:
            await self.people.want_results(person, None)
            return say("The weekly message is off. `/results weekly: on` starts it again.")
        zone = await self._zone(person)
        if zone is None:
            raise UserError(
                "I do not know your time zone. Name it once: `/results weekly: on timezone:"
                " Europe/Berlin`."
            )
        due = _monday(zone, now)
        await self.people.want_results(person, due)
        return say(
            "Every Monday at {time} ({timezone}) I tell you what came of your posts, if one was"
            " counted; the next time {when}. `/results weekly: off` ends it.",
            time=_AT,
            timezone=zone.key,
            when=format_dt(due, "R"),
        )

    async def _zone(self, person: int) -> ZoneInfo | None:
        """The zone that a person last named; none if there is none, or not any more."""
        known = await self.people.timezone(person)
        try:
            return parse_zone(known) if known else None
        except UserError:
            return None


def _monday(zone: ZoneInfo, now: datetime) -> datetime:
    return next_time(_AT, zone.key, _ON, now)
