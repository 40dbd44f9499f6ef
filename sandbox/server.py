"""The sandbox: the loopback Discord, a Mastodon and a page, to try and to test the bot.

Everything is in memory and on loopback. The bot itself is not part of it: point one at `url`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, web
from mastodon_mock.config import DatabaseConfig, MastodonMockConfig, SeedAccount, SeedConfig

from bot.errors import Unavailable
from sandbox import openapi
from sandbox.api import PeopleApi
from sandbox.bluesky import as_statuses
from sandbox.discord import BOT_TOKEN, LoopbackDiscord
from sandbox.mastodon import LoopbackMastodon
from sandbox.objects import Json
from sandbox.pds import LoopbackPds

PAGE = Path(__file__).with_name("page")
MASTODON_TOKEN = "sandbox-mastodon-token"  # noqa: S105  opens nothing but the mock
EVERYWHERE = "0.0.0.0"  # noqa: S104  compared with, not bound: a container asks for it
STOP_S = 1.0  # how long open requests may take to end

# The page needs nothing from elsewhere, and a script smuggled into a post does not run.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'",
    "Cache-Control": "no-cache",
}


class Sandbox:
    """One place to try the bot: start it, point the bot at `url` and `mastodon_url`."""

    def __init__(
        self,
        *,
        token: str = BOT_TOKEN,
        people: Sequence[str] = ("alice", "bob"),
        ack_s: float = 3.0,
        token_s: float = 900.0,
        heartbeat_s: float = 41.25,
        approved_intents: int = 0,
        with_mastodon: bool = True,
    ) -> None:
        self.discord = LoopbackDiscord(
            token=token,
            people=people,
            ack_s=ack_s,
            token_s=token_s,
            heartbeat_s=heartbeat_s,
            approved_intents=approved_intents,
            validator=openapi.load_openapi(),
        )
        self.token = token
        self.people = self.discord.people
        self.url = ""
        # "you" is the bot's own; everybody but the first person has one to connect
        self.mastodon_tokens = {"you": MASTODON_TOKEN} | {
            name: f"{MASTODON_TOKEN}-{name}" for name in list(people)[1:]
        }
        config = _mastodon_config(self.mastodon_tokens)
        self.mastodon = LoopbackMastodon(config=config) if with_mastodon else None
        # the same people on Bluesky; the operator's is set, the others connect with what is shown
        handles = [f"{name}.test" for name in self.mastodon_tokens]
        self.bluesky = LoopbackPds(dict.fromkeys(handles, "main-password"))
        self.app_passwords = {name: self.bluesky.add_app_password(name) for name in handles}
        self.mastodon_url = ""
        self.mastodon_token = MASTODON_TOKEN
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; port 0 takes a free one. Raises Unavailable if the port is taken."""
        api = PeopleApi(self.discord, self.timeline, self.describe_mastodon)
        app = web.Application(client_max_size=64 << 20)
        pages = [web.get("/", _page), web.get("/@{account}/{status}", _status_page)]
        app.add_routes([*self.discord.routes(), *api.routes(), *pages])
        app.router.add_static("/page/", PAGE)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as e:
            await runner.cleanup()
            raise Unavailable(
                f"The sandbox cannot listen at {host}:{port} ({e.strerror})."
                " Stop what uses that port, or choose another with SANDBOX_PORT."
            ) from e
        self._runner = runner
        reachable = "127.0.0.1" if host == EVERYWHERE else host
        self.url = f"http://{reachable}:{runner.addresses[0][1]}"
        self.discord.listen_at(self.url)
        await self.bluesky.start(reachable)
        if self.mastodon:
            await asyncio.to_thread(self.mastodon.start)
            self.mastodon_url = self.mastodon.base_url
            # The mock serves no page for a status, so its links lead to ours.
            self.mastodon.config.domain = self.url.removeprefix("http://")

    @property
    def environment(self) -> dict[str, str]:
        """Settings for a bot process in this sandbox; the first person is its operator."""
        operator = next(iter(self.people.values()))
        return {
            "DISCORD_API_URL": self.url,
            "DISCORD_TOKEN": self.token,
            "OWNER_IDS": operator["id"],
            "MASTODON_BASE_URL": self.mastodon_url,
            "MASTODON_ACCESS_TOKEN": self.mastodon_token,
            "MASTODON_PRIVATE_INSTANCES": self.mastodon_url,
            "BLUESKY_HANDLE": "you.test",
            "BLUESKY_APP_PASSWORD": self.app_passwords["you.test"],
            "BLUESKY_PRIVATE_SERVERS": self.bluesky.url,
        }

    async def stop(self) -> None:
        """Close every connection and both servers."""
        await self.discord.gateway.drop(1001)
        if self._runner:
            await self._runner.cleanup()
        await self.bluesky.stop()
        if self.mastodon:
            await asyncio.to_thread(self.mastodon.stop)

    async def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return once the bot is connected and its commands are synced; else TimeoutError."""
        await self.discord.until(lambda: self.discord.is_ready, timeout_s)

    def describe_mastodon(self) -> Json:
        """The Mastodon's address, its accounts, and those on Bluesky with their app passwords."""
        return {
            "url": self.mastodon_url,
            "accounts": list(self.mastodon_tokens),
            "bluesky": self.app_passwords,
        }

    async def timeline(self) -> list[Json]:
        """All statuses of the sandbox's accounts, on Mastodon and on Bluesky, newest first."""
        found, there = await self._mastodons(), as_statuses(self.bluesky)
        if not there:
            return found
        return sorted(found + there, key=_when, reverse=True)

    async def _mastodons(self) -> list[Json]:
        if not self.mastodon_url:
            return []
        found: list[Json] = []
        try:
            async with ClientSession(self.mastodon_url) as http:
                for token in self.mastodon_tokens.values():
                    account = await _get(http, "/api/v1/accounts/verify_credentials", token)
                    path = f"/api/v1/accounts/{account['id']}/statuses?limit=40"
                    found += await _get(http, path, token)
        except ClientError as e:
            raise Unavailable("The sandbox's Mastodon does not answer. Try again.") from e
        return sorted(found, key=lambda status: int(status["id"]), reverse=True)


def _when(status: Json) -> datetime:
    return datetime.fromisoformat(status["created_at"])


def _mastodon_config(tokens: Mapping[str, str]) -> MastodonMockConfig:
    accounts = [
        SeedAccount(
            username=name,
            display_name="Your account" if name == "you" else name.title(),
            access_token=token,
        )
        for name, token in tokens.items()
    ]
    return MastodonMockConfig(
        title="Sandbox Mastodon",
        url_scheme="http",
        database=DatabaseConfig(path=":memory:"),
        seed=SeedConfig(accounts=accounts),
    )


async def _get(http: ClientSession, path: str, token: str) -> Any:  # Any: Mastodon's JSON
    async with http.get(path, headers={"Authorization": f"Bearer {token}"}) as response:
        response.raise_for_status()
        return await response.json()


async def _page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html", headers=PAGE_HEADERS)


async def _status_page(request: web.Request) -> web.Response:
    """The target of a status's link: the same page, at that status."""
    raise web.HTTPFound(f"/#status-{request.match_info['status']}")
