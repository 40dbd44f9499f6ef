"""`import-openai`: the files of an OpenAI fine-tune become data that `train` takes."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.voice import Prompt, PromptParts, Voice
from tests.fakes.finetuning import FakeProvider, serving
from tests.fakes.prepared import invented_posts
from trainer.__main__ import main
from trainer.data import dataset
from trainer.errors import DataError, ProviderError
from trainer.provider.chat_lines import Chat, Fault, read_chats, split_topics, template_of
from trainer.provider.client import Pace, Provider
from trainer.provider.import_openai import import_openai

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POSTS = invented_posts(60)


def _chat(asked: str, text: str, system: str | None = "Be Mara.") -> dict[str, Any]:
    told = [] if system is None else [{"role": "system", "content": system}]
    asking = {"role": "user", "content": asked}
    return {"messages": [*told, asking, {"role": "assistant", "content": text}]}


def _lines(rows: Sequence[object]) -> bytes:
    return b"".join(
        (row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows
    )


def _unreachable() -> Provider:
    raise AssertionError("a file on disk needs no provider")


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with serving(FakeProvider()) as provider:
        yield provider


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., tuple[Path, str]]:
    """Import rows (and validation rows) from disk; returns DATA and what was printed."""

    def run(rows: Sequence[object], validation: Sequence[object] = ()) -> tuple[Path, str]:
        (tmp_path / "train.jsonl").write_bytes(_lines(rows))
        (tmp_path / "other.jsonl").write_bytes(_lines(validation))
        out = io.StringIO()
        other = tmp_path / "other.jsonl" if validation else None
        console = Console(file=out, width=300)
        source = str(tmp_path / "train.jsonl")
        import_openai(source, other, tmp_path / "out", _unreachable, now=NOW, console=console)
        return tmp_path / "out", out.getvalue()

    return run


def _about(data: Path) -> dict[str, Any]:
    found: dict[str, dict[str, object]] = json.loads((data / "dataset.json").read_text("utf-8"))
    return found


def test_the_examples_ask_as_the_fine_tune_was_asked(
    bring: Callable[..., tuple[Path, str]],
) -> None:
    rows = [_chat(f"Write a tweet about: {topic}, {n}.", text) for n, (topic, text) in _numbered()]
    data, _ = bring(rows[:50], rows[50:])
    loaded = dataset.load(data)
    assert loaded.prompt == Prompt("Be Mara.", "Write a tweet about: {topic}.")
    assert [[*e.prompt, {"role": "assistant", "content": e.completion}] for e in loaded.train] == [
        row["messages"] for row in rows[:50]
    ]
    assert len(loaded.validation) == 10
    assert loaded.posts[3].text == POSTS[3][1]
    assert loaded.posts[3].topics == (POSTS[3][0], "3")


def _numbered() -> Iterator[tuple[int, tuple[str, str]]]:
    return enumerate(POSTS)


def test_without_a_validation_file_the_last_fifth_validates(
    bring: Callable[..., tuple[Path, str]],
) -> None:
    data, said = bring([_chat(f"{t} {n}", text) for n, (t, text) in _numbered()])
    loaded = dataset.load(data)
    assert [e.completion for e in loaded.validation] == [text for _, text in POSTS[48:]]
    assert len(loaded.train) == 48
    assert "60" in said


LINES: dict[str, tuple[object, Fault | str]] = {
    "no JSON": (b"{", Fault.NOT_JSON),
    "no UTF-8": (b'{"messages": "\xff"}', Fault.NOT_JSON),
    "a list": ([1], Fault.NOT_JSON),
    "a tower of lists": (b"[" * 100_000, Fault.NOT_JSON),
    "a number as messages": ({"messages": 3}, Fault.NOT_AN_EXAMPLE),
    "text as a message": ({"messages": ["a"]}, Fault.NOT_AN_EXAMPLE),
    "something else": ({"text": "x"}, Fault.NOT_AN_EXAMPLE),
    "a pair": (
        {"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []},
        Fault.PREFERENCE,
    ),
    "a tool's result": (
        {"messages": [{"role": "tool", "content": "1"}, {"role": "assistant", "content": "x"}]},
        Fault.TOOLS,
    ),
    "a call": (
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]},
        Fault.TOOLS,
    ),
    "tools offered": ({**_chat("a", "x"), "tools": [{"type": "function"}]}, Fault.TOOLS),
    "a picture": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
                {"role": "assistant", "content": "x"},
            ]
        },
        Fault.NOT_TEXT,
    ),
    "half an emoji": (_chat("a", "x \ud83d"), Fault.BROKEN),
    "half an emoji asked for": (_chat("a \ude00", "x"), Fault.BROKEN),
    "no answer": ({"messages": [{"role": "user", "content": "a"}]}, Fault.EMPTY),
    "a blank answer": (_chat("a", " \n"), Fault.EMPTY),
    "an answer of weight 0": (
        {"messages": [{"role": "assistant", "content": "x", "weight": 0}]},
        Fault.EMPTY,
    ),
    "a blank completion": ({"prompt": "a", "completion": " "}, Fault.EMPTY),
    "no request": ({"messages": [{"role": "assistant", "content": "x"}]}, ""),
    "parts of text": (
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "x"}]},
            ]
        },
        "a",
    ),
    "the last of several turns": (
        {
            "messages": [
                {"role": "user", "content": "first"},
                {"role": "assistant", "content": "no"},
                {"role": "user", "content": "second"},
                {"role": "assistant", "content": "x"},
                {"role": "user", "content": "thanks"},
            ]
        },
        "second",
    ),
    "an old line": ({"prompt": "a\n\n###\n\n", "completion": " x"}, "a"),
    "a byte-order mark": (b"\xef\xbb\xbf" + json.dumps(_chat("a", "x")).encode(), "a"),
}


@pytest.mark.parametrize("case", LINES)
def test_every_kind_of_line_is_read_or_dropped_with_its_reason(case: str) -> None:
    row, expected = LINES[case]
    (found,) = read_chats([_lines([row])])
    if isinstance(found, Chat):
        assert (found.asked, found.text) == (expected, "x")
    else:
        assert found.reason == expected


@given(
    st.lists(
        st.binary(max_size=60)
        | st.recursive(
            st.none() | st.integers() | st.sampled_from(["user", "assistant", "tool", "x"]),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["role", "content", "text", "weight"]), inner)
            ),
            max_leaves=8,
        ).map(
            lambda value: json.dumps(
                {"messages": value, "prompt": value, "completion": value}
            ).encode()
        )
    )
)
def test_no_line_is_lost_whatever_it_holds(lines: list[bytes]) -> None:
    found = list(read_chats(lines))
    assert [row.line for row in found] == [n for n, li in enumerate(lines, 1) if li.strip()]


def test_every_line_is_accounted_for(bring: Callable[..., tuple[Path, str]]) -> None:
    rows: list[object] = [_chat(f"{t} {n}", text) for n, (t, text) in _numbered()]
    odd: list[object] = [row for row, _ in LINES.values()]
    several = _chat("first", "no")["messages"], _chat("second", "Twice.", None)["messages"]
    odd.append({"messages": [*several[0], *several[1]]})
    near = _chat("z", POSTS[55][1] + " Yes!")
    data, said = bring([*rows[:50], b"", *odd, rows[0], near], rows[50:])
    about = _about(data)
    counts = about["counts"]
    dropped = [json.loads(line) for line in (data / "dropped.jsonl").read_text().splitlines()]
    assert counts["read"] == 50 + len(odd) + 2 + 10
    assert counts["read"] == counts["kept"] + len(dropped)
    assert {"id": f"train:{len(odd) + 53}", "reason": Fault.NEAR_COPY} in dropped
    reasons = counts["dropped"]
    assert isinstance(reasons, dict)
    assert sum(reasons.values()) == len(dropped)
    assert reasons["uses tools"] == 3
    assert "1 chats have several answers" in said
    assert "different system prompts" in said


def test_the_word_that_ended_every_old_completion_is_no_part_of_the_posts(
    bring: Callable[..., tuple[Path, str]],
) -> None:
    rows = [{"prompt": f"{t} {n} ->", "completion": f" {x} END"} for n, (t, x) in _numbered()]
    data, _ = bring(rows)
    loaded = dataset.load(data)
    assert loaded.posts[0].text == POSTS[0][1]
    assert loaded.posts[0].topics == (f"{POSTS[0][0]} 0",)


# --- the template


def _asking(*asked: str) -> list[Chat]:
    return [Chat(n, "Be Mara.", a, "x") for n, a in enumerate(asked)]


def test_requests_that_are_all_the_same_name_no_topic() -> None:
    prompt, topics = template_of(_asking(*["Write a tweet."] * 12))
    assert prompt == Prompt("Be Mara.", no_topic="Write a tweet.")
    assert set(topics) == {""}
    assert prompt.messages(PromptParts(""))[-1]["content"] == "Write a tweet."


def test_a_common_start_within_a_word_is_no_template() -> None:
    prompt, topics = template_of(_asking(*(f"port{n}" for n in range(12))))
    assert prompt.user == "{topic}"
    assert topics[0] == "port0"


def test_different_system_prompts_give_way_to_ours() -> None:
    chats = [*_asking("a"), Chat(2, "Be Sam.", "b", "y")]
    assert template_of(chats)[0] == Prompt()


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1),
    st.sampled_from(["", "Tweet: ", 'Write "']),
    st.sampled_from(["", ".", '" now!']),
)
def test_the_template_and_the_topics_give_back_every_request(
    topics: list[str], start: str, end: str
) -> None:
    asked = [f"{start}{t.strip()}{end}" if t.strip() else f"{start}x{end}" for t in topics]
    asked = [a.strip() for a in asked]
    prompt, found = template_of(_asking(*asked))
    rendered = [
        prompt.messages(PromptParts(", ".join(split_topics(t))))[-1]["content"] for t in found
    ]
    for got, wanted in zip(rendered, asked, strict=True):
        assert "".join(got.split()) == "".join(wanted.split()) or prompt.no_topic in got


@pytest.mark.parametrize(
    ("asked", "topics"),
    [
        ("kettle", ["kettle"]),
        ("kettle, Port Almond", ["kettle", "Port Almond"]),
        ("Write about the goose that nobody voted for, and be kind", None),
        ("", []),
    ],
)
def test_a_list_of_topics_is_split_and_a_sentence_is_not(
    asked: str, topics: list[str] | None
) -> None:
    assert split_topics(asked) == (topics if topics is not None else [asked])


# --- from the provider


def _connect(fake: FakeProvider) -> Provider:
    return Provider(fake.url, "sk-x", Pace(poll_s=0.01, set_up_s=2))


def _finished_job(fake: FakeProvider) -> str:
    rows = [_chat(f"{t} {n}", text) for n, (t, text) in _numbered()]
    train = fake.add_file("mine.jsonl", _lines(rows[:50]))
    validation = fake.add_file("other.jsonl", _lines(rows[50:]))
    files = {"training_file": train["id"], "validation_file": validation["id"]}
    job = fake.add_job({"model": "gpt-4o-mini-2024-07-18", **files})
    for _ in fake.script:
        fake.look(job)
    return str(job["id"])


def _import_job(fake: FakeProvider, out: Path) -> str:
    printed = io.StringIO()
    console = Console(file=printed, width=300)
    import_openai("ftjob-1", None, out, lambda: _connect(fake), now=NOW, console=console)
    return printed.getvalue()


def test_a_jobs_files_are_fetched_and_its_model_is_named(
    fake: FakeProvider, tmp_path: Path
) -> None:
    _finished_job(fake)
    said = _import_job(fake, tmp_path / "out")
    assert "The job ftjob-1 made ft:gpt-4o-mini-2024-07-18:org-1:ftjob-1 of gpt-4o-mini" in said
    loaded = dataset.load(tmp_path / "out")
    assert (len(loaded.train), len(loaded.validation)) == (50, 10)
    assert _about(tmp_path / "out")["sources"][0]["job"] == "ftjob-1"


@pytest.mark.parametrize("gone", ["training", "validation"])
def test_a_file_that_the_provider_no_longer_keeps(
    gone: str, fake: FakeProvider, tmp_path: Path
) -> None:
    _finished_job(fake)
    del fake.files["file-1" if gone == "training" else "file-2"]
    if gone == "training":
        with pytest.raises(ProviderError, match="does not keep the training file file-1 any more"):
            _import_job(fake, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    else:
        assert "The validation file is gone" in _import_job(fake, tmp_path / "out")
        assert len(dataset.load(tmp_path / "out").validation) == 10


def test_an_unknown_job_is_a_sentence(fake: FakeProvider, tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"does not know what was asked for .HTTP 404"):
        _import_job(fake, tmp_path / "out")


# --- the command


def test_nothing_usable_names_the_biggest_reason(bring: Callable[..., tuple[Path, str]]) -> None:
    with pytest.raises(DataError, match=r"None of the 3 lines .* 'no chat example' .2."):
        bring([{"a": 1}, {"b": 1}, b"{"])


def test_a_file_that_is_not_there_is_a_sentence_and_no_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert main(["import-openai", str(tmp_path / "mine.jsonl"), *out]) == 2
    assert "There is no file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [_chat(f"{t} {n}", text) for n, (t, text) in _numbered()]
    (tmp_path / "mine.jsonl").write_bytes(_lines(rows))
    out = tmp_path / "my data"
    assert main(["import-openai", str(tmp_path / "mine.jsonl"), "--out", str(out)]) == 0
    assert f"Next: python -m trainer train '{out}' --voice NAME" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_with_a_voice_it_is_trained_right_away(tmp_path: Path) -> None:
    rows = [_chat(f"{t} {n}", text) for n, (t, text) in list(_numbered())[:40]]
    (tmp_path / "mine.jsonl").write_bytes(_lines(rows))
    where = ["--out", str(tmp_path / "out"), "--voices", str(tmp_path / "voices")]
    assert main(["import-openai", str(tmp_path / "mine.jsonl"), *where, "--voice", "mara"]) == 0
    voice = Voice.load(tmp_path / "voices" / "mara")
    assert (voice.backend, voice.prompt.system) == ("local", "Be Mara.")
