"""REST routes of channels: messages, reactions, opening DMs. The gateway announces the changes."""

import time

from sandbox import objects
from sandbox.gateway import Gateway
from sandbox.objects import APP_ID, GENERAL_ID, GUILD_ID, Json
from sandbox.rest import Answer, Call, Route, route
from sandbox.rules import DiscordError, check_message, refuse
from sandbox.world import ChatMessage, World

NONCE_S = 300  # for how long `enforce_nonce` remembers a nonce


class Channels:
    """Channels, their messages and the reactions to them."""

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world = world
        self._gateway = gateway
        self._nonces: dict[tuple[str, str], tuple[float, ChatMessage]] = {}

    def routes(self) -> list[Route]:
        """Every route under /channels, and the one that opens a DM."""
        messages = "/channels/{id}/messages"
        reactions = messages + "/{id}/reactions"
        return [
            route("POST", "/users/@me/channels", self._open_dm),
            route("GET", "/channels/{id}", self._get_channel),
            route("POST", "/channels/{id}/typing", self._type),
            route("POST", messages, self._send),
            route("GET", messages, self._history),
            route("GET", messages + "/{id}", self._get),
            route("PATCH", messages + "/{id}", self._edit),
            route("DELETE", messages + "/{id}", self._delete),
            route("PUT", reactions + "/{emoji}/@me", self._react),
            route("DELETE", reactions + "/{emoji}/@me", self._unreact),
            route("DELETE", reactions + "/{emoji}/{id}", self._remove_reaction),
            route("GET", reactions + "/{emoji}", self._who_reacted),
            route("DELETE", reactions, self._clear_reactions),
        ]

    def _channel(self, channel_id: str) -> Json:
        channel = self._world.channels.get(channel_id)
        if channel is None:
            raise DiscordError(404, 10003, "Unknown Channel")
        return channel

    def _open_dm(self, call: Call) -> Answer:
        if not call.body.get("recipient_id"):
            raise refuse("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
        channel = self._world.dms.get(str(call.body["recipient_id"]))
        if channel is None:
            raise DiscordError(400, 50033, "Invalid Recipient(s)")
        return 200, channel

    def _get_channel(self, call: Call, channel_id: str) -> Answer:
        return 200, self._channel(channel_id)

    def _type(self, call: Call, channel_id: str) -> Answer:
        self._channel(channel_id)
        return 204, None

    def _send(self, call: Call, channel_id: str) -> Answer:
        channel, body = self._channel(channel_id), call.body
        self._refuse_closed_dm(channel)
        check_message(body, has_files=bool(call.files))
        key = (channel_id, str(body.get("nonce")))
        remembers = bool(body.get("nonce") and body.get("enforce_nonce"))
        if remembers and (sent := self._nonces.get(key)) and time.monotonic() - sent[0] < NONCE_S:
            return 200, self._world.wire(sent[1])
        message = self._world.post(channel, self._world.bot, {**body, "files": call.files})
        if remembers:
            self._nonces[key] = (time.monotonic(), message)
        self._gateway.announce("MESSAGE_CREATE", message)
        return 200, self._world.wire(message)

    def _refuse_closed_dm(self, channel: Json) -> None:
        recipients = {user["id"] for user in channel.get("recipients", [])}
        if recipients & self._world.closed_dms:
            raise DiscordError(403, 50007, "Cannot send messages to this user")

    def _history(self, call: Call, channel_id: str) -> Answer:
        self._channel(channel_id)
        after, before = int(call.query.get("after", 0)), int(call.query.get("before", 1 << 63))
        limit = int(call.query.get("limit", 50))
        if not 1 <= limit <= 100:
            raise refuse("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
        found = [
            m
            for m in self._world.messages.values()
            if m.data["channel_id"] == channel_id and not m.only_for and after < int(m.id) < before
        ]
        found.sort(key=lambda m: int(m.id))
        # `after` selects the oldest of the newer messages; the answer is still newest first.
        found = found[:limit] if "after" in call.query else found[-limit:]
        return 200, [self._world.wire(m) for m in reversed(found)]

    def _get(self, call: Call, channel_id: str, message_id: str) -> Answer:
        return 200, self._world.wire(self._world.message(channel_id, message_id))

    def _edit(self, call: Call, channel_id: str, message_id: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        if message.data["author"]["id"] != APP_ID:
            raise DiscordError(403, 50005, "Cannot edit a message authored by another user")
        check_message({**message.data, **call.body}, has_files=bool(call.files))
        self._world.edit(message, {**call.body, "files": call.files})
        self._gateway.announce("MESSAGE_UPDATE", message)
        return 200, self._world.wire(message)

    def _delete(self, call: Call, channel_id: str, message_id: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        if message.data["author"]["id"] != APP_ID:
            self._refuse_in_dm(channel_id)
        del self._world.messages[message_id]
        self._gateway.announce_gone(message)
        return 204, None

    def _refuse_in_dm(self, channel_id: str) -> None:
        """Raise if the bot acts on others' things in a DM; in the guild it may do all."""
        if channel_id != GENERAL_ID:
            raise DiscordError(403, 50003, "Cannot execute action on this channel type")

    def _react(self, call: Call, channel_id: str, message_id: str, emoji: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        if not objects.is_emoji(emoji):
            raise DiscordError(400, 10014, "Unknown Emoji")
        if self._world.react(message, APP_ID, emoji):
            self._tell("MESSAGE_REACTION_ADD", message, APP_ID, emoji)
        return 204, None

    def _unreact(self, call: Call, channel_id: str, message_id: str, emoji: str) -> Answer:
        return self._take_back(channel_id, message_id, emoji, APP_ID)

    def _remove_reaction(
        self, call: Call, channel_id: str, message_id: str, emoji: str, user_id: str
    ) -> Answer:
        self._refuse_in_dm(channel_id)
        return self._take_back(channel_id, message_id, emoji, user_id)

    def _take_back(self, channel_id: str, message_id: str, emoji: str, user_id: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        if self._world.react(message, user_id, emoji, remove=True):
            self._tell("MESSAGE_REACTION_REMOVE", message, user_id, emoji)
        return 204, None

    def _tell(self, event: str, message: ChatMessage, user_id: str, emoji: str) -> None:
        self._gateway.announce_reaction(event, message, self._world.users[user_id], emoji)

    def _who_reacted(self, call: Call, channel_id: str, message_id: str, emoji: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        after, limit = int(call.query.get("after", 0)), int(call.query.get("limit", 25))
        given = message.supers if call.query.get("type") == "1" else message.reactions
        ids = sorted((u for u in given.get(emoji, []) if int(u) > after), key=int)
        return 200, [self._world.users[user_id] for user_id in ids[:limit]]

    def _clear_reactions(self, call: Call, channel_id: str, message_id: str) -> Answer:
        message = self._world.message(channel_id, message_id)
        self._refuse_in_dm(channel_id)
        message.reactions.clear()
        gone = {"channel_id": channel_id, "message_id": message_id, "guild_id": GUILD_ID}
        self._gateway.dispatch("MESSAGE_REACTION_REMOVE_ALL", gone)
        return 204, None
