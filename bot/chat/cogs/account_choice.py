"""/account: where a person's drafts go, if they have accounts on two networks."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.answers import answer
from bot.chat.choices import NETWORKS, networks_of, places
from bot.posting.accounts import Accounts
from bot.sentences import say


class AccountChoice(commands.GroupCog, name="account", description="Where your drafts go"):
    """Acts only on the choice of the person who uses it."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts

    @app_commands.command(name="use", description="Choose where your drafts go from now on")
    @app_commands.describe(to="Mastodon, Bluesky or both")
    @app_commands.choices(to=NETWORKS)
    async def use(self, interaction: discord.Interaction, to: str) -> None:
        """Store it, if there is an account on each."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        networks = networks_of(to)
        await self.accounts.use(interaction.user.id, networks)
        told = say("Your drafts go to {places} from now on.", places=places(networks))
        await answer(interaction, told)
