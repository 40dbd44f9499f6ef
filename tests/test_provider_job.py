"""A voice trained by a provider, against a loopback server that speaks the wire."""

import io
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import toktok
from rich.console import Console

from bot.voice import Voice, load_posts
from tests import warm
from tests.fakes.finetuning import SCRIPT, FakeProvider, losses, serving
from tests.fakes.openai_spec import FILE as SPEC_FILE
from tests.fakes.openai_spec import Spec
from tests.fakes.prepared import invented_posts, write_prepared
from trainer.data import dataset
from trainer.errors import DataError, ProviderError
from trainer.provider import estimate
from trainer.provider.client import Pace, Provider
from trainer.provider.job import DEFAULT_PROVIDER_MODEL, OpenAI, Order
from trainer.training.voice_folder import VoiceFolder

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUICK = Pace(poll_s=0.01, answer_s=5, set_up_s=10, follow_s=10)
KEY = "sk-secret"
CALLS = (
    "GET /files",
    "POST /files",
    "GET /files/file-1",
    "GET /fine_tuning/jobs",
    "POST /fine_tuning/jobs",
    "GET /fine_tuning/jobs/ftjob-1",
    "GET /fine_tuning/jobs/ftjob-1/events",
    "GET /files/file-3/content",
)


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with serving(FakeProvider()) as provider:
        yield provider


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_prepared(tmp_path / "data", invented_posts(48), validation=8)


@pytest.fixture
def teach(fake: FakeProvider, tmp_path: Path, data: Path) -> Callable[..., str]:
    """`train`, in this process; returns what it printed."""

    def run(
        order: Order | None = None, pace: Pace = QUICK, *, fresh: bool = False, **more: Any
    ) -> str:
        out = io.StringIO()
        console = Console(file=out, width=300)
        provider = Provider(fake.url, KEY, pace, console.print)
        options: dict[str, Any] = {"agreed": True, **more}
        folder = VoiceFolder.named(tmp_path / "voices", "mara")
        OpenAI(provider, order or Order(), **options).train(
            dataset.load(data), folder, fresh=fresh, now=NOW, console=console
        )
        return out.getvalue()

    return run


def _files_of(voice: Path) -> dict[str, object]:
    """What must be the same, however the voice came about."""
    about = json.loads((voice / "voice.json").read_text("utf-8"))
    del about["created_at"]
    names = ("curve.json", "posts.jsonl")
    return {"voice.json": about, **{n: (voice / n).read_text("utf-8") for n in names}}


# --- the voice


def test_a_job_becomes_a_complete_voice_without_address_or_key(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    said = teach(price=3.0)
    folder = tmp_path / "voices" / "mara"
    voice = Voice.load(folder)
    assert (voice.backend, voice.base.name) == ("openai", DEFAULT_PROVIDER_MODEL)
    assert voice.model == fake.jobs["ftjob-1"]["fine_tuned_model"]
    assert voice.counts == {"train": 40, "validation": 8}
    assert voice.metrics == {
        "train_loss": 1.3,
        "validation_loss": 1.4,
        "trained_tokens": 1234,
        "train_seconds": 60,
    }
    assert [p.text for p in load_posts(folder)] == [text for _, text in invented_posts(40)]
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "curve.json",
        "curve.png",
        "dataset.json",
        "held-out.jsonl",
        "job.json",
        "posts.jsonl",
        "voice.json",
    }
    for file in folder.glob("*.json*"):
        assert not {fake.url, KEY, "127.0.0.1"} & set(file.read_text("utf-8").split('"'))
    assert [p.name for p in (tmp_path / "voices").iterdir()] == ["mara"]
    assert "40 examples, about" in said
    assert "running" in said
    assert "Step 3/6" in said


def test_the_losses_of_the_result_file_become_the_curve(
    teach: Callable[..., str], tmp_path: Path
) -> None:
    teach(Order(epochs=2))
    curve = json.loads((tmp_path / "voices/mara/curve.json").read_text("utf-8"))
    assert [(s["step"], s["epoch"], s["loss"]) for s in curve["steps"]] == [
        (i, 1 if i <= 3 else 2, loss) for i, loss in enumerate(losses(), start=1)
    ]
    # Those of the whole validation file, not the noisy ones of its batches.
    assert [(v["epoch"], v["loss"]) for v in curve["validations"]] == [(1, 1.8), (2, 1.4)]


@pytest.mark.parametrize("left", ["nothing", "file gone", "plain CSV"])
def test_losses_are_found_where_another_server_leaves_them(
    left: str, fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.has_results = left != "nothing"
    fake.encodes_results = left != "plain CSV"
    if left == "file gone":
        fake.faults = [("GET /files/file-3/content", 404)]
    teach()
    curve = json.loads((tmp_path / "voices/mara/curve.json").read_text("utf-8"))
    assert [s["loss"] for s in curve["steps"]] == losses()


def test_what_is_sent_is_the_order_and_the_prepared_files(
    fake: FakeProvider, teach: Callable[..., str], data: Path
) -> None:
    teach(Order(model="some/model", epochs=3, seed=7))
    body = next(r.body for r in fake.requests if r.method == "POST" and r.path.endswith("jobs"))
    assert body is not None
    token = body.pop("metadata")["write-my-posts"]
    assert len(token) == 32
    assert body == {
        "model": "some/model",
        "training_file": "file-1",
        "validation_file": "file-2",
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
        "seed": 7,
        "suffix": "mara",
    }
    assert fake.contents["file-1"] == (data / "train.jsonl").read_bytes()
    assert fake.contents["file-2"] == (data / "validation.jsonl").read_bytes()
    assert {r.authorization for r in fake.requests} == {f"Bearer {KEY}"}


# --- DPO


def _pair(number: int) -> dict[str, object]:
    return {
        "input": {"messages": [{"role": "user", "content": f"kettle {number}"}]},
        "preferred_output": [{"role": "assistant", "content": "It knows."}],
        "non_preferred_output": [{"role": "assistant", "content": "It is hot."}],
    }


def _write_pairs(file: Path, rows: list[object]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


def test_dpo_learns_from_the_pairs(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    pairs = _write_pairs(tmp_path / "pairs.jsonl", [_pair(i) for i in range(10)])
    teach(Order(model="ft:mara", method="dpo", preferences=pairs, beta=0.1))
    body = next(r.body for r in fake.requests if r.method == "POST" and r.path.endswith("jobs"))
    assert body is not None
    settings = {"n_epochs": 2, "beta": 0.1}
    assert body["method"] == {"type": "dpo", "dpo": {"hyperparameters": settings}}
    assert "validation_file" not in body
    assert fake.contents["file-1"] == pairs.read_bytes()


BAD_PAIRS = {
    "not JSON": ("{", "line 10: is not JSON"),
    "no messages": ({**_pair(9), "input": {}}, "line 10: 'input' has no list of 'messages'"),
    "two answers": (
        {**_pair(9), "preferred_output": [{"role": "assistant", "content": "x"}] * 2},
        "line 10: 'preferred_output' is not a list of one",
    ),
    "another's answer": (
        {**_pair(9), "non_preferred_output": [{"role": "user", "content": "x"}]},
        "line 10: 'non_preferred_output' is not a list of one",
    ),
    "no preference": (
        {**_pair(9), "non_preferred_output": [{"role": "assistant", "content": "It knows."}]},
        "line 10: both outputs are the same",
    ),
    "too few": (None, "holds 9 pairs"),
}


@pytest.mark.parametrize("fault", BAD_PAIRS)
def test_bad_pairs_are_named_before_anything_is_sent(
    fault: str, fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    row, said = BAD_PAIRS[fault]
    pairs = _write_pairs(tmp_path / "pairs.jsonl", [_pair(i) for i in range(9)])
    with pairs.open("a") as out:
        out.write(row if isinstance(row, str) else json.dumps(row) if row else "")
    with pytest.raises(DataError, match=r"pairs.jsonl") as caught:
        teach(Order(method="dpo", preferences=pairs))
    assert said in str(caught.value)
    assert fake.requests == []


# --- the specification


@pytest.mark.skipif(not SPEC_FILE.exists(), reason=f"{SPEC_FILE.name} is not beside the repository")
def test_every_request_and_every_answer_of_the_fake_is_as_the_specification_says(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.shutdown_dates = {DEFAULT_PROVIDER_MODEL: "2027-01-14"}
    pairs = _write_pairs(tmp_path / "pairs.jsonl", [_pair(i) for i in range(10)])
    teach()
    teach(Order(method="dpo", preferences=pairs, beta=2.0, epochs=50))
    fake.faults = [("GET /fine_tuning/jobs/ftjob-3", 400)]
    with pytest.raises(ProviderError, match="HTTP 400"):
        teach(Order(seed=2**40))
    teach(is_cancelling=True)
    spec = Spec()
    assert spec.mended == 7
    posted = {r.path for r in fake.requests if r.method == "POST"}
    assert posted == {"/files", "/fine_tuning/jobs", "/fine_tuning/jobs/ftjob-3/cancel"}
    for r in fake.requests:
        kind = "multipart/form-data" if r.path == "/files" else "application/json"
        assert spec.request(r.method, r.path, r.query, r.body, kind) == []
    for call, status, answer in fake.answers:
        method, path = call.split()
        assert spec.answer(method, path, status, answer) == []
    wrong = {"model": DEFAULT_PROVIDER_MODEL, "training_file": "f", "suffix": "s" * 65}
    assert spec.request("POST", "/fine_tuning/jobs", {}, wrong, "application/json") != []


# --- what goes wrong at the provider


@pytest.mark.parametrize("fault", [429, 500, 503, "cut", "cut after", "hang", "html"])
def test_each_call_survives_a_fault_and_there_is_one_job(
    fault: int | str, fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.faults = [(call, fault) for call in CALLS[::-1]]  # the longest first
    teach(pace=replace(QUICK, answer_s=0.15) if fault == "hang" else QUICK)
    assert fake.faults == []
    assert len(fake.jobs) == 1
    assert Voice.load(tmp_path / "voices" / "mara").model.endswith("ftjob-1")
    assert len(fake.calls("POST /files")) <= 3  # one more only where it was never taken


def test_a_server_that_leaves_out_what_it_may_serves_too(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.leaves_out = ("object", "organization_id", "result_files", "metadata", "data")
    teach()
    assert Voice.load(tmp_path / "voices" / "mara").model.endswith("ftjob-1")


def test_an_outage_is_one_sentence_and_the_next_run_goes_on(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.faults = [("GET /fine_tuning/jobs/ftjob-1", 503)] * 100
    with pytest.raises(ProviderError, match=r"has a fault .HTTP 503.. It was tried .* times"):
        teach(pace=replace(QUICK, follow_s=0.3))
    fake.faults = [("GET /fine_tuning/jobs/ftjob-1", 503)] * 5
    said = teach()
    assert said.count("Trying again with growing pauses") == 1
    assert "Going on with the job ftjob-1" in said
    assert len(fake.jobs) == 1


@pytest.mark.parametrize("keeps_metadata", [True, False], ids=["metadata", "no metadata"])
def test_a_job_that_was_taken_but_not_answered_for_is_found_though_late(
    keeps_metadata: bool, fake: FakeProvider, teach: Callable[..., str]
) -> None:
    teach()  # an earlier job on the same file
    fake.keeps_metadata, fake.slow_s = keeps_metadata, 0.15
    fake.faults = [("POST /fine_tuning/jobs", "cut after")]
    teach(pace=replace(QUICK, poll_s=0.5), fresh=True)  # it waits for a second
    assert len(fake.jobs) == 2
    assert len(fake.calls("POST /fine_tuning/jobs")) == 2


REFUSALS = {
    403: "can no longer fine-tune at 127.0.0.1 .HTTP 403: told to fail.. .*--backend local.*"
    "OPENAI_BASE_URL",
    401: "refused the key. Check OPENAI_API_KEY",
    404: "does not know what was asked for .HTTP 404: told to fail",
    400: "refused the request .HTTP 400.: told to fail",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_a_sentence_and_is_not_repeated(
    status: int, fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.faults = [("POST /fine_tuning/jobs", status)]
    with pytest.raises(ProviderError, match=REFUSALS[status]) as caught:
        teach()
    assert KEY not in str(caught.value)
    assert len(fake.calls("POST /fine_tuning/jobs")) == 1
    assert not (tmp_path / "voices" / "mara").exists()
    teach()  # and nothing is left of it
    assert len(fake.jobs) == 1


def test_a_key_that_may_not_is_no_closed_organisation(
    fake: FakeProvider, teach: Callable[..., str]
) -> None:
    fake.refusal = "Missing scopes: api.fine_tuning.jobs.write"
    fake.faults = [("GET /models", 403), ("POST /fine_tuning/jobs", 403)]
    with pytest.raises(ProviderError, match=r"The key may not do this at .*Missing scopes"):
        teach()


def test_a_job_that_failed_gives_its_reason_and_is_repeated_only_when_asked(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path
) -> None:
    fake.script = (*SCRIPT[:3], "failed")
    fake.error = {"code": "invalid_training_file", "message": "Line 3 is odd.", "param": None}
    for _ in range(2):
        with pytest.raises(ProviderError, match=r"ftjob-1 failed at .*: Line 3 is odd. .*--fresh"):
            teach()
    assert len(fake.jobs) == 1
    fake.script = SCRIPT
    teach(fresh=True)
    assert Voice.load(tmp_path / "voices" / "mara").model.endswith("ftjob-2")


def test_a_job_paused_at_the_provider_is_waited_for(
    fake: FakeProvider, teach: Callable[..., str]
) -> None:
    fake.script = (*SCRIPT[:4], "paused", "paused", *SCRIPT[4:])
    assert teach().count("paused: go on with it on the provider's page") == 1


# --- money


def test_a_finished_job_is_not_paid_for_twice(
    fake: FakeProvider, teach: Callable[..., str]
) -> None:
    teach()
    assert "already" in teach(agreed=False)
    assert len(fake.jobs) == 1
    teach(fresh=True)
    assert len(fake.jobs) == 2


def test_unchanged_files_are_not_uploaded_again_and_changed_ones_are(
    fake: FakeProvider, teach: Callable[..., str], data: Path
) -> None:
    teach()
    assert "train.jsonl: unchanged at the provider (file-1)" in teach(Order(epochs=4))
    assert len(fake.calls("POST /files")) == 2
    lines = (data / "train.jsonl").read_text("utf-8").splitlines(keepends=True)
    (data / "train.jsonl").write_text("".join(lines[::-1]), "utf-8")  # as many bytes as before
    teach()
    assert len(fake.calls("POST /files")) == 3


def test_the_estimate_counts_tokens_and_money(tmp_path: Path) -> None:
    texts = ("Be Mara.", "kettle", "The kettle knows what the kettle knows.")
    messages = [{"role": "user", "content": text} for text in texts]
    line = json.dumps({"messages": messages})
    (tmp_path / "train.jsonl").write_text(f"{line}\n\n{line}\n" * 50, "utf-8")
    counted = sum(toktok.batch_count(list(texts), "o200k_base"))
    said = estimate.cost_sentence(tmp_path / "train.jsonl", "m", 3, 25.0)
    tokens = 100 * 3 * (counted + 3 * 3 + 3)
    assert said == (
        f"m: 100 examples, about {tokens:,} tokens in 3 epochs;"
        f" at 25.00 a million that is about {tokens / 1e6 * 25:.2f}."
    )


def test_without_consent_nothing_is_sent(fake: FakeProvider, teach: Callable[..., str]) -> None:
    with pytest.raises(ProviderError, match="Run it with --yes"):
        teach(agreed=False)  # pytest's stdin is no terminal
    assert fake.calls("POST") == []


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2027-01-14", "shut down on 2027-01-14, in 53 days, and every fine-tune on it too. You"),
        ("2028-11-22", "shut down on 2028-11-22, in 731 days"),
        ("2026-10-23", "was shut down on 2026-10-23: choose another"),
    ],
    ids=["soon", "late", "gone"],
)
def test_the_end_of_the_model_is_said_before_the_question(
    date: str, said: str, fake: FakeProvider, teach: Callable[..., str]
) -> None:
    fake.shutdown_dates = {"org/some-model": date}
    out = teach(Order(model="org/some-model"))
    assert said in out
    assert out.index(said) < out.index("uploaded")
    assert ("falls silent" in out) == (date == "2027-01-14")


@pytest.mark.parametrize("changed", ["data", "settings"])
def test_other_data_or_settings_start_no_second_job_beside_one_that_goes_on(
    changed: str, fake: FakeProvider, teach: Callable[..., str], data: Path
) -> None:
    fake.script = ("running",)
    fake.faults = [("GET /fine_tuning/jobs/ftjob-1", 400)]
    with pytest.raises(ProviderError, match="HTTP 400"):
        teach()
    if changed == "data":
        write_prepared(data, invented_posts(60), validation=8)
    with pytest.raises(ProviderError, match="ftjob-1 of this voice still goes on"):
        teach(Order(epochs=9 if changed == "settings" else 2))
    assert len(fake.jobs) == 1


def test_a_job_at_another_provider_is_not_forgotten(
    fake: FakeProvider, teach: Callable[..., str]
) -> None:
    fake.faults = [("GET /fine_tuning/jobs/ftjob-1", 400)]
    with pytest.raises(ProviderError, match="HTTP 400"):
        teach()
    fake.url = fake.url.replace("127.0.0.1", "localhost")
    with pytest.raises(ProviderError, match="begun at another provider"):
        teach()


def test_a_damaged_note_says_that_a_job_may_go_on(
    teach: Callable[..., str], tmp_path: Path
) -> None:
    training = tmp_path / "voices" / ".mara.training"
    training.mkdir(parents=True)
    (training / "job.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match="a job of this voice may go on unseen"):
        teach()


@pytest.mark.parametrize("typed", [' "sk-a"\n', "Bearer sk-a", "“sk-a”"])
def test_a_key_and_an_address_are_understood_as_pasted(typed: str) -> None:
    given = {"OPENAI_API_KEY": typed, "OPENAI_BASE_URL": " 'https://llm.example/v1/' "}
    provider = Provider.from_environment(given, Pace())
    assert provider.base_url == "https://llm.example/v1"
    with pytest.raises(ProviderError, match="copy it again"):
        Provider.from_environment({"OPENAI_API_KEY": "sk-ключ"}, Pace())


@pytest.mark.parametrize("environment", [{}, {"OPENAI_API_KEY": " "}], ids=["none", "blank"])
def test_a_missing_key_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="OPENAI_API_KEY is not set"):
        Provider.from_environment(environment, QUICK)


def test_an_address_without_a_scheme_is_named() -> None:
    with pytest.raises(ProviderError, match="OPENAI_BASE_URL is localhost:1"):
        Provider("localhost:1", KEY, QUICK)


# --- the command: killed, interrupted, cancelled, asked


def _command(fake: FakeProvider, tmp_path: Path, *more: str) -> tuple[list[str], dict[str, str]]:
    where = ["--voice", "mara", "--voices", str(tmp_path / "voices"), "--poll", "0.05"]
    command = ["trainer", "train", str(tmp_path / "data"), *where]
    environment = {**os.environ, "OPENAI_BASE_URL": fake.url, "OPENAI_API_KEY": KEY}
    return [*command, "--backend", "openai", *more], environment


def _run(fake: FakeProvider, tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command, environment = _command(fake, tmp_path, *more)
    return warm.run(*command, env=environment)


@pytest.mark.timeout(300)
def test_killed_at_ten_random_moments_it_is_one_job_and_the_same_voice(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path, data: Path
) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)
    command, environment = _command(fake, tmp_path, "--yes")
    kills, whole = 0, fake.script
    fake.script = whole[:-1]  # it cannot end before it has been killed often enough
    for number in range(10):
        if number == 8:
            fake.script = whole
        with Path(os.devnull).open("wb") as away:
            process = warm.start(*command, env=environment, stdout=away, stderr=away)
        fake.on_request = _killer(process, chance)
        kills += process.wait() == -signal.SIGKILL
    fake.on_request = lambda *_: None
    assert kills >= 8, f"seed {seed}: the job ended too early to be killed"
    done = _run(fake, tmp_path, "--yes")
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    assert len(fake.jobs) == 1, f"seed {seed}"
    assert [p.name for p in (tmp_path / "voices").iterdir()] == ["mara"]

    broken = _files_of(tmp_path / "voices" / "mara")
    with serving(FakeProvider()) as other:
        fake.url = other.url
        teach(fresh=True)
    assert _files_of(tmp_path / "voices" / "mara") == broken, f"seed {seed}"


def _killer(process: warm.Process, chance: random.Random) -> Callable[[str, str], None]:
    """Kills in the midst of one of the next requests, or a moment after its answer."""
    moment, left = chance.choice(("asked", "done", "answered")), chance.randint(1, 6)
    pause_s, lock = chance.random() * 0.04, threading.Lock()

    def on_request(now: str, _: str) -> None:
        nonlocal left
        with lock:
            left -= now == moment
            if left == 0 and now == moment:
                time.sleep(pause_s)
                process.send_signal(signal.SIGKILL)

    return on_request


def test_ctrl_c_says_that_the_job_goes_on_and_cancel_ends_it(
    fake: FakeProvider, teach: Callable[..., str], tmp_path: Path, data: Path
) -> None:
    fake.script = ("running",)
    command, environment = _command(fake, tmp_path, "--yes")
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, stderr=subprocess.PIPE, text=True
    )
    looked = threading.Event()
    fake.on_request = lambda _, call: looked.set() if call.endswith("/events") else None
    assert looked.wait(60)
    process.send_signal(signal.SIGINT)
    assert "the job ftjob-1 goes on at the provider" in process.communicate(timeout=60)[1]
    assert process.returncode == 130
    fake.on_request = lambda *_: None
    assert "The job ftjob-1 is cancelled" in teach(is_cancelling=True)
    assert fake.jobs["ftjob-1"]["status"] == "cancelled"
    with pytest.raises(ProviderError, match=r"ftjob-1 was cancelled. Start another with --fresh"):
        teach()
    assert "nothing to cancel" in teach(is_cancelling=True)


def test_at_a_terminal_it_asks_and_no_is_no(fake: FakeProvider, tmp_path: Path, data: Path) -> None:
    command, environment = _command(fake, tmp_path)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(ours, b"n\n")
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 2
    assert "of your posts, which stay at 127.0.0.1" in out
    assert err == "Nothing was uploaded and nothing started.\n"
    assert fake.calls("POST") == []
    assert not (tmp_path / "voices").exists()


def test_what_only_the_other_backend_has_is_refused(
    fake: FakeProvider, tmp_path: Path, data: Path
) -> None:
    done = _run(fake, tmp_path, "--rank", "4", "--threads", "3")
    assert (done.returncode, fake.requests) == (2, [])
    assert done.stderr.startswith("A provider chooses --rank, --threads itself")


def test_the_provider_needs_no_torch() -> None:
    code = (
        "import sys, trainer.provider.job, trainer.commands.train;"
        " print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
