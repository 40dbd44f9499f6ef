"""docker-compose.yml and the Dockerfile: commands that exist, volumes that fit, no secrets."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.commands.run import DRAIN_S

ROOT = Path(__file__).parents[1]
ENGINE_STOP_S = 5  # as bot/writing/engine.py waits for its child
# As Compose reads it where .env sets nothing: ${NAME:-default} becomes its default.
COMPOSE = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
STAGES = re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text("utf-8"))[1:]


def command(service: dict[str, Any]) -> list[str]:
    return [str(word) for word in (*service.get("entrypoint", []), *service["command"])]


def test_there_are_a_trainer_an_llm_and_a_bot() -> None:
    assert SERVICES.keys() == {"trainer", "llm", "bot"}
    assert SERVICES["trainer"]["profiles"] == ["train"]
    assert all("profiles" not in SERVICES[name] for name in ("llm", "bot"))


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_is_one_we_have(name: str) -> None:
    python, *arguments = command(SERVICES[name])
    assert python == "python"
    shown = subprocess.run(
        [sys.executable, *arguments, "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert f"usage: python -m {arguments[1]}" in shown.stdout


def test_help_lists_every_option_the_llm_is_given() -> None:
    _, *arguments = command(SERVICES["llm"])
    shown = subprocess.run(
        [sys.executable, *arguments, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for option in (word for word in arguments if word.startswith("--")):
        assert option in shown.stdout


def test_the_bot_finds_the_llm_where_it_listens() -> None:
    words = command(SERVICES["llm"])
    port = words[words.index("--port") + 1]
    assert SERVICES["bot"]["environment"]["LLM_BASE_URL"] == f"http://llm:{port}/v1"
    assert f":{port}/health" in SERVICES["llm"]["healthcheck"]["test"][-1]
    assert set(SERVICES["llm"]["networks"]) <= set(SERVICES["bot"]["networks"])


def test_nothing_is_open_to_the_outside() -> None:
    assert all("ports" not in service for service in SERVICES.values())
    assert yaml.safe_load(COMPOSE)["networks"]["engine"] == {"internal": True}


def test_only_the_trainer_writes_voices() -> None:
    mounts = {name: service["volumes"] for name, service in SERVICES.items()}
    assert "voices:/app/voices" in mounts["trainer"]
    assert "voices:/app/voices:ro" in mounts["llm"]
    assert "voices:/app/voices:ro" in mounts["bot"]


def test_named_volumes_are_declared_and_made_for_the_user() -> None:
    used = {mount.split(":")[0] for s in SERVICES.values() for mount in s["volumes"]}
    named = {source for source in used if not source.startswith(".")}
    assert named == yaml.safe_load(COMPOSE)["volumes"].keys()
    assert all(f"/app/{name}" in STAGES[0] for name in named)


@pytest.mark.parametrize("name", ["llm", "bot"])
def test_what_keeps_running_is_watched(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][:2] == ["CMD", "python"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_the_bots_health_is_asked_where_it_listens() -> None:
    port = SERVICES["bot"]["environment"]["METRICS_PORT"]
    assert f"http://127.0.0.1:{port}/health" in SERVICES["bot"]["healthcheck"]["test"][-1]


def test_the_bot_is_given_the_time_it_takes_to_stop() -> None:
    grace = SERVICES["bot"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > DRAIN_S + ENGINE_STOP_S


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_can_change_nothing_but_its_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp"]
    assert "user" not in service  # the image's own, checked below
    writable = [mount for mount in service["volumes"] if not mount.endswith(":ro")]
    assert all(mount.split(":")[1].startswith("/app/") for mount in writable)


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        assert not [n for n in service.get("environment", {}) if re.search("TOKEN|KEY|SECRET", n)]
    assert SERVICES["bot"]["env_file"][0]["path"] == ".env"
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith("!.env")]


@pytest.mark.parametrize("target", ["bot", "trainer"])
def test_images_run_as_an_ordinary_user(target: str) -> None:
    (stage,) = [s for s in STAGES if s.startswith(f"base AS {target}\n")]
    assert re.findall(r"(?m)^USER (\w+)$", stage) == ["app"]
    assert target in {s["build"]["target"] for s in SERVICES.values()}


def test_what_the_image_copies_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for sources in re.findall(r"(?m)^COPY (.+) \S+$", STAGES[0]):
        for source in sources.split():
            assert f"!{source}" in ignored
