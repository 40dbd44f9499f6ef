"""Python processes that have their libraries already, instead of two seconds of imports each.

`python -m tests.warm SOCKET` imports them once for all workers of a run, forks itself for each
process that is asked for, and ends with the last worker. What a fork cannot show starts a Python of
its own: what is imported, another seed of hashes, a terminal.
"""

import atexit
import faulthandler
import gc
import json
import os
import runpy
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
LIBRARIES = (
    *("bot.chat.client", "bot.commands.run", "bot.doctor", "openai", "bot.voice.personal"),
    *("trainer.data.prepare", "trainer.provider.job"),
)
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(8)
_SOCKET = Path(tempfile.gettempdir(), f"warm-{_RUN}.sock")
_held: list[socket.socket] = []  # as long as one is open the process that forks stays


class Process:
    """A process, as subprocess.Popen has it."""

    def __init__(self, asked: socket.socket) -> None:
        self._told = asked.makefile()
        asked.close()  # when that is closed, too
        self.pid = int(self._told.readline())
        self.returncode: int | None = None
        self._waiting = threading.Lock()

    def wait(self) -> int:
        """Its exit status; -N if signal N ended it."""
        with self._waiting:
            if self.returncode is None:
                self.returncode = int(self._told.readline())
                self._told.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it is known to have ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(
    module: str,
    *arguments: str | Path,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
) -> Process:
    """Start `python -m MODULE …`; it reads no input."""
    environment = dict(os.environ if env is None else env)
    given = [[module, *map(str, arguments)], environment, str(cwd or Path.cwd())]
    files = [file if isinstance(file, int) else file.fileno() for file in (stdout, stderr)]
    if not _held:
        _held.append(_connected())
        atexit.register(_held[0].close)
    asked = _connected()
    line = json.dumps(given).encode() + b"\n"
    sent = socket.send_fds(asked, [line], files)
    asked.sendall(line[sent:])
    return Process(asked)


def run(
    module: str,
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run one to its end, as subprocess.run does."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = start(module, *arguments, stdout=out, stderr=err, env=env, cwd=cwd)
        code = process.wait()
        said = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for file in (out, err)]
    return subprocess.CompletedProcess(arguments, code, said[0].decode(), said[1].decode())


def _connected() -> socket.socket:
    """A connection to the process that forks, which is started if it is not there."""
    new = socket.socket(socket.AF_UNIX)
    while new.connect_ex(str(_SOCKET)):
        command = [sys.executable, "-m", __name__, str(_SOCKET)]
        away = subprocess.DEVNULL  # a worker's own output is what it tells pytest
        subprocess.run(command, cwd=ROOT, stdin=away, stdout=away, check=True)
    return new


# The process that forks.


def main(place: str) -> None:
    """Fork for every connection; ends when the last of them is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(place)
    except OSError:
        return None  # another worker's is there
    listener.listen(64)
    if os.fork():
        return None
    for name in LIBRARIES:
        import_module(name)
    gc.freeze()
    listener.settimeout(1)
    while True:
        with suppress(TimeoutError):
            asked, _ = listener.accept()
            if not os.fork():
                listener.close()
                return _answer(asked)
            asked.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return Path(place).unlink()


def _answer(asked: socket.socket) -> None:
    """Fork what is asked for, and tell its number, and how it ended; returns when the fork did."""
    line, files, *_ = socket.recv_fds(asked, 1 << 20, 2)
    while not line.endswith(b"\n"):
        more = asked.recv(1 << 20)
        if not more:  # a worker has ended
            os._exit(0)
        line += more
    if pid := os.fork():
        for file in files:
            os.close(file)
        asked.sendall(b"%d\n" % pid)
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(OSError):  # nobody waits for it
            asked.sendall(b"%d\n" % ended)
        os._exit(0)
    asked.close()
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)
    _become(*json.loads(line))


def _become(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Be `python -m MODULE …` in this folder, with this environment."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # the environment's, not that of the worker that was first
    if environment.get("PYTHONFAULTHANDLER"):
        faulthandler.enable()
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
