"""The log: one id through a draft's whole way; at no level a token or people's texts."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.logs import HIDDEN, hide, redacted
from bot.store import Store
from sandbox.server import Sandbox
from tests.fakes.llm import TEXTS, FakeLLM
from tests.fakes.proxy import Proxy
from tests.process import bot_process

TOPIC = "the umbrella of canary wharf"
NOTES = "lost at 7:40; Barbara has it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PATCH /webhooks/12/aW50ZXJhY3Rpb24/messages/@original", "/webhooks/12/[hidden]/messages"),
        ("POST /interactions/34/aW50ZXJhY3Rpb24/callback failed", "/34/[hidden]/callback failed"),
        ("{'Authorization': 'Bearer abc-DEF_123'}", "Bearer [hidden]'"),
        ("MTA3NTk3ODgwMDAwMDAwMDAw.GabcDE.x0123456789abcdefghijklmnopqrstuvw", "[hidden]"),
        ("key sk-proj-0123456789abcdefgh refused", "key [hidden] refused"),
        ("gAAAAABmZ0123456789abcdefghijk==", "[hidden]"),
        ("nothing.to.hide: draft 12 is posted", "nothing.to.hide: draft 12 is posted"),
    ],
    ids=["webhook", "interaction", "bearer", "Discord token", "OpenAI key", "Fernet", "plain"],
)
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert expected in redacted(text)


def test_a_known_secret_is_hidden_whatever_it_looks_like() -> None:
    hide('a "quoted" secret')
    assert redacted('x a "quoted" secret y') == f"x {HIDDEN} y"
    assert redacted(json.dumps({"k": 'a "quoted" secret'})) == json.dumps({"k": HIDDEN})
    hide("none")  # LLM_API_KEY's default is no secret, and the word is needed
    assert redacted("none") == "none"


SCRIPT = """
import logging, structlog
from bot import logs
logs.configure({level!r}, {form!r}, ["canary-secret"])
log = structlog.stdlib.get_logger("bot.test")
structlog.contextvars.bind_contextvars(draft=7)
log.debug("detail")
log.info("hello", user=3)
logging.getLogger("discord.http").debug("a body with canary text")
logging.getLogger("discord.http").warning("refused %s", "canary-secret")
try:
    secret = "canary-secret"
    raise ValueError("no " + secret)
except ValueError:
    log.exception("it failed")
"""


def _written(level: str, form: str) -> str:
    code = SCRIPT.format(level=level, form=form)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    assert "canary" not in done.stderr
    return done.stderr


def test_away_from_a_terminal_a_line_is_a_json_object() -> None:
    lines = [json.loads(line) for line in _written("INFO", "auto").splitlines()]
    assert [line["event"] for line in lines] == ["hello", f"refused {HIDDEN}", "it failed"]
    assert lines[0] | {"timestamp": ""} == {
        "event": "hello",
        "user": 3,
        "draft": 7,
        "level": "info",
        "logger": "bot.test",
        "timestamp": "",
    }
    assert {line["draft"] for line in lines} == {7}
    assert f"ValueError: no {HIDDEN}" in lines[2]["exception"]


def test_a_person_reads_lines_not_json() -> None:
    written = _written("DEBUG", "human")
    assert "detail" in written
    assert "user=3" in written
    assert "{" not in written.splitlines()[0]
    assert "Traceback" in written


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_a_whole_story_leaves_no_token_and_no_text_in_the_log(
    level: str, voice_folder: Path, fake_llm: FakeLLM, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    discord = sandbox.discord
    async with Proxy(sandbox.mastodon_url) as proxy:
        env = sandbox.environment | {
            "VOICES": str(voice_folder.parent),
            "LLM_BASE_URL": fake_llm.url,
            "LLM_API_KEY": "canary-llm-key",
            "MASTODON_BASE_URL": proxy.url,
            "LOG_LEVEL": level,
        }
        async with bot_process(env, tmp_path) as running:
            await sandbox.wait_ready(30)
            discord.faults.rate_limit("PATCH", "/webhooks/.*", 0.3)
            proxy.fault("POST", "/api/v1/statuses", "drop")
            first = await discord.slash("alice", "draft", topic=TOPIC, notes=NOTES)
            await discord.until(lambda: len(_whole(discord, 1)) == 1, 20)
            await discord.react("alice", _whole(discord, 1)[0], "1️⃣")
            await discord.until(lambda: "✅" in discord.dm_messages("alice")[0]["content"], 20)
            fake_llm.failures = [(400, {})] * 9
            await discord.slash("alice", "draft", notes=NOTES)
            await discord.until(lambda: any("HTTP 400" in m["content"] for m in _seen(discord)), 20)
            assert await running.stop() == 0
    await sandbox.stop()
    output = running.output
    secrets = [sandbox.token, sandbox.mastodon_token, "canary-llm-key", first.token]
    for secret in [*secrets, TOPIC, NOTES, "Barbara", *TEXTS]:
        assert secret not in output
    key = (tmp_path / "state" / "bot.db.key").read_text().strip()
    assert key
    assert key not in output
    lines = [json.loads(line) for line in output.splitlines()]
    drafted = _line(lines, "drafted")
    assert (drafted["draft"], drafted["interaction"]) == (1, int(first.id))
    for event in ("decided", "posting had an unknown outcome", "posted"):
        assert _line(lines, event)["draft"] == 1
    assert _line(lines, "said no")["interaction"]
    assert any("rate limited" in line["event"] for line in lines)
    async with Store.open(tmp_path / "state" / "bot.db") as store:
        draft = await store.drafts.get(1)
        assert draft
        assert (draft.topic, draft.notes) == (TOPIC, NOTES)


def _seen(discord: Any) -> list[dict[str, Any]]:
    return list(discord.messages("alice"))


def _whole(discord: Any, number: int) -> list[dict[str, Any]]:
    """Alice's direct messages that have all their reactions."""
    messages = discord.dm_messages("alice")[:number]
    return [m for m in messages if "❌" in [r["emoji"]["name"] for r in m.get("reactions", [])]]


def _line(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    return next(line for line in lines if line["event"] == event)
