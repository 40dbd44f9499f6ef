"""docker-compose.yml and the Dockerfile: commands that exist, volumes that fit, no secrets.

test_images.py builds the images and runs them, where there is an engine.
"""

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.__main__ import build_parser as bot_parser
from bot.commands.run import DRAIN_S
from bot.config import ELSEWHERE, DraftSettings, Settings
from trainer.__main__ import build_parser as trainer_parser

ROOT = Path(__file__).parents[1]
ENGINE_STOP_S = 5  # as bot/writing/engine.py waits for its child
WRITTEN = (ROOT / "docker-compose.yml").read_text("utf-8")
# As Compose reads it where .env sets nothing: ${NAME:-default} becomes its default, the rest empty.
COMPOSE = re.sub(r"\$\{\w+:([-+])([^}]*)\}", lambda m: m[2] * (m[1] == "-"), WRITTEN)
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
STAGES = re.split(r"(?m)^FROM ", (ROOT / "Dockerfile").read_text("utf-8"))[1:]
PARSERS = {"bot": bot_parser, "trainer": trainer_parser}
PLACES = {"voices", "database", "metrics_host"}  # settings that the volumes and the port decide


def mounts(name: str) -> list[dict[str, Any]]:
    """A service's mounts, the short form written out."""
    return [
        mount
        if isinstance(mount, dict)
        else dict(zip(("source", "target", "mode"), mount.split(":"), strict=False))
        for mount in SERVICES[name]["volumes"]
    ]


def commands_in(text: str) -> list[list[str]]:
    """The program and its arguments of every `docker compose run …` and `exec …` of a text."""
    flags = r"(?:--rm |--entrypoint \S+ |--no-deps )*"
    found = re.findall(rf"docker compose (?:run|exec) ({flags})(trainer|bot) ([^\n`]+)", text)
    return [
        ["trainer", *rest.split()] if service == "trainer" else rest.split()[2:]
        for given, service, rest in found
        if "--entrypoint" not in given
    ]


def test_there_are_a_trainer_and_a_bot_which_runs_the_engine_itself() -> None:
    assert SERVICES.keys() == {"trainer", "bot"}
    assert SERVICES["trainer"]["profiles"] == ["train"]
    assert "profiles" not in SERVICES["bot"]
    assert "LLM_BASE_URL" not in SERVICES["bot"]["environment"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_command_is_one_we_have(name: str) -> None:
    service = SERVICES[name]
    words: list[str] = [*service.get("entrypoint", []), *service["command"]]
    assert words[:3] == ["python", "-m", name]
    if words[3:] != ["--help"]:
        PARSERS[name]().parse_args(words[3:])


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md"])
def test_every_command_of_the_docs_is_one_we_have(page: str) -> None:
    found = commands_in((ROOT / page).read_text("utf-8"))
    assert len(found) > 2
    for module, *arguments in found:
        PARSERS[module]().parse_args(arguments)


def test_what_the_docs_copy_out_of_a_container_cannot_be_committed() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    copied = [Path(place).name for place in re.findall(r"docker compose cp bot:(\S+) \.", page)]
    assert len(copied) > 2
    for name in copied:
        place = f"{name}/" if "." not in name else name
        git = [str(shutil.which("git")), "-C", str(ROOT), "check-ignore", place]
        assert subprocess.run(git, check=False).returncode == 0, place


@pytest.mark.parametrize("page", ["README.md", "docs/operating.md", "docs/elsewhere.md"])
def test_every_build_of_the_docs_is_one_of_both_images(page: str) -> None:
    """Compose passes over the services of a profile that is not named."""
    text = (ROOT / page).read_text("utf-8")
    builds = re.findall(r"docker compose[^`\n]* build\b", text)
    assert all("--profile train" in build for build in builds), builds
    assert builds or page == "README.md"


def test_the_checkout_may_move_and_be_renamed() -> None:
    """Compose names volumes and images after the project."""
    assert yaml.safe_load(COMPOSE)["name"] == "write-my-posts"
    assert all("image" not in service for service in SERVICES.values())


def test_nothing_is_open_to_the_outside() -> None:
    assert "ports" not in SERVICES["trainer"]
    assert SERVICES["bot"]["ports"] == ["127.0.0.1::9100"]  # any free port, unless .env names one
    assert '"127.0.0.1:${METRICS_PORT:-}:9100"' in WRITTEN


def test_only_the_trainer_writes_voices() -> None:
    modes = {name: {m["target"]: m.get("mode", "rw") for m in mounts(name)} for name in SERVICES}
    assert modes["trainer"]["/app/voices"] == "rw"
    assert modes["bot"]["/app/voices"] == "ro"


def test_the_trainer_sees_the_decisions() -> None:
    where = {m["target"]: m["source"] for m in mounts("trainer")}
    assert where["/app/state"] == "state"
    assert {m["target"]: m["source"] for m in mounts("bot")}["/app/state"] == "state"


def test_named_volumes_are_declared_and_made_for_the_user() -> None:
    used = {mount["source"] for name in SERVICES for mount in mounts(name)}
    named = {source for source in used if not source.startswith((".", "/"))}
    assert named == yaml.safe_load(COMPOSE)["volumes"].keys()
    assert all(f"/app/{name}" in STAGES[0] for name in named)


def test_the_archive_has_a_place_and_cannot_be_committed() -> None:
    """Docker makes a folder that is missing, as root's."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    git = [str(shutil.which("git")), "-C", str(ROOT)]
    ignored = subprocess.run([*git, "check-ignore", "archives/twitter.zip"], check=False)
    assert ignored.returncode == 0
    kept = subprocess.run([*git, "check-ignore", "archives/.gitkeep"], check=False)
    assert kept.returncode == 1
    assert (ROOT / "archives" / ".gitkeep").is_file()


def test_every_setting_means_the_same_in_a_container() -> None:
    """The bot gets .env whole; the trainer what concerns it, without a value here."""
    assert SERVICES["bot"]["env_file"][0]["path"] == ".env"
    of_a_voice = DraftSettings.model_fields.keys() - PLACES
    paths = {n for n in of_a_voice if "Path" in str(DraftSettings.model_fields[n].annotation)}
    passed = {n.lower(): v for n, v in SERVICES["trainer"]["environment"].items()}
    assert of_a_voice <= passed.keys()
    assert {"openai_api_key", "openai_base_url"} <= passed.keys()
    assert all(passed[name] is None for name in (of_a_voice - paths))
    assert [*SERVICES["trainer"]["build"]["args"]] == ["TORCH_INDEX", "GEMMA_TERMS"]
    for name in paths:  # a file that is named is mounted, and named by its place inside
        inside = re.search(rf"{name.upper()}: \$\{{{name.upper()}:\+(\S+)\}}", WRITTEN)
        assert inside
        for service in SERVICES:
            (mount,) = [m for m in mounts(service) if m["target"] == inside[1]]
            assert mount["read_only"]
            assert mount["source"] == "/dev/null"
            assert SERVICES[service]["environment"][name.upper()] is None
        assert f'source: "${{{name.upper()}:-/dev/null}}"' in WRITTEN


def test_what_a_container_reads_is_a_setting() -> None:
    named = set(re.findall(r"\$\{(\w+)", WRITTEN))
    named |= {name for service in SERVICES.values() for name in service["build"]["args"]}
    assert {n.lower() for n in named} <= {*Settings.model_fields, *ELSEWHERE}


@contextmanager
def health(status: int, body: dict[str, str]) -> Iterator[int]:
    """A bot's /health, at this port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def check_health(here: int) -> "subprocess.CompletedProcess[str]":
    """Run the container's own check against this port."""
    kind, python, flag, code = SERVICES["bot"]["healthcheck"]["test"]
    assert (kind, python, flag) == ("CMD", "python", "-c")
    port = str(SERVICES["bot"]["environment"]["METRICS_PORT"])
    assert code.count(port) == 1
    run = [sys.executable, "-c", code.replace(port, str(here))]
    return subprocess.run(run, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("status", [200, 503])
def test_the_health_check_says_what_the_bot_says(status: int) -> None:
    said = {"gateway": "The bot is not connected to Discord."}
    with health(status, said) as here:
        done = check_health(here)
    assert (done.returncode, done.stderr) == (int(status != 200), "")
    assert json.loads(done.stdout) == said


@pytest.mark.parametrize("answer", [None, b""], ids=["no server", "it hangs up"])
def test_a_bot_that_gives_no_answer_is_a_sentence_in_the_health_log(answer: bytes | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = server.getsockname()[1]
        if answer is None:
            server.close()
        else:
            threading.Thread(target=_answer, args=(server, answer), daemon=True).start()
        done = check_health(here)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The bot does not answer \(.+\): .+\n", done.stderr)


def _answer(server: socket.socket, answer: bytes) -> None:
    connection = server.accept()[0]
    with connection:
        connection.recv(4096)
        connection.sendall(answer)


def test_the_bot_keeps_running_and_has_the_time_it_takes_to_stop() -> None:
    assert SERVICES["bot"]["restart"] == "unless-stopped"
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
    writable = [m for m in mounts(name) if m.get("mode") != "ro" and not m.get("read_only")]
    assert all(mount["target"].startswith("/app/") for mount in writable)


def test_no_secret_is_written_down() -> None:
    for service in SERVICES.values():
        secret = [n for n in service.get("environment", {}) if re.search("TOKEN|KEY|SECRET", n)]
        assert all(service["environment"][name] is None for name in secret)
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
    copied = re.findall(r"(?m)^COPY (.+) \S+$", "".join(STAGES))
    sources = {source.partition("/")[0] for line in copied for source in line.split()}
    assert {f"!{source}" for source in sources} == {x for x in ignored if x.startswith("!")}


@pytest.mark.parametrize("stage", STAGES[1:], ids=lambda stage: str(stage.split()[2]))
def test_a_change_of_the_sources_installs_no_package_again(stage: str) -> None:
    assert stage.rindex("RUN pip install") < stage.index("COPY bot")
    assert "COPY bot" not in STAGES[0]
