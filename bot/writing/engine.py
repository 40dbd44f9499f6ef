"""The embedded engine: starts the server of local voices as a child, and keeps it running.

The child is bot/writing/engine_child.py. It is started when a voice needs it, anew when it dies or
the voices change, and stopped with the bot. The listening socket belongs to this process, so a call
made during a restart waits instead of failing.
"""

import asyncio
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import structlog

from bot.errors import BotError, Unavailable, VoiceError
from bot.voice import VOICE_FILE, list_voices

log = structlog.stdlib.get_logger(__name__)

START_TIMEOUT_S = 120.0  # it may have to merge a voice
NICE = 10  # the bot must answer Discord within 3 s while the engine computes
RESTART_PAUSES_S = (0.5, 1, 2, 5, 10, 30)


class Engine:
    """`async with Engine(...)`: a running engine at `base_url`, restarted when it dies."""

    def __init__(
        self,
        voices: Path,
        base_gguf: Path | None = None,
        threads: int = 0,
        servers: int = 0,
    ) -> None:
        """With `servers` it has the machine to itself: so many of one thread each.

        They need not wait for each other as threads of one server do. Otherwise it makes room for
        a bot, by its threads and its priority.
        """
        self._voices = voices
        self._served: dict[str, int] = {}  # the voices when the child was started
        self._arguments = ["--voices", str(voices), "--threads", str(1 if servers else threads)]
        self._arguments += ["--servers", str(servers)] if servers else ["--nice", str(NICE)]
        if base_gguf:
            self._arguments += ["--base-gguf", str(base_gguf)]
        self._socket = socket.socket()
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._is_up = asyncio.Event()
        self._readying = asyncio.Lock()

    @property
    def base_url(self) -> str:
        """Address for an OpenAI client."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"

    @property
    def pid(self) -> int | None:
        """Process id of the child that serves now."""
        return self._process.pid if self._process else None

    async def __aenter__(self) -> "Engine":
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen()
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        self._watcher = asyncio.create_task(self._watch(), name="engine watcher")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watcher:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        await self._stop()

    async def ready(self) -> str:
        """The address; starts the engine, and starts it anew if the voices have changed.

        Raises VoiceError or Unavailable.
        """
        async with self._readying:
            if self._watcher is None:
                await self.__aenter__()
            elif await asyncio.to_thread(_stamps, self._voices) != self._served and self._process:
                self._is_up.clear()
                with suppress(ProcessLookupError):
                    self._process.terminate()  # it finishes its answers; the watcher goes on
            try:
                await asyncio.wait_for(self._is_up.wait(), START_TIMEOUT_S)
            except TimeoutError as e:
                raise Unavailable("The voice engine does not start. Try again later.") from e
        return self.base_url

    async def _start(self) -> None:
        self._served = await asyncio.to_thread(_stamps, self._voices)
        fd = self._socket.fileno()
        keep = {
            k: v for k, v in os.environ.items() if k in ("PATH", "PYTHONPATH", "LANG", "TMPDIR")
        }
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.writing.engine_child", *self._arguments, "--fd", str(fd)),
            stdin=asyncio.subprocess.PIPE,  # it closes when we die, however we die
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[fd],
            env=keep,  # no token of ours is the engine's business
            process_group=0,  # Ctrl-C is for us: the draft in hand still needs the engine
        )
        assert self._process.stdout
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError as e:
            raise Unavailable(
                "The voice engine did not start within two minutes: the machine has much else to"
                " do. Try again when it has less."
            ) from e
        if line != "ready":
            raise VoiceError(line or "The voice engine ended while starting. Its log says why.")
        self._is_up.set()

    async def _stop(self) -> None:
        process = self._process
        if process and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 5)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._socket.close()

    async def _watch(self) -> None:
        failures = 0
        while True:
            assert self._process
            code = await self._process.wait()
            if failures == 0 and not self._is_up.is_set():  # `ready` ended it
                log.info("the voices changed; starting their engine anew")
            else:
                pause = RESTART_PAUSES_S[min(failures, len(RESTART_PAUSES_S) - 1)]
                log.warning("the voice engine ended; starting it again", code=code, in_s=pause)
                await asyncio.sleep(pause)
            try:
                await self._start()
                failures = 0
            except (BotError, OSError) as e:
                failures += 1
                log.error("the voice engine does not start", why=str(e))


def _stamps(folder: Path) -> dict[str, int]:
    """When each voice was last written."""
    found = {}
    for name in list_voices(folder):
        with suppress(OSError):  # it is being replaced, or may not be read
            found[name] = (folder / name / VOICE_FILE).stat().st_mtime_ns
    return found
