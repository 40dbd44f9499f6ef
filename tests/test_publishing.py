"""From an approval to a status, exactly once: real SQLite, a Mastodon behind a proxy."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from mastodon_mock.testing import MockServer

from bot.draft import Draft, Network, State
from bot.drafting import Drafting
from bot.errors import Refused, Unavailable, UserError
from bot.posting.once import Patience
from bot.posting.publishing import ASK_AFTER
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy

PATIENCE = Patience()
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
LONG = "The harbour master has opinions about fog, and shares them. " * 20
POST = ("POST", "/api/v1/statuses")


def _timeline(server: MockServer) -> list[str]:
    api = server.client("alice")
    me = api.account_verify_credentials()
    return [api.status_source(s.id).text for s in api.account_statuses(me.id)]


async def _approve(
    drafting: Drafting, draft: Draft, position: int = 0, now: datetime = NOW
) -> None:
    draft = await drafting.get(draft.id)
    text = draft.candidates[position].fingerprint if position < len(draft.candidates) else ""
    await drafting.publishing.approve(draft, position, text, now)


async def _claim(drafting: Drafting, draft: Draft, now: datetime) -> None:
    """What a crash right after the claim leaves behind."""
    account = await drafting.accounts.of(OWNER, Network.MASTODON)
    text = draft.candidates[0].fingerprint
    assert await drafting.store.decisions.claim(draft.id, 0, text, (await account.identify(),), now)


async def _thread(drafting: Drafting) -> Draft:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    await drafting.edit(draft, 0, LONG, NOW)
    return await drafting.get(draft.id)


async def test_a_topic_becomes_a_status(drafting: Drafting, mock_mastodon: MockServer) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    assert (len(draft.candidates), draft.max_chars) == (4, 500)
    await _approve(drafting, draft, 2)
    posted = await drafting.get(draft.id)
    assert posted.state is State.PUBLISHED
    assert posted.status_url
    assert _timeline(mock_mastodon) == [draft.candidates[2].text]


async def test_many_clicks_post_one_status(drafting: Drafting, mock_mastodon: MockServer) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    results = await asyncio.gather(
        *(_approve(drafting, draft, i % 4) for i in range(8)),
        drafting.publishing.settle(NOW),
        return_exceptions=True,
    )
    assert sum(r is None for r in results[:8]) == 1
    assert all(r is None or isinstance(r, UserError) for r in results[:8])
    assert len(_timeline(mock_mastodon)) == 1


async def test_a_click_that_loses_does_not_let_others_in(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    """While one approval is under way, a second one ends; the first is in hand all the same."""
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    proxy.fault(*POST, 0.5)
    first = asyncio.create_task(_approve(drafting, draft))
    while (await drafting.get(draft.id)).state is State.PENDING:
        await asyncio.sleep(0.01)
    with pytest.raises(UserError):
        await _approve(drafting, draft, 1)
    assert await drafting.publishing.settle(NOW) == []
    await first
    assert proxy.seen.count(POST) == 1


async def test_only_the_text_that_was_shown_is_posted(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    shown = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.edit(shown, 0, "Something else.", NOW)
    for _ in range(2):
        with pytest.raises(UserError, match="has changed since it was shown"):
            text = shown.candidates[0].fingerprint
            await drafting.publishing.approve(shown, 0, text, NOW)
    with pytest.raises(UserError, match="no candidate 3"):
        await _approve(drafting, shown, 2)
    assert _timeline(mock_mastodon) == []
    await _approve(drafting, shown)
    assert _timeline(mock_mastodon) == ["Something else."]


async def test_a_refused_text_can_be_approved_again(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    proxy.fault(*POST, 422)
    with pytest.raises(Refused):
        await _approve(drafting, draft)
    assert (await drafting.get(draft.id)).state is State.PENDING
    await _approve(drafting, draft, 1)
    assert _timeline(mock_mastodon) == [draft.candidates[1].text]


@pytest.mark.parametrize("fault", [503, "drop"], ids=["not posted", "posted, answer lost"])
async def test_an_unknown_outcome_is_settled_later_with_one_status(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer, fault: str | int
) -> None:
    now = datetime.now(UTC)
    draft = await drafting.write_draft(OWNER, Request("tea", 4), now)
    proxy.fault(*POST, fault)
    proxy.fault("GET", "/api/v1/accounts", 503, skip=2)  # the look right after the fault
    with pytest.raises(Unavailable, match="may still be at it"):
        await _approve(drafting, draft, now=now)
    assert (await drafting.get(draft.id)).state is State.PUBLISHING
    for minutes in range(0, 20, 2):
        assert proxy.seen.count(POST) == 1 or minutes > PATIENCE.commits_within.seconds / 60
        await drafting.publishing.settle(now + timedelta(minutes=minutes))
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert _timeline(mock_mastodon) == [draft.candidates[0].text]


async def test_the_pauses_between_looks_grow(drafting: Drafting, proxy: Proxy) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    await _claim(drafting, draft, NOW)
    proxy.fault("GET", "/api/v1/accounts", 503, times=10_000)
    looks = []
    for minute in range(180):
        before = len(proxy.seen)
        await drafting.publishing.settle(NOW + timedelta(minutes=minute))
        if len(proxy.seen) > before:
            looks.append(timedelta(minutes=minute))
    pauses = [b - a for a, b in pairwise(looks)]
    assert [pause / PATIENCE.first_pause for pause in pauses[:4]] == [1, 2, 4, 8]
    assert pauses[-1] == PATIENCE.longest_pause


async def test_a_crash_between_claim_and_post_is_settled(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 4), NOW)
    await _claim(drafting, draft, NOW)
    ((settled, error),) = await drafting.publishing.settle(NOW)
    assert (settled.state, error) == (State.PUBLISHED, None)
    assert _timeline(mock_mastodon) == [draft.candidates[0].text]
    assert await drafting.publishing.settle(NOW) == []


async def test_another_drafts_status_of_the_same_text_is_not_taken_for_it(
    drafting: Drafting, fake_llm: FakeLLM, mock_mastodon: MockServer
) -> None:
    now = datetime.now(UTC)
    fake_llm.texts = iter(["Noted."] * 2)
    for _ in range(2):
        draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
        await _claim(drafting, draft, now)
        await drafting.publishing.settle(now)
    assert _timeline(mock_mastodon) == ["Noted.", "Noted."]


@pytest.mark.parametrize(
    ("fault", "skip"), [("drop", 0), (503, 1), ("drop", 1), ("drop", 2)], ids=str
)
async def test_a_thread_goes_on_at_the_part_that_is_missing(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer, fault: str | int, skip: int
) -> None:
    draft = await _thread(drafting)
    now = datetime.now(UTC)
    proxy.fault(*POST, fault, skip=skip)
    # the look right after the fault fails too, so that the outcome stays unknown
    proxy.fault("GET", "/api/v1/accounts", 503, skip=2)
    with pytest.raises(Unavailable):
        await _approve(drafting, draft, now=now)
    assert len((await drafting.get(draft.id)).statuses) == skip
    for minutes in range(0, 20, 2):
        await drafting.publishing.settle(now + timedelta(minutes=minutes))
    parts = draft.candidates[0].parts
    assert len(parts) == 3
    assert _timeline(mock_mastodon) == list(reversed(parts))
    api = mock_mastodon.client("alice")
    newest_first = api.account_statuses(api.account_verify_credentials().id)
    for reply, answered in pairwise(newest_first):
        assert str(reply.in_reply_to_id) == str(answered.id)


async def test_a_thread_that_broke_off_keeps_its_text(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await _thread(drafting)
    proxy.fault(*POST, 422, skip=1)
    with pytest.raises(Refused):
        await _approve(drafting, draft)
    begun = await drafting.get(draft.id)
    assert (begun.is_broken_thread, len(begun.statuses)) == (True, 1)
    for refused in (
        drafting.edit(begun, 0, "Other.", NOW),
        drafting.revise(begun, NOW),
        drafting.reject(begun, NOW),
    ):
        with pytest.raises(UserError, match="Post the rest, or delete it first"):
            await refused
    assert await drafting.expire(NOW + timedelta(days=99)) == []
    await drafting.publishing.undo(begun, NOW)
    assert (await drafting.get(draft.id)).state is State.UNDONE
    assert _timeline(mock_mastodon) == []


async def test_a_scheduled_text_is_posted_when_due_and_not_before(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    due = NOW + timedelta(hours=2)
    await drafting.publishing.post_later(draft, 1, draft.candidates[1].fingerprint, due, NOW)
    assert await drafting.publishing.settle(due - timedelta(seconds=1)) == []
    with pytest.raises(UserError, match="scheduled"):
        await _approve(drafting, draft)
    ((posted, error),) = await drafting.publishing.settle(due)
    assert (posted.state, error) == (State.PUBLISHED, None)
    assert _timeline(mock_mastodon) == [draft.candidates[1].text]
    with pytest.raises(UserError, match="posted"):
        await drafting.publishing.take_back(draft, due)


async def test_what_was_due_long_ago_is_given_back(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.publishing.post_later(draft, 1, draft.candidates[1].fingerprint, NOW, NOW)
    ((given, error),) = await drafting.publishing.settle(NOW + timedelta(days=3))
    assert given.state is State.PENDING
    assert isinstance(error, UserError)
    assert _timeline(mock_mastodon) == []


async def test_a_scheduled_text_that_is_refused_is_given_back(
    drafting: Drafting, proxy: Proxy
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    await drafting.publishing.post_later(draft, 1, draft.candidates[1].fingerprint, NOW, NOW)
    proxy.fault(*POST, 422)
    ((given, error),) = await drafting.publishing.settle(NOW)
    assert given.state is State.PENDING
    assert isinstance(error, Refused)


async def _unknown(drafting: Drafting, proxy: Proxy, draft: Draft, fault: str | int) -> Draft:
    now = datetime.now(UTC)
    proxy.fault(*POST, fault, times=99)
    proxy.fault("GET", "/api/v1/accounts", 503, times=99, skip=2)
    with pytest.raises(Unavailable):
        await _approve(drafting, draft, now=now)
    ((asked, _),) = await drafting.publishing.settle(now + ASK_AFTER + timedelta(seconds=1))
    proxy.faults.clear()
    assert asked.state is State.UNKNOWN
    return asked


async def test_after_a_day_the_owner_is_asked_and_nothing_is_sent(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    asked = await _unknown(drafting, proxy, draft, "drop")
    assert await drafting.publishing.settle(datetime.now(UTC) + 2 * ASK_AFTER) == []
    count = len(_timeline(mock_mastodon))
    await drafting.publishing.answer(asked, True, NOW)
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert len(_timeline(mock_mastodon)) == count
    with pytest.raises(UserError, match="posted"):
        await drafting.publishing.answer(asked, False, NOW)
    with pytest.raises(UserError, match="do not know which status"):
        await drafting.publishing.undo(await drafting.get(draft.id), NOW)


async def test_a_last_look_spares_the_question(drafting: Drafting, proxy: Proxy) -> None:
    now = datetime.now(UTC)
    draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
    proxy.fault(*POST, "drop")
    proxy.fault("GET", "/api/v1/accounts", 503, skip=2)
    with pytest.raises(Unavailable):
        await _approve(drafting, draft, now=now)
    ((found, _),) = await drafting.publishing.settle(now + 2 * ASK_AFTER)
    assert found.state is State.PUBLISHED
    assert proxy.seen.count(POST) == 1


async def test_what_is_not_there_can_be_posted_again(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 2), NOW)
    asked = await _unknown(drafting, proxy, draft, 503)
    await drafting.publishing.answer(asked, False, NOW)
    await _approve(drafting, draft, 1)
    assert _timeline(mock_mastodon) == [draft.candidates[1].text]


async def test_a_status_deleted_by_hand_can_be_undone_all_the_same(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    await _approve(drafting, draft)
    posted = await drafting.get(draft.id)
    mock_mastodon.client("alice").status_delete(posted.statuses[0].id)
    await drafting.publishing.undo(posted, NOW)
    assert (await drafting.get(draft.id)).state is State.UNDONE


async def test_a_status_stays_after_its_hour_or_if_the_server_refuses(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, Request("tea", 1), NOW)
    with pytest.raises(UserError, match="open"):
        await drafting.publishing.undo(draft, NOW)
    await _approve(drafting, draft)
    posted = await drafting.get(draft.id)
    with pytest.raises(UserError, match="more than 60 minutes ago"):
        await drafting.publishing.undo(posted, NOW + timedelta(minutes=61))
    proxy.fault("DELETE", "/api/v1/statuses", 403)
    with pytest.raises(Refused):
        await drafting.publishing.undo(posted, NOW)
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert len(_timeline(mock_mastodon)) == 1
