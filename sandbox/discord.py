"""A loopback Discord: REST v10 and gateway v10 over real sockets, and the people who use it.

The bot only ever sees the wire; a test or the page acts as the people through the methods here.
world.py holds the state, gateway.py the events, rest.py the door of the REST API with channels.py,
applications.py and callbacks.py behind it, rules.py Discord's refusals.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from aiohttp import web

from bot.errors import UserError
from sandbox import commands, forms
from sandbox.applications import Applications
from sandbox.callbacks import Callbacks
from sandbox.channels import Channels
from sandbox.commands import MESSAGE_MENU, USER_MENU
from sandbox.gateway import Gateway
from sandbox.interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    Interaction,
    new_interaction,
)
from sandbox.objects import APP_ID, GENERAL_ID, Json, is_emoji
from sandbox.rest import API, Call, Rest, Validator
from sandbox.rules import DISCORD_LOCALES
from sandbox.world import World

Where = Literal["guild", "dm"]
T = TypeVar("T")

# A bot's token begins with its id; the rest of this one is no secret.
BOT_TOKEN = base64.b64encode(APP_ID.encode()).decode().rstrip("=") + ".sandbox.not-a-secret"


class LoopbackDiscord:
    """Discord for one bot, in memory. The owner of the sockets serves `routes`."""

    def __init__(
        self,
        *,
        token: str = BOT_TOKEN,
        people: Sequence[str] = ("alice", "bob"),
        ack_s: float = 3.0,
        token_s: float = 900.0,
        heartbeat_s: float = 41.25,
        approved_intents: int = 0,
        validator: Validator | None = None,
    ) -> None:
        self.token = token
        self.ack_s = ack_s
        self.world = World(people)
        self.gateway = Gateway(
            self.world, token, heartbeat_s=heartbeat_s, approved_intents=approved_intents
        )
        self.applications = Applications(self.world)
        self.callbacks = Callbacks(self.world, self.gateway, ack_s=ack_s, token_s=token_s)
        channels = Channels(self.world, self.gateway)
        routes = [*channels.routes(), *self.applications.routes(), *self.callbacks.routes()]
        self.rest = Rest(token, routes, validator, self.world.pulse)
        self.faults = self.rest.faults
        self.fail = self.faults.fail

    def routes(self) -> list[web.RouteDef]:
        """The aiohttp routes of the REST API and of the gateway."""
        return [
            web.route("*", API + "/{path:.*}", self.rest.serve),
            web.get("/gw/", self.gateway.serve),
            web.get("/cdn/attachments/{channel}/{id}/{name}", self._attachment),
        ]

    def listen_at(self, url: str) -> None:
        """Set the gateway's address for the bot, once the port is known."""
        self.gateway.resume_url = url.replace("http", "ws", 1) + "/gw/"
        self.applications.gateway_url = self.gateway.resume_url
        self.world.cdn_url = url + "/cdn"

    @property
    def log(self) -> list[Call]:
        """Every request of the bot, oldest first."""
        return self.rest.log

    @property
    def violations(self) -> list[str]:
        """All requests of the bot that Discord would have refused as malformed."""
        return self.rest.violations

    @property
    def people(self) -> dict[str, Json]:
        """The people by name."""
        return self.world.people

    @property
    def is_ready(self) -> bool:
        """The bot is connected and has synced its commands."""
        return self.gateway.is_ready and self.applications.is_synced

    # What people do.

    async def slash(
        self,
        user: str,
        command: str,
        given: Mapping[str, object] | None = None,
        /,
        *,
        where: Where = "guild",
        **options: object,
    ) -> Interaction:
        """Use a slash command; the record fills as the bot answers. Raises UserError."""
        person, in_dm = self.world.person(user), where == "dm"
        given = {**(given or {}), **options}
        chosen = commands.choose_command(self.applications.offered(), command, given, in_dm=in_dm)
        data = commands.fill(chosen, given, self.world.person)
        return self._begin(COMMAND, person, data, in_dm, chosen.command)

    async def menu(self, user: str, command: str, target: str | Json) -> Interaction:
        """Use a context-menu command on a message, or on a person."""
        person = self.world.person(user)
        target_id = _id(target)
        if target_id in self.world.messages:
            message = self.world.seen(person, target_id)
            in_dm = message.data["channel_id"] != GENERAL_ID
            kind, resolved = MESSAGE_MENU, {"messages": {target_id: self.world.wire(message)}}
        else:
            other, in_dm = self.world.person(target_id), False
            target_id = other["id"]
            kind, resolved = USER_MENU, {"users": {target_id: other}}
        offered = self.applications.offered()
        found = commands.find_command(offered, command, kind, in_dm=in_dm)
        about = {"id": found["id"], "name": command, "type": kind}
        data = about | {"target_id": target_id, "resolved": resolved}
        return self._begin(COMMAND, person, data, in_dm, found)

    async def autocomplete(
        self,
        user: str,
        command: str,
        option: str,
        value: str,
        given: Mapping[str, object] | None = None,
        *,
        where: Where = "guild",
    ) -> list[Json]:
        """The suggestions for the text typed so far; empty if the bot does not answer in time."""
        person, in_dm = self.world.person(user), where == "dm"
        given = dict(given or {})
        names = {option: value, **given}
        chosen = commands.choose_command(self.applications.offered(), command, names, in_dm=in_dm)
        data = commands.fill_focused(chosen, option, value, given)
        record = self._begin(AUTOCOMPLETE, person, data, in_dm, chosen.command)
        await self.answer_to(record)
        return record.choices or []

    async def click(
        self,
        user: str,
        message: str | Json,
        custom_id: str,
        values: list[str] | None = None,
    ) -> Interaction:
        """Click a button, or choose from a menu. Raises UserError if it cannot be clicked."""
        person = self.world.person(user)
        seen = self.world.seen(person, _id(message))
        component = forms.find_clickable(seen.data, custom_id)
        record = new_interaction(
            self.world,
            COMPONENT,
            person,
            forms.click_data(component, values),
            in_dm=seen.data["channel_id"] != GENERAL_ID,
            message=seen,
        )
        self.callbacks.add(record)
        return record

    async def submit(
        self, user: str, opened_by: Interaction | str, fields: Mapping[str, str] | None = None
    ) -> Interaction:
        """Fill in and send the modal that an interaction opened."""
        person = self.world.person(user)
        record = opened_by if isinstance(opened_by, Interaction) else self.interaction(opened_by)
        if record.modal is None or record.user["id"] != person["id"]:
            raise UserError("This interaction opened no form for this person.")
        message_id = record.data.get("message", {}).get("id")
        submitted = new_interaction(
            self.world,
            MODAL_SUBMIT,
            person,
            forms.submission(record.modal, fields or {}),
            in_dm="guild_id" not in record.data,
            message=self.world.messages.get(message_id),
        )
        self.callbacks.add(submitted)
        return submitted

    async def react(
        self, user: str, message: str | Json, emoji: str, *, remove: bool = False
    ) -> bool:
        """React to a message, or take a reaction back; False if that changes nothing."""
        person = self.world.person(user)
        seen = self.world.seen(person, _id(message))
        if seen.only_for:
            raise UserError("Nobody can react to a message that only they can see.")
        if not is_emoji(emoji):
            raise UserError(f"{emoji!r} is no emoji.")
        # Scripts write keycaps with or without the variation selector; a client clicks the pill.
        same = [key for key in seen.reactions if _plain(key) == _plain(emoji)]
        key = same[0] if same else emoji
        has_changed = self.world.react(seen, person["id"], key, remove=remove)
        if has_changed:
            event = "MESSAGE_REACTION_REMOVE" if remove else "MESSAGE_REACTION_ADD"
            self.gateway.announce_reaction(event, seen, person, key)
        return has_changed

    async def say(self, user: str, text: str, *, where: Where = "dm") -> Json:
        """Write a message, in the DM with the bot or in #general."""
        person = self.world.person(user)
        channel = self.world.dms[person["id"]] if where == "dm" else self.world.general
        message = self.world.post(channel, person, {"content": text})
        self.gateway.announce("MESSAGE_CREATE", message)
        return self.world.wire(message, person["id"])

    def close_dms(self, user: str, *, closed: bool = True) -> None:
        """Let a person refuse DMs, or take them again."""
        person_id = self.world.person(user)["id"]
        if closed:
            self.world.closed_dms.add(person_id)
        else:
            self.world.closed_dms.discard(person_id)

    def set_locale(self, user: str, locale: str) -> None:
        """Change the language of a person's Discord, for all they do from now on."""
        if locale not in DISCORD_LOCALES:
            raise UserError(
                f"Discord has no language {locale!r}. It has: {sorted(DISCORD_LOCALES)}."
            )
        self.world.locales[self.world.person(user)["id"]] = locale
        self.world.pulse.beat()

    # What people see.

    def dm_messages(self, user: str) -> list[Json]:
        """All messages of this person's DM with the bot, oldest first."""
        person = self.world.person(user)
        channel_id = self.world.dms[person["id"]]["id"]
        return [m for m in self.world.history(person) if m["channel_id"] == channel_id]

    def messages(self, user: str) -> list[Json]:
        """All this person sees: DMs, the guild's channel, their own ephemeral answers."""
        return self.world.history(self.world.person(user))

    async def _attachment(self, request: web.Request) -> web.Response:
        """An attachment's content, as Discord's CDN hands it out."""
        content = self.world.files.get(request.match_info["id"])
        if content is None:
            raise web.HTTPNotFound
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return web.Response(body=content, headers=headers)

    def interaction(self, interaction_id: str) -> Interaction:
        """The record of an interaction. Raises UserError if there is none."""
        try:
            return self.callbacks.interactions[interaction_id]
        except KeyError:
            raise UserError(f"There is no interaction {interaction_id}.") from None

    async def answer_to(self, record: Interaction) -> bool:
        """Wait for the first answer; False if the bot missed the deadline."""
        pulse = self.world.pulse
        count = pulse.count
        while record.answered is None and (left_s := self.ack_s - record.age_s) > 0:
            count = await pulse.after(count, left_s)
        return record.answered is not None

    async def until(self, predicate: Callable[[], T | None], timeout_s: float = 10.0) -> T:
        """The first truthy value of `predicate`. Raises a TimeoutError with the last calls."""
        end = time.monotonic() + timeout_s
        while not (value := predicate()):
            if time.monotonic() > end:
                calls = "; ".join(f"{c.method} {c.path} {c.status}" for c in self.log[-6:])
                raise TimeoutError(f"Not within {timeout_s} s. The bot's last calls: {calls}")
            await asyncio.sleep(0.01)
        return value

    def _begin(
        self, kind: int, person: Json, data: Json, in_dm: bool, command: Json
    ) -> Interaction:
        record = new_interaction(
            self.world,
            kind,
            person,
            data,
            in_dm=in_dm,
            installs=command["integration_types"],
        )
        self.callbacks.add(record)
        return record


def _id(thing: str | Json) -> str:
    return str(thing["id"]) if isinstance(thing, dict) else str(thing)


def _plain(emoji: str) -> str:
    return emoji.replace("\ufe0f", "")
