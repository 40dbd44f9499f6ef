"""`report --db`: people's decisions and guesses, on the page of a voice."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.draft import Candidate, Draft, Echo, RejectionReason, State, Status
from bot.store import Store
from bot.store.echoes import DueEcho
from bot.store.trials import Trial
from bot.voice import Voice
from tests.conftest import OWNER
from trainer.__main__ import main

MONDAY = datetime(2026, 9, 7, 9, tzinfo=UTC)


def _report(voice: Path, db: Path) -> int:
    options = ("--voices", voice.parent, "--no-drafts", "--db", db)
    return main(["report", voice.name, *map(str, options)])


async def _decide(store: Store, now: datetime, text: str, state: State | None) -> None:
    candidates = (Candidate(text, len(text)),)
    draft = await store.drafts.add(Draft(OWNER, "mara", "tea", candidates, 500, now))
    await store.drafts.shown(draft, 1, draft.id)
    if state:
        await store.decisions.close_draft(draft.id, state, now)
        await store.decisions.give_reason(draft.id, RejectionReason.UNTRUE)
        return
    if text == "edit me":
        await store.decisions.edit(draft.id, 0, Candidate("edited", 6, (), text), now)
        text = "edited"
    fingerprint = Candidate(text, len(text)).fingerprint
    assert await store.decisions.schedule(draft.id, 0, fingerprint, now, now)


async def _guess(store: Store, user_id: int, guess: int, trained_at: str) -> None:
    trial = Trial(user_id, "mara", trained_at, "0" * 16, 1)
    await store.trials.answer(await store.trials.add(trial, MONDAY), guess, MONDAY)


@pytest.fixture
async def db(tmp_path: Path, voice_folder: Path) -> Path:
    """Three weeks, better each time; and guesses of two people, one about an earlier training."""
    trained_at = Voice.load(voice_folder).created_at
    async with Store.open(tmp_path / "bot.db") as store:
        await store.grants.give("mara", OWNER, 0, MONDAY)
        for week, approved in ((0, 1), (1, 2), (3, 4)):
            now = MONDAY + timedelta(weeks=week)
            for i in range(4):
                state = None if i < approved else (State.REJECTED, State.EXPIRED)[i % 2]
                await _decide(store, now, "edit me" if i == 0 else f"text {i}", state)
        for user_id, guess in ((OWNER, 1), (OWNER, 1), (9, 1), (9, 2), (9, 0)):
            await _guess(store, user_id, guess, trained_at)
        await _guess(store, 9, 2, "2020-01-01T00:00:00+00:00")
        await store.trials.add(Trial(9, "mara", trained_at, "1" * 16, 2), MONDAY)
    return tmp_path / "bot.db"


def test_the_page_shows_rates_by_week_and_the_blind_tests(db: Path, voice_folder: Path) -> None:
    assert _report(voice_folder, db) == 0
    page = (voice_folder / "report.html").read_text("utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "7 of 12 drafts were approved (58%), 3 of the approved after an edit (43%)." in text
    assert "Why rejected, where it was said: not true 2." in text
    weeks = re.findall(r"<tr><th>(2026-\d\d-\d\d)</th>(.*?)</tr>", page)
    cells = {monday: re.findall(r"<td>(.*?)</td>", row) for monday, row in weeks}
    assert list(cells) == ["2026-09-28", "2026-09-14", "2026-09-07"]
    assert cells["2026-09-28"][:3] == ["4", "<strong>100%</strong>", "25%"]
    assert cells["2026-09-07"] == ["4", "<strong>25%</strong>", "100%", "1", "0", "2", "0"]
    assert "3 of 5 guesses were right, 1 × “I cannot tell” counting half: 70%." in text
    assert "Its owner, who may remember the posts: 2 of 2 guesses were right" in text
    assert "Others: 1 of 3 guesses were right" in text
    assert (voice_folder / "report" / "approvals.png").stat().st_size > 1000
    assert "By week: 25% approved in that of 2026-09-07, 100% in that of 2026-09-28." in page


async def test_the_page_shows_what_came_of_the_posts(tmp_path: Path, voice_folder: Path) -> None:
    async with Store.open(tmp_path / "bot.db") as store:
        for number, count in enumerate([30, 2, 44, 3, 25, 5, 60, 4, 38, 2, 41, 6]):
            text, at = f"text {number}", MONDAY + number * timedelta(days=1, hours=2)
            topic = "fog" if number % 2 else "<tea>"
            candidates = (Candidate(text, len(text)),)
            draft = await store.drafts.add(Draft(OWNER, "mara", topic, candidates, 500, at))
            await store.drafts.shown(draft, 1, draft.id)
            account = ("https://m.example @mara",)
            await store.decisions.claim(draft.id, 0, candidates[0].fingerprint, account, at)
            status = Status(str(number), "https://m.example/1")
            await store.decisions.posted(draft.id, 0, status, text, at)
            await store.decisions.mark_published(draft.id)
            due = DueEcho(draft.id, 1, OWNER, account[0], status, at, 1, 0)
            await store.echoes.keep(due, Echo(1, count, 2), at)
    assert _report(voice_folder, tmp_path / "bot.db") == 0
    page = (voice_folder / "report.html").read_text("utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "12 posts of this voice were counted, a day after each: 12 boosts" in text
    assert "&lt;tea&gt; 6 5.6 3.9 and 8.2 does better than your others" in text
    assert "Hours (UTC) posts" in text
    assert "No voice and no taste learns from this." in text


async def test_nothing_decided_yet_is_said(tmp_path: Path, voice_folder: Path) -> None:
    async with Store.open(tmp_path / "bot.db"):
        assert _report(voice_folder, tmp_path / "bot.db") == 0
    page = (voice_folder / "report.html").read_text("utf-8")
    assert "Nobody has decided on a draft of this voice yet." in page
    assert "Nobody has guessed yet" in page
    assert "What came of the posts" not in page
    assert not (voice_folder / "report" / "approvals.png").exists()


def test_without_a_database_nothing_is_said(voice_folder: Path) -> None:
    command = ["report", "mara", "--voices", str(voice_folder.parent), "--no-drafts"]
    assert main(command) == 0
    assert "What people say" not in (voice_folder / "report.html").read_text("utf-8")


def test_a_missing_database_is_named(
    voice_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _report(voice_folder, voice_folder / "no.db") == 2
    assert "no.db" in capsys.readouterr().err
