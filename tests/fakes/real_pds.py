"""The real Bluesky server, if `make test-pds` has installed it outside this repository."""

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent.parent / "pds"
READY_S = 120.0  # on a busy machine
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = Path(os.environ.get("PDS_FOLDER") or _CACHE / "write-my-posts" / "pds")
MISSING = "the real server is not installed: `make test-pds` does it, and runs this"


def is_installed(folder: Path = FOLDER) -> bool:
    """Whether the server of `package.json` is there, whole: `install.sh` says so at its end."""
    done = folder / "installed.json"
    return done.exists() and done.read_bytes() == (HERE / "package.json").read_bytes()


@asynccontextmanager
async def real_pds(app: str = "") -> AsyncIterator[dict[str, Any]]:
    """Run it: its url, and for each handle the DID and the app password.

    `app` is the address of the app that it asks for what posts look like; without one it has none.
    """
    shutil.copy(HERE / "start.mjs", FOLDER)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        FOLDER / "bin" / "node",
        *("start.mjs", str(port), *([app] if app else [])),
        cwd=FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin and process.stdout
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), READY_S))
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
            await process.wait()
