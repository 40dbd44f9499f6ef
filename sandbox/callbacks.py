"""REST routes with which the bot answers an interaction: the callback, then the webhook.

The first answer is due in three seconds and happens once; the token then lasts 15 minutes.
"""

from enum import IntEnum

from sandbox.commands import GROUP, SUBCOMMAND
from sandbox.gateway import Gateway
from sandbox.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from sandbox.objects import APP_ID, Json
from sandbox.rest import Answer, Call, Route, route
from sandbox.rules import DiscordError, check_choices, check_message, check_modal, refuse
from sandbox.world import EPHEMERAL, LOADING, ChatMessage, World

SLASH_ANSWER, REPLY, MENU_ANSWER = 20, 19, 23  # message types


class Kind(IntEnum):
    """Types of callbacks."""

    MESSAGE = 4
    DEFER = 5
    DEFER_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


class Callbacks:
    """The interactions in progress, and the routes that answer them."""

    def __init__(self, world: World, gateway: Gateway, *, ack_s: float, token_s: float) -> None:
        self.interactions: dict[str, Interaction] = {}  # by id
        self._by_token: dict[str, Interaction] = {}
        self._world = world
        self._gateway = gateway
        self._ack_s = ack_s
        self._token_s = token_s

    def routes(self) -> list[Route]:
        """The callback, the original answer, and followups."""
        webhook = "/webhooks/{id}/{token}"
        original = webhook + "/messages/@original"
        return [
            route("POST", "/interactions/{id}/{token}/callback", self._respond),
            route("POST", webhook, self._follow_up),
            route("GET", original, self._get_original),
            route("PATCH", original, self._edit_original),
            route("DELETE", original, self._delete_original),
            route("GET", webhook + "/messages/{id}", self._get),
            route("PATCH", webhook + "/messages/{id}", self._edit),
            route("DELETE", webhook + "/messages/{id}", self._delete),
        ]

    def add(self, interaction: Interaction) -> None:
        """Begin an interaction: the bot has `ack_s` seconds from now."""
        self.interactions[interaction.id] = interaction
        self._by_token[interaction.token] = interaction
        self._gateway.dispatch("INTERACTION_CREATE", interaction.data)

    # The callback.

    def _respond(self, call: Call, interaction_id: str, token: str) -> Answer:
        interaction = self.interactions.get(interaction_id)
        if interaction is None or interaction.token != token:
            raise DiscordError(404, 10062, "Unknown interaction")
        if interaction.answered is not None:
            raise DiscordError(400, 40060, "Interaction has already been acknowledged.")
        age_s = interaction.age_s
        if age_s > self._ack_s:
            raise DiscordError(404, 10062, "Unknown interaction")
        kind, data = call.body.get("type"), call.body.get("data") or {}
        if kind not in _allowed(interaction):
            raise refuse("type", "BASE_TYPE_CHOICES", f"{kind} is no answer to this interaction.")
        resource = self._carry_out(Kind(kind), interaction, {**data, "files": call.files})
        interaction.answered, interaction.ack_after_s = kind, age_s
        if call.query.get("with_response") not in ("1", "true", "True"):
            return 204, None
        message = interaction.original_message if kind in (Kind.MESSAGE, Kind.DEFER) else None
        about: Json = {
            "id": interaction.id,
            "type": interaction.data["type"],
            "response_message_loading": kind == Kind.DEFER,
            "response_message_ephemeral": bool(message and message.only_for),
        }
        if message:
            about["response_message_id"] = message.id
        answer: Json = {"interaction": about}
        return 200, answer | {"resource": resource} if resource else answer

    def _carry_out(self, kind: Kind, interaction: Interaction, data: Json) -> Json | None:
        """Do what the callback says; the resource to answer with, if there is one."""
        clicked = interaction.data.get("message")
        if kind is Kind.CHOICES:
            check_choices(data.get("choices") or [])
            interaction.choices = data.get("choices") or []
        elif kind is Kind.MODAL:
            check_modal(data)
            interaction.modal = {k: v for k, v in data.items() if k != "files"}
        elif kind is Kind.DEFER:
            loading = {"flags": (data.get("flags") or 0) | LOADING}
            interaction.original_message = self._post(interaction, loading)
        elif kind is Kind.MESSAGE:
            check_message(data, has_files=bool(data["files"]))
            message = interaction.original_message = self._post(interaction, data)
            return {"type": kind, "message": self._world.wire(message)}
        elif clicked:
            shown = self._world.messages.get(clicked["id"])
            if shown is None:
                raise DiscordError(404, 10008, "Unknown Message")
            interaction.original_message = shown
            if kind is Kind.UPDATE:
                return {"type": kind, "message": self._change(shown, data)}
        return None

    # The webhook.

    def _follow_up(self, call: Call, app_id: str, token: str) -> Answer:
        interaction = self._find(app_id, token)
        body = {**call.body, "files": call.files}
        check_message(body, has_files=bool(call.files))
        original = interaction.original_message
        if interaction.answered == Kind.DEFER and original and original.data["flags"] & LOADING:
            self._change(original, body)  # the first followup of a 'thinking' answer fills it
            return 200, self._world.wire(original)
        message = self._post(interaction, body)
        interaction.followup_messages.append(message)
        return 200, self._world.wire(message)

    def _find(self, app_id: str, token: str) -> Interaction:
        interaction = self._by_token.get(token)
        if interaction is None or app_id != APP_ID or interaction.answered is None:
            raise DiscordError(404, 10015, "Unknown Webhook")
        if interaction.age_s > self._token_s:
            raise DiscordError(401, 50027, "Invalid Webhook Token")
        return interaction

    def _original(self, app_id: str, token: str) -> ChatMessage:
        message = self._find(app_id, token).original_message
        if message is None or message.id not in self._world.messages:
            raise DiscordError(404, 10008, "Unknown Message")
        return message

    def _message(self, app_id: str, token: str, message_id: str) -> ChatMessage:
        interaction = self._find(app_id, token)
        mine = [interaction.original_message, *interaction.followup_messages]
        for message in mine:
            if message and message.id == message_id and message_id in self._world.messages:
                return message
        raise DiscordError(404, 10008, "Unknown Message")

    def _get_original(self, call: Call, app_id: str, token: str) -> Answer:
        return 200, self._world.wire(self._original(app_id, token))

    def _edit_original(self, call: Call, app_id: str, token: str) -> Answer:
        return 200, self._change(self._original(app_id, token), call.body, call)

    def _delete_original(self, call: Call, app_id: str, token: str) -> Answer:
        return self._remove(self._original(app_id, token))

    def _get(self, call: Call, app_id: str, token: str, message_id: str) -> Answer:
        return 200, self._world.wire(self._message(app_id, token, message_id))

    def _edit(self, call: Call, app_id: str, token: str, message_id: str) -> Answer:
        return 200, self._change(self._message(app_id, token, message_id), call.body, call)

    def _delete(self, call: Call, app_id: str, token: str, message_id: str) -> Answer:
        return self._remove(self._message(app_id, token, message_id))

    # Used by both.

    def _post(self, interaction: Interaction, body: Json) -> ChatMessage:
        is_ephemeral = bool((body.get("flags") or 0) & EPHEMERAL)
        message = self._world.post(
            interaction.channel,
            self._world.bot,
            {
                **body,
                "type": _message_type(interaction),
                "webhook_id": APP_ID,
                "interaction_metadata": _metadata(interaction),
            },
            only_for=interaction.user["id"] if is_ephemeral else None,
        )
        self._gateway.announce("MESSAGE_CREATE", message)
        return message

    def _change(self, message: ChatMessage, body: Json, call: Call | None = None) -> Json:
        check_message({**message.data, **body}, has_files=bool(call and call.files))
        files = call.files if call else body.get("files") or []
        self._world.edit(message, {**body, "files": files})
        self._gateway.announce("MESSAGE_UPDATE", message)
        return self._world.wire(message)

    def _remove(self, message: ChatMessage) -> Answer:
        del self._world.messages[message.id]
        self._gateway.announce_gone(message)
        return 204, None


def _allowed(interaction: Interaction) -> set[Kind]:
    """Which callbacks answer which interaction."""
    kind = interaction.data["type"]
    if kind == AUTOCOMPLETE:
        return {Kind.CHOICES}
    allowed = {Kind.MESSAGE, Kind.DEFER}
    if kind in (COMMAND, COMPONENT):
        allowed.add(Kind.MODAL)
    if kind == COMPONENT or (kind == MODAL_SUBMIT and "message" in interaction.data):
        allowed |= {Kind.UPDATE, Kind.DEFER_UPDATE}
    return allowed


def _metadata(interaction: Interaction) -> Json:
    """A message's metadata about the interaction it answers."""
    event = interaction.data
    metadata: Json = {
        "id": interaction.id,
        "type": event["type"],
        "user": interaction.user,
        "authorizing_integration_owners": event["authorizing_integration_owners"],
    }
    if event["type"] == COMMAND:
        metadata["name"] = _full_name(event["data"])  # undocumented; clients show it
    return metadata


def _full_name(data: Json) -> str:
    """A command's name, with those of the group and the subcommand that were used."""
    inside = [o for o in data.get("options", []) if o["type"] in (SUBCOMMAND, GROUP)]
    return " ".join([data["name"], *map(_full_name, inside)])


def _message_type(interaction: Interaction) -> int:
    if interaction.data["type"] != COMMAND:
        return REPLY if "message" in interaction.data else 0
    return SLASH_ANSWER if interaction.data["data"]["type"] == 1 else MENU_ANSWER
