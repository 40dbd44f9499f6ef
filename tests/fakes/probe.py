"""A small discord.py bot that uses everything the loopback Discord offers. Not the product's."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from sandbox.server import Sandbox


class Vote(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"vote:(?P<n>\d+)"):
    """A button that outlives the process: all it knows is in its custom_id."""

    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(label=f"Take {number}", custom_id=f"vote:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
    ) -> Self:
        return cls(int(match["n"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"took {self.number}", view=None)


class Note(discord.ui.Modal, title="A note"):
    text: discord.ui.Label[Self] = discord.ui.Label(
        text="Note", component=discord.ui.TextInput(custom_id="text", max_length=20)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        typed = self.text.component
        assert isinstance(typed, discord.ui.TextInput)
        await interaction.response.send_message(f"noted: {typed.value}")


class Edit(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"edit"):
    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="Edit", custom_id="edit"))

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction,
        item: discord.ui.Item[discord.ui.View],
        match: re.Match[str],
    ) -> Self:
        return cls()

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Note())


class Probe(discord.Client):
    """A small bot that uses everything the sandbox offers."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, dm_messages=True, dm_reactions=True)
        super().__init__(intents=intents, guild_ready_timeout=0.1)
        self.tree = app_commands.CommandTree(self)
        self.reactions: list[tuple[int, str, str]] = []
        self.errors: list[Exception] = []
        self.resumed = 0
        add_commands(self)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Vote, Edit)
        await self.tree.sync()

    async def on_resumed(self) -> None:
        self.resumed += 1

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.reactions.append((event.user_id, str(event.emoji), event.event_type))


def add_commands(bot: Probe) -> None:
    tree = bot.tree

    @tree.error
    async def remember(
        interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        bot.errors.append(error)

    @tree.command(description="Slow, then done")
    @app_commands.describe(topic="About what", count="How many")
    async def draft(
        interaction: discord.Interaction, topic: str, count: app_commands.Range[int, 1, 4] = 4
    ) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.edit_original_response(content=f"{count} of {topic}")
        await interaction.followup.send("and more", ephemeral=True)

    @draft.autocomplete("topic")
    async def suggest(
        interaction: discord.Interaction, current: str
    ) -> list[app_commands.Choice[str]]:
        topics = ("tea", "teapots", "rain")
        return [app_commands.Choice(name=t, value=t) for t in topics if t.startswith(current)]

    @tree.command(description="Says it to everyone")
    async def public(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("hello all")

    @tree.command(description="Writes a DM")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def write(interaction: discord.Interaction) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        view = discord.ui.View(timeout=None)
        view.add_item(Vote(1))
        view.add_item(Vote(2))
        view.add_item(Edit())
        embed = discord.Embed(title="A draft", description="about tea", colour=0x5865F2)
        try:
            message = await interaction.user.send("pick one", embed=embed, view=view)
        except discord.Forbidden as refused:
            await interaction.edit_original_response(content=f"no DM: {refused.code}")
            return
        await message.add_reaction("1️⃣")
        await interaction.edit_original_response(content="look at your DMs")

    @tree.command(description="Answers twice")
    async def twice(interaction: discord.Interaction) -> None:
        route = f"/interactions/{interaction.id}/{interaction.token}/callback"
        payload = {"type": 4, "data": {"content": "again"}}
        await interaction.response.send_message("once")
        await bot.http.request(Route("POST", route), json=payload)

    @tree.command(description="Answers too late")
    async def late(interaction: discord.Interaction) -> None:
        await asyncio.sleep(1.3)
        await interaction.response.send_message("sorry")

    daily = app_commands.Group(name="daily", description="Every day")

    @daily.command(name="set", description="At a time")
    async def daily_set(interaction: discord.Interaction, time: str, who: discord.User) -> None:
        await interaction.response.send_message(f"{time} for {who.name}", ephemeral=True)

    @daily.command(name="off", description="No more")
    async def daily_off(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("off", ephemeral=True)

    tree.add_command(daily)

    @tree.context_menu(name="Count letters")
    async def count_letters(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(str(len(message.content)), ephemeral=True)


@asynccontextmanager
async def connected(sandbox: Sandbox, token: str = "") -> AsyncIterator[Probe]:
    """A Probe that is ready; its connection ends with the block."""
    Route.BASE = f"{sandbox.url}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(sandbox.url.replace("http", "ws") + "/gw/")
    async with Probe() as bot:
        await bot.login(token or sandbox.token)
        running = asyncio.create_task(bot.connect())
        try:
            await sandbox.wait_ready(5)
            await asyncio.wait_for(bot.wait_until_ready(), 5)
            yield bot
        finally:
            await bot.close()
            await running
