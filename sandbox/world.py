"""The state of the loopback Discord: people, messages, reactions. In memory only.

Knows nothing of sockets: the routes make changes, the gateway announces them.
"""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.errors import UserError
from sandbox import objects
from sandbox.objects import APP_ID, GENERAL_ID, Json, Snowflakes
from sandbox.pulse import Pulse
from sandbox.rules import DiscordError, walk

EPHEMERAL, LOADING, SUPPRESS_EMBEDS = 1 << 6, 1 << 7, 1 << 2
MAX_REACTIONS = 20


@dataclass(slots=True)
class ChatMessage:
    """A message and who reacted to it."""

    data: Json  # as Discord sends it, without the reactions
    only_for: str | None = None  # id of the one person who sees an ephemeral answer
    reactions: dict[str, list[str]] = field(default_factory=dict)  # emoji key -> user ids
    supers: dict[str, list[str]] = field(default_factory=dict)  # those who gave it as a super one

    @property
    def id(self) -> str:
        """Its snowflake."""
        return str(self.data["id"])


class World:
    """One guild with one channel, the bot, and the people with a DM channel each."""

    def __init__(self, people: Sequence[str]) -> None:
        self.ids = Snowflakes()
        self.pulse = Pulse()
        self.bot = objects.user(APP_ID, "Drafts", bot=True)
        self.users: dict[str, Json] = {APP_ID: self.bot}
        self.people: dict[str, Json] = {}
        self.general = objects.text_channel(GENERAL_ID, "general")
        self.channels: dict[str, Json] = {GENERAL_ID: self.general}
        self.dms: dict[str, Json] = {}  # user id -> channel
        self.closed_dms: set[str] = set()  # ids of people who take no DMs
        self.locales: dict[str, str] = {}  # user id -> language of their Discord
        self.messages: dict[str, ChatMessage] = {}
        self.files: dict[str, bytes] = {}  # attachment id -> content
        self.cdn_url = ""  # where attachments are fetched
        for number, name in enumerate(people, 1):
            self._add_person(number, name)

    def _add_person(self, number: int, name: str) -> None:
        person = objects.user(str(objects.FIRST_PERSON_ID + number), name)
        channel = objects.dm_channel(str(objects.FIRST_DM_ID + number), person)
        self.people[name] = self.users[person["id"]] = person
        self.dms[person["id"]] = self.channels[channel["id"]] = channel

    @property
    def guild(self) -> Json:
        """The guild as it is now."""
        return objects.guild("Sandbox", [self.general], [self.bot, *self.people.values()])

    def person(self, who: str | Json) -> Json:
        """A person by name or id. Raises UserError if there is none."""
        key = str(who["id"]) if isinstance(who, dict) else str(who)
        found = self.people.get(key.removeprefix("@").lower()) or self.users.get(key)
        if found is None or found["bot"]:
            names = " and ".join(self.people)
            raise UserError(f"There is no person {key!r} in this sandbox: there are {names}.")
        return found

    def post(
        self, channel: Json, author: Json, body: Json, *, only_for: str | None = None
    ) -> ChatMessage:
        """Store a message; `body` is the JSON sent, `files` the attachments' names and bytes."""
        message_id = self.ids.next()
        data: Json = {
            "id": message_id,
            "channel_id": channel["id"],
            "author": author,
            "type": body.get("type", 0),
            "timestamp": objects.now(),
            "edited_timestamp": None,
            "tts": bool(body.get("tts")),
            "mention_everyone": False,
            "mention_roles": [],
            "mentions": self._mentions(body.get("content") or ""),
            "pinned": False,
            "content": body.get("content") or "",
            "embeds": _embeds(body.get("embeds")),
            "components": _numbered(body.get("components")),
            "attachments": self._attached(channel["id"], body),
            "flags": body.get("flags") or 0,
        }
        for key in ("nonce", "message_reference", "webhook_id", "interaction_metadata"):
            if body.get(key) is not None:  # absent, never null
                data[key] = body[key]
        if "webhook_id" in data:
            data["application_id"] = APP_ID
        message = ChatMessage(data, only_for)
        self.messages[message_id] = message
        channel["last_message_id"] = message_id
        return message

    def edit(self, message: ChatMessage, body: Json) -> None:
        """Change the keys in `body`; null empties one. Flags can only hide or show embeds."""
        data = message.data
        if "content" in body:
            data["content"] = body["content"] or ""
            data["mentions"] = self._mentions(data["content"])
        if "embeds" in body:
            data["embeds"] = _embeds(body["embeds"])
        if "components" in body:
            data["components"] = _numbered(body["components"])
        if "attachments" in body:
            kept = {str(a.get("id")) for a in body["attachments"] or []}
            data["attachments"] = [a for a in data["attachments"] if a["id"] in kept]
        data["attachments"] += self._attached(data["channel_id"], body)
        if body.get("flags") is not None:
            data["flags"] = data["flags"] & ~SUPPRESS_EMBEDS | body["flags"] & SUPPRESS_EMBEDS
        data["flags"] &= ~LOADING
        data["edited_timestamp"] = objects.now()

    def message(self, channel_id: str, message_id: str) -> ChatMessage:
        """A message as the bot finds it: ephemeral answers are not in any channel's history."""
        found = self.messages.get(message_id)
        if channel_id not in self.channels:
            raise DiscordError(404, 10003, "Unknown Channel")
        if found is None or found.only_for or found.data["channel_id"] != channel_id:
            raise DiscordError(404, 10008, "Unknown Message")
        return found

    def seen(self, person: Json, message_id: str) -> ChatMessage:
        """A message this person can see. Raises UserError if it is not theirs to see."""
        found = self.messages.get(message_id)
        if found is None or not self.is_visible(found, person):
            name = person["username"]
            raise UserError(f"{name} sees no message {message_id}: it is gone, or not theirs.")
        return found

    def is_visible(self, message: ChatMessage, person: Json) -> bool:
        """Whether this person sees it: the guild's channel is for all, the rest for one person."""
        if message.only_for:
            return message.only_for == str(person["id"])
        return message.data["channel_id"] in (GENERAL_ID, self.dms[person["id"]]["id"])

    def history(self, person: Json) -> list[Json]:
        """All messages this person sees, oldest first, with the reactions as they see them."""
        messages = sorted(self.messages.values(), key=lambda m: int(m.id))
        return [self.wire(m, person["id"]) for m in messages if self.is_visible(m, person)]

    def wire(self, message: ChatMessage, viewer_id: str = APP_ID) -> Json:
        """A message as Discord sends it to this viewer."""
        reactions = [
            {
                "emoji": objects.emoji(key),
                "count": len(users) + len(supers),
                "count_details": {"burst": len(supers), "normal": len(users)},
                "me": viewer_id in users,
                "me_burst": viewer_id in supers,
                "burst_colors": [],
            }
            for key, users in message.reactions.items()
            if [*users, *(supers := message.supers.get(key, []))]
        ]
        return message.data | ({"reactions": reactions} if reactions else {})

    def react(self, message: ChatMessage, user_id: str, key: str, *, remove: bool = False) -> bool:
        """Add or take back a reaction; False if it already was, or was not, there."""
        if key not in message.reactions and not remove:
            if sum(map(bool, message.reactions.values())) >= MAX_REACTIONS:
                raise DiscordError(403, 30010, "Maximum number of reactions reached (20)")
            message.reactions[key] = []
        users = message.reactions.get(key, [])
        if remove != (user_id in users):
            return False
        users.remove(user_id) if remove else users.append(user_id)
        return True

    def _attached(self, channel_id: str, body: Json) -> list[Json]:
        attached = []
        for name, content in body.get("files") or []:
            attachment_id = self.ids.next()
            self.files[attachment_id] = content
            url = f"{self.cdn_url}/attachments/{channel_id}/{attachment_id}/{quote(name)}"
            attached.append(_attachment(attachment_id, name, len(content), url))
        return attached

    def _mentions(self, content: str) -> list[Json]:
        return [u for u in self.users.values() if f"<@{u['id']}>" in content]


def _embeds(embeds: list[Json] | None) -> list[Json]:
    return [{**embed, "type": "rich"} for embed in embeds or []]


def _numbered(components: list[Json] | None) -> list[Json]:
    """Give each component the `id` that Discord gives it, in the order of the page."""
    for number, (_, component) in enumerate(walk(components or []), 1):
        component.setdefault("id", number)
    return components or []


def _attachment(attachment_id: str, filename: str, size: int, url: str) -> Json:
    return {
        "id": attachment_id,
        "filename": filename,
        "size": size,
        "url": url,
        "proxy_url": url,
        "content_type": mimetypes.guess_type(filename)[0] or "application/octet-stream",
    }
