"""The command line, as a person types it: every error one sentence and a non-zero exit."""

import asyncio
import json
import os
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from bot.__main__ import build_parser
from bot.commands import COMMANDS
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.accounts import Connected
from sandbox.server import Sandbox
from tests import warm
from tests.fakes.llm import TEXTS, FakeLLM
from tests.stage import another_voice


async def _bot(*args: str, **env: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(
        warm.run, "bot", *args, env=_environment(env), cwd=env.get("PWD")
    )
    return done.returncode, done.stdout, done.stderr


async def _python(code: str, **env: str) -> tuple[int, str, str]:
    """A new Python, where nothing is imported yet."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code),
        env=_environment(env),
        cwd=env.get("PWD"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def _environment(env: dict[str, str]) -> dict[str, str]:
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    return keep | {"PYTHONPATH": str(Path(__file__).parent.parent), "COLUMNS": "200"} | env


@pytest.fixture
def env(voice_folder: Path, fake_llm: FakeLLM, tmp_path: Path) -> dict[str, str]:
    return {
        "VOICES": str(voice_folder.parent),
        "LLM_BASE_URL": fake_llm.url,
        "PWD": str(tmp_path),
        "DATABASE": str(tmp_path / "bot.db"),
    }


async def test_draft_writes_candidates_in_the_terminal(env: dict[str, str]) -> None:
    code, out, _ = await _bot("draft", "tea", "--voice", "mara", "--count", "2", **env)
    assert code == 0
    assert TEXTS[0] in out
    assert TEXTS[1] in out
    assert TEXTS[2] not in out


async def test_draft_in_bulk_writes_a_row_a_topic(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "topics.txt").write_text("tea\n\nfog\n")
    out = tmp_path / "out.jsonl"
    code, _, err = await _bot(
        "draft", "--topics", str(tmp_path / "topics.txt"), "--out", str(out), **env
    )
    assert code == 0, err
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [r["topic"] for r in rows] == ["tea", "fog"]
    assert [c["text"] for c in rows[1]["candidates"]] == list(TEXTS[4:8])


async def test_draft_from_notes_says_what_became_of_their_facts(
    env: dict[str, str], tmp_path: Path, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter(["Sailed to Port Almond, 12 of us.", "We sailed! Nobody in Reykjavik."])
    (tmp_path / "notes.txt").write_text("sailed to Port Almond\n12 of us\n")
    code, out, err = await _bot("draft", "--notes-file", "notes.txt", "--count", "2", **env)
    assert code == 0, err
    assert fake_llm.asked[0]["messages"][-1]["content"] == (
        "anything\nNotes: sailed to Port Almond; 12 of us"
    )
    first, second = out.split("2  ")
    assert "2 of 2 facts" in first
    assert "added" not in first
    assert "0 of 2 facts · missing: 12, Port Almond · ⚠️ added: Reykjavik" in second


async def test_draft_in_bulk_takes_rows_of_topics_and_notes(
    env: dict[str, str], tmp_path: Path, fake_llm: FakeLLM
) -> None:
    rows = [{"topic": "fog", "notes": "came at 4"}, {"notes": "tea is late"}, {"topic": "tea"}]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    code, _, err = await _bot("draft", "--topics", "rows.jsonl", "--out", "out.jsonl", **env)
    assert code == 0, err
    asked = list(dict.fromkeys(one["messages"][-1]["content"] for one in fake_llm.asked))
    assert asked == ["fog\nNotes: came at 4", "anything\nNotes: tea is late", "tea"]
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["topic"], row.get("notes")) for row in written] == [
        *(("fog", "came at 4"), (None, "tea is late"), ("tea", None)),
    ]


async def test_drafts_in_bulk_go_on_behind_what_a_broken_off_run_has_drawn(
    env: dict[str, str], tmp_path: Path, fake_llm: FakeLLM
) -> None:
    (tmp_path / "topics.txt").write_text("tea\nfog")
    command = ("draft", "--topics", "topics.txt", "--out", "out.jsonl")
    fake_llm.texts = iter(TEXTS[:4])  # and none for the second topic
    code, _, err = await _bot(*command, **env)
    assert code == 2
    assert "1 of 2 are kept: the same command goes on behind them." in " ".join(err.split())
    assert not (tmp_path / "out.jsonl").exists()
    fake_llm.texts = iter(TEXTS[4:8])
    code, _, err = await _bot(*command, **env)
    assert code == 0, err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["topic"] for row in rows] == ["tea", "fog"]
    drawn = [candidate["text"] for row in rows for candidate in row["candidates"]]
    assert drawn == list(TEXTS[:8])
    assert list(tmp_path.glob(".*.partial")) == []


async def test_a_folder_as_the_file_of_drafts_is_refused_before_any_is_drawn(
    env: dict[str, str], tmp_path: Path, fake_llm: FakeLLM
) -> None:
    (tmp_path / "topics.txt").write_text("tea")
    code, _, err = await _bot("draft", "--topics", "topics.txt", "--out", "voices", **env)
    assert code == 2
    assert "argument --out: voices is a folder: name a file" in err
    assert fake_llm.asked == []


@pytest.mark.parametrize(
    ("args", "change", "said"),
    [
        (["draft", "tea", "--voice", "nobody"], {}, "There is no voice at"),
        (["draft"], {}, "Give a TOPIC, --notes or both, or else --topics FILE"),
        (["draft", "--notes", "tea", "--topics", "t.txt"], {}, "or else --topics FILE"),
        (["draft", "--notes", "tea", "--notes-file", "t.txt"], {}, "either --notes or"),
        (["draft", "--notes-file", "none.txt"], {}, "none.txt cannot be read"),
        (["draft", "tea", "--count", "0"], {}, "0 is no count: give a whole number from 1 to 64"),
        (["draft", "tea", "--count", "some"], {}, "some is no count"),
        (["draft", "tea", "--max-chars", "5"], {}, "5 is no limit: give a whole number from 20"),
        (["draft", "tea", "--voices", "nowhere"], {}, "nowhere holds no trained voice"),
        (["draft", "--topics", "none.txt", "--out", "o.jsonl"], {}, "none.txt cannot be read"),
        (["draft", "--topics", "none.txt"], {}, "--topics needs --out"),
        (["draft", "tea"], {"LLM_BASE_URL": "http://127.0.0.1:9/v1"}, "cannot be reached"),
        (["sandbox", "--voice", "nobody"], {}, "There is no voice at"),
        (["sandbox", "--port", "70000"], {}, "70000 is no port"),
        (["sandbox"], {"SANDBOX_PORT": "abc"}, "SANDBOX_PORT is not right: abc is no port"),
        (["run"], {}, "DISCORD_TOKEN is missing"),
        (["export", "alice"], {}, "alice is no Discord id"),
        (["export", "9" * 30], {}, "is no Discord id"),
        (["export", "7"], {}, "There is no database"),
        (["backup", "copy.db"], {}, "There is no database"),
        (["backup"], {}, "FILE"),
        (["dance"], {}, "invalid choice: 'dance'"),
        ([], {}, "COMMAND"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
async def test_wrong_input_is_one_sentence_and_exit_code_2(
    env: dict[str, str], args: list[str], change: dict[str, str], said: str
) -> None:
    code, out, err = await _bot(*args, **(env | change))
    assert code == 2
    assert said in err
    assert "Traceback" not in err + out
    assert not Path(env["PWD"], "o.jsonl").exists()


async def test_a_port_for_the_sandbox_matters_to_nobody_else(env: dict[str, str]) -> None:
    wrong = env | {"SANDBOX_PORT": "abc"}
    code, out, err = await _bot("doctor", **wrong)
    assert (code, err) == (1, "")
    assert "✗ config" in out
    code, _, err = await _bot("sandbox", "--port", "0", "--voice", "nobody", **wrong)
    assert "There is no voice at" in err


async def test_without_the_sandbox_it_is_said_where_it_is(env: dict[str, str]) -> None:
    code, out, err = await _python(
        "import sys; sys.modules['sandbox.server'] = None\n"
        "from bot.__main__ import main; sys.exit(main(['sandbox']))",
        **env,
    )
    assert (code, out) == (2, "")
    assert "The sandbox is not installed here" in err
    assert "Traceback" not in err


async def test_a_lost_module_of_ours_is_not_taken_for_a_library() -> None:
    """`make install` would not help against a mistake of ours."""
    lose = "import sys; sys.modules['{}'] = None; from bot.__main__ import main; main(['doctor'])"
    _, _, err = await _python(lose.format("bot.doctor"))
    assert "Traceback" in err
    assert "make install" not in err
    _, _, err = await _python(lose.format("discord"))
    assert "This needs discord, which is not installed. Run `make install`." in err


HEAVY = ("aiohttp", "apscheduler", "asyncio", "discord", "mastodon", "openai", "pydantic")


async def test_help_waits_for_no_library_and_each_command_explains_itself() -> None:
    code, out, _ = await _python(
        "import sys\nfrom bot.__main__ import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert (code, out.splitlines()[-1]) == (0, "[]")
    for name in COMMANDS:
        assert re.search(rf"^    {name}\s+\w", out, re.M)


def test_every_command_has_an_example_and_every_flag_a_sentence() -> None:
    (commands,) = (a for a in build_parser()._actions if a.dest == "COMMAND" or a.choices)
    assert isinstance(commands.choices, dict)
    assert list(commands.choices) == list(COMMANDS)
    for name, command in commands.choices.items():
        assert command.description
        assert f"  python -m bot {name}" in command.epilog
        assert all(action.help for action in command._actions)


async def test_the_version_is_that_of_the_package() -> None:
    assert await _bot("--version") == (0, f"write-my-posts {version('write-my-posts')}\n", "")


async def test_a_damaged_voice_stops_the_bot_with_a_sentence(
    env: dict[str, str], voice_folder: Path
) -> None:
    (voice_folder / "voice.json").write_text("{")
    code, _, err = await _bot("draft", "tea", **env)
    assert code == 2
    assert "voice.json cannot be read" in err


async def test_doctor_has_a_sentence_for_everything(
    env: dict[str, str], voice_folder: Path
) -> None:
    another_voice(voice_folder, "zoe")
    sandbox = Sandbox()
    await sandbox.start()
    good = env | sandbox.environment | {"VOICE": "zoe"}
    try:
        await _connect(good, 77, sandbox.mastodon_token)
        sandbox.discord.applications.settings = {"flags": 1 << 19}
        code, out, err = await _bot("doctor", **good)
        assert (code, err) == (0, "")
        names = [line.split(":")[0] for line in out.splitlines()]
        voices = ["✓ voice mara", "✓ voice zoe"]
        discord = ["✓ Discord", "! Privileged intents are on, and not needed"]
        rest = ["✓ Mastodon", "✓ Bluesky", "✓ database", "✓ account of 77"]
        assert names == ["✓ config", *voices, "✓ engine", *discord, *rest]
        assert "scope=bot+applications.commands&permissions=0&integration_type=0" in out
        assert "scope=applications.commands&integration_type=1" in out
        sandbox.discord.applications.settings = {"interactions_endpoint_url": "https://a.example"}
        async with Store.open(Path(env["DATABASE"])):  # as a running bot has it
            code, out, _ = await _bot("doctor", **{k: v for k, v in good.items() if k != "VOICE"})
        assert code == 1
        assert "✓ engine" in out  # of several voices, the first
        assert "✗ Discord: Discord sends every command to https://a.example" in out
        assert "in use by a running bot" in out
        bad = {"DISCORD_TOKEN": "canary.wrong.token", "MASTODON_ACCESS_TOKEN": "canary"}
        await _connect(good, 77, "canary")
        code, out, err = await _bot("doctor", **(good | bad))
        assert code == 1
        assert [line[0] for line in out.splitlines()] == list("✓✓✓✓✗✗✓✓✗")
        assert "canary" not in out + err
    finally:
        await sandbox.stop()


async def _connect(env: dict[str, str], user_id: int, token: str) -> None:
    """Store a connected account, as /mastodon connect does."""
    database, base_url = Path(env["DATABASE"]), env["MASTODON_BASE_URL"]
    locked = Vault.open(None, database).lock(token)
    async with Store.open(database) as store:
        account = Connected(base_url, "@you", locked)
        await store.accounts.connect(user_id, account, datetime.now(UTC))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("DISCORD_TOKEN", "does not accept DISCORD_TOKEN"),
        ("MASTODON_ACCESS_TOKEN", "must renew MASTODON_ACCESS_TOKEN"),
    ],
)
async def test_a_wrong_token_ends_run_with_a_sentence(
    env: dict[str, str], name: str, said: str
) -> None:
    sandbox = Sandbox()
    await sandbox.start()
    try:
        wrong = env | sandbox.environment | {name: "canary.wrong.token"}
        code, out, err = await _bot("run", **wrong)
    finally:
        await sandbox.stop()
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert "canary" not in out + err


async def test_doctor_without_configuration_names_it_all() -> None:
    code, out, _ = await _bot("doctor", PWD="/")
    assert code == 1
    for name in ("DISCORD_TOKEN", "OWNER_IDS"):
        assert name in out
