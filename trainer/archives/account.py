"""What connected accounts have posted until now: the bot asks their servers, and writes files.

The bot alone has the accounts' tokens, so it runs as a program of its own, with its own settings.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import ArchiveError


@contextmanager
def fetched(accounts: Sequence[str]) -> Iterator[list[Path]]:
    """A file for each account, `NETWORK[:USER_ID]`, until the block ends. Raises ArchiveError."""
    with tempfile.TemporaryDirectory(prefix="write-my-posts-") as scratch:
        yield [_fetched(one, Path(scratch) / one.replace(":", "-")) for one in accounts]


def _fetched(account: str, file: Path) -> Path:
    network, _, user_id = account.partition(":")
    whose = ["--of", user_id] if user_id else []
    command = [sys.executable, "-m", "bot", "posts", network, str(file), *whose]
    # Its errors are shown as they come
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    if done.returncode:
        raise ArchiveError(f"The posts of the account {account} could not be fetched.")
    return file
