"""OpenAI's files, fine-tuning jobs and models, over real sockets. Records every request.

A job moves on by one status or step at each look. A test sets faults in advance, for the next
request whose "METHOD path" begins with a text: a status, or a word of FAULTS.
"""

import base64
import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

STEPS = 6
SCRIPT = ("validating_files", "queued", *(["running"] * STEPS), "succeeded")
FAULTS = {"hang", "cut", "cut after", "html"}  # "cut after": done, but never answered
CREATED = 1_780_000_000  # every time is the same: two ways to a voice can be compared
ERROR = "told to fail"

Json = dict[str, Any]


@dataclass
class Request:
    """What came in; `body` is the JSON, or the fields of a form."""

    method: str
    path: str
    query: Json
    body: Json | None
    authorization: str | None


@dataclass
class FakeProvider:
    """The provider's state, and what it is told to do."""

    script: tuple[str, ...] = SCRIPT
    shutdown_dates: dict[str, str | None] = field(default_factory=dict)  # model -> date
    faults: list[tuple[str, int | str]] = field(default_factory=list)
    error: Json | None = None  # of a job that fails
    refusal: str = ERROR  # what an HTTP error says
    keeps_metadata: bool = True
    encodes_results: bool = True
    has_results: bool = True
    leaves_out: tuple[str, ...] = ()  # fields of jobs and events
    slow_s: float = 0.0  # before a job that was asked for is in the list
    on_request: Callable[[str, str], None] = lambda moment, call: None
    requests: list[Request] = field(default_factory=list)
    answers: list[tuple[str, str, Json]] = field(default_factory=list)
    files: dict[str, Json] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, Json] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    ending: threading.Event = field(default_factory=threading.Event)

    def calls(self, start: str = "") -> list[str]:
        """Requests as "METHOD path", those that begin so."""
        made = [f"{r.method} {r.path}" for r in self.requests]
        return [call for call in made if call.startswith(start)]

    def add_file(self, name: str, content: bytes, purpose: str = "fine-tune") -> Json:
        file_id = f"file-{len(self.files) + 1}"
        self.contents[file_id] = content
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(content),
            "created_at": CREATED,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        return self.files[file_id]

    def add_job(self, body: Json) -> Json:
        job_id = f"ftjob-{len(self.jobs) + 1}"
        self.looks[job_id] = 0
        self.jobs[job_id] = {
            "id": job_id,
            "object": "fine_tuning.job",
            "created_at": CREATED,
            "error": None,
            "fine_tuned_model": None,
            "finished_at": None,
            "hyperparameters": {"n_epochs": 2},
            "model": body["model"],
            "organization_id": "org-1",
            "result_files": [],
            "status": self.script[0],
            "trained_tokens": None,
            "training_file": body["training_file"],
            "validation_file": body.get("validation_file"),
            "seed": body.get("seed", 0),
            "method": body.get("method"),
            "metadata": body.get("metadata") if self.keeps_metadata else None,
            "_suffix": body.get("suffix"),
            "_listed_at": time.monotonic() + self.slow_s,
        }
        return self.jobs[job_id]

    def look(self, job: Json) -> Json:
        """The job, one step further."""
        if job["status"] not in ("succeeded", "failed", "cancelled"):
            self.looks[job["id"]] += 1
            job["status"] = self.script[min(self.looks[job["id"]], len(self.script) - 1)]
            if job["status"] == "failed":
                job["error"] = self.error
            if job["status"] == "succeeded":
                self._succeed(job)
        return job

    def _succeed(self, job: Json) -> None:
        suffix = f":{job['_suffix']}" if job["_suffix"] else ""
        job |= {
            "fine_tuned_model": f"ft:{job['model']}:org-1{suffix}:{job['id']}",
            "finished_at": CREATED + 60,
            "trained_tokens": 1234,
        }
        if self.has_results:
            table = results()
            content = base64.b64encode(table) if self.encodes_results else table
            job["result_files"] = [
                self.add_file("step_metrics.csv", content, "fine-tune-results")["id"]
            ]

    def events(self, job: Json) -> list[Json]:
        """Newest first, as OpenAI lists them."""
        looks = self.looks[job["id"]]
        told = [_event(job, 0, "Created fine-tuning job")]
        for step, loss in enumerate(losses(), start=1):
            if looks >= step + 1:  # the first two looks validate and queue
                told.append(_event(job, step, f"Step {step}/{STEPS}: training loss={loss}", loss))
        return told[::-1]


def losses() -> list[float]:
    """What each step gives; validated at the half and at the end."""
    return [2.5, 2.0, 1.7, 1.5, 1.4, 1.3]


def results() -> bytes:
    """A result file; full_valid_loss stands at the end of each epoch."""
    lines = ["step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy,full_valid_loss"]
    for step, loss in enumerate(losses(), start=1):
        full = f"{loss + 0.1:.3f}" if step % 3 == 0 else ""
        lines.append(f"{step},{loss},0.5,{loss + 0.2:.3f},0.4,{full}")
    return "\n".join([*lines, ""]).encode()


def _event(job: Json, number: int, message: str, loss: float | None = None) -> Json:
    data = {"step": number, "total_steps": STEPS, "train_loss": loss} if loss else {}
    return {
        "object": "fine_tuning.job.event",
        "id": f"ftevent-{job['id']}-{number}",
        "created_at": CREATED + number,
        "level": "info",
        "message": message,
        "type": "metrics" if data else "message",
        "data": data,
    }


@contextmanager
def serving(fake: FakeProvider) -> Iterator[FakeProvider]:
    """Serve it on a loopback port while the block runs."""

    class Handler(_Handler):
        provider = fake

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield fake
    finally:
        fake.ending.set()
        server.shutdown()
        server.server_close()


class _Cut(Exception):
    """The connection ends without an answer."""


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        fake, parts = self.provider, urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/v1")
        call = f"{self.command} {path}"
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body, file = _body(self.headers.get("Content-Type", ""), content)
        authorization = self.headers.get("Authorization")
        with fake.lock:
            fake.requests.append(Request(self.command, path, query, body, authorization))
            fault = self._fault(call)
        fake.on_request("asked", call)
        try:
            self._misbehave(fault)
            with fake.lock:
                status, answer = self._answer(call, path, query, body, file)
            fake.on_request("done", call)
            if fault == "cut after":
                raise _Cut
            self._send(status, answer, call)
            fake.on_request("answered", call)
        except (_Cut, BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.connection.close()

    def _fault(self, call: str) -> int | str | None:
        faults = self.provider.faults
        for i, (start, fault) in enumerate(faults):
            if call.startswith(start):
                del faults[i]
                return fault
        return None

    def _misbehave(self, fault: int | str | None) -> None:
        if fault == "cut":
            raise _Cut
        if fault == "hang":
            self.provider.ending.wait(30)
            raise _Cut
        if fault == "html":
            self._write(200, b"<h1>Welcome to the proxy</h1>", "text/html")
            raise _Cut
        if isinstance(fault, int):
            error = {"message": self.provider.refusal, "type": "test", "param": None, "code": None}
            self._write(fault, json.dumps({"error": error}).encode())
            raise _Cut

    def _answer(
        self, call: str, path: str, query: Json, body: Json | None, file: tuple[str, bytes] | None
    ) -> tuple[int, Json | bytes]:
        fake, names = self.provider, path.strip("/").split("/")
        match [self.command, *names]:
            case ["POST", "files"]:
                assert file is not None
                return 200, fake.add_file(*file)
            case ["GET", "files"]:
                found = [f for f in fake.files.values() if f["purpose"] == query.get("purpose")]
                return 200, _page(found[::-1], query)
            case ["GET", "files", file_id] if file_id in fake.files:
                return 200, fake.files[file_id]
            case ["GET", "files", file_id, "content"] if file_id in fake.files:
                return 200, fake.contents[file_id]
            case ["POST", "fine_tuning", "jobs"]:
                assert body is not None
                return 200, fake.add_job(body)
            case ["GET", "fine_tuning", "jobs"]:
                now = time.monotonic()
                jobs = [j for j in fake.jobs.values() if j["_listed_at"] <= now]
                return 200, _page(jobs[::-1], query)
            case ["GET", "fine_tuning", "jobs", job_id] if job_id in fake.jobs:
                return 200, fake.look(fake.jobs[job_id])
            case ["GET", "fine_tuning", "jobs", job_id, "events"] if job_id in fake.jobs:
                return 200, _page(fake.events(fake.jobs[job_id]), query)
            case ["POST", "fine_tuning", "jobs", job_id, "cancel"] if job_id in fake.jobs:
                fake.jobs[job_id]["status"] = "cancelled"
                return 200, fake.jobs[job_id]
            case ["GET", "models", *model] if "/".join(model) in fake.shutdown_dates:
                name = "/".join(model)
                return 200, {
                    "id": name,
                    "object": "model",
                    "created": CREATED,
                    "owned_by": "fake",
                    "shutdown_date": fake.shutdown_dates[name],
                }
        error = {"message": f"No such thing: {path}", "type": "t", "param": None, "code": None}
        return 404, {"error": error}

    def _send(self, status: int, answer: Json | bytes, call: str) -> None:
        if isinstance(answer, bytes):
            self._write(status, answer, "application/octet-stream")
            return
        public = self._public(answer)
        self.provider.answers.append((call, str(status), public))
        self._write(status, json.dumps(public).encode())

    def _public(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._public(v) for v in value]
        if not isinstance(value, dict):
            return value
        is_ours = value.get("object") in ("fine_tuning.job", "fine_tuning.job.event")
        hidden = self.provider.leaves_out if is_ours else ()
        return {
            k: self._public(v)
            for k, v in value.items()
            if not k.startswith("_") and k not in hidden
        }

    def _write(self, status: int, content: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _page(rows: list[Json], query: Json) -> Json:
    """A page after the row `after`; at most three rows, so that there are several pages."""
    ids = [row["id"] for row in rows]
    start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
    page = list(itertools.islice(rows, start, start + 3))
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "last_id": page[-1]["id"] if page else "",
        "has_more": start + len(page) < len(rows),
    }


def _body(kind: str, content: bytes) -> tuple[Json | None, tuple[str, bytes] | None]:
    """The JSON, or the fields of a form and its file: the file's field is its name here."""
    if kind.startswith("multipart/form-data"):
        form = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + content)
        fields: Json = {}
        file = None
        for part in form.get_payload():
            assert isinstance(part, Message)
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            if part.get_filename():
                file = (str(part.get_filename()), payload)
                fields[str(name)] = hashlib.sha256(payload).hexdigest()
            else:
                fields[str(name)] = payload.decode()
        return fields, file
    return (json.loads(content) if content else None), None
