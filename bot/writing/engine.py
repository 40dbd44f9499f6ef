"""The embedded server of local voices: llama.cpp, from the xllamacpp wheel, in its own process.

The child (`python -m bot.writing.engine`) speaks the OpenAI protocol: `model` names the voice, and
a small front turns that into the adapter llama.cpp is to use. `Engine` starts the child, restarts
it when it dies and stops it. The listening socket belongs to the parent, so a call made during a
restart waits instead of failing.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import ClientSession, ClientTimeout, web

from bot.errors import BotError, Unavailable, VoiceError
from bot.voice import VOICE_FILE, Voice, list_voices
from bot.voice.weights import find_weights

if TYPE_CHECKING:
    import xllamacpp

log = structlog.stdlib.get_logger(__name__)

SLOTS = 16  # texts drawn side by side: all of a draft
SLOT_TOKENS = 512  # prompt and post together
START_TIMEOUT_S = 60.0
RESTART_PAUSES_S = (0.5, 1, 2, 5, 10, 30)
SHUTDOWN_TIMEOUT_S = 2.0  # for answers under way when we are told to stop
# llama.cpp's own list also keeps the 40 likeliest tokens only, and makes every post too typical.
SAMPLERS = ("min_p", "temperature")
NICE = 10  # the bot must answer Discord within 3 s while the engine computes


class Engine:
    """`async with Engine(...)`: a running engine at `base_url`, restarted when it dies."""

    def __init__(self, voices: Path, base_gguf: Path | None = None, threads: int = 0) -> None:
        self._voices = voices
        self._served: dict[str, int] = {}  # the voices when the child was started
        self._arguments = ["--voices", str(voices), "--threads", str(threads)]
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
        """The address; starts the engine, and starts it anew where the voices have changed.

        Raises VoiceError or Unavailable.
        """
        async with self._readying:
            if self._watcher is None:
                await self.__aenter__()
            elif await asyncio.to_thread(_stamps, self._voices) != self._served and self._process:
                self._is_up.clear()
                with suppress(ProcessLookupError):
                    self._process.terminate()  # what is under way is finished; the watcher goes on
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
            *(sys.executable, "-m", "bot.writing.engine", *self._arguments, "--fd", str(fd)),
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
            raise Unavailable("The voice engine did not start within a minute.") from e
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
    return {n: (folder / n / VOICE_FILE).stat().st_mtime_ns for n in list_voices(folder)}


def servable(folder: Path) -> dict[str, Voice]:
    """The local voices of a folder that share the first one's base model, by name."""
    voices = []
    for name in list_voices(folder):
        with suppress(VoiceError):  # told when that voice is used; it stops no other
            voices.append(Voice.load(folder / name))
    local = [v for v in voices if v.backend == "local" and v.model.endswith(".gguf")]
    return {v.name: v for v in local if v.base == local[0].base}


def llama_server(base: Path, adapters: Sequence[Path], threads: int) -> "xllamacpp.Server":
    """Start llama.cpp's own HTTP server on a free loopback port; takes about a second."""
    import xllamacpp  # noqa: PLC0415  # only the child needs it: 34 MB of native code

    p = xllamacpp.CommonParams()
    p.model.path = str(base)
    p.port = 0
    p.n_parallel = SLOTS
    p.n_ctx = SLOT_TOKENS * SLOTS
    # One core is left free: threads wait for each other thousands of times a text, and one that has
    # to share its core makes all of them wait (LOG.md: from 143 tokens a second to under 26).
    p.cpuparams.n_threads = threads or max(1, (os.cpu_count() or 2) - 1)
    p.cpuparams_batch.n_threads = p.cpuparams.n_threads
    p.use_jinja = True
    p.warmup = p.ui = False
    p.verbosity = 0
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(a), 1.0) for a in adapters]
    try:
        return xllamacpp.Server(p)
    except RuntimeError as e:  # all it says is "Failed to init server"
        raise VoiceError(
            f"llama.cpp cannot load {base.name} with the adapters of these voices: a file is"
            " damaged, or that is not the base model they were trained on."
        ) from e


def front(llama_url: str, names: Sequence[str], base_name: str) -> web.Application:
    """The HTTP front: `model` names the voice, everything else is llama.cpp's own answer.

    As with vLLM, the base model's own name asks for the base model without any voice.
    """

    async def models(_: web.Request) -> web.Response:
        data = [{"id": n, "object": "model", "created": 0, "owned_by": "you"} for n in names]
        return web.json_response({"object": "list", "data": data})

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def chat(request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()  # Any: passed on as it came
        if body.get("model") not in (*names, base_name):
            error = {"message": "No such voice.", "code": "model_not_found"}
            return web.json_response({"error": error}, status=404)
        body.setdefault("samplers", SAMPLERS)
        body["lora"] = [{"id": i, "scale": float(n == body["model"])} for i, n in enumerate(names)]
        url = f"{llama_url}/v1/chat/completions"
        async with request.app[SESSION].post(url, json=body) as answer:
            out = web.StreamResponse(status=answer.status)
            out.content_type = answer.content_type
            with suppress(ConnectionError):  # whoever asked is gone: nobody is left to tell
                await out.prepare(request)
                async for chunk in answer.content.iter_any():
                    await out.write(chunk)
            return out

    app = web.Application()
    app.cleanup_ctx.append(_session)
    app.router.add_get("/health", health)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", chat)
    return app


SESSION = web.AppKey("session", ClientSession)


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with ClientSession(timeout=ClientTimeout(total=None)) as app[SESSION]:
        yield


@asynccontextmanager
async def _serving(app: web.Application, sock: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def serve(
    adapters: Mapping[str, Path],
    base: Path,
    base_name: str,
    threads: int,
    sock: socket.socket,
    announce: Callable[[], None],
) -> None:
    """Serve voices, each by its adapter, on one base model until SIGINT or SIGTERM."""
    llama = llama_server(base, list(adapters.values()), threads)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with _serving(front(llama.listening_address, list(adapters), base_name), sock):
        announce()
        await stop.wait()


def _end_with_parent() -> None:
    """End this process as soon as the parent is gone: its end of our stdin closes."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Serve as the child of `Engine`; an error of ours is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m bot.writing.engine", description=__doc__)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--base-gguf", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--fd", type=int, required=True)
    args = parser.parse_args()
    _end_with_parent()
    os.nice(NICE)
    try:
        voices = servable(args.voices)
        if not voices:
            raise VoiceError(f"The folder {args.voices} holds no local voice. Train one first.")
        model = next(iter(voices.values())).base
        base = find_weights(model, args.base_gguf)
        adapters = {name: args.voices / name / voice.model for name, voice in voices.items()}
        sock = socket.socket(fileno=args.fd)
        announce = partial(print, "ready", flush=True)
        asyncio.run(serve(adapters, base, model.name, args.threads, sock, announce))
    except BotError as e:
        print(e, flush=True)
        return 2
    os._exit(0)  # llama.cpp's threads end with the process; waiting for them can take a minute


if __name__ == "__main__":
    sys.exit(main())
