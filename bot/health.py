"""/health and /metrics over HTTP, for an operator's watch; opt-in, on loopback by default.

/health is 200 while the bot can do its work and 503 otherwise, with a sentence for each part.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import monotonic

import prometheus_client
import structlog
from aiohttp import web

from bot import metrics
from bot.chat.client import Bot
from bot.errors import BotError, ConfigError

log = structlog.stdlib.get_logger(__name__)

LOOK_AGAIN_S = 15.0  # the model's server gets no more requests than that, however many come here
_PATIENCE_S = 5.0


class Health:
    """Checks whether the bot can do its work."""

    def __init__(self, bot: Bot, check_engine: Callable[[], Awaitable[None]]) -> None:
        self._bot = bot
        self._store = bot.drafting.store
        self._check_engine = check_engine
        self._engine = ""
        self._engine_looked_s: float | None = None

    async def look(self) -> dict[str, str]:
        """The fault of each part; empty for one that is well."""
        found = {
            "gateway": self._gateway(),
            "database": await _sentence(self._write()),
            "engine": await self._ask_engine(),
        }
        for part, wrong in found.items():
            metrics.UP.labels(part).set(not wrong)
        return found

    async def measure(self) -> None:
        """Set the figures that are measured at each look."""
        await self.look()
        metrics.GATEWAY_SECONDS.set(self._bot.latency)
        for state, count in (await self._store.drafts.census()).items():
            metrics.DRAFTS.labels(state).set(count)

    def _gateway(self) -> str:
        if self._bot.work.is_stopping:
            return "The bot is stopping."
        return "" if self._bot.is_connected else "The bot is not connected to Discord."

    async def _write(self) -> None:
        """Write something: only that shows a full or read-only disk."""
        await self._store.set_note("health", str(monotonic()))

    async def _ask_engine(self) -> str:
        looked_s = self._engine_looked_s
        if looked_s is None or monotonic() - looked_s > LOOK_AGAIN_S:
            self._engine_looked_s = monotonic()
            self._engine = await _sentence(self._check_engine())
        return self._engine


@asynccontextmanager
async def serving(health: Health, host: str, port: int) -> AsyncIterator[str]:
    """Serve; yields the address. Raises ConfigError if it cannot listen there."""

    async def show_health(_: web.Request) -> web.Response:
        found = await health.look()
        return web.json_response(
            {part: wrong or "well" for part, wrong in found.items()},
            status=503 if any(found.values()) else 200,
        )

    async def show_metrics(_: web.Request) -> web.Response:
        await health.measure()
        kind = {"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        return web.Response(body=prometheus_client.generate_latest(), headers=kind)

    app = web.Application()
    app.add_routes([web.get("/health", show_health), web.get("/metrics", show_metrics)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as e:
            raise ConfigError(
                f"Nothing can listen at {host}:{port} ({e.strerror})."
                " Set METRICS_PORT to a free port, or to nothing."
            ) from e
        url = f"http://{host}:{runner.addresses[0][1]}"
        log.info("health and metrics", url=url)
        yield url
    finally:
        await runner.cleanup()


async def _sentence(check: Awaitable[None]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check
    except TimeoutError:
        return "It does not answer."
    except BotError as e:
        return str(e)
    except Exception as e:  # the failure is the finding, whatever it is
        log.warning("a health check failed", exc_info=e)
        return f"It fails ({type(e).__name__})."
    return ""
