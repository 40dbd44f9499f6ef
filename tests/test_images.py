"""The images, built and walked through as the README says: `make test-images`.

It needs Docker's engine, and the base image and the packages from where the engine finds them. The
project and its volumes are this test's own; Discord, Mastodon and Bluesky are the sandbox's, at the
address by which containers reach this machine. COMPOSE_FILE and TORCH_INDEX are passed on, for a
place that needs other settings to build.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.draft import Network
from sample import build
from sandbox.mastodon import LoopbackMastodon
from sandbox.server import Sandbox
from tests.conftest import end_heartbeats
from tests.fakes import x_archive
from tests.fakes.voice import write_voice

ROOT = Path(__file__).parents[1]
PROJECT = "write-my-posts-test"
PATIENCE_S = 600
POSTS = 60  # more than a ranker needs, and trained in a minute
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def _is_missing() -> str:
    """What this machine lacks, or nothing."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command, what in (("version", "Docker's engine"), ("compose version", "Docker Compose")):
        asked = subprocess.run(
            ["docker", *command.split()], capture_output=True, text=True, check=False
        )
        if asked.returncode:
            return f"{what} does not answer: {(asked.stderr or asked.stdout).strip()}"
    return ""


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, whose containers and volumes are its own."""

    folder: Path

    async def run(self, command: str, expected: int = 0) -> str:
        """What a command prints, which must end so."""
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=self.folder,
            env=os.environ | {"COMPOSE_PROJECT_NAME": PROJECT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        print(f"$ {command}\n{said}")
        assert process.returncode == expected, said
        assert "Traceback" not in said
        return said


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    if missing := _is_missing():
        pytest.skip(missing)
    with tempfile.TemporaryDirectory() as scratch:  # the tests that it holds name secrets of theirs
        place = Checkout(Path(scratch))
        _fill(place.folder)
        yield place
        down = ["docker", "compose", "--profile", "train", "down", "--volumes", "--rmi", "local"]
        environment = os.environ | {"COMPOSE_PROJECT_NAME": PROJECT}
        subprocess.run(down, cwd=place.folder, env=environment, check=False)


def _fill(folder: Path) -> None:
    """Copy the project as it is, and put an archive of few posts into it."""
    git = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    texts = build.read_blocks((ROOT / "sample" / "posts.txt").read_text("utf-8"))
    own = [block.text for block in texts if block.marker is None][:POSTS]
    posts = [x_archive.tweet(n, text) for n, text in enumerate(own, 1)]
    archive = folder / "archives" / "twitter-archive.zip"
    x_archive.write_zip(archive, x_archive.files(posts))
    archive.chmod(0o644)


@pytest.fixture
async def world(checkout: Checkout) -> AsyncIterator[Sandbox]:
    """A Discord, a Mastodon and a Bluesky that containers reach, and a .env that names them."""
    asked = await checkout.run(
        "docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}'"
    )
    sandbox, here = Sandbox(with_mastodon=False), asked.strip()
    await sandbox.start(host=here)
    with LoopbackMastodon(host=here) as mastodon:
        sandbox.mastodon_url = mastodon.base_url
        sandbox.mastodon_tokens = {"alice": "alice_token"}
        settings = sandbox.environment | {"MASTODON_ACCESS_TOKEN": "alice_token"}
        settings |= {"BLOCKED_WORDS": "words.txt", "ENGINE_THREADS": "1"}
        (checkout.folder / "words.txt").write_text("goose\n", "utf-8")
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        (checkout.folder / ".env").write_text(lines, "utf-8")
        yield sandbox
    await sandbox.stop()
    await end_heartbeats()


def _road() -> list[str]:
    """The README's commands, from the archive to a bot that runs."""
    found = re.findall(r"^docker compose .+$", (ROOT / "README.md").read_text("utf-8"), re.M)
    assert len(found) >= 4
    return found


async def _draft(world: Sandbox, number: int, voice: str) -> dict[str, object]:
    """Alice's direct message of that number, once it can be decided on: to both networks."""
    both = " ".join(Network)
    await world.discord.slash("alice", "draft", topic="the coffee", count=1, voice=voice, to=both)

    def complete() -> dict[str, object] | None:
        messages = world.discord.dm_messages("alice")
        has = len(messages) >= number and "❌" in json.dumps(
            messages[number - 1].get("reactions", []), ensure_ascii=False
        )
        return messages[number - 1] if has else None

    message: dict[str, object] = await world.discord.until(complete, PATIENCE_S)
    return message


async def test_the_readmes_road_leads_from_an_archive_to_a_status(
    checkout: Checkout, world: Sandbox
) -> None:
    run = checkout.run
    said = "".join([await run(command) for command in _road()])
    assert "is ready" in said and "not ranked" not in said
    await run("docker compose run --rm --entrypoint ls trainer voices/me/ranker.json")
    await world.wait_ready(PATIENCE_S)

    message = await _draft(world, 1, "me")
    await world.discord.react("alice", message, "1️⃣")
    async with asyncio.timeout(60):
        while len(statuses := await world.timeline()) < len(Network):
            await asyncio.sleep(0.2)
    assert sorted(status["visibility"] == "bluesky" for status in statuses) == [False, True]
    assert "goose" not in str(statuses).lower()  # words.txt

    # A voice that is new is served by the bot that runs.
    train = "docker compose run --rm trainer train data/me --voice two --epochs 1"
    await run(train)
    await _draft(world, 2, "two")

    # What the operator is told to do, while it runs.
    await run("docker compose run --rm trainer report me --db state/bot.db --no-drafts")
    await run("docker compose cp bot:/app/voices/me/report.html .")
    assert (checkout.folder / "report.html").is_file()
    await run(
        "docker compose run --rm trainer feedback --db state/bot.db --out data/liked --voice me"
    )
    await run("docker compose exec bot python -m bot backup state/drafts.db")
    await run("docker compose cp bot:/app/state/drafts.db .")
    assert (checkout.folder / "drafts.db").is_file()
    first = await run("docker compose run --rm --entrypoint cat trainer data/me/posts.jsonl")
    assert first.count('{"id"') == POSTS
    port = (await run("docker compose port bot 9100")).strip().rpartition(":")[2]
    assert "bot_up" in await run(f"curl -sf http://127.0.0.1:{port}/metrics")
    bot = "$(docker compose ps --quiet bot)"
    story = await run(f"docker logs {bot} 2>&1 | jq -cR 'fromjson? | select(.draft == 1)'")
    assert all(f'"event":"{event}"' in story for event in ("drafted", "decided", "posted"))
    await run("docker compose exec bot python -m bot posts mastodon state/posts.jsonl")
    prepare = "docker compose run --rm trainer prepare state/posts.jsonl --out data/account"
    assert "written by the bot" in await run(f"{prepare} --db state/bot.db", expected=2)
    refused = await run("docker compose exec bot python -m bot install-gemma --accept-terms", 2)
    assert "GEMMA_TERMS=accepted" in refused
    watched = "docker inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}'"
    assert '"gateway": "well"' in await run(f"{watched} {bot}")
    await run("docker compose stop bot")
    ended = await run("docker compose ps --all --format json bot")
    assert '"ExitCode":0' in ended.replace(" ", "")


async def test_a_wrong_token_ends_the_start_and_the_log_says_why(
    checkout: Checkout, world: Sandbox
) -> None:
    write_voice(checkout.folder / "voices" / "mine")
    await checkout.run("chmod --recursive a+rX voices")  # the image's user is not who runs this
    env = checkout.folder / ".env"
    env.write_text(re.sub("(?m)^DISCORD_TOKEN=.*$", "DISCORD_TOKEN=no", env.read_text()))
    await checkout.run(f"VOICES_FROM=./voices {_road()[-1]}", expected=1)
    said = await checkout.run("docker compose logs --no-log-prefix bot")
    assert "does not accept DISCORD_TOKEN" in said
