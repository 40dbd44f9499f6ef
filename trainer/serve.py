"""Serves local voices to any client of OpenAI's chat completions, on one base model.

The server is the bot's own, bot/writing/engine.py; here is which voices, at what address, and what
to say.
"""

import asyncio
import json
import os
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from bot.errors import BotError
from bot.voice import Turn, Voice, list_voices
from bot.voice.weights import find_weights
from bot.writing import engine
from trainer.errors import ServeError


def serve(
    folder: Path, names: Sequence[str], base_gguf: Path | None, threads: int, host: str, port: int
) -> None:
    """Serve these voices, or all that can be, until Ctrl-C. Raises ServeError."""
    try:
        voices = chosen(folder, names) if names else engine.servable(folder)
        if not voices:
            raise ServeError(
                f"The folder {folder} holds no voice that can be served here. Train one with"
                " `python -m trainer train DATA --voice NAME`, or name its folder with --voices."
            )
        model = next(iter(voices.values())).base
        base = find_weights(model, base_gguf)
        adapters = {name: folder / name / voice.model for name, voice in voices.items()}
        sock = listen(host, port)

        def announce() -> None:
            print(greeting(voices, *sock.getsockname()), flush=True)

        asyncio.run(engine.serve(adapters, base, model.name, threads, sock, announce))
    except BotError as e:
        raise ServeError(str(e)) from e
    print("Stopped.", flush=True)
    os._exit(0)  # llama.cpp's threads end with the process; waiting for them can take a minute


def chosen(folder: Path, names: Sequence[str]) -> dict[str, Voice]:
    """The voices named, if one llama.cpp can serve them all. Raises ServeError."""
    if unknown := [name for name in names if name not in list_voices(folder)]:
        there = ", ".join(list_voices(folder)) or "none"
        raise ServeError(
            f"There is no voice {unknown[0]} in {folder} (there: {there}). Check the name, or name"
            " another folder with --voices."
        )
    voices = {name: Voice.load(folder / name) for name in names}
    for name, voice in voices.items():
        if voice.backend != "local":
            raise ServeError(
                f"The voice {name} is with its provider, as {voice.model}: there are no weights to"
                " serve here. Ask the provider for that model; the bot does so by itself."
            )
        if not voice.model.endswith(".gguf"):
            raise ServeError(
                f"The voice {name} has no adapter.gguf, because {voice.base.name} is no Llama"
                " model. Serve its folder adapter/ with vLLM: docs/elsewhere.md shows how."
            )
    if len({voice.base for voice in voices.values()}) > 1:
        bases = ", ".join(f"{name} on {voice.base.name}" for name, voice in voices.items())
        raise ServeError(
            f"These voices were trained on different base models ({bases}), and one server has one."
            " Serve them apart, each with its own --port."
        )
    return voices


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ServeError if the address cannot be had."""
    try:
        return socket.create_server((host, port))
    except OSError as e:
        raise ServeError(
            f"Nothing can listen at {host}, port {port} ({os.strerror(e.errno or 0)})."
            " Choose another --port or --host."
        ) from e


def greeting(voices: dict[str, Voice], host: str, port: int) -> str:
    """What a person needs to use the server: its address, its voices and a call to try."""
    url = f"http://{host}:{port}/v1"
    name, voice = next(iter(voices.items()))
    limit = voice.sampling.max_tokens
    body = {"model": name, "messages": voice.messages(Turn("the first snow")), "max_tokens": limit}
    lines = [
        f"Serving {', '.join(voices)} at {url}; Ctrl-C ends it.",
        "Any client of OpenAI's API can use it, with the voice's name as the model:",
        f"curl {url}/chat/completions -H 'Content-Type: application/json'"
        f" -d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
    ]
    if not host.startswith("127."):
        lines.append("It asks for no key: whoever reaches this address can use it.")
    return "\n".join(lines)
