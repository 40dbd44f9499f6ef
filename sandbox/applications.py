"""REST routes about the bot itself, its commands, the users and the guild."""

from sandbox import objects
from sandbox.objects import APP_ID, GUILD_ID, Json
from sandbox.rest import Answer, Call, Route, route
from sandbox.rules import DiscordError, check_commands
from sandbox.world import World


class Applications:
    """The bot's application, and the commands it synced."""

    def __init__(self, world: World) -> None:
        self.commands: list[Json] = []  # global ones
        self.guild_commands: list[Json] = []
        self.is_synced = False  # the bot put its global commands, or looked and found them right
        self.settings: Json = {}  # changes made on its page in the developer portal
        self.gateway_url = ""
        self._world = world

    def routes(self) -> list[Route]:
        """Every route about applications, users, the guild and the gateway's address."""
        everywhere = "/applications/{id}/commands"
        in_guild = "/applications/{id}/guilds/{id}/commands"
        return [
            route("GET", "/users/@me", self._me),
            route("GET", "/users/{id}", self._user),
            route("GET", "/users/@me/guilds", self._guilds),
            route("GET", "/oauth2/applications/@me", self._application),
            route("GET", "/applications/@me", self._application),
            route("GET", "/gateway", self._gateway),
            route("GET", "/gateway/bot", self._gateway),
            route("GET", "/guilds/{id}", self._guild),
            route("GET", "/guilds/{id}/channels", self._guild_channels),
            route("GET", "/guilds/{id}/members/{id}", self._member),
            route("GET", everywhere, self._list),
            route("PUT", everywhere, self._overwrite),
            route("GET", in_guild, self._list),
            route("PUT", in_guild, self._overwrite),
        ]

    def offered(self) -> list[Json]:
        """The commands people can use, including those of the guild."""
        return [*self.commands, *self.guild_commands]

    def _me(self, call: Call) -> Answer:
        about = {"verified": True, "mfa_enabled": False, "locale": "en-US", "email": None}
        return 200, self._world.bot | about

    def _user(self, call: Call, user_id: str) -> Answer:
        if user_id not in self._world.users:
            raise DiscordError(404, 10013, "Unknown User")
        return 200, self._world.users[user_id]

    def _application(self, call: Call) -> Answer:
        return 200, objects.application(self._world.bot) | self.settings

    def _gateway(self, call: Call) -> Answer:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return 200, {"url": self.gateway_url, "shards": 1, "session_start_limit": limit}

    def _guilds(self, call: Call) -> Answer:
        guild = self._world.guild
        return 200, [{key: guild[key] for key in ("id", "name", "icon", "features")}]

    def _guild(self, call: Call, guild_id: str) -> Answer:
        self._know_guild(guild_id)
        return 200, self._world.guild

    def _guild_channels(self, call: Call, guild_id: str) -> Answer:
        self._know_guild(guild_id)
        return 200, self._world.guild["channels"]

    def _member(self, call: Call, guild_id: str, user_id: str) -> Answer:
        self._know_guild(guild_id)
        if user_id not in self._world.users:
            raise DiscordError(404, 10007, "Unknown Member")
        return 200, objects.member(self._world.users[user_id])

    def _know_guild(self, guild_id: str) -> None:
        if guild_id != GUILD_ID:
            raise DiscordError(404, 10004, "Unknown Guild")

    def _list(self, call: Call, app_id: str, guild_id: str | None = None) -> Answer:
        self._know_application(app_id)
        if guild_id:
            return 200, self.guild_commands
        self.is_synced = bool(self.commands)
        return 200, self.commands

    def _overwrite(self, call: Call, app_id: str, guild_id: str | None = None) -> Answer:
        self._know_application(app_id)
        if not isinstance(call.json, list):
            raise DiscordError(400, 50109, "The request body contains invalid JSON.")
        check_commands(call.json)
        old = self.guild_commands if guild_id else self.commands
        ids = {(command["type"], command["name"]): command["id"] for command in old}
        new = [self._command(command, ids, guild_id) for command in call.json]
        if guild_id:
            self._know_guild(guild_id)
            self.guild_commands = new
        else:
            self.commands, self.is_synced = new, True
        return 200, new

    def _command(self, sent: Json, ids: dict[tuple[int, str], str], guild_id: str | None) -> Json:
        kind = sent.get("type", 1)
        command: Json = {
            "description": "",
            "default_member_permissions": None,
            "nsfw": False,
            **sent,
            "integration_types": sent.get("integration_types") or [0],
            "id": ids.get((kind, sent["name"])) or self._world.ids.next(),
            "type": kind,
            "application_id": APP_ID,
            "version": self._world.ids.next(),
        }
        return command | {"guild_id": guild_id} if guild_id else command

    def _know_application(self, app_id: str) -> None:
        if app_id != APP_ID:
            raise DiscordError(403, 20012, "You are not authorized to perform this action")
