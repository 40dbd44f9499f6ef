"""/export-me and /forget-me: a person gets or deletes all that the bot knows of them."""

import io
import re
from datetime import UTC, datetime
from functools import partial

import discord
from discord import app_commands
from discord.ext import commands

from bot import privacy
from bot.chat.answers import answer, at_most, report_fault
from bot.chat.router import pressed
from bot.chat.work import Work
from bot.draft import Network, account_words
from bot.errors import UserError
from bot.language import translate
from bot.posting.accounts import Accounts
from bot.sentences import Words, say
from bot.store import Store
from bot.store.dossier import dossier

FORGET = "forget-me:yes"


class Privacy(commands.Cog):
    """Both act on the person who uses them, and nobody else."""

    def __init__(self, store: Store, accounts: Accounts, work: Work) -> None:
        self._dossier = partial(dossier, store.database)
        self._work = work
        self._forget = partial(privacy.forget_person, store, accounts)

    @app_commands.command(name="export-me", description="Everything this bot stores about you")
    @at_most(2, 60.0)
    async def export_me(self, interaction: discord.Interaction) -> None:
        """Hand it over as a file."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        content = (await self._dossier(interaction.user.id)).encode()
        if len(content) > interaction.filesize_limit:
            raise UserError("It is too much for Discord. Ask the bot's operator for the file.")
        file = discord.File(io.BytesIO(content), "write-my-posts.json")
        await answer(
            interaction,
            say("This is everything, but for the secrets that let me into your account."),
            attachments=[file],
        )

    @app_commands.command(name="forget-me", description="Delete everything stored about you")
    async def forget_me(self, interaction: discord.Interaction) -> None:
        """Ask first."""
        view = discord.ui.View(timeout=None)
        label = translate(say("Delete it all"), str(interaction.locale))
        style = discord.ButtonStyle.danger
        view.add_item(discord.ui.Button(label=label, style=style, custom_id=FORGET))
        view.stop()  # the custom_id is enough, also after a restart
        await answer(
            interaction,
            say(
                "This deletes your drafts with their notes, your decisions on them, your daily"
                " suggestion, your voices' grants, and the access to your accounts. It"
                " cannot be undone."
            ),
            say("What you posted stays where it is, and my messages stay here."),
            view=view,
        )

    @pressed(FORGET)
    async def forget(self, interaction: discord.Interaction, _: re.Match[str]) -> None:
        """Delete it, and say what remains elsewhere."""
        await interaction.response.defer()
        person, ended = interaction.user.id, list[discord.Interaction]()
        done = await self._forget(
            person, datetime.now(UTC), lambda: ended.extend(self._work.end_for(person))
        )
        for each in ended:
            await report_fault(each, UserError("You had me forget you, so I did not finish this."))
        lines = [say("Everything I had stored about you is deleted.")]
        lines += [_remove_there(account) for account in done.unrevoked]
        if done.voices:
            lines.append(
                say(
                    "The folder of your voice is on the operator's machine: ask them to delete"
                    " {voices}.",
                    voices=", ".join(done.voices),
                )
            )
        await answer(interaction, *lines, view=None)


def _remove_there(account: str) -> Words:
    """What to do about an account whose server did not take the access back."""
    if Network.of(account) is Network.BLUESKY:
        return say(
            "{account} did not confirm that my access is gone: delete the app password there, under"
            " Settings, Privacy and security, App passwords.",
            account=account_words(account),
        )
    return say(
        "{account} did not confirm that my access is gone: remove the bot there, in its preferences"
        " under Account, Authorized apps.",
        account=account_words(account),
    )
