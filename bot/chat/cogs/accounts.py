"""/mastodon: each person connects the account they post to, with a code they carry over."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.answers import answer, at_most
from bot.chat.router import pressed, submitted, typed
from bot.draft import Network
from bot.language import translate
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.sentences import say
from bot.visible import one_line

CODE = "mastodon:code"  # the button and the form it opens; they belong to whoever uses them
CONNECTS, PER_S = 3, 600.0  # a server lets an address register five applications in ten minutes


class AccountCommands(
    commands.GroupCog, name="mastodon", description="The Mastodon account you post to"
):
    """Acts only on the account of the person who uses a command, button or form."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts

    @app_commands.command(name="connect", description="Connect the account you post to")
    @app_commands.describe(instance="Your server, such as mastodon.social")
    @at_most(CONNECTS, PER_S)
    async def connect(
        self, interaction: discord.Interaction, instance: app_commands.Range[str, 1, 200]
    ) -> None:
        """Give the link to say yes, and a button for the code that the person gets there."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        server, link = await self.accounts.mastodon.start_connection(
            interaction.user.id, instance, datetime.now(UTC)
        )
        view = discord.ui.View(timeout=None)
        label = translate(say("Enter the code"), str(interaction.locale))
        style = discord.ButtonStyle.primary
        view.add_item(discord.ui.Button(label=label, style=style, custom_id=CODE))
        view.stop()  # the custom_id is enough, also after a restart
        await answer(
            interaction,
            say("1. [Open {server}]({link}) and allow this bot to post.", server=server, link=link),
            say("2. Copy the code you get there, and enter it here within ten minutes."),
            view=view,
        )

    @app_commands.command(name="show", description="Which account your posts go to")
    async def show(self, interaction: discord.Interaction) -> None:
        """Say whose account it is, and how long its posts may be."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        account = await self.accounts.of(interaction.user.id, Network.MASTODON)
        assert isinstance(account, Mastodon)
        await account.verify()  # the server may have taken the access back
        server = await account.server()
        told = say(
            "You post to {account}; a post may have {n} characters.",
            account=account.name,
            n=server.max_chars,
        )
        assumed = say("The server does not say how many, so I assume what Mastodon allows.")
        await answer(interaction, told, *([assumed] if server.is_assumed else []))

    @app_commands.command(name="disconnect", description="Take this bot's access back")
    async def disconnect(self, interaction: discord.Interaction) -> None:
        """Revoke the token and delete it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        person = interaction.user.id
        name, is_revoked = await self.accounts.disconnect(person, Network.MASTODON)
        await answer(
            interaction,
            say("{account} is disconnected, and the access to it is deleted here.", account=name),
            say("The server has taken it back, too.")
            if is_revoked
            else say(
                "The server did not confirm it: remove the bot there, in its preferences under"
                " Account, Authorized apps."
            ),
        )

    @pressed(CODE)
    async def ask_for_code(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Open the form. It must be the first response, so nothing is looked up before."""
        locale = str(interaction.locale)
        form = discord.ui.Modal(
            title=translate(say("Connect your account"), locale), custom_id=CODE, timeout=None
        )
        field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
            custom_id="code", min_length=4, max_length=300
        )
        form.add_item(
            discord.ui.Label(
                text=translate(say("The code from your server"), locale), component=field
            )
        )
        form.stop()  # the custom_id is enough, also after a restart
        await interaction.response.send_modal(form)

    @submitted(CODE)
    async def take_code(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Connect the account of the code."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        code = code_in(typed(interaction)["code"])
        person, now = interaction.user.id, datetime.now(UTC)
        found = await self.accounts.mastodon.finish(person, code, now)
        account = await self.accounts.connect(person, found, now)
        await answer(
            interaction,
            say(
                "Connected: what you approve is posted to {account}. `/mastodon disconnect`"
                " ends it.",
                account=account.name,
            ),
        )


def code_in(pasted: str) -> str:
    """The code in what a person copied: the code, the page's address, or the line around it."""
    text = one_line(pasted)
    if found := re.search(r"[?&]code=([^&#\s]+)", text):
        return unquote(found[1])
    return text.rpartition(" ")[2].strip("\"'`“”„‘’«»<>().,:")
