"""One interaction: a person's action, and the bot's answers so far."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox import objects
from sandbox.objects import ALL_PERMISSIONS, APP_ID, GENERAL_ID, GUILD_ID, Json
from sandbox.world import ChatMessage, World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
IN_GUILD, IN_BOT_DM = 0, 1
DEFAULT_LOCALE = "en-GB"
ATTACHMENT_LIMIT = 10 << 20  # bytes; what Discord allows without boosts


@dataclass(slots=True)
class Interaction:
    """The record of an interaction; shows messages as the person who started it sees them."""

    data: Json  # the INTERACTION_CREATE event
    user: Json
    channel: Json
    world: World
    born_s: float = field(default_factory=time.monotonic)
    answered: int | None = None  # the type of the first response; None: none yet
    ack_after_s: float | None = None
    modal: Json | None = None  # the modal it opened
    choices: list[Json] | None = None  # the suggestions it got
    original_message: ChatMessage | None = None
    followup_messages: list[ChatMessage] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its snowflake."""
        return str(self.data["id"])

    @property
    def token(self) -> str:
        """The token for the answer, instead of the bot's own."""
        return str(self.data["token"])

    @property
    def age_s(self) -> float:
        """Seconds since the person acted."""
        return time.monotonic() - self.born_s

    @property
    def original(self) -> Json | None:
        """The first answer as it is now; None before it, or once deleted."""
        message = self.original_message
        if message is None or message.id not in self.world.messages:
            return None
        return self.world.wire(message, self.user["id"])

    @property
    def followups(self) -> list[Json]:
        """The messages that followed it, oldest first."""
        return [self.world.wire(m, self.user["id"]) for m in self.followup_messages]


def new_interaction(
    world: World,
    kind: int,
    user: Json,
    data: Json,
    *,
    in_dm: bool,
    message: ChatMessage | None = None,
    installs: Sequence[int] = (0,),
) -> Interaction:
    """An interaction as Discord sends it; `installs` are the command's integration types."""
    channel = world.dms[user["id"]] if in_dm else world.channels[GENERAL_ID]
    owners = {"0": "0" if in_dm else GUILD_ID, "1": user["id"]}
    event: Json = {
        "id": world.ids.next(),
        "application_id": APP_ID,
        "type": kind,
        "token": f"interaction-{world.ids.next()}",
        "version": 1,
        "data": data,
        "channel_id": channel["id"],
        "channel": channel if in_dm else {**channel, "permissions": ALL_PERMISSIONS},
        "locale": world.locales.get(user["id"], DEFAULT_LOCALE),
        "entitlements": [],
        "app_permissions": ALL_PERMISSIONS,
        "attachment_size_limit": ATTACHMENT_LIMIT,
        "authorizing_integration_owners": {
            key: owner for key, owner in owners.items() if int(key) in installs
        },
        "context": IN_BOT_DM if in_dm else IN_GUILD,
    }
    if in_dm:
        event["user"] = user
    else:
        event |= {
            "guild_id": GUILD_ID,
            "guild": {"id": GUILD_ID, "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": objects.member(user, ALL_PERMISSIONS),
        }
    if message:
        event["message"] = world.wire(message)
    return Interaction(event, user, channel, world)
