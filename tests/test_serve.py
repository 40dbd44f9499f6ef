"""`python -m bot serve`: the real llama.cpp, called by the real OpenAI client."""

import json
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from tests import warm
from tests.fakes.adapter import write_local_voices

PROGRAMS = ("bot", "trainer")  # the trainer's `serve` hands over to the bot's


@pytest.fixture(params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def voices(voice_folder: Path) -> Path:
    """Two local voices on one base, of which `odd` does not talk like it; and a provider's."""
    paid = voice_folder.parent / "paid"
    paid.mkdir()
    about = json.loads((voice_folder / "voice.json").read_text("utf-8"))
    (paid / "voice.json").write_text(json.dumps(about | {"name": "paid"}), "utf-8")
    return write_local_voices(voice_folder, mara=0.0, odd=30.0)


@contextmanager
def _serving(
    program: str, voices: Path, *names: str
) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """The server's process, and the lines it said once it was ready."""
    command = [sys.executable, "-m", program, "serve", *names, "--voices", str(voices)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--threads", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield process, [process.stdout.readline() for _ in range(3)]
    finally:
        process.kill()
        process.communicate()


def _refused(program: str, *args: str) -> str:
    """What it says instead of serving."""
    ended = warm.run(program, "serve", *args)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def _greedy(client: openai.OpenAI, model: str) -> str | None:
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "The capital of France is"}],
        temperature=0,
        max_tokens=8,
        extra_body={"cache_prompt": False},  # else a second call may round differently
    )
    return answer.choices[0].message.content


def test_the_model_named_writes_the_call_shown_works_and_ctrl_c_ends_it(
    program: str, voices: Path
) -> None:
    with _serving(program, voices, "odd", "mara") as (process, said):
        assert said[0].startswith("Serving odd, mara at http://127.0.0.1:")
        url = said[0].split()[4].rstrip(";")
        with openai.OpenAI(base_url=url, api_key="none") as client:
            assert [model.id for model in client.models.list()] == ["odd", "mara"]
            answers = {name: _greedy(client, name) for name in ("mara", "odd")}
            assert answers["mara"] != answers["odd"]
            assert {name: _greedy(client, name) for name in ("odd", "mara")} == answers
            with pytest.raises(openai.NotFoundError):
                _greedy(client, "paid")
        assert _run(said[2])
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[0] == "Stopped.\n"
        assert process.returncode == 0


def _run(call: str) -> str:
    """What the server answers to a call of curl."""
    curl, url, header, content_type, data, body = shlex.split(call)
    assert (curl, header, data) == ("curl", "-H", "-d")
    request = urllib.request.Request(url, body.encode(), dict([content_type.split(": ")]))  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - it is http
        content = json.load(answer)["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


def _changed(folder: Path, **fields: object) -> None:
    file = folder / "voice.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | fields), "utf-8")


def test_an_unknown_voice_names_those_there(program: str, voices: Path) -> None:
    said = _refused(program, "mara", "nobody", "--voices", str(voices))
    assert said.startswith("There is no voice nobody in ")
    assert "(there: mara, odd, paid)" in said


def test_a_providers_voice_has_nothing_to_serve(program: str, voices: Path) -> None:
    said = _refused(program, "mara", "paid", "--voices", str(voices))
    assert "The voice paid is with its provider, as ft:mara" in said


def test_a_voice_without_a_gguf_is_one_for_vllm(program: str, voices: Path) -> None:
    (voices / "odd" / "adapter").mkdir()
    _changed(voices / "odd", model="adapter", base={"name": "a/qwen", "sha256": None})
    said = _refused(program, "odd", "--voices", str(voices))
    assert "a/qwen is no Llama model. Serve its folder adapter/ with vLLM" in said


def test_a_voice_on_an_unknown_base_is_named_with_it(program: str, voices: Path) -> None:
    _changed(voices / "odd", base={"name": "someone/other", "sha256": None})
    for names in (("mara", "odd"), ("odd",)):
        said = _refused(program, *names, "--voices", str(voices))
        assert "was trained on someone/other, whose GGUF file" in said


def test_a_folder_without_voices_says_how_to_train_one(program: str, tmp_path: Path) -> None:
    said = _refused(program, "--voices", str(tmp_path))
    assert "holds no voice that can be served here" in said


def test_a_port_that_is_taken_is_a_sentence(program: str, voices: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = _refused(program, "mara", "--voices", str(voices), "--port", port)
    assert f"Nothing can listen at 127.0.0.1, port {port} (Address already in use)" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--port", "70000", "70000 is no port"),
        ("--port", "http", "http is no port"),
        ("--threads", "0", "give a whole number from 1"),
        ("--threads", "all", "give a whole number from 1"),
        ("--host", "nowhere.invalid", "Nothing can listen at nowhere.invalid"),
        ("--base-gguf", "none.gguf", "none.gguf is not there"),
    ],
)
def test_a_wrong_value_is_refused(
    program: str, voices: Path, flag: str, value: str, said: str
) -> None:
    assert said in _refused(program, "mara", "--voices", str(voices), flag, value)


def test_serving_needs_none_of_the_trainers_libraries(voices: Path) -> None:
    """The image of the bot, which has none of them, serves with this command."""
    code = (
        "import sys\n"
        "names = 'torch transformers peft accelerate filelock gguf msgspec matplotlib numpy'\n"
        "sys.modules |= dict.fromkeys(names.split())\n"
        "from bot.__main__ import main\n"
        f"sys.exit(main(['serve', 'nobody', '--voices', {str(voices)!r}]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr[:22]) == (2, "There is no voice nobo")
