"""`feedback`: decisions become rows and pairs, with a real store and the command as typed."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.console import Console

from bot.draft import Candidate, Draft, RejectionReason, State
from bot.drafting import Drafting
from bot.store import Store
from bot.store.database import MIGRATIONS
from bot.voice import HELD_OUT_FILE, POSTS_FILE, VoicePost, save_posts
from bot.voice.rates import REASON_WORDS
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.fakes.llm import FakeLLM
from trainer import bot_database
from trainer.__main__ import main
from trainer.data import dataset, preferences
from trainer.errors import DataError
from trainer.taste.feedback import feedback

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ACCOUNT = ("https://example.org @mara",)
Json = dict[str, Any]


class Done(NamedTuple):
    """What a command ended with, as a process has it."""

    returncode: int
    stdout: str
    stderr: str


def trainer(*arguments: str | Path) -> Done:
    """Run the command line in this process: starting one a test would take a second each."""
    with redirect_stdout(StringIO()) as stdout, redirect_stderr(StringIO()) as stderr:
        code = main([*map(str, arguments)])
    return Done(code, stdout.getvalue(), stderr.getvalue())


class Deciding:
    """Somebody who decides on drafts, an hour apart."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW

    async def draft(self, *texts: str, topic: str | None = "tea", **more: Any) -> Draft:
        self.now += timedelta(hours=1)
        candidates = tuple(Candidate(text, len(text)) for text in texts)
        new = replace(Draft(OWNER, "mara", topic, candidates, 500, self.now), **more)
        return await self.store.drafts.add(new)

    async def approve(self, draft: Draft, position: int) -> None:
        found = await self.store.drafts.get(draft.id)
        assert found
        fingerprint = found.candidates[position].fingerprint
        assert await self.store.decisions.claim(draft.id, position, fingerprint, ACCOUNT, self.now)
        await self.store.decisions.mark_published(draft.id)

    async def edit(self, draft: Draft, position: int, text: str) -> None:
        original = draft.candidates[position].text
        edited = Candidate(text, len(text), (), original)
        assert await self.store.decisions.edit(draft.id, position, edited, self.now)

    async def close(self, draft: Draft, state: State) -> None:
        await self.store.drafts.shown(draft, 1, draft.id)
        assert await self.store.decisions.close_draft(draft.id, state, self.now)


async def _decide(store: Store) -> None:
    """One draft of every outcome."""
    one = Deciding(store)
    await one.approve(await one.draft("a one", "a two", "a three", topic="fog"), 1)
    edited = await one.draft("b one", "b two", instruction="shorter")
    await one.edit(edited, 0, "b mine")
    await one.approve(edited, 0)
    await one.close(await one.draft("c one", "c two", topic="Goose"), State.REJECTED)
    other = Draft(OWNER, "mara", "goose", (Candidate("d one", 5),), 500, one.now)
    asked_again = await one.draft("e one", topic=None)
    new = replace(other, topic=None, candidates=(Candidate("f one", 5),), instruction="no tags")
    instead = await store.decisions.replace(asked_again.id, new, one.now, "no tags")
    assert instead
    await one.approve(instead, 0)
    await one.approve(await one.draft("d one", topic=" goose"), 0)
    await one.close(await one.draft("g one", topic="never approved"), State.REJECTED)
    await one.close(await one.draft("h one"), State.EXPIRED)
    await one.draft("i one")
    undone = await one.draft("j one")
    await one.approve(undone, 0)
    await store.decisions.mark_undone(undone.id, State.PUBLISHED, one.now)
    await one.approve(await one.draft("a two", topic="fog"), 0)


@pytest.fixture
async def db(tmp_path: Path) -> Path:
    async with Store.open(tmp_path / "bot.db") as store:
        await _decide(store)
    return tmp_path / "bot.db"


def _rows(file: Path) -> list[Json]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _pairs(data: Path) -> set[tuple[str, str, str]]:
    """What was asked, the preferred text, the other."""
    return {
        (
            row["input"]["messages"][-1]["content"],
            row["preferred_output"][0]["content"],
            row["non_preferred_output"][0]["content"],
        )
        for row in _rows(data / "preferences.jsonl")
    }


def test_what_came_of_posts_teaches_nothing(db: Path, tmp_path: Path) -> None:
    """Whatever was boosted, the training data and the pairs of a taste are the same bytes."""

    def written(name: str) -> dict[str, bytes]:
        feedback(db, tmp_path / name, None, tmp_path, now=NOW, console=Console(file=StringIO()))
        return {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}

    without = written("without")
    with closing(sqlite3.connect(db)) as opened, opened:
        opened.execute(
            "INSERT INTO statuses (draft_id, part, status_id, url, text, posted_at)"
            " SELECT id, 0, id, '', 'x', created_at FROM drafts WHERE state = 'published'"
        )
        opened.execute(
            "INSERT INTO echoes (draft_id, days, state, boosts, favourites, replies, tries,"
            " asked_at) SELECT id, days, 'read', id * 1000, 0, 7, 1, created_at"
            " FROM drafts JOIN (SELECT 1 AS days UNION SELECT 7) WHERE state = 'published'"
        )
    with bot_database.reading(db) as opened:
        assert len(bot_database.heard(opened, "mara")) > 2
    assert {"train.jsonl", "preferences.jsonl"} <= without.keys()
    assert written("with") == without


def test_only_what_is_shown_to_people_reads_what_came_of_posts() -> None:
    root = Path(__file__).parent.parent
    reading = {
        str(file.relative_to(root))
        for package in ("bot", "trainer")
        for file in (root / package).rglob("*.py")
        if re.search(r"bot\.voice\.echoes|bot_database\.heard", file.read_text("utf-8"))
    }
    assert reading == {
        *("bot/chat/results_view.py", "bot/store/echoes.py", "trainer/bot_database.py"),
        *("trainer/report/page.py", "trainer/report/reception.py"),
    }


def test_decisions_become_rows_and_pairs(db: Path, tmp_path: Path) -> None:
    done = trainer("feedback", "--db", db, "--out", tmp_path / "data")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[m["content"] for m in r["messages"]] for r in _rows(tmp_path / "data" / "train.jsonl")]
    assert [row[1:] for row in rows] == [
        ["fog", "a two"],
        ["tea\nshorter", "b mine"],
        ["anything\nno tags", "f one"],
        ["goose", "d one"],
    ]
    assert _pairs(tmp_path / "data") == {
        ("fog", "a two", "a one"),
        ("fog", "a two", "a three"),
        ("tea\nshorter", "b mine", "b one"),
        ("tea\nshorter", "b mine", "b two"),
        ("Goose", "d one", "c one"),
        ("Goose", "d one", "c two"),
        ("anything", "f one", "e one"),
    }
    preferences.check_pairs(tmp_path / "data" / "preferences.jsonl", 7)


def test_every_draft_is_accounted_for_in_the_table(db: Path, tmp_path: Path) -> None:
    told = " ".join(trainer("feedback", "--db", db, "--out", tmp_path / "data").stdout.split())
    for line in (
        "drafts of mara read 11",
        "no row: rejected 2",
        "no row: others were asked for 1",
        "no row: ignored until it expired 1",
        "no row: not decided yet 1",
        "no row: posted, and deleted again 1",
        "no row: the same text as another one 1",
        "rows to learn from 4",
        "approved as written 3",
        "edited first 1",
        "preference pairs 7",
        "chosen, over what was shown beside it 3",
        "edited, over what the voice wrote 1",
        "approved later, over what was not wanted on that topic 3",
        "`train` takes 40 rows at least",
    ):
        assert line in told
    counts = json.loads((tmp_path / "data" / "dataset.json").read_text())["counts"]
    assert counts["read"] == counts["train"] + sum(counts["dropped"].values()) == 11


async def _reject_for_every_reason(file: Path) -> None:
    async with Store.open(file) as store:
        one = Deciding(store)
        for reason in RejectionReason:
            rejected = await one.draft(f"{reason} one", topic="fog")
            await one.edit(rejected, 0, f"{reason} mine")
            await one.close(rejected, State.REJECTED)
            assert await store.decisions.give_reason(rejected.id, reason)
        await one.approve(await one.draft("yes", topic="fog"), 0)


def test_what_was_not_true_or_not_now_teaches_no_taste(tmp_path: Path) -> None:
    asyncio.run(_reject_for_every_reason(tmp_path / "bot.db"))
    done = trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    assert _pairs(tmp_path / "data") == {
        (asked, better, worse)
        for reason in ("unlike", "dull")
        for asked, better, worse in (
            ("fog", "yes", f"{reason} one"),
            ("fog", f"{reason} mine", f"{reason} one"),
        )
    }
    told = " ".join(done.stdout.split())
    for words in REASON_WORDS.values():
        assert f"no row: rejected: {words} 1" in told


async def _approve_many(file: Path, count: int) -> None:
    async with Store.open(file) as store:
        one = Deciding(store)
        for i in range(count):
            await one.approve(await one.draft(f"post {i}", f"other {i}", topic=f"topic {i}"), 0)


def test_train_can_read_it_and_nothing_is_held_out(tmp_path: Path) -> None:
    asyncio.run(_approve_many(tmp_path / "bot.db", 45))
    assert trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "d").returncode == 0
    data = dataset.load(tmp_path / "d")
    assert len(data.train) == len(data.posts) == 45
    assert data.posts[3].topics == ("topic 3",)
    assert data.validation == []
    assert data.held_out == []
    about = json.loads((tmp_path / "d" / "dataset.json").read_text())
    assert about["sha256"] == data.sha256


def test_no_draft_gets_among_the_held_out_posts_nor_they_among_the_drafts(
    db: Path, voice_folder: Path, tmp_path: Path
) -> None:
    seen = voice_folder / POSTS_FILE
    save_posts(
        voice_folder, [VoicePost(None, "A two.", ()), VoicePost(None, "a TWO", ())], HELD_OUT_FILE
    )
    before = {f: f.read_bytes() for f in voice_folder.iterdir()}
    done = trainer(
        *("feedback", "--db", db, "--out", tmp_path / "data", "--voices", voice_folder.parent)
    )
    assert "the text of a held-out post 2" in " ".join(done.stdout.split())
    assert {f: f.read_bytes() for f in voice_folder.iterdir()} == before and seen in before
    data = tmp_path / "data"
    assert (data / "validation.jsonl").read_bytes() == b""
    assert {row["split"] for row in _rows(data / "posts.jsonl")} == {"train"}
    texts = [r["messages"][-1]["content"] for r in _rows(data / "train.jsonl")]
    assert "a two" not in texts and len(texts) == 3
    assert not [pair for pair in _pairs(data) if "a two" in pair]


async def test_a_row_asks_as_the_bot_asked(
    drafting: Drafting, fake_llm: FakeLLM, voice_folder: Path, tmp_path: Path
) -> None:
    asked = []
    for topic, wish in (("tea", "no hashtags"), (None, "short"), ("fog", None)):
        draft = await drafting.write_draft(OWNER, Request(topic, 2, instruction=wish), NOW)
        asked.append(fake_llm.asked[-1]["messages"])
        await Deciding(drafting.store).approve(draft, 0)
    done = trainer(
        *("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data"),  # the bot runs
        *("--voices", voice_folder.parent),
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = _rows(tmp_path / "data" / "train.jsonl")
    assert [row["messages"][:-1] for row in rows] == asked


def test_the_database_is_not_written_to(db: Path, tmp_path: Path) -> None:
    before = db.read_bytes()
    trainer("feedback", "--db", db, "--out", tmp_path / "data")
    assert db.read_bytes() == before
    with (
        bot_database.reading(db) as opened,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        opened.execute("DELETE FROM drafts")


async def test_a_guests_decisions_are_not_the_owners(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        await one.approve(await one.draft("mine", "not mine"), 0)
        await one.approve(await one.draft("guest's", "other", owner_id=OWNER + 1), 0)
        await store.grants.give("mara", OWNER, 0, NOW)
    done = trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    assert "decided by a guest of the voice 1" in " ".join(done.stdout.split())
    assert _pairs(tmp_path / "data") == {("tea", "mine", "not mine")}


async def test_personal_data_does_not_get_into_the_rows(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        draft = await one.draft("Write to me.", "Or not.")
        await one.edit(draft, 0, "Write to mara@harbour.example.org.")
        await one.approve(draft, 0)
    trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    for file in (tmp_path / "data").iterdir():
        assert "harbour.example.org" not in file.read_text("utf-8"), file.name
    assert ("tea", "Write to ….", "Write to me.") in _pairs(tmp_path / "data")


def test_the_reader_knows_the_newest_layout() -> None:
    """A new migration: look whether bot_database.py still reads it, then raise LAYOUT."""
    assert max(int(f.name.split("_")[0]) for f in MIGRATIONS.glob("*.sql")) == bot_database.LAYOUT


def _text_file(folder: Path) -> Path:
    (folder / "notes.db").write_text("These are my notes, and no database at all. " * 50)
    return folder / "notes.db"


def _other_database(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "other.db")) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
    return folder / "other.db"


def _of_layout(layout: int) -> Any:
    def write(folder: Path) -> Path:
        asyncio.run(_approve_many(folder / "bot.db", 1))
        with closing(sqlite3.connect(folder / "bot.db")) as db:
            db.execute(f"PRAGMA user_version = {layout}")
        return folder / "bot.db"

    return write


def _unreadable(folder: Path) -> Path:
    asyncio.run(_approve_many(folder / "bot.db", 1))
    (folder / "bot.db-wal").mkdir()  # where SQLite would write; root may write anywhere else
    return folder / "bot.db"


def _empty(folder: Path) -> Path:
    asyncio.run(_approve_many(folder / "bot.db", 0))
    return folder / "bot.db"


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda folder: folder / "missing.db", "There is no database"),
        (lambda folder: folder, "There is no database"),
        (_text_file, "is not a database of this bot"),
        (_other_database, "it holds no drafts"),
        (_of_layout(99), "newer version of the bot"),
        (_of_layout(4), "older version of the bot"),
        (_unreadable, "read a copy"),
        (_empty, "holds no drafts yet"),
    ],
    ids=[
        *("missing", "folder", "text", "another program's", "too new", "too old"),
        *("cannot be opened", "no drafts"),
    ],
)
def test_a_wrong_database_gets_a_sentence(tmp_path: Path, write: Any, words: str) -> None:
    done = trainer("feedback", "--db", write(tmp_path), "--out", tmp_path / "data")
    assert done.returncode == 2
    assert words in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


async def test_one_voice_at_a_time(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        await one.approve(await one.draft("m"), 0)
        await one.approve(await one.draft("o", voice="odd"), 0)
        await one.draft("n", voice="new")
    command = ("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    for more, words in (
        ((), "Name one with --voice: mara, new, odd."),
        (("--voice", "mira"), "no drafts of the voice mira, only of mara"),
        (("--voice", "new"), "none was approved"),
    ):
        done = trainer(*command, *more)
        assert done.returncode == 2 and words in done.stderr
    done = trainer(*command, "--voice", "odd")
    assert done.returncode == 0
    assert [r["text"] for r in _rows(tmp_path / "data" / "posts.jsonl")] == ["o"]


def test_it_replaces_its_own_folder_and_no_archives(db: Path, tmp_path: Path) -> None:
    for _ in range(2):
        assert trainer("feedback", "--db", db, "--out", tmp_path / "data").returncode == 0
    about = tmp_path / "data" / "dataset.json"
    about.write_text(about.read_text().replace('"decisions"', '"x"'))
    done = trainer("feedback", "--db", db, "--out", tmp_path / "data")
    assert done.returncode == 2 and "holds what `prepare` wrote" in done.stderr
    assert '"x"' in about.read_text()


async def test_each_pair_comes_once_and_the_surer_of_two_opposite_ones(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        await one.close(await one.draft("bad", "worse"), State.REJECTED)
        await one.approve(await one.draft("good", "bad"), 0)
        await one.close(await one.draft("good"), State.REJECTED)
        await one.approve(await one.draft("bad"), 0)
    done = trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    assert _pairs(tmp_path / "data") == {("tea", "good", "bad"), ("tea", "good", "worse")}
    assert "chosen, over what was shown beside it 1" in " ".join(done.stdout.split())
    assert "on that topic 1" in " ".join(done.stdout.split())


async def test_notes_stand_in_rows_and_pairs_as_the_voice_was_asked(
    drafting: Drafting, fake_llm: FakeLLM, tmp_path: Path
) -> None:
    told = "Fed the GOOSE at 7:40!!\nmail me: goose@pond.example"
    fake_llm.texts = iter(["Goose fed at 7:40.", "A goose, fed, 7:40.", "Another goose."] * 8)
    asked = Request(None, 2, notes=told)
    draft = await drafting.write_draft(OWNER, asked, NOW)
    found = fake_llm.asked[-1]["messages"][-1]["content"]
    fingerprint = draft.candidates[0].fingerprint
    assert await drafting.store.decisions.claim(draft.id, 0, fingerprint, ACCOUNT, NOW)
    await drafting.store.decisions.mark_published(draft.id)
    db, data = tmp_path / "bot.db", tmp_path / "data"
    arguments = ("--db", db, "--out", data, "--voices", tmp_path / "voices")
    done = await asyncio.to_thread(trainer, "feedback", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = _rows(data / "train.jsonl")
    learnt = row["messages"][1]["content"]
    assert "7:40; mail me" in learnt
    assert found.startswith(learnt)
    assert "pond.example" in found and "pond.example" not in learnt  # nobody's address is learnt
    (pair,) = _pairs(data)
    assert pair[0] == learnt


async def test_what_was_not_wanted_is_compared_with_what_says_the_same(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        await one.close(await one.draft("bad", notes="two cups"), State.REJECTED)
        await one.close(await one.draft("worse", notes="no milk"), State.REJECTED)
        await one.approve(await one.draft("good", notes=" Two  cups"), 0)
        await one.approve(await one.draft("plain"), 0)
    trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    assert {pair[1:] for pair in _pairs(tmp_path / "data")} == {("good", "bad")}


async def test_an_edit_of_capitals_alone_shows_a_taste(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        one = Deciding(store)
        draft = await one.draft("The Kettle Knows.")
        await one.edit(draft, 0, "the kettle knows")
        await one.approve(draft, 0)
    trainer("feedback", "--db", tmp_path / "bot.db", "--out", tmp_path / "data")
    assert _pairs(tmp_path / "data") == {("tea", "the kettle knows", "The Kettle Knows.")}


def test_weeks_without_a_decision_are_there_too() -> None:
    text = bot_database.Text("a", "a")
    drafts = [
        bot_database.Decided(i, [text], 1, None, None, state, chosen, None, at)
        for i, (state, chosen, at) in enumerate(
            [
                ("published", 0, "2026-11-01T23:59:59+00:00"),  # a Sunday
                ("rejected", None, "2026-11-02T00:00:00+00:00"),
                ("pending", None, None),
                ("published", 0, "2026-11-17T00:00:00+00:00"),
            ]
        )
    ]
    weeks = bot_database.by_week(drafts)
    assert [(str(monday), found.approved, found.decided) for monday, found in weeks.items()] == [
        ("2026-10-26", 1, 1),
        ("2026-11-02", 0, 1),
        ("2026-11-09", 0, 0),
        ("2026-11-16", 1, 1),
    ]
    assert bot_database.by_week([]) == {}


def test_data_errors_name_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=str(tmp_path / "x.db")),
        bot_database.reading(tmp_path / "x.db"),
    ):
        pass
