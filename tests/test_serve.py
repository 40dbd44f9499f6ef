"""`python -m trainer serve`: the real llama.cpp, asked by the real OpenAI client."""

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

from tests.fakes.adapter import write_local_voices
from trainer.__main__ import main


@pytest.fixture
def voices(voice_folder: Path) -> Path:
    """Two local voices on one base, of which `odd` does not talk like it; and a provider's."""
    paid = voice_folder.parent / "paid"
    paid.mkdir()
    about = json.loads((voice_folder / "voice.json").read_text("utf-8"))
    (paid / "voice.json").write_text(json.dumps(about | {"name": "paid"}), "utf-8")
    return write_local_voices(voice_folder, mara=0.0, odd=30.0)


@contextmanager
def _serving(voices: Path, *names: str) -> Iterator[tuple["subprocess.Popen[str]", list[str]]]:
    """The server's process, and the lines it said once it was ready."""
    command = [sys.executable, "-m", "trainer", "serve", *names, "--voices", str(voices)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--threads", "1"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield process, [process.stdout.readline() for _ in range(3)]
    finally:
        process.kill()
        process.communicate()


def _greedy(client: openai.OpenAI, model: str) -> str | None:
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "The capital of France is"}],
        temperature=0,
        max_tokens=8,
        extra_body={"cache_prompt": False},  # else a second call may round differently
    )
    return answer.choices[0].message.content


def test_the_model_named_writes_the_call_shown_works_and_ctrl_c_ends_it(voices: Path) -> None:
    with _serving(voices, "odd", "mara") as (process, said):
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


def test_an_unknown_voice_names_those_there(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "mara", "nobody", "--voices", str(voices)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("There is no voice nobody in ")
    assert "(there: mara, odd, paid)" in said


def test_a_providers_voice_has_nothing_to_serve(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "mara", "paid", "--voices", str(voices)]) == 2
    assert "The voice paid is with its provider, as ft:mara" in capsys.readouterr().err


def test_a_voice_without_a_gguf_is_one_for_vllm(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (voices / "odd" / "adapter").mkdir()
    _changed(voices / "odd", model="adapter", base={"name": "a/qwen", "sha256": None})
    assert main(["serve", "odd", "--voices", str(voices)]) == 2
    assert (
        "a/qwen is no Llama model. Serve its folder adapter/ with vLLM" in capsys.readouterr().err
    )


def test_voices_on_different_bases_are_named_with_them(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _changed(voices / "odd", base={"name": "someone/other", "sha256": None})
    assert main(["serve", "mara", "odd", "--voices", str(voices)]) == 2
    assert "odd on someone/other), and one server has one" in capsys.readouterr().err
    assert main(["serve", "odd", "--voices", str(voices)]) == 2
    assert "was trained on someone/other, whose GGUF file" in capsys.readouterr().err


def test_a_folder_without_voices_says_how_to_train_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--voices", str(tmp_path)]) == 2
    assert "holds no voice that can be served here" in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_sentence(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "mara", "--voices", str(voices), "--port", port]) == 2
    said = capsys.readouterr().err
    assert f"Nothing can listen at 127.0.0.1, port {port} (Address already in use)" in said
    assert said.count("\n") == 1


def test_a_number_that_is_no_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "--port", "70000"])
    assert "70000 is no port" in capsys.readouterr().err


def test_serving_needs_none_of_the_trainers_libraries() -> None:
    """The image of the bot, which has none of them, serves with this command."""
    code = (
        "import sys\n"
        "names = 'torch transformers peft accelerate filelock gguf msgspec matplotlib numpy'\n"
        "sys.modules |= dict.fromkeys(names.split())\n"
        "import trainer.__main__, trainer.serve\n"
        "trainer.__main__.build_parser()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
