"""Looks for every secret of the tests in all that they wrote: files, logs, printed text.

Part of conftest.py. A secret of a test is called `canary-…`, or is one that the bot itself hides
from its log; it may lie in a key file and in a `.env` only.
"""

import mmap
import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest
import structlog

from bot import logs
from sandbox.discord import BOT_TOKEN
from sandbox.server import MASTODON_TOKEN

CANARIES = ("canary-", BOT_TOKEN, MASTODON_TOKEN, "alice_token", "interaction-1")
SEEN = re.compile("|".join(map(re.escape, CANARIES[1:])) + r"|canary-[a-z]{3}|interaction-\d{15}")
ALLOWED = re.compile(r"\.env|.+\.key")


def found_in(folder: Path, secrets: Iterable[str]) -> Iterator[str]:
    """The secrets that lie in a folder's files, each with its file."""
    needles = [secret.encode() for secret in secrets]
    for file in folder.rglob("*"):
        if file.is_symlink() or not file.is_file() or ALLOWED.fullmatch(file.name):
            continue
        if not file.stat().st_size:
            continue
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as all_:
            yield from (f"{file}: {needle!r}" for needle in needles if all_.find(needle) >= 0)


@pytest.fixture(scope="session", autouse=True)
def no_canary_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In the end, look through every file that any test wrote.

    Until then the bot's log lines take the same last step as in production.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
            logs._without_secrets,
        ]
    )
    yield
    assert list(found_in(tmp_path_factory.getbasetemp(), CANARIES)) == []


@pytest.fixture(autouse=True)
def no_secret_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test, look for the tokens and keys that came up in it."""
    before = set(logs._known)
    yield
    folder = getattr(request.node, "funcargs", {}).get("tmp_path")  # none if interrupted
    if folder is None:
        return
    keys = [file.read_text("utf-8") for file in folder.rglob("*.key") if file.is_file()]
    secrets = {*(logs._known - before), *(key.strip() for key in keys if key.strip())}
    assert list(found_in(folder, secrets)) == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test fails whose output shows a secret, captured logs included."""
    report = yield
    if report.when == "teardown" and report.passed:
        shown = "".join(text for _, text in report.sections)
        told = [*SEEN.findall(shown), *(secret for secret in logs._known if secret in shown)]
        if told:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} shows {sorted(set(told))} in what it printed"
    return report
