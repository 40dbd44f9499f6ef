"""The use cases: real SQLite, a language model and a Mastodon on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from mastodon_mock.testing import MockServer

from bot.accounts import Accounts
from bot.draft import State
from bot.drafting import Drafting
from bot.errors import Refused, Unavailable, UserError
from bot.llm import LLM
from bot.mastodon import Mastodon
from bot.store import Store
from bot.vault import Vault
from bot.voices import Voices
from tests.conftest import POSTS
from tests.fakes.llm import FakeLLM
from tests.fakes.proxy import Proxy

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
OWNER, STRANGER = 7, 8


@pytest.fixture
async def proxy(mock_mastodon: MockServer) -> AsyncIterator[Proxy]:
    async with Proxy(mock_mastodon.base_url) as proxy:
        yield proxy


@pytest.fixture
async def drafting(
    tmp_path: Path, voice_folder: Path, fake_llm: FakeLLM, proxy: Proxy
) -> AsyncIterator[Drafting]:
    llm = LLM(fake_llm.url, "none")
    mastodon = Mastodon(proxy.url, "alice_token", pauses_s=(0.01,))
    async with Store.open(tmp_path / "bot.db") as store:
        operators = frozenset({OWNER})
        voices = Voices(voice_folder.parent, store, operators)
        yield Drafting(
            voices,
            llm,
            Accounts(operators, mastodon, store, Vault.open(None, tmp_path / "bot.db")),
            store,
        )
    await llm.close()


def _timeline(server: MockServer) -> list[str]:
    api = server.client("alice")
    me = api.account_verify_credentials()
    return [api.status_source(s.id).text for s in api.account_statuses(me.id)]


async def test_a_topic_becomes_a_status(drafting: Drafting, mock_mastodon: MockServer) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    assert len(draft.candidates) == 4
    assert draft.max_chars == 500
    await drafting.approve(draft, 2, NOW)
    posted = await drafting.get(draft.id)
    assert posted.state is State.PUBLISHED
    assert posted.status_url
    assert _timeline(mock_mastodon) == [draft.candidates[2].text]


async def test_texts_that_fail_the_screen_are_drawn_again(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter([POSTS[0][0], "See https://spam.example", "Good one.", "Good two.", "3."])
    draft = await drafting.write_draft(OWNER, "tea", 3, NOW)
    assert [c.text for c in draft.candidates] == ["Good one.", "Good two.", "3."]
    assert [a["n"] for a in fake_llm.asked] == [3, 2]


async def test_when_nothing_passes_the_person_is_told_why(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    fake_llm.texts = iter([POSTS[0][0]] * 100)
    with pytest.raises(UserError, match="too close to an old post"):
        await drafting.write_draft(OWNER, "tea", 4, NOW)
    assert await drafting.store.drafts.in_state(State.PENDING) == []


async def test_nobody_drafts_in_another_persons_voice(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    with pytest.raises(UserError, match="nobody drafts in another person"):
        await drafting.write_draft(STRANGER, "tea", 4, NOW)
    assert fake_llm.asked == []


async def test_a_draft_is_its_owners_only(drafting: Drafting) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    with pytest.raises(UserError, match="somebody else's"):
        await drafting.own(draft.id, STRANGER)


async def test_many_clicks_post_one_status(drafting: Drafting, mock_mastodon: MockServer) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    results = await asyncio.gather(
        *(drafting.approve(draft, i % 4, NOW) for i in range(8)), return_exceptions=True
    )
    assert sum(r is None for r in results) == 1
    assert all(r is None or isinstance(r, UserError) for r in results)
    assert len(_timeline(mock_mastodon)) == 1


async def test_a_refused_text_can_be_approved_again(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    proxy.fault("POST", "/api/v1/statuses", 422)
    with pytest.raises(Refused):
        await drafting.approve(draft, 0, NOW)
    assert (await drafting.get(draft.id)).state is State.PENDING
    await drafting.approve(draft, 1, NOW)
    assert _timeline(mock_mastodon) == [draft.candidates[1].text]


@pytest.mark.parametrize("fault", [503, "drop"], ids=["not posted", "posted, answer lost"])
async def test_an_unknown_outcome_is_settled_later_with_one_status(
    drafting: Drafting, proxy: Proxy, mock_mastodon: MockServer, fault: str | int
) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, datetime.now(UTC))
    proxy.fault("POST", "/api/v1/statuses", fault, times=2)
    proxy.fault("GET", "/api/v1/accounts", 503, times=2)
    with pytest.raises(Unavailable, match="nothing you need to do"):
        await drafting.approve(draft, 0, datetime.now(UTC))
    assert (await drafting.get(draft.id)).state is State.PUBLISHING
    for _ in range(3):
        await drafting.settle(datetime.now(UTC))
    assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert _timeline(mock_mastodon) == [draft.candidates[0].text]


async def test_a_crash_between_claim_and_post_is_settled(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    await drafting.store.drafts.claim(draft.id, 3, "", NOW)
    ((settled, error),) = await drafting.settle(NOW)
    assert (settled.state, error) == (State.PUBLISHED, None)
    assert _timeline(mock_mastodon) == [draft.candidates[3].text]
    assert await drafting.settle(NOW) == []


async def test_a_revision_replaces_the_draft_with_other_texts(drafting: Drafting) -> None:
    old = await drafting.write_draft(OWNER, "tea", 4, NOW)
    new = await drafting.revise(old, NOW)
    assert (await drafting.get(old.id)).state is State.REPLACED
    assert new.topic == "tea"
    assert not {c.text for c in new.candidates} & {c.text for c in old.candidates}


async def test_a_revision_that_fails_leaves_the_draft(
    drafting: Drafting, fake_llm: FakeLLM
) -> None:
    old = await drafting.write_draft(OWNER, "tea", 4, NOW)
    fake_llm.failures = [(401, {})]
    with pytest.raises(Refused):
        await drafting.revise(old, NOW)
    assert (await drafting.get(old.id)).state is State.PENDING


async def test_a_rejected_draft_stays_rejected(
    drafting: Drafting, mock_mastodon: MockServer
) -> None:
    draft = await drafting.write_draft(OWNER, "tea", 4, NOW)
    await drafting.reject(draft, NOW)
    with pytest.raises(UserError, match="rejected"):
        await drafting.approve(draft, 0, NOW)
    assert _timeline(mock_mastodon) == []


async def test_typed_letters_find_topics(drafting: Drafting) -> None:
    assert await drafting.matching_topics(OWNER, "O", 25) == ["Port Almond", "goose"]
    assert await drafting.matching_topics(OWNER, "ke", 25) == ["kettle"]
    assert len(await drafting.matching_topics(OWNER, "", 2)) == 2
