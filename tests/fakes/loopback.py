"""Makes a fake listen on a free port of this machine."""

from aiohttp import web


async def listen(app: web.Application) -> tuple[web.AppRunner, str]:
    """Serve an application; what to clean up, and its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"
