"""`sandbox`: starts the sandbox package, and the bot as a child inside it."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.arguments import add_voice, chosen, port
from bot.commands.signals import signalled
from bot.errors import ConfigError

if TYPE_CHECKING:
    from sandbox.server import Sandbox

DEFAULT_PORT = 8350
READY_S = 120
DESCRIPTION = """\
Starts a Discord, a Mastodon and a Bluesky of its own, a page to use them
with, and the bot in between. All of it is on this machine, and forgotten at
the end unless --database names a file: no account is needed, and the accounts
of .env are not used. It needs a trained voice."""
EXAMPLES = """\
examples:
  python -m bot sandbox --voice me
  python -m bot sandbox --voice me --port 9000 --database trial.db"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option(
        "--port",
        type=port,
        metavar="N",
        help="port of the page on 127.0.0.1; 0 takes a free one"
        f" (default: the variable SANDBOX_PORT, or {DEFAULT_PORT})",
    )
    option(
        "--database",
        type=Path,
        metavar="FILE",
        help="keep drafts in this file for the next time (default: they are forgotten)",
    )
    add_voice(parser)


async def run(args: argparse.Namespace) -> int:
    """Start everything, say where the page is, and wait for the end."""
    page_port = _port() if args.port is None else args.port
    try:
        from sandbox.server import Sandbox
    except ModuleNotFoundError as e:
        raise ConfigError(
            f"The sandbox is not installed here ({e}): the bot's Docker image is without it. In a"
            " clone of the project, `make install` installs it, and `make demo` starts it."
        ) from e
    from bot.writing.composing import OpenVoice

    voice = chosen(args).voice_folder()
    OpenVoice.load(voice)  # a missing voice is said here, not in the child's log
    world = Sandbox()
    await world.start(port=page_port)
    with tempfile.TemporaryDirectory() as scratch:
        environment = {
            **os.environ,
            **world.environment,
            "VOICES": str(voice.parent),
            "VOICE": voice.name,
            "DATABASE": str(args.database or Path(scratch) / "bot.db"),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        }
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"), env=environment
        )
        try:
            return await _attend(world, child)
        finally:
            if child.returncode is None:
                child.terminate()
                await child.wait()
            await world.stop()


def _port() -> int:
    """The port in SANDBOX_PORT. Raises ConfigError."""
    try:
        return port(os.environ.get("SANDBOX_PORT") or str(DEFAULT_PORT))
    except argparse.ArgumentTypeError as e:
        raise ConfigError(f"SANDBOX_PORT is not right: {e}.") from e


async def _attend(world: "Sandbox", child: asyncio.subprocess.Process) -> int:
    ready = asyncio.create_task(world.wait_ready(READY_S))
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(signalled())
    await asyncio.wait({ready, ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done() and not ready.exception():
        print(f"Sandbox ready: {world.url}")
        print("Click the example there, or say what you mean: /draft notes: …", flush=True)
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (ready, stopped):
        task.cancel()
    if ended.done():
        raise ConfigError("The bot ended; its own message above says why.")
    ended.cancel()
    return 0
