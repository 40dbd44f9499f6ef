"""The whole road on real parts: archive, prepare, train, sandbox, /draft, reaction, timeline.

Every step is a command of its own, as `make demo` runs them; only the posts are fewer and the
training is shorter, so the drafts need not be good.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from tests import warm

ROOT = Path(__file__).parent.parent
POSTS = 40  # as few as train takes; it learns from 29, one less than would be ranked for a minute
PATIENCE_S = 240  # the machine may be busy with other tests
CALM = {"ENGINE_THREADS": "1"}  # two would wait for each other on a busy machine

T = TypeVar("T")


def _run(module: str, *arguments: str | Path) -> None:
    done = warm.run(module, *arguments, env=os.environ | CALM, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A voice of few posts of the sample, trained for one epoch."""
    folder = tmp_path_factory.mktemp("road")
    _run("sample.build", folder / "archive.zip")
    _run("trainer", "prepare", folder / "archive.zip", "--out", folder / "all")
    lines = (folder / "all" / "posts.jsonl").read_text("utf-8").splitlines()
    few = [json.loads(line) for line in lines[:POSTS]]
    rows = [json.dumps({k: p[k] for k in ("id", "created_at", "text")}) for p in few]
    (folder / "few.jsonl").write_text("\n".join(rows), "utf-8")
    out = ("--out", folder / "few", "--validation", "0.275")
    _run("trainer", "prepare", folder / "few.jsonl", *out)
    voices = ("--voice", "mara", "--voices", folder / "voices")
    _run("trainer", "train", folder / "few", *voices, "--epochs", "1")
    return folder / "voices"


@asynccontextmanager
async def _sandbox(voices: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--port", "0", "--voices", str(voices)),
        env={k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")} | CALM,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
        assert line.startswith("Sandbox ready: http://127.0.0.1:")
        yield line.split()[-1]
    finally:
        process.terminate()
        assert await process.wait() == 0


async def _until(found: Callable[[], Awaitable[T | None]]) -> T:
    async with asyncio.timeout(PATIENCE_S):
        while (value := await found()) is None:
            await asyncio.sleep(0.1)
    return value


@pytest.mark.timeout(900)
async def test_a_script_takes_a_topic_to_a_status(voices: Path) -> None:
    async with _sandbox(voices) as url, aiohttp.ClientSession(url) as http:

        async def draft() -> dict[str, Any] | None:
            async with http.get("/sandbox/api/messages?user=alice") as answer:
                messages = await answer.json()
            shown = [m for m in messages if m["embeds"] and m.get("reactions")]
            return shown[0] if shown else None

        async def statuses() -> list[dict[str, Any]] | None:
            async with http.get("/sandbox/api/timeline") as answer:
                return await answer.json() or None

        order = {"user": "alice", "command": "draft", "options": {"topic": "the kettle"}}
        async with http.post("/sandbox/api/slash", json=order) as answer:
            assert answer.status == 200
        message = await _until(draft)
        assert 1 <= len(message["embeds"]) <= 4
        reaction = {"user": "alice", "message_id": message["id"], "emoji": "1️⃣"}
        async with http.post("/sandbox/api/react", json=reaction) as answer:
            assert answer.status == 200
        assert len(await _until(statuses)) == 1
