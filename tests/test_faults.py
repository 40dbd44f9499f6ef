"""The table of faults: each cell of Mastodon and of the LLM server, over a wire that fails.

Discord's cells are in test_faults_discord.py, the engine's in test_faults_engine.py, the disk's in
test_faults_disk.py. What a user sees is what `report.sentence` makes of the error.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from mastodon_mock.testing import MockServer

from bot.chat.answers import sentence_for
from bot.draft import Draft, Network, State
from bot.drafting import Drafting
from bot.errors import BotError, Refused, Unavailable
from bot.posting.accounts import Accounts
from bot.posting.instance import Session
from bot.posting.mastodon import Mastodon
from bot.posting.target import Part
from bot.posting.vault import Vault
from bot.store import Store
from bot.writing.composing import Request
from bot.writing.llm import LLM
from bot.writing.voices import Voices
from sandbox.mastodon import LoopbackMastodon
from tests.conftest import OWNER
from tests.fakes.llm import FakeLLM
from tests.fakes.voice import write_voice
from tests.fault_table import (
    CELLS,
    FAULTS,
    FOUND,
    IMPOSSIBLE,
    LLM_SERVER,
    MASTODON,
    OPEN_DRAFT,
    POSTED,
    SERVICES,
    TAKEN,
    Cell,
    each,
    markdown,
)
from tests.faults import NO_SUCH_HOST, NONSENSE, Wire

DOCS = Path(__file__).parent.parent / "docs" / "reliability.md"
SHORT_S, LONG_S = 0.5, 20.0  # the most that one request may take: where it must end, and else
SILENT = ("hang", "endless answer")
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Ends:
    """Both services behind their wires, and a way to start the bot's use cases."""

    mastodon: Wire
    llm: Wire
    server: MockServer
    folder: Path
    voice: Path

    @asynccontextmanager
    async def drafting(
        self, mastodon_url: str = "", llm_url: str = "", patience_s: float = LONG_S
    ) -> AsyncIterator[Drafting]:
        """The use cases over a database that stays; addresses are the wires', unless given."""
        url = mastodon_url or self.mastodon.url
        session = Session(url, is_trusted=True, max_seconds=patience_s)
        mastodon = Mastodon(url, "alice_token", pauses_s=(0.01,), session=session)
        llm = LLM(llm_url or f"{self.llm.url}/v1", "none", timeout_s=patience_s)
        operators = frozenset({OWNER})
        database = self.folder / "bot.db"
        async with Store.open(database) as store:
            vault = Vault.open(None, database)
            accounts = Accounts(operators, [mastodon], store, vault, frozenset({url}))
            yield Drafting(Voices(self.voice.parent, store, operators), llm, accounts, store)
        await llm.close()

    def posted(self) -> list[str]:
        api = self.server.client("alice")
        me = api.account_verify_credentials()
        return [api.status_source(s.id).text for s in api.account_statuses(me.id)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ends]:
    folder = tmp_path_factory.mktemp("faults")
    voice = write_voice(folder / "voices" / "mara")
    async with FakeLLM() as fake_llm:
        with LoopbackMastodon() as server:
            async with (
                Wire(server.base_url, "Mastodon") as mastodon,
                Wire(fake_llm.url.removesuffix("/v1"), "LLM server") as llm,
            ):
                yield Ends(mastodon, llm, server, folder, voice)


@pytest_asyncio.fixture(loop_scope="module")
async def ends(network: Ends, tmp_path: Path) -> AsyncIterator[Ends]:
    """The network, all well, with a database of one's own."""
    network.server.reset()
    yield replace(network, folder=tmp_path)
    for wire in (network.mastodon, network.llm):
        await wire.mend()
        wire.nonsense = NONSENSE


async def test_every_service_has_a_cell_or_a_reason_for_every_fault() -> None:
    said = [(c.service, c.fault) for c in CELLS]
    said += [(i.service, fault) for i in IMPOSSIBLE for fault in i.faults]
    assert sorted(said) == sorted((s, f) for s in SERVICES for f in FAULTS)


async def test_the_table_of_the_docs_is_the_one_that_is_run() -> None:
    assert markdown() in DOCS.read_text("utf-8")


async def _approve(drafting: Drafting, draft: Draft, now: datetime) -> str:
    """Approve the first text; what the user is told, or nothing if it is posted."""
    try:
        await drafting.publishing.approve(draft, 0, draft.candidates[0].fingerprint, now)
    except BotError as e:
        assert isinstance(e, (Unavailable, Refused))
        return sentence_for(e)
    return ""


async def _insist(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask a server that is well; a busy machine may take longer than a short patience."""
    for _ in range(20):
        with suppress(Unavailable):
            await ask()
            return


# Mastodon.


@each(
    tuple(c for c in MASTODON if c.fault != "DNS failure"),
    slow=("403", "404", "429 without Retry-After", "500", "502", "503"),
)
async def test_mastodon_fails_while_a_text_is_posted(ends: Ends, cell: Cell) -> None:
    now = datetime.now(UTC)
    async with ends.drafting() as drafting:
        draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
    async with ends.drafting(patience_s=SHORT_S if cell.fault in SILENT else LONG_S) as drafting:
        await _insist((await drafting.accounts.of(OWNER, Network.MASTODON)).verify)
        await ends.mastodon.spoil(cell.fault, "POST /api/v1/statuses")
        told = await _approve(drafting, draft, now)
        assert told.startswith(cell.sees) or (told, cell.sees) == ("", FOUND)
        held = await drafting.get(draft.id)
        if cell.holds == POSTED:
            assert held.state is State.PUBLISHED
        elif cell.holds == TAKEN:
            assert (held.state, held.attempted_at) == (State.PUBLISHING, now)
            assert await drafting.publishing.settle(now) == []
        else:
            assert (held.state, held.candidates) == (State.PENDING, draft.candidates)
    await ends.mastodon.mend()
    async with ends.drafting() as drafting:
        if cell.holds == TAKEN:
            for minute in range(1, 18):
                await drafting.publishing.settle(now + timedelta(minutes=minute))
        elif cell.holds == OPEN_DRAFT:
            assert await _approve(drafting, held, now) == ""
        assert (await drafting.get(draft.id)).state is State.PUBLISHED
    assert ends.posted() == [draft.candidates[0].text]


async def test_mastodons_name_does_not_resolve(ends: Ends) -> None:
    cell = next(c for c in MASTODON if c.fault == "DNS failure")
    now = datetime.now(UTC)
    async with ends.drafting() as drafting:
        draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
    async with ends.drafting(mastodon_url=NO_SUCH_HOST) as drafting:
        assert (await _approve(drafting, draft, now)).startswith(cell.sees)
        assert (await drafting.get(draft.id)).state is State.PENDING
    async with ends.drafting() as drafting:
        assert await _approve(drafting, draft, now) == ""
    assert ends.posted() == [draft.candidates[0].text]


SHAPES = (b"{}", b"[]", b"null", b'"hello"', b'[{"id": 1}]')


@pytest.mark.parametrize("nonsense", SHAPES, ids=lambda b: b.decode())
async def test_an_answer_of_another_shape_is_a_sentence(ends: Ends, nonsense: bytes) -> None:
    now = datetime.now(UTC)
    async with ends.drafting() as drafting:
        draft = await drafting.write_draft(OWNER, Request("tea", 1), now)
        ends.mastodon.nonsense = ends.llm.nonsense = nonsense
        await ends.mastodon.spoil("garbage")
        account = await drafting.accounts.of(OWNER, Network.MASTODON)
        with pytest.raises(Unavailable):
            await account.verify()
        with pytest.raises(Unavailable):
            await account.publish(Part("Noted.", "key", now))
        assert (await drafting.get(draft.id)).state is State.PENDING
        await ends.llm.spoil("garbage")
        with pytest.raises(Unavailable):
            await drafting.write_draft(OWNER, Request("tea", 1), now)


# The LLM server.


async def _draft(drafting: Drafting) -> str:
    """Ask for a draft; what the user is told, or nothing if there is one."""
    try:
        await drafting.write_draft(OWNER, Request("tea", 1), datetime.now(UTC))
    except BotError as e:
        return sentence_for(e)
    return ""


@each(LLM_SERVER, slow=("403", "422", "429 without Retry-After", "500", "502", "503"))
async def test_the_language_model_fails_while_a_draft_is_written(ends: Ends, cell: Cell) -> None:
    url = f"{NO_SUCH_HOST}/v1" if cell.fault == "DNS failure" else ""
    patience_s = SHORT_S if cell.fault in SILENT else LONG_S
    async with ends.drafting(llm_url=url, patience_s=patience_s) as drafting:
        await _insist((await drafting.accounts.of(OWNER, Network.MASTODON)).max_chars)
        if not url:
            await ends.llm.spoil(cell.fault)
        assert (await _draft(drafting)).startswith(cell.sees)
        assert await drafting.store.drafts.counts() == {}
        await ends.llm.mend()
        if not url and cell.fault not in SILENT:
            assert await _draft(drafting) == ""
    async with ends.drafting() as drafting:
        assert await _draft(drafting) == ""
