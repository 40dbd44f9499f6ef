"""/bluesky: each person connects the Bluesky account they post to, with an app password."""

import re
from datetime import UTC, datetime

import discord
from discord import app_commands
from discord.ext import commands

from bot.chat.answers import answer, at_most
from bot.chat.router import submitted, typed
from bot.draft import Network, account_words
from bot.language import translate
from bot.posting.accounts import Accounts
from bot.sentences import Words, say

FORM = "bluesky:connect"  # it belongs to whoever sends it
CONNECTS, PER_S = 5, 600.0  # a server lets an account sign in thirty times in five minutes


class BlueskyCommands(
    commands.GroupCog, name="bluesky", description="The Bluesky account you post to"
):
    """Acts only on the account of the person who uses a command or the form."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts = accounts

    @app_commands.command(name="connect", description="Connect the account you post to")
    @at_most(CONNECTS, PER_S)
    async def connect(self, interaction: discord.Interaction) -> None:
        """Open the form: an app password never stands in a command, which Discord would show."""
        locale = str(interaction.locale)
        form = discord.ui.Modal(
            title=translate(say("Connect your account"), locale)[:45],
            custom_id=FORM,
            timeout=None,
        )
        _ask(form, say("Your handle"), "handle", "ann.bsky.social", locale)
        where = say(
            "On Bluesky: Settings, Privacy and security, App passwords, Add. Not your main"
            " password."
        )
        app = say("An app password, made for this bot")
        _ask(form, app, "password", "xxxx-xxxx-xxxx-xxxx", locale, where)
        form.stop()  # the custom_id is enough, also after a restart
        await interaction.response.send_modal(form)

    @submitted(FORM)
    async def take_form(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Sign in with what was typed, and keep it if it is an app password."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        told, person, now = typed(interaction), interaction.user.id, datetime.now(UTC)
        found = await self.accounts.bluesky.sign_in(told["handle"], told["password"])
        await self.accounts.connect(person, found, now)
        where = say("What you approve is posted there from now on.")
        if await self.accounts.chosen(person) != (Network.BLUESKY,):
            where = say(
                "Your drafts go on to Mastodon: `/account use` changes that, and `/draft to:` for"
                " one draft."
            )
        connected = say(
            "Connected: {handle} on Bluesky. `/bluesky disconnect` ends it.", handle=found.handle
        )
        await answer(interaction, connected, where)

    @app_commands.command(name="show", description="Which account your posts go to")
    async def show(self, interaction: discord.Interaction) -> None:
        """Say whose account it is, and how long its posts may be."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        account = await self.accounts.of(interaction.user.id, Network.BLUESKY)
        handle = await account.verify()  # the server may have taken the access back
        told = say(
            "You post to {account}; a post may have {n} characters.",
            account=f"{handle} (Bluesky)",
            n=await account.max_chars(),
        )
        await answer(interaction, told, say("Everything there is public."))

    @app_commands.command(name="disconnect", description="Take this bot's access back")
    async def disconnect(self, interaction: discord.Interaction) -> None:
        """Revoke the app password if it can be named, and delete it."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        person = interaction.user.id
        name, is_revoked = await self.accounts.disconnect(person, Network.BLUESKY)
        revoked = say("The server has taken it back, too.")
        by_hand = say(
            "Delete its app password yourself, under Settings, Privacy and security, App passwords:"
            " I could not tell which it is."
        )
        await answer(
            interaction,
            say(
                "{account} is disconnected, and the access to it is deleted here.",
                account=account_words(name),
            ),
            revoked if is_revoked else by_hand,
        )


def _ask(
    form: discord.ui.Modal,
    label: Words,
    name: str,
    example: str,
    locale: str,
    where: Words | None = None,
) -> None:
    field = discord.ui.TextInput[discord.ui.Modal](
        custom_id=name, min_length=3, max_length=260, placeholder=example
    )
    about = translate(where, locale)[:100] if where else None
    form.add_item(
        discord.ui.Label(text=translate(label, locale)[:45], description=about, component=field)
    )
