"""The server of local voices: llama.cpp, from the xllamacpp wheel, behind a small front.

It speaks the OpenAI protocol: `model` names the voice, and the front finds the server of llama.cpp
that has it: one for each merged voice (merging.py), or the one that has its base's adapters.
`python -m bot.writing.engine_child` is the child of `Engine`, which hands it a listening socket;
`python -m bot serve` serves other programs with the same server.
"""

import argparse
import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, ClientTimeout, web

from bot.errors import BotError, VoiceError
from bot.voice import TEMPLATE_FILE, Base, Voice, list_voices
from bot.voice.weights import find_weights, named_for
from bot.writing.merging import merge

if TYPE_CHECKING:
    import xllamacpp

SLOTS = 16  # texts drawn side by side: all of a draft
SLOT_TOKENS = 512  # prompt and post together, at most
# All slots share them, and texts of one request their prompt: sixteen posts of the longest kind
# and their prompts. 512 for each slot took 190 MB.
POOL_TOKENS = 4096
SHUTDOWN_TIMEOUT_S = 2.0  # for answers in progress at a stop
# llama.cpp's own list also keeps the 40 likeliest tokens only, and makes every post too typical.
SAMPLERS = ("min_p", "temperature")


def servable(folder: Path) -> dict[str, Voice]:
    """The local voices of a folder that llama.cpp can serve, by name."""
    voices = []
    for name in list_voices(folder):
        with suppress(VoiceError):  # the fault shows when that voice is used; it stops no other
            voices.append(Voice.load(folder / name))
    return {v.name: v for v in voices if v.backend == "local" and v.model.endswith(".gguf")}


class Llamas:
    """Servers of llama.cpp for some voices of a folder, each started when it is first needed."""

    def __init__(
        self,
        folder: Path,
        voices: Mapping[str, Voice],
        base_gguf: Path | None,
        threads: int,
        servers: int,
        slots: int,
    ) -> None:
        """`servers` is how many there are of a kind, with so many threads and slots each."""
        self._folder = folder
        self._voices = voices
        self._base_gguf = base_gguf
        self._threads = threads
        self._servers = servers
        self._slots = slots
        self._by_adapter: dict[tuple[Base, str], Llama] = {}
        self._found: dict[str, Llama] = {}  # by voice, or a base model's name
        self._finding = asyncio.Lock()

    async def find(self, name: str) -> "Llama":
        """The server that has a voice, or a bare base model. Raises VoiceError."""
        if name not in self._found:
            async with self._finding:
                if name not in self._found:
                    self._found[name] = await asyncio.to_thread(self._start, name)
        return self._found[name]

    async def find_first(self) -> None:
        """Start the server of the first voice that has one. Raises VoiceError if none has."""
        faults = []
        for name in self._voices:
            try:
                await self.find(name)
                return
            except VoiceError as e:  # that voice's alone, if another can be served
                faults.append(e)
        raise faults[0]

    def _start(self, name: str) -> "Llama":
        voice = self._voices.get(name)
        asked = voice or next(v for v in self._voices.values() if v.base.name == name)
        bases = [voice.base for voice in self._voices.values()]
        weights = find_weights(asked.base, named_for(asked.base, bases, self._base_gguf))
        template = self._template(asked)
        if voice:
            merged = merge(self._folder / name, voice, weights, len(self._voices))
            if merged:
                try:
                    return self._serve(merged, {}, template)
                except VoiceError:  # the next start writes it again
                    merged.unlink(missing_ok=True)
        kind = asked.base, template
        if kind not in self._by_adapter:
            alike = {n: v for n, v in self._voices.items() if (v.base, self._template(v)) == kind}
            self._by_adapter[kind] = self._serve(weights, alike, template)
        return self._by_adapter[kind]

    def _template(self, voice: Voice) -> str:
        """How the voice's base is asked, where its own file does not say."""
        file = self._folder / voice.name / TEMPLATE_FILE
        return file.read_text("utf-8") if file.is_file() else ""

    def _serve(self, model: Path, voices: Mapping[str, Voice], template: str) -> "Llama":
        adapters = [self._folder / name / voice.model for name, voice in voices.items()]
        how = (adapters, self._threads, template, self._slots)
        servers = [llama_server(model, *how) for _ in range(self._servers)]
        return Llama(cycle(servers), tuple(voices))


@dataclass(frozen=True, slots=True)
class Llama:
    """Servers of llama.cpp to take in turn, and the voices whose adapters they have."""

    servers: "Iterator[xllamacpp.Server]"
    voices: tuple[str, ...]

    def lora(self, name: str) -> list[dict[str, float]]:
        """How much of each adapter writes as `name`."""
        return [{"id": i, "scale": float(voice == name)} for i, voice in enumerate(self.voices)]


def servers_and_slots(servers: int, threads: int) -> tuple[int, int]:
    """How many servers of a kind there are, and the slots of each; 0 servers: by the machine.

    On two cores two of one thread share a draft: 1.7 times as fast as one, and unlike threads of
    one server they do not wait for each other (docs/performance.md).
    """
    if servers:
        return servers, SLOTS
    return (2, SLOTS // 2) if os.cpu_count() == 2 and not threads else (1, SLOTS)


def llama_server(
    model: Path, adapters: Sequence[Path], threads: int, template: str = "", slots: int = SLOTS
) -> "xllamacpp.Server":
    """Start llama.cpp's own HTTP server on a free loopback port; takes about a second.

    By default it leaves one core free: threads wait for each other thousands of times a text, and
    one that shares its core makes all wait: 143 tokens a second fell to under 26
    (experiments/LOG.md).
    """
    import xllamacpp  # noqa: PLC0415  # only the child needs it: 34 MB of native code

    p = xllamacpp.CommonParams()
    p.model.path = str(model)
    p.port = 0
    p.n_parallel, p.n_ctx = slots, slots * POOL_TOKENS // SLOTS
    p.kv_unified, p.kv_unified_per_slot = True, SLOT_TOKENS
    p.cache_type_k = p.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_Q8_0
    p.n_batch, p.n_ubatch = 512, 128  # prompts are short
    p.cache_ram_mib = 0  # by default it keeps up to 8 GB of earlier prompts, and they are short
    p.cpuparams.n_threads = threads or max(1, (os.cpu_count() or 2) - 1)
    p.cpuparams_batch.n_threads = p.cpuparams.n_threads
    p.use_jinja = True
    p.chat_template = template  # "": the model's own
    p.warmup = p.ui = False
    p.verbosity = 0
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(a), 1.0) for a in adapters]
    try:
        return xllamacpp.Server(p)
    except RuntimeError as e:  # all it says is "Failed to init server"
        raise VoiceError(
            f"llama.cpp cannot load {model.name} with the adapters of these voices: a file is"
            " damaged, or that is not the base model they were trained on."
        ) from e


def front(llamas: Llamas, names: Sequence[str], bases: Set[str]) -> web.Application:
    """The HTTP front: `model` names the voice, everything else is llama.cpp's own answer.

    As with vLLM, a base model's own name selects the base model without any voice.
    """

    async def models(_: web.Request) -> web.Response:
        data = [{"id": n, "object": "model", "created": 0, "owned_by": "you"} for n in names]
        return web.json_response({"object": "list", "data": data})

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def chat(request: web.Request) -> web.StreamResponse:
        body: dict[str, Any] = await request.json()  # Any: passed on as it came
        if body.get("model") not in (*names, *bases):
            error = {"message": "No such voice.", "code": "model_not_found"}
            return web.json_response({"error": error}, status=404)
        try:
            llama = await llamas.find(body["model"])
        except VoiceError as e:
            error = {"message": str(e), "code": "voice_not_loaded"}
            return web.json_response({"error": error}, status=404)
        body.setdefault("samplers", SAMPLERS)
        body["lora"] = llama.lora(body["model"])
        url = f"{next(llama.servers).listening_address}/v1/chat/completions"
        async with request.app[SESSION].post(url, json=body) as answer:
            out = web.StreamResponse(status=answer.status)
            out.content_type = answer.content_type
            with suppress(ConnectionError):  # the client is gone
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


async def serve_voices(
    folder: Path,
    voices: Mapping[str, Voice],
    base_gguf: Path | None,
    threads: int,
    sock: socket.socket,
    announce: Callable[[], None],
    servers: int = 1,
    slots: int = SLOTS,
) -> None:
    """Serve voices of a folder on the weights of their base models until SIGINT or SIGTERM.

    Raises VoiceError if none can be loaded.
    """
    llamas = Llamas(folder, voices, base_gguf, threads, servers, slots)
    await llamas.find_first()
    bases = {voice.base.name for voice in voices.values()}
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with _serving(front(llamas, list(voices), bases), sock):
        announce()
        await stop.wait()


def _end_with_parent() -> None:
    """End this process as soon as the parent is gone: its end of our stdin closes."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    """Serve as the child of `Engine`; a BotError is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m bot.writing.engine_child", description=__doc__)
    parser.add_argument("--voices", type=Path, required=True)
    parser.add_argument("--base-gguf", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--servers", type=int, default=0)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--fd", type=int, required=True)
    args = parser.parse_args()
    _end_with_parent()
    os.nice(args.nice)
    try:
        voices = servable(args.voices)
        if not voices:
            raise VoiceError(f"The folder {args.voices} holds no local voice. Train one first.")
        sock = socket.socket(fileno=args.fd)
        announce = partial(print, "ready", flush=True)
        how = (args.threads, sock, announce, *servers_and_slots(args.servers, args.threads))
        asyncio.run(serve_voices(args.voices, voices, args.base_gguf, *how))
    except BotError as e:
        print(e, flush=True)
        return 2
    os._exit(0)  # llama.cpp's threads end with the process; waiting for them can take a minute


if __name__ == "__main__":
    sys.exit(main())
