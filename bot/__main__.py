"""The command line, and the only place where objects are built: settings, ports, client, run."""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from rich.console import Console
from rich.progress import Progress, track
from rich.text import Text

from bot import doctor, health, logs
from bot.chat.client import Bot, point_at
from bot.config import DatabaseSettings, DraftSettings, Settings, misspelt, read_settings
from bot.draft import Candidate
from bot.drafting import Drafting
from bot.errors import BotError, ConfigError, Unavailable, UserError, VoiceError
from bot.posting.accounts import Accounts
from bot.posting.mastodon import Mastodon
from bot.posting.vault import Vault
from bot.privacy import dossier
from bot.store import Store
from bot.store.backup import back_up
from bot.store.database import Database
from bot.voice import Voice, list_voices
from bot.writing.composing import OpenVoice, Request, compose
from bot.writing.engine import Engine
from bot.writing.llm import LLM
from bot.writing.screen import Rules, WordList
from bot.writing.thread import status_length
from bot.writing.voices import Voices

log = structlog.stdlib.get_logger(__name__)

DRAIN_S = 25  # how long a stop waits for what is in hand; docker-compose.yml allows a little more
MAX_COUNT = 64  # more would only take long
DEFAULT_MAX_CHARS = 500  # Mastodon's own default, for drafts in a terminal without an account


async def run(_: argparse.Namespace) -> int:
    """Serve Discord until stopped."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash writes no keys to disk
    settings = read_settings(Settings)
    logs.configure(settings.log_level, settings.log_format, settings.secrets())
    for hint in misspelt():
        log.warning(hint)
    if settings.discord_api_url:
        point_at(settings.discord_api_url)
    default = (
        settings.voice_folder() if settings.voice or not list_voices(settings.voices) else None
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(settings.database))
        llm = await stack.enter_async_context(_llm(settings))
        await _prepare(llm, settings.voices, default)
        accounts = await _accounts(settings, store)
        voices = Voices(settings.voices, store, settings.owner_ids, settings.voice)
        expires_after = timedelta(days=settings.draft_expires_days)
        blocked = WordList(settings.blocked_lines())
        drafting = Drafting(voices, llm, accounts, store, expires_after, blocked)
        scheduler = AsyncIOScheduler(timezone="UTC")
        bot = await stack.enter_async_context(Bot(drafting, scheduler))
        if settings.metrics_port is not None:
            watched = health.Health(bot, llm.check)
            where = settings.metrics_host, settings.metrics_port
            await stack.enter_async_context(health.serving(watched, *where))
        scheduler.start()
        stack.callback(scheduler.shutdown)
        await _serve(bot, settings.discord_token.get_secret_value())
    return 0


async def draft(args: argparse.Namespace) -> int:
    """Write candidates in the terminal, or in bulk into a file."""
    if bool(args.topic) == bool(args.topics):
        raise UserError("Give either a TOPIC or --topics FILE.")
    if args.topics and not args.out:
        raise UserError("--topics needs --out FILE.jsonl, where the candidates go.")
    if not 1 <= args.count <= MAX_COUNT:
        raise UserError("--count takes a number from 1 to {limit}.", limit=MAX_COUNT)
    settings = _chosen(args)
    opened = OpenVoice.load(settings.voice_folder())
    blocked = WordList(settings.blocked_lines())
    rules = Rules(args.max_chars, status_length, opened.archive, blocked)
    async with _llm(settings) as llm:

        async def ask(topic: str) -> Sequence[Candidate]:
            return await compose(llm, opened, Request(topic, args.count), rules)

        if args.topic:
            _show(await ask(args.topic), args.max_chars)
        else:
            await _in_bulk(ask, args.topics, args.out)
    return 0


async def sandbox(args: argparse.Namespace) -> int:
    """Start a loopback Discord, a Mastodon and a page, and the bot against them."""
    from sandbox.server import Sandbox  # noqa: PLC0415  # not needed to run the bot

    settings = _chosen(args)
    voice = settings.voice_folder()
    OpenVoice.load(voice)  # a missing voice is said here, not in the child's log
    world = Sandbox()
    await world.start(port=args.port)
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


async def backup(args: argparse.Namespace) -> int:
    """Copy the database, also while the bot runs."""
    database = read_settings(DatabaseSettings).database
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Copying")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        await asyncio.to_thread(back_up, database, args.file, show)
    print(
        f"{args.file} is a copy of {database}. The key of the tokens is not in it: keep that too."
    )
    return 0


async def export(args: argparse.Namespace) -> int:
    """Print everything stored about a person, as JSON."""
    async with Database.reading(read_settings(DatabaseSettings).database) as database:
        content = await dossier(database, args.user_id)
    if args.out is None:
        print(content, end="")
        return 0
    try:
        args.out.touch(mode=0o600, exist_ok=False)
        args.out.write_text(content, "utf-8")
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=args.out,
            reason=e.strerror,
        ) from e
    print(f"{args.out} holds everything about {args.user_id}, but for the tokens.")
    return 0


async def examine(_: argparse.Namespace) -> int:
    """Print what doctor finds; exit code 1 if something is not well."""
    console, well = Console(), True
    async for finding in doctor.examine():
        mark = Text("✓ ", "green") if finding.is_well else Text("✗ ", "red")
        line = mark + Text(f"{finding.name}: ", "bold") + Text(finding.sentence)
        console.print(line, soft_wrap=True)  # a link that is broken in two leads nowhere
        for warning in finding.warnings:
            console.print(Text("! ", "yellow") + Text(warning), soft_wrap=True)
        well &= finding.is_well
    return 0 if well else 1


async def _attend(world: Any, child: asyncio.subprocess.Process) -> int:  # Any: imported late
    ready = asyncio.create_task(world.wait_ready(120))
    ended = asyncio.create_task(child.wait())
    stopped = asyncio.create_task(_signalled())
    await asyncio.wait({ready, ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done() and not ready.exception():
        print(f"Sandbox ready: {world.url}", flush=True)
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for task in (ready, stopped):
        task.cancel()
    if ended.done():
        raise ConfigError("The bot ended; its own message above says why.")
    ended.cancel()
    return 0


@asynccontextmanager
async def _llm(settings: DraftSettings) -> AsyncIterator[LLM]:
    """The client of whoever serves the voices; the engine starts when a voice needs it."""
    async with AsyncExitStack() as stack:
        engine = Engine(settings.voices, settings.base_gguf, settings.engine_threads)
        stack.push_async_exit(engine)
        llm = LLM.from_settings(settings, engine.ready)
        stack.push_async_callback(llm.close)
        yield llm


async def _prepare(llm: LLM, folder: Path, default: Path | None) -> None:
    """Look at every voice, and start what serves them. Raises VoiceError if the default is bad."""
    for name in list_voices(folder) if default is None else [default.name, *list_voices(folder)]:
        try:
            voice = Voice.load(folder / name)
        except VoiceError as e:
            if default and name == default.name:
                raise
            log.error("a voice cannot be read", voice=name, reason=str(e))
        else:
            await llm.prepare(voice)


async def _accounts(settings: Settings, store: Store) -> Accounts:
    """Everybody's accounts; the tokens are encrypted with the first key from now on."""
    shared = Mastodon.from_settings(settings)
    if shared:
        try:
            log.info("the operators' account", name=await shared.identify())
        except Unavailable as e:  # it may come back; a token that is refused will not
            log.warning("the operators' account: drafts wait", reason=str(e))
    key = settings.secret_key.get_secret_value() if settings.secret_key else None
    vault = Vault.open(key, settings.database)
    private = settings.mastodon_private_instances
    accounts = Accounts(settings.owner_ids, shared, store, vault, private)
    for name in await accounts.renew_secrets():
        log.error("no key opens a stored secret: put the key back", of=name)
    return accounts


def _show(candidates: Sequence[Candidate], max_chars: int) -> None:
    console = Console()
    for i, candidate in enumerate(candidates, 1):
        console.print(Text(f"{i}  ", "bold") + Text(f"{candidate.length}/{max_chars}", "dim"))
        console.print(Text(candidate.text + "\n"), soft_wrap=True)


async def _in_bulk(
    ask: Callable[[str], Awaitable[Sequence[Candidate]]], topics_file: Path, out_file: Path
) -> None:
    """Draft about each line of a file; a topic whose texts all fail gets an empty row."""
    topics = [line.strip() for line in _lines(topics_file) if line.strip()]
    partial = out_file.with_name(f".{out_file.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as out:
            for topic in track(topics, "Drafting", console=Console(stderr=True)):
                texts: list[dict[str, str]] = []
                with contextlib.suppress(UserError):
                    texts = [{"text": c.text} for c in await ask(topic)]
                row = {"topic": topic, "candidates": texts}
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
        partial.replace(out_file)
    except OSError as e:
        raise UserError(
            "{file} cannot be written ({reason}). Name another file.",
            file=out_file,
            reason=e.strerror,
        ) from e
    finally:
        partial.unlink(missing_ok=True)


def _chosen(args: argparse.Namespace) -> DraftSettings:
    """The settings, with what the command line says instead."""
    updates = {"voices": args.voices, "voice": args.voice}
    chosen = {name: value for name, value in updates.items() if value}
    return read_settings(DraftSettings).model_copy(update=chosen)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise UserError(
            "The topics in {file} cannot be read ({reason}). Write one a line.", file=file, reason=e
        ) from e


async def _signalled() -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()


async def _serve(bot: Bot, token: str) -> None:
    """Serve until a signal, then finish what is in hand; a second signal ends the process."""
    serving = asyncio.create_task(bot.serve(token))
    stopped = asyncio.create_task(_signalled())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not serving.done():
        for name in (signal.SIGTERM, signal.SIGINT):  # the database is safe, however we end
            asyncio.get_running_loop().add_signal_handler(name, os._exit, 128 + name)
        await bot.stop(DRAIN_S)
        serving.cancel()  # before the client is closed: it would try to connect again
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command."""
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Drafts posts in your own voice, posts what you approve."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, do: Callable[[argparse.Namespace], Coroutine[None, None, int]], about: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(do=do)
        return sub

    command("run", run, "serve Discord; settings come from the environment or .env")
    command("doctor", examine, "check everything the bot needs, a sentence for each")
    write = command("draft", draft, "write candidates in the terminal, without Discord")
    write.add_argument("topic", nargs="?", metavar="TOPIC", help="what the post is about")
    write.add_argument("--count", type=int, default=4, help="candidates a topic (default: 4)")
    write.add_argument("--topics", type=Path, metavar="FILE", help="one topic a line, in bulk")
    write.add_argument("--out", type=Path, metavar="FILE", help="JSON lines for --topics")
    write.add_argument(
        "--max-chars", type=int, default=DEFAULT_MAX_CHARS, help="limit of a post (default: 500)"
    )
    play = command("sandbox", sandbox, "try the bot on this machine, without any account")
    play.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("SANDBOX_PORT", "8350")),
        help="port of the page (default: SANDBOX_PORT or 8350)",
    )
    play.add_argument("--database", type=Path, help="keep drafts in this file (default: nowhere)")
    save = command("backup", backup, "copy the database to a file, also while the bot runs")
    save.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist yet")
    about = command("export", export, "everything stored about a person, as JSON, without secrets")
    about.add_argument("user_id", type=int, metavar="USER_ID", help="Discord id of the person")
    about.add_argument("--out", type=Path, metavar="FILE", help="write it there (default: print)")
    for sub in (write, play):
        sub.add_argument("--voice", metavar="NAME", help="which voice (default: VOICE)")
        sub.add_argument("--voices", type=Path, metavar="FOLDER", help="folder of voices")
    return parser


def main() -> int:
    """Run a command; every error of ours is one sentence and exit code 2."""
    args = build_parser().parse_args()
    os.umask(0o077)  # what the bot writes is its owner's alone
    logs.configure("WARNING")
    try:
        code: int = asyncio.run(args.do(args))
    except BotError as e:
        print(e, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except Exception:  # a mistake of ours: the log, which hides secrets, is its place
        log.critical("an unexpected error ended the bot", exc_info=True)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
