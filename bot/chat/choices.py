"""Suggestions while a person types: their own things only, at most 25."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import discord
from discord.app_commands import Choice, locale_str

from bot.clock import zone_names
from bot.draft import Network
from bot.sentences import Words, say

if TYPE_CHECKING:
    from bot.chat.client import Bot

MOST, LONGEST = 25, 100  # Discord's limits


NETWORKS = [
    *(Choice(name=network.proper, value=network.value) for network in Network),
    Choice(name=locale_str("both"), value=" ".join(Network)),
]


def networks_of(chosen: str | None) -> tuple[Network, ...]:
    """The networks of a choice; none for what is not on the list."""
    known = {choice.value for choice in NETWORKS}
    return tuple(map(Network, chosen.split())) if chosen in known and chosen else ()


def places(networks: tuple[Network, ...]) -> Words:
    """The networks as a person reads them."""
    if len(networks) > 1:
        return say("Mastodon and Bluesky")
    return say("Bluesky") if networks == (Network.BLUESKY,) else say("Mastodon")


def matching(names: Iterable[str], typed: str) -> list[Choice[str]]:
    """Those that hold the typed text, in any case."""
    wanted = typed.strip().lower()
    # a name that is cut would name something else
    found = [name for name in names if wanted in name.lower() and len(name) <= LONGEST]
    return [Choice(name=name, value=name) for name in found[:MOST]]


async def time_zones(_: discord.Interaction, typed: str) -> list[Choice[str]]:
    """IANA names that hold the typed text."""
    return matching(zone_names(), typed.strip().replace(" ", "_"))


async def usable_voices(interaction: discord.Interaction, typed: str) -> list[Choice[str]]:
    """Voices one may write with."""
    bot = cast("Bot", interaction.client)
    return matching(await bot.drafting.voices.names(interaction.user.id), typed)


async def known_voices(interaction: discord.Interaction, typed: str) -> list[Choice[str]]:
    """Voices one may hear about."""
    bot = cast("Bot", interaction.client)
    return matching(await bot.drafting.voices.known_names(interaction.user.id), typed)
