"""A person's actions in the sandbox, as plain HTTP: for the page, and for scripts.

POST bodies and all answers are JSON; an impossible request gets 400 with {"error": sentence}.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from bot.errors import BotError, UserError
from sandbox.discord import LoopbackDiscord, Where
from sandbox.interactions import DEFAULT_LOCALE, Interaction
from sandbox.objects import GENERAL_ID, Json
from sandbox.rules import DiscordError

TICK_S = 2.0  # the timeline changes without an event, so the page looks again this often
SETTLE_S = 0.05  # several changes at once make one event

Timeline = Callable[[], Awaitable[list[Json]]]


class Body:
    """The JSON object of a POST, read key by key. Raises UserError for a missing or wrong one."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise UserError('Send a JSON object, for example {"user": "alice"}.')
        self._data: Json = data

    def text(self, key: str, default: str | None = None) -> str:
        """A text, required unless it has a default; a number counts as its text."""
        value = self._data.get(key, default)
        if not isinstance(value, str | int) or (value == "" and default is None):
            raise UserError(f"The request lacks {key!r}.")
        return str(value)

    def object(self, key: str) -> Json | None:
        """An optional JSON object."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, dict):
            raise UserError(f"{key!r} must be a JSON object.")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """An optional true or false."""
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise UserError(f"{key!r} must be true or false.")
        return value

    def texts(self, key: str) -> list[str] | None:
        """An optional list of texts."""
        value = self._data.get(key)
        if value is not None and not isinstance(value, list):
            raise UserError(f"{key!r} must be a list.")
        return value and [str(item) for item in value]

    @property
    def where(self) -> Where:
        """The channel a command is typed in."""
        channel = self._data.get("channel", "guild")
        if channel not in ("guild", "dm"):
            raise UserError(f"'channel' must be 'guild' or 'dm', not {channel!r}.")
        return "dm" if channel == "dm" else "guild"


Act = Callable[[Body], Awaitable[Json]]
Look = Callable[[web.Request], Awaitable[object]]


class PeopleApi:
    """The routes under /sandbox/api."""

    def __init__(
        self, discord: LoopbackDiscord, timeline: Timeline, mastodon: Callable[[], Json]
    ) -> None:
        self._discord = discord
        self._timeline = timeline
        self._mastodon = mastodon  # its address, and the names of its accounts

    def routes(self) -> list[web.RouteDef]:
        """All routes."""
        acts: Mapping[str, Act] = {
            "slash": self._slash,
            "menu": self._menu,
            "react": self._react,
            "click": self._click,
            "submit": self._submit,
            "autocomplete": self._autocomplete,
            "say": self._say,
            "locale": self._set_locale,
            "close-dms": self._close_dms,
        }
        looks: Mapping[str, Look] = {
            "messages": self._messages,
            "timeline": self._read_timeline,
            "commands": self._commands,
            "state": self._state,
            "interactions/{id}": self._interaction,
        }
        return [
            *(web.post(f"/sandbox/api/{name}", _acting(act)) for name, act in acts.items()),
            *(web.get(f"/sandbox/api/{name}", _looking(look)) for name, look in looks.items()),
            web.get("/sandbox/api/events", self._events),
        ]

    # What a person does.

    async def _slash(self, body: Body) -> Json:
        record = await self._discord.slash(
            body.text("user"), body.text("command"), body.object("options"), where=body.where
        )
        return {"interaction_id": record.id}

    async def _menu(self, body: Body) -> Json:
        user, command, target = body.text("user"), body.text("command"), body.text("target")
        return {"interaction_id": (await self._discord.menu(user, command, target)).id}

    async def _react(self, body: Body) -> Json:
        changed = await self._discord.react(
            body.text("user"),
            body.text("message_id"),
            body.text("emoji"),
            remove=body.flag("remove"),
        )
        return {"changed": changed}

    async def _click(self, body: Body) -> Json:
        user, fields = body.text("user"), body.object("fields")
        record = await self._discord.click(
            user, body.text("message_id"), body.text("custom_id"), body.texts("values")
        )
        await self._discord.answer_to(record)
        about = _about(record)
        if fields is None:
            return about
        if record.modal is None:
            raise UserError("The click was sent, but the bot opened no form for it to fill in.")
        submitted = await self._discord.submit(user, record, fields)
        return {"interaction_id": submitted.id, "clicked_id": record.id}

    async def _submit(self, body: Body) -> Json:
        record = await self._discord.submit(
            body.text("user"), body.text("interaction_id"), body.object("fields") or {}
        )
        return {"interaction_id": record.id}

    async def _autocomplete(self, body: Body) -> Json:
        choices = await self._discord.autocomplete(
            body.text("user"),
            body.text("command"),
            body.text("option"),
            body.text("value", default=""),
            body.object("options"),
            where=body.where,
        )
        return {"choices": choices}

    async def _say(self, body: Body) -> Json:
        user, text = body.text("user"), body.text("text")
        return await self._discord.say(user, text, where=body.where)

    async def _set_locale(self, body: Body) -> Json:
        locale = body.text("locale")
        self._discord.set_locale(body.text("user"), locale)
        return {"locale": locale}

    async def _close_dms(self, body: Body) -> Json:
        closed = body.flag("closed", default=True)
        self._discord.close_dms(body.text("user"), closed=closed)
        return {"closed": closed}

    # What a person sees.

    async def _messages(self, request: web.Request) -> object:
        return self._discord.messages(_user(request))

    async def _read_timeline(self, request: web.Request) -> object:
        return await self._timeline()

    async def _commands(self, request: web.Request) -> object:
        return self._discord.applications.offered()

    async def _state(self, request: web.Request) -> object:
        world = self._discord.world
        return {
            "ready": self._discord.is_ready,
            "bot": world.bot,
            "channel_id": GENERAL_ID,
            "mastodon": self._mastodon(),
            "users": [
                {
                    **person,
                    "name": name,
                    "dm_channel_id": world.dms[person["id"]]["id"],
                    "dms_closed": person["id"] in world.closed_dms,
                    "locale": world.locales.get(person["id"], DEFAULT_LOCALE),
                }
                for name, person in world.people.items()
            ],
            "requests": len(self._discord.log),
            "violations": self._discord.violations,
        }

    async def _interaction(self, request: web.Request) -> object:
        return _about(self._discord.interaction(request.match_info["id"]))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: one whenever there is something new to look at, and every tick."""
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        pulse, count = self._discord.world.pulse, 0
        try:
            while True:
                await response.write(f"data: {count}\n\n".encode())
                await asyncio.sleep(SETTLE_S)
                count = await pulse.after(count, TICK_S)
        except ConnectionError:
            return response  # the page was closed


def _user(request: web.Request) -> str:
    try:
        return request.query["user"]
    except KeyError:
        raise UserError("Say whose messages: ?user=alice") from None


def _about(record: Interaction) -> Json:
    """An interaction as its person sees it."""
    about: Json = {
        "interaction_id": record.id,
        "answered": record.answered is not None,
        "ack_after_s": record.ack_after_s,
    }
    return about | {"modal": record.modal} if record.modal else about


def _acting(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            data = await request.json()
        except ValueError:
            return _refusal("The request's body is no JSON.")
        try:
            return web.json_response(await act(Body(data)))
        except BotError as error:
            return _refusal(str(error))
        except DiscordError as error:
            return _refusal(error.message)

    return answer


def _looking(look: Look) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await look(request))
        except BotError as error:
            return _refusal(str(error))

    return answer


def _refusal(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=400)
