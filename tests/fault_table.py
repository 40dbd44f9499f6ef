"""Every service and every fault: what the user sees, what the store holds, how the bot recovers.

test_faults*.py runs the cells below, and `python -m tests.fault_table` prints them for
docs/reliability.md. Those that cannot happen say why.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pytest

from tests.faults import Fault

Service = Literal["Discord", "Mastodon", "LLM server", "embedded engine", "disk"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
SERVICES: tuple[Service, ...] = get_args(Service)
HTTP = FAULTS[4:13]  # 401 to 503


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault of one service; `sees` is the bot's sentence, or its beginning."""

    service: Service
    fault: Fault
    sees: str
    holds: str
    recovers: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """Faults of a service that cannot happen."""

    service: Service
    faults: tuple[Fault, ...]
    why: str


UNSURE = "I do not know yet whether your post is there"
FOUND = "(nothing: it looks at once, and finds the status)"
PAUSED = "The Mastodon server asks for a pause."
TAKEN = "the approval and when it was tried"
OPEN_DRAFT = "the draft, open"
NOTHING_NEW = "nothing new"
LOOKS = "it looks for a quarter of an hour, and sends only what is surely not there: one status"
SENDS = "a minute later it sends it: one status"
POSTED = "the status"
PRESS_AGAIN = "approved again, it is posted: one status"
ASK_AGAIN = "the same /draft again brings one"
AWAY = "The language model's server cannot be reached."
FAULTY = "The language model's server has a fault."
BUSY = "The language model's server is busy."
SLOW = "The language model took too long to answer."
KEY = "The language model's server refused the key."
ACCESS = "The language model's server refuses access."
SHOWN = "(all of it: only Discord's answer to the bot is lost)"
ANSWER_LOST = ("cut mid-answer", "garbage", "endless answer")
LATER = "within a minute: the draft arrives, the message says ✅"
SILENCE = "(nothing until it is over: Discord is how the bot speaks)"
STORED = "the draft, open; after an approval, the status"

MASTODON = (
    Cell(
        "Mastodon",
        "refused",
        "The Mastodon server cannot be reached.",
        OPEN_DRAFT,
        PRESS_AGAIN,
    ),
    Cell(
        "Mastodon",
        "DNS failure",
        "The Mastodon server cannot be reached.",
        OPEN_DRAFT,
        "approved again once the name resolves: one status",
    ),
    Cell("Mastodon", "hang", UNSURE, TAKEN, LOOKS),
    Cell("Mastodon", "cut mid-answer", FOUND, POSTED, "nothing is left to do"),
    Cell("Mastodon", "401", "Mastodon does not accept the access token.", OPEN_DRAFT, PRESS_AGAIN),
    Cell("Mastodon", "403", "Mastodon refused: told to fail.", OPEN_DRAFT, PRESS_AGAIN),
    Cell("Mastodon", "404", "Mastodon refused: told to fail.", OPEN_DRAFT, PRESS_AGAIN),
    Cell("Mastodon", "422", "Mastodon refused: told to fail.", OPEN_DRAFT, PRESS_AGAIN),
    Cell("Mastodon", "429 with Retry-After", PAUSED, TAKEN, SENDS),
    Cell("Mastodon", "429 without Retry-After", PAUSED, TAKEN, SENDS),
    Cell("Mastodon", "500", UNSURE, TAKEN, LOOKS),
    Cell("Mastodon", "502", UNSURE, TAKEN, LOOKS),
    Cell("Mastodon", "503", UNSURE, TAKEN, LOOKS),
    Cell("Mastodon", "garbage", FOUND, POSTED, "nothing is left to do"),
    Cell("Mastodon", "endless answer", FOUND, POSTED, "nothing is left to do"),
)
LLM_SERVER = (
    Cell("LLM server", "refused", AWAY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "DNS failure", AWAY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "hang", SLOW, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "cut mid-answer", AWAY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "401", KEY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "403", ACCESS, NOTHING_NEW, ASK_AGAIN),
    Cell(
        "LLM server",
        "404",
        "The language model's server does not know this voice.",
        NOTHING_NEW,
        ASK_AGAIN,
    ),
    Cell(
        "LLM server",
        "422",
        "The language model's server refused the request (HTTP 422).",
        NOTHING_NEW,
        ASK_AGAIN,
    ),
    Cell("LLM server", "429 with Retry-After", BUSY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "429 without Retry-After", BUSY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "500", FAULTY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "502", FAULTY, NOTHING_NEW, ASK_AGAIN),
    Cell("LLM server", "503", FAULTY, NOTHING_NEW, ASK_AGAIN),
    Cell(
        "LLM server",
        "garbage",
        "The language model's server sent an answer that makes no sense.",
        NOTHING_NEW,
        ASK_AGAIN,
    ),
    Cell("LLM server", "endless answer", SLOW, NOTHING_NEW, ASK_AGAIN),
)
DISCORD = tuple(
    Cell("Discord", fault, SHOWN if fault in ANSWER_LOST else SILENCE, STORED, LATER)
    for fault in FAULTS[:15]
)
ENGINE = (
    Cell("embedded engine", "hang", SLOW, NOTHING_NEW, ASK_AGAIN),
    Cell(
        "embedded engine",
        "cut mid-answer",
        "(the draft, a little later)",
        "the draft, open",
        "it is started again while the call waits",
    ),
    Cell(
        "embedded engine",
        "404",
        "The engine cannot load this voice. It says:",
        NOTHING_NEW,
        "the voice is served once its base model is there",
    ),
    Cell(
        "embedded engine",
        "422",
        "This is too long for the language model.",
        NOTHING_NEW,
        "a shorter topic brings a draft",
    ),
)
DISK = (
    Cell(
        "disk",
        "full disk",
        "I cannot write to my disk: it is full, or it fails.",
        "all that was confirmed; of a status that is out, that it was tried",
        "what is out is found, what is not is approved again: one status",
    ),
    Cell(
        "disk",
        "locked database",
        "My database is locked by another program.",
        "all that was confirmed",
        "the same again, once the other program is gone",
    ),
    Cell(
        "disk",
        "corrupt database",
        "My database is damaged.",
        "what the last backup holds",
        "it does not start, and says why, until the backup is in its place",
    ),
)
CELLS = (*DISCORD, *MASTODON, *LLM_SERVER, *ENGINE, *DISK)

FILES: tuple[Fault, ...] = ("full disk", "locked database", "corrupt database")
IMPOSSIBLE = (
    Impossible("Discord", FILES, "its disk and its databases are not ours: it answers 500"),
    Impossible("Mastodon", FILES, "its disk and its databases are not ours: it answers 500"),
    Impossible("LLM server", FILES, "its disk and its databases are not ours: it answers 500"),
    Impossible(
        "embedded engine",
        ("refused",),
        "the listening socket is the bot's own: a call waits while the engine is away",
    ),
    Impossible("embedded engine", ("DNS failure",), "its address is a number, 127.0.0.1"),
    Impossible("embedded engine", ("401", "403"), "it asks for no key"),
    Impossible(
        "embedded engine",
        ("429 with Retry-After", "429 without Retry-After"),
        "nobody else asks it: the bot's own line is in front",
    ),
    Impossible(
        "embedded engine",
        ("500", "502", "503"),
        "front and llama.cpp are one process, which says it is ready when the model is loaded:"
        " either both answer or the line is cut",
    ),
    Impossible("embedded engine", ("garbage",), "the answer is llama.cpp's own, passed on as is"),
    Impossible(
        "embedded engine", ("endless answer",), "max_tokens bounds it, and 120 s whatever it does"
    ),
    Impossible(
        "embedded engine", FILES, "it writes nothing; a damaged model or voice ends in a sentence"
    ),
    Impossible(
        "disk", ("refused", "DNS failure", "cut mid-answer"), "a file has no line to be cut"
    ),
    Impossible(
        "disk",
        ("hang",),
        "no test can stop a disk; SQLite works in a thread, so Discord is answered meanwhile",
    ),
    Impossible("disk", HTTP, "a file speaks no HTTP"),
    Impossible("disk", ("garbage", "endless answer"), "it is a corrupt database, below"),
)


def each(cells: Sequence[Cell], slow: Collection[Fault] = ()) -> pytest.MarkDecorator:
    """A test for every cell; those whose way through the bot another takes too are nightly."""
    return pytest.mark.parametrize(
        "cell",
        [
            pytest.param(c, id=c.fault, marks=[pytest.mark.slow] if c.fault in slow else [])
            for c in cells
        ],
    )


def markdown() -> str:
    """Both tables, as they stand in docs/reliability.md."""
    lines = [
        "| service | fault | what the user sees | what the store holds | when it ends |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {c.service} | {c.fault} | {c.sees} | {c.holds} | {c.recovers} |" for c in CELLS),
        "",
        "| service | cannot happen | because |",
        "| --- | --- | --- |",
        *(f"| {i.service} | {', '.join(i.faults)} | {i.why} |" for i in IMPOSSIBLE),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
