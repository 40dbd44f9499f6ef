"""`serve`: local voices for any client of OpenAI's chat completions.

Starts the bot's own server, bot/writing/engine_child.py; chooses the voices and the address, and
prints them.
"""

import argparse
import json
import os
import shlex
import socket
from collections.abc import Sequence
from pathlib import Path

from bot.commands.arguments import from_one, port
from bot.errors import ConfigError, VoiceError
from bot.voice import PromptParts, Voice, list_voices
from bot.voice.weights import find_weights, named_for

DESCRIPTION = """\
Serves local voices to any client of OpenAI's API, and prints the address and
a call to try. The voice's name is the model to ask for. It asks for no key.
The bot does not need it: it starts the same server by itself.

More, and larger servers: docs/elsewhere.md."""
EXAMPLES = """\
examples:
  python -m bot serve me
  python -m bot serve me her --port 8081"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add its flags."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    option = parser.add_argument
    option(
        "voice",
        metavar="VOICE",
        nargs="*",
        help="voices to serve (default: every one that can be served)",
    )
    option(
        "--voices",
        type=Path,
        metavar="FOLDER",
        default=Path("voices"),
        help="folder of the voices (default: %(default)s)",
    )
    option(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 is every one of this machine (default: %(default)s)",
    )
    option(
        "--port",
        type=port,
        metavar="N",
        default=8080,
        help="port to listen on; 0 takes a free one (default: %(default)s)",
    )
    option(
        "--base-gguf",
        type=Path,
        metavar="FILE",
        help="GGUF file of the base model, for voices trained with another --base",
    )
    option(
        "--threads",
        type=from_one,
        metavar="N",
        default=0,
        help="CPU threads (default: one less than there are cores)",
    )


async def run(args: argparse.Namespace) -> int:
    """Serve these voices, or all local ones, until Ctrl-C."""
    from bot.writing.engine_child import servable, serve_voices

    named = _named(args.voices, args.voice)
    bases = [voice.base for voice in named.values()]
    for base in sorted(set(bases), key=str):
        find_weights(base, named_for(base, bases, args.base_gguf))  # each that is named is served
    voices = named or servable(args.voices)
    if not voices:
        raise VoiceError(
            f"The folder {args.voices} holds no voice that can be served here. Train one with"
            " `python -m trainer train DATA --voice NAME`, or name its folder with --voices."
        )
    sock = _listen(args.host, args.port)

    def announce() -> None:
        print(_greeting(voices, *sock.getsockname()), flush=True)

    await serve_voices(args.voices, voices, args.base_gguf, args.threads, sock, announce)
    print("Stopped.", flush=True)
    os._exit(0)  # llama.cpp's threads end with the process; waiting for them can take a minute


def _named(folder: Path, names: Sequence[str]) -> dict[str, Voice]:
    """The voices named, if llama.cpp can serve each. Raises VoiceError."""
    if unknown := [name for name in names if name not in list_voices(folder)]:
        there = ", ".join(list_voices(folder)) or "none"
        raise VoiceError(
            f"There is no voice {unknown[0]} in {folder} (there: {there}). Check the name, or name"
            " another folder with --voices."
        )
    voices = {name: Voice.load(folder / name) for name in names}
    for name, voice in voices.items():
        if voice.backend != "local":
            raise VoiceError(
                f"The voice {name} is with its provider, as {voice.model}: there are no weights to"
                " serve here. Ask the provider for that model; the bot does so by itself."
            )
        if not voice.model.endswith(".gguf"):
            raise VoiceError(
                f"The voice {name} has no adapter.gguf, because {voice.base.name} is no Llama"
                " model. Serve its folder adapter/ with vLLM: docs/elsewhere.md shows how."
            )
    return voices


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError if the address is not to be had."""
    try:
        return socket.create_server((host, port))
    except OSError as e:
        raise ConfigError(
            f"Nothing can listen at {host}, port {port} ({os.strerror(e.errno or 0)})."
            " Choose another --port or --host."
        ) from e


def _greeting(voices: dict[str, Voice], host: str, port: int) -> str:
    """The text for a person: the server's address, its voices and a call to try."""
    url = f"http://{host}:{port}/v1"
    name, voice = next(iter(voices.items()))
    limit = voice.sampling.max_tokens
    body = {
        "model": name,
        "messages": voice.messages(PromptParts("the first snow")),
        "max_tokens": limit,
    }
    lines = [
        f"Serving {', '.join(voices)} at {url}; Ctrl-C ends it.",
        "Any client of OpenAI's API can use it, with the voice's name as the model:",
        f"curl {url}/chat/completions -H 'Content-Type: application/json'"
        f" -d {shlex.quote(json.dumps(body, ensure_ascii=False))}",
    ]
    if not host.startswith("127."):
        lines.append("It asks for no key: whoever reaches this address can use it.")
    return "\n".join(lines)
