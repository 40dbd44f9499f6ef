"""A loopback Hugging Face hub: folders as models, the rest unknown. It counts the requests."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Speaks what huggingface_hub asks before and while it downloads a model."""

    def __init__(self, models: Mapping[str, Path | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.models = models  # None: only for those who accepted its terms
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        status, headers, body = self._answer()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def _answer(self) -> tuple[int, dict[str, str], bytes]:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        for name, folder in self.server.models.items():
            if path == f"/api/models/{name}":
                return 200, {}, json.dumps({"id": name, "sha": COMMIT, "siblings": []}).encode()
            if path.startswith(f"/api/models/{name}/tree/"):
                return 200, {}, b"[]"
            if path.startswith(f"/{name}/resolve/"):
                return _file(folder, path.split("/", 5)[-1])
        return 404, {"X-Error-Code": "RepoNotFound"}, b""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Say nothing."""


def _file(folder: Path | None, name: str) -> tuple[int, dict[str, str], bytes]:
    commit = {"X-Repo-Commit": COMMIT}
    if folder is None:
        return 403, {**commit, "X-Error-Code": "GatedRepo"}, b""
    if not (folder / name).is_file():
        return 404, {**commit, "X-Error-Code": "EntryNotFound"}, b""
    body = (folder / name).read_bytes()
    return 200, {**commit, "ETag": hashlib.sha256(body).hexdigest()}, body


@contextmanager
def hub(models: Mapping[str, Path | None]) -> Iterator[Hub]:
    """Run a hub in a thread."""
    with Hub(models) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
