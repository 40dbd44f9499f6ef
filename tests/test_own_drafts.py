"""Posted drafts come back in the next archive and are recognised, with a real store."""

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.config import DatabaseSettings
from bot.draft import Candidate, Draft, State, Status
from bot.store import Store
from bot.writing.thread import candidate_of, status_length
from tests.conftest import OWNER
from tests.fakes import mastodon_archive as fog
from tests.fakes import x_archive
from trainer.__main__ import main
from trainer.bot_database import USUAL
from trainer.data.explain import explain
from trainer.data.options import PrepareOptions
from trainer.data.prepare import prepare

SERVER = "https://fog.example"
DRAFTED = datetime(2023, 5, 1, 10, tzinfo=UTC)  # as tests/fakes/mastodon_archive.py dates its posts
MINE = "I came all the way to the harbour without a word."
DEFAULT = PrepareOptions()
Rows = list[dict[str, Any]]  # Any: JSON


class Owner:
    """Approves drafts: each status gets the next number at the server."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.number = 100

    async def draft(self, text: str, max_chars: int = 500, at: datetime = DRAFTED) -> Draft:
        candidates = (candidate_of(text, max_chars, status_length),)
        return await self.store.drafts.add(
            Draft(OWNER, "mara", "tea", candidates, max_chars, at - timedelta(minutes=5))
        )

    async def edit(self, draft: Draft, text: str) -> Draft:
        edited = Candidate(text, len(text), (), draft.candidates[0].text)
        assert await self.store.decisions.edit(draft.id, 0, edited, draft.created_at)
        return replace(draft, candidates=(edited,))

    async def post(self, draft: Draft) -> list[int]:
        """Approve it; the numbers of its statuses."""
        text, decisions = draft.candidates[0], self.store.decisions
        account = f"{SERVER} @me"
        assert await decisions.claim(draft.id, 0, text.fingerprint, (account,), DRAFTED)
        numbers = []
        for part, words in enumerate(text.statuses):
            self.number += 1
            status = Status(str(self.number), f"{SERVER}/@me/{self.number}")
            await decisions.posted(draft.id, part, status, words, DRAFTED)
            numbers.append(self.number)
        await decisions.mark_published(draft.id)
        return numbers


def rows_of(file: Path) -> Rows:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def run(
    sources: Sequence[Path], folder: Path, options: PrepareOptions = DEFAULT
) -> tuple[Rows, Rows]:
    """Prepare beside the bot's database; what is kept and what is dropped, once the sums match."""
    out, printed = folder / "data", io.StringIO()
    console = Console(file=printed, width=100)
    prepare(sources, out, options, now=DRAFTED, db=folder / "bot.db", stdout=console)
    posts, dropped = rows_of(out / "posts.jsonl"), rows_of(out / "dropped.jsonl")
    counts = json.loads((out / "dataset.json").read_text("utf-8"))["counts"]
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    assert Counter(r["reason"] for r in dropped) == counts["dropped"] | counts["left_out"]
    bots = counts["dropped"].get("written by the bot", 0)
    assert ("dropped: written by the bot" in printed.getvalue()) == (bots > 0)
    assert "Compared with" in printed.getvalue()
    return posts, dropped


def outbox(folder: Path, *statuses: dict[str, Any]) -> Path:
    return fog.write_tar(folder / "fog.tar.gz", fog.files(*statuses))


def on_x_too(number: int, text: str, **more: Any) -> dict[str, Any]:
    at = {"created_at": f"Thu Jun 01 10:{number:02}:00 +0000 2023"}
    return x_archive.tweet(number, text, **at, **more)


def bots(dropped: Rows) -> set[str]:
    return {row["id"] for row in dropped if row["reason"] == "written by the bot"}


async def test_what_the_bot_posted_is_known_by_its_status_while_the_bot_runs(
    tmp_path: Path,
) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        owner = Owner(store)
        (number,) = await owner.post(await owner.draft("The kettle knows."))
        later = fog.status(
            number, "<p>The kettle knows what I said afterwards.</p>"
        )  # edited there
        same_number = later["object"] | {"id": f"https://elsewhere.example/users/me/{number}"}
        source = outbox(
            tmp_path, later, fog.status(1, f"<p>{MINE}</p>"), later | {"object": same_number}
        )
        posts, dropped = run([source], tmp_path)
    assert bots(dropped) == {fog.key(number)}
    assert {post["id"] for post in posts} == {fog.key(1), same_number["id"]}
    (said,) = explain(tmp_path / "data", fog.key(number))
    assert "was dropped: written by the bot: the bot of --db drafted it" in said


async def test_a_status_known_by_its_owners_word_alone_is_known_by_its_text(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        owner = Owner(store)
        draft = await owner.draft("Ask @mel@fog.example about\nhttps://example.org/fog today")
        fingerprint = draft.candidates[0].fingerprint
        await store.decisions.claim(draft.id, 0, fingerprint, (f"{SERVER} @me",), DRAFTED)
        await store.decisions.posted(draft.id, 0, Status("", ""), draft.candidates[0].text, DRAFTED)
    html = (
        '<p>Ask <span class="h-card"><a href="https://fog.example/@mel" class="u-url mention">@'
        '<span>mel</span></a></span> about<br /><a href="https://example.org/fog/">'
        '<span class="invisible">https://</span>example.org/fog/</a> today</p>'
    )
    source = outbox(tmp_path, fog.status(5, html), fog.status(6, f"<p>{MINE}</p>"))
    _, dropped = run([source], tmp_path)
    assert bots(dropped) == {fog.key(5)}


async def test_an_edited_text_and_what_it_was_made_of_are_never_held_out(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        owner = Owner(store)
        draft = await owner.edit(await owner.draft("Fog again."), "Fog again, said the goose.")
        await owner.post(draft)
    texts = [MINE, "Fog again,  said\n the goose.", "Fog again.", "Fog again, and all by myself."]
    at = "2023-06-01T10:00:00Z"
    lines = [json.dumps({"text": text, "created_at": at}) for text in texts]
    source = tmp_path / "posts.jsonl"
    source.write_text("\n".join(lines), "utf-8")
    posts, dropped = run([source], tmp_path, PrepareOptions(validation=0.5))
    assert {(p["text"], p["split"]) for p in posts} == {(MINE, "train"), (texts[3], "validation")}
    assert len(bots(dropped)) == 2


@pytest.mark.parametrize("threads", ["keep", "join"])
async def test_a_thread_is_known_part_by_part(tmp_path: Path, threads: Any) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        owner = Owner(store)
        draft = await owner.draft("One fog, two fogs, three fogs and a goose. " * 4, max_chars=80)
        parts = draft.candidates[0].parts
        numbers = await owner.post(draft)
    assert len(parts) == len(numbers) > 2
    on_x = [on_x_too(number, part) for number, part in enumerate(parts, 1)]
    more = {"in_reply_to_user_id_str": x_archive.OWN_ID}
    more["in_reply_to_status_id_str"] = on_x[-1]["tweet"]["id_str"]
    on_x += [on_x_too(50, MINE, **more), on_x_too(51, "Quite another one.")]
    copied = x_archive.write_zip(tmp_path / "x.zip", x_archive.files(on_x))
    there = outbox(tmp_path, *(fog.status(number, "<p>new words</p>") for number in numbers))
    posts, dropped = run([there, copied], tmp_path, PrepareOptions(threads=threads))
    assert [post["text"] for post in posts] == [MINE, "Quite another one."]
    assert len(bots(dropped)) == 2 * len(parts)


async def test_older_posts_are_their_authors_whatever_the_bot_says_later(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        owner = Owner(store)
        await owner.draft("Good morning, harbour!", at=DRAFTED + timedelta(days=7))
        await owner.draft("Good night, harbour!", at=DRAFTED + timedelta(days=7))
    first, last = ("<p>Good morning, harbour!</p>", "<p>Good night, harbour!</p>")
    source = outbox(tmp_path, fog.status(1, first), fog.status(20, last))
    posts, dropped = run([source], tmp_path)
    assert [post["id"] for post in posts] == [fog.key(1)]
    assert bots(dropped) == {fog.key(20)}


async def test_every_version_of_what_the_bot_wrote_is_the_bots(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        draft = await Owner(store).draft("The kettle nose.")
        await store.decisions.close_draft(draft.id, State.REJECTED, DRAFTED)  # and copied by hand
    first, last = x_archive.key(1), x_archive.key(2)
    ids = {"editTweetIds": [first, last]}
    tweets = [
        on_x_too(1, "The kettle nose.", edit_info={"initial": ids}),
        on_x_too(2, "The kettle knows.", edit_info={"edit": {"initialTweetId": first}}),
        on_x_too(3, MINE),
    ]
    source = x_archive.write_zip(tmp_path / "x.zip", x_archive.files(tweets))
    posts, dropped = run([source], tmp_path)
    assert [post["text"] for post in posts] == [MINE]
    assert bots(dropped) == {last}
    assert len(dropped) == 2


async def test_without_db_the_usual_one_is_named_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DatabaseSettings.model_fields["database"].default == USUAL
    monkeypatch.chdir(tmp_path)
    async with Store.open(USUAL) as store:
        await Owner(store).draft("The kettle knows.")
    outbox(tmp_path, *(fog.status(n, f"<p>{words}</p>") for n, words in enumerate((MINE, "Fog."))))
    for more, said, kept in (
        ([], f"--db {USUAL} leaves out what the bot wrote", 2),
        (["--db", str(USUAL)], "Compared with 1 text of the bot's", 2),
    ):
        assert main(["prepare", "fog.tar.gz", "--out", "data", *more]) == 0
        assert said in capsys.readouterr().out
        assert len(rows_of(tmp_path / "data" / "posts.jsonl")) == kept


def test_a_wrong_database_leaves_everything_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = outbox(tmp_path, fog.status(1, f"<p>{MINE}</p>"))
    db, out = str(tmp_path / "no.db"), tmp_path / "data"
    assert main(["prepare", str(source), "--out", str(out), "--db", db]) == 2
    assert "There is no database" in capsys.readouterr().err
    assert not out.exists()
