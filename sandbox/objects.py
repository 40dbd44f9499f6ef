"""Builds Discord's objects as its JSON: users, members, the guild, channels, and their ids.

`world.py` keeps them. discord.py parses strictly: a key that Discord leaves out (`guild_id` in a
DM, say) is left out here too, never null.
"""

import time
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]  # Any: Discord's own shapes, described by its OpenAPI file

DISCORD_EPOCH_MS = 1_420_070_400_000

# Fixed, since a bot's database outlives the sandbox: the same people, channels and bot each time.
APP_ID = "1000000000000000100"
GUILD_ID = "1000000000000000200"
GENERAL_ID = "1000000000000000201"
FIRST_PERSON_ID = 1_000_000_000_000_000_300
FIRST_DM_ID = 1_000_000_000_000_000_400

ALL_PERMISSIONS = str((1 << 50) - 1)


class Snowflakes:
    """Ids as Discord makes them: by time, unique, growing."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """The next id; later ids are larger, across restarts too."""
        by_time = (int(time.time() * 1000) - DISCORD_EPOCH_MS) << 22
        self._last = max(self._last + 1, by_time)
        return str(self._last)


def now() -> str:
    """The time as Discord writes it."""
    return datetime.now(UTC).isoformat()


def user(user_id: str, name: str, *, bot: bool = False) -> Json:
    """A user."""
    return {
        "id": user_id,
        "username": name,
        "discriminator": "0",
        "global_name": None if bot else name.title(),
        "avatar": None,
        "bot": bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def member(of: Json, permissions: str | None = None) -> Json:
    """A user as a member of the guild; interactions also say what they may do there."""
    about: Json = {
        "user": of,
        "nick": None,
        "avatar": None,
        "roles": [],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    return about if permissions is None else {**about, "permissions": permissions}


def dm_channel(channel_id: str, recipient: Json) -> Json:
    """The direct-message channel between the bot and one person."""
    return {
        "id": channel_id,
        "type": 1,
        "flags": 0,
        "last_message_id": None,
        "recipients": [recipient],
    }


def text_channel(channel_id: str, name: str) -> Json:
    """A text channel of the guild."""
    return {
        "id": channel_id,
        "type": 0,
        "guild_id": GUILD_ID,
        "name": name,
        "position": 0,
        "permission_overwrites": [],
        "nsfw": False,
        "parent_id": None,
        "topic": None,
        "flags": 0,
        "last_message_id": None,
        "rate_limit_per_user": 0,
    }


def guild(name: str, channels: list[Json], users: list[Json]) -> Json:
    """The guild as GUILD_CREATE brings it."""
    return {
        "id": GUILD_ID,
        "name": name,
        "owner_id": users[0]["id"],
        "joined_at": "2024-01-01T00:00:00+00:00",
        "large": False,
        "unavailable": False,
        "member_count": len(users),
        "members": [member(person) for person in users],
        "channels": channels,
        "roles": [_everyone()],
        **{key: [] for key in _EMPTY_LISTS},
        **dict.fromkeys(_NULLS),
        "preferred_locale": "en-US",
        "afk_timeout": 300,
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
        "region": "deprecated",
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "widget_enabled": False,
        **dict.fromkeys(_ZEROS, 0),
    }


_EMPTY_LISTS = (
    "emojis",
    "stickers",
    "features",
    "threads",
    "presences",
    "voice_states",
    "stage_instances",
    "guild_scheduled_events",
    "soundboard_sounds",
)
_NULLS = (
    "afk_channel_id",
    "application_id",
    "banner",
    "description",
    "discovery_splash",
    "home_header",
    "hub_type",
    "icon",
    "incidents_data",
    "max_presences",
    "public_updates_channel_id",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "splash",
    "system_channel_id",
    "vanity_url_code",
    "widget_channel_id",
)
_ZEROS = (
    "default_message_notifications",
    "explicit_content_filter",
    "mfa_level",
    "nsfw_level",
    "premium_subscription_count",
    "premium_tier",
    "system_channel_flags",
    "verification_level",
)


def _everyone() -> Json:
    return {
        "id": GUILD_ID,
        "name": "@everyone",
        "permissions": ALL_PERMISSIONS,
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
        "icon": None,
        "unicode_emoji": None,
    }


def application(bot: Json) -> Json:
    """The bot's application, as it sees itself."""
    return {
        "id": APP_ID,
        "name": bot["username"],
        "description": "",
        "icon": None,
        "summary": "",
        "type": None,
        "bot": bot,
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": bot,
        "team": None,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
        "hook": True,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1,
        "approximate_user_install_count": 1,
        "approximate_user_authorization_count": 1,
        "integration_types_config": {"0": {}, "1": {}},
    }


def emoji(key: str) -> Json:
    """An emoji from the form URLs use: the character itself, or `name:id` of a custom one."""
    name, _, custom_id = key.rpartition(":")
    return {"id": custom_id, "name": name} if name else {"id": None, "name": key}


def is_emoji(key: str) -> bool:
    """Whether this can be a reaction: a custom `name:id`, or anything beyond plain ASCII."""
    name, _, custom_id = key.rpartition(":")
    return bool(name and custom_id.isdigit()) or not key.isascii()
