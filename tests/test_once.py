"""Once, at every family of servers: what commits late, hides, lags, or was changed meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.draft import Before, Draft, Network, State, Status, Style
from bot.errors import Refused, Unavailable, UserError
from bot.posting.accounts import Accounts
from bot.posting.evidence import Listed, is_same, judge, plain_text
from bot.posting.families import largest_count, server_of
from bot.posting.mastodon import Mastodon
from bot.posting.once import Patience
from bot.posting.publishing import Publishing
from bot.posting.vault import Vault
from bot.store import Store
from bot.store.accounts import Connected
from bot.writing.thread import candidate_of
from bot.writing.voices import Voices
from tests.fakes.fediverse import KINDS, Fediverse

OWNER, OTHER = 7, 8
TEXT = "On the election and the ferry: see https://example.org/a/very/long/road?to=nowhere#1"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def network() -> AsyncIterator[Fediverse]:
    async with Fediverse() as server:
        yield server


@dataclass
class Desk:
    """One person with an account, a server, and a bot that may be started anew."""

    server: Fediverse
    store: Store
    folder: Path
    more: frozenset[str] = frozenset()  # other servers

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What is only in memory is gone."""
        people, vault = frozenset({OWNER, OTHER}), self.vault
        voices, private = Voices(self.folder, self.store, people), frozenset({self.server.url})
        self.accounts = Accounts(people, (), self.store, vault, private | self.more, (0.001,))
        self.publishing = Publishing(voices, self.accounts, self.store, Patience())

    @property
    def vault(self) -> Vault:
        return Vault.open(None, self.folder / "bot.db")

    async def connect(self, name: str, owner: int = OWNER, server: Fediverse | None = None) -> None:
        account = Connected((server or self.server).url, name, self.vault.lock("canary-token"))
        await self.store.accounts.connect(owner, account, datetime.now(UTC))

    async def draft(self, text: str = TEXT, style: Style | None = None) -> Draft:
        account = await self.accounts.of(OWNER, Network.MASTODON)
        limit = await account.max_chars()
        candidate = candidate_of(text, limit, account.length)
        draft = Draft(
            OWNER, "mara", "tea", (candidate,), limit, datetime.now(UTC), style or Style()
        )
        return await self.store.drafts.add(draft)

    async def approve(self, draft: Draft, now: datetime) -> str:
        """Approve; what the owner is told, or nothing."""
        try:
            await self.publishing.approve(draft, 0, draft.candidates[0].fingerprint, now)
        except (Unavailable, Refused, UserError) as e:
            return str(e)
        return ""

    async def state(self, draft: Draft) -> State:
        return (await self.again(draft)).state

    async def again(self, draft: Draft) -> Draft:
        found = await self.store.drafts.get(draft.id)
        assert found
        return found

    async def minutes(self, draft: Draft, now: datetime, until: int = 20) -> State:
        """Every minute's look, until the outcome is known; the minutes pass by themselves."""
        for minute in range(1, until):
            await self.publishing.settle(now + minute * MINUTE)
            if (state := await self.state(draft)) is not State.PUBLISHING:
                return state
        return await self.state(draft)


@pytest_asyncio.fixture(loop_scope="module")
async def desk(network: Fediverse, tmp_path: Path, voice_folder: Path) -> AsyncIterator[Desk]:
    network.reset("mastodon")
    async with Store.open(tmp_path / "bot.db") as store:
        desk = Desk(network, store, voice_folder.parent)
        await desk.connect("@ann")
        yield desk
    await network.committed()


# What becomes of one click: what the server does with it, and what the bot must come to.
ASKED, POSTED = State.UNKNOWN, State.PUBLISHED
OUTCOMES = [
    # family, what becomes of the post, the state in the end, times it was sent
    ("mastodon", "ok", POSTED, 1),
    ("mastodon", "drop", POSTED, 1),
    ("mastodon", "500", POSTED, 1),
    ("mastodon", "late", POSTED, 1),
    ("mastodon", "lost", POSTED, 2),
    ("mastodon", "503", POSTED, 2),
    ("mastodon", "429", POSTED, 2),
    ("glitch", "502", POSTED, 2),
    ("fedibird", "late", POSTED, 1),
    ("fedibird", "504", POSTED, 2),
    ("gotosocial", "drop", POSTED, 1),
    ("gotosocial", "late", POSTED, 1),
    ("gotosocial", "lost", POSTED, 2),
    ("akkoma", "500", POSTED, 1),
    ("akkoma", "503", ASKED, 1),  # its count leaves statuses out
    ("pixelfed", "drop", POSTED, 1),  # without /source: by its HTML
    ("pixelfed", "lost", ASKED, 1),
    ("sharkey", "late", POSTED, 1),
    ("sharkey", "504", ASKED, 1),
    ("friendica", "502", ASKED, 1),
    ("silent", "drop", POSTED, 1),
    ("silent", "500", POSTED, 1),
    ("silent", "lost", ASKED, 1),
]


@pytest.mark.parametrize(("family", "fault", "state", "sends"), OUTCOMES)
async def test_one_click_is_one_status_or_a_question(
    desk: Desk, family: str, fault: str, state: State, sends: int
) -> None:
    desk.server.reset(family)
    desk.server.late_s, now = 0.05, datetime.now(UTC)
    desk.server.commit("Another text of theirs.")
    draft = await desk.draft()
    desk.server.plan = [fault]
    await desk.approve(draft, now)
    await desk.server.committed()
    assert await desk.minutes(draft, now) is state
    assert desk.server.posts() == sends
    assert desk.server.texts.count(TEXT) == (state is POSTED)


async def test_nothing_is_sent_again_before_the_server_has_had_its_time(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["503"]
    assert "may still be at it" in await desk.approve(draft, now)
    assert await desk.minutes(draft, now, until=15) is State.PUBLISHING
    assert desk.server.posts() == 1
    assert await desk.minutes(draft, now + 15 * MINUTE) is State.PUBLISHED


async def test_a_server_that_fails_each_time_gets_it_three_times_at_most(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["503"] * 99
    await desk.approve(draft, now)
    assert await desk.minutes(draft, now, until=300) is State.UNKNOWN
    assert desk.server.posts() == Patience().sends


HIDING = ["hidden", "lags", "deleted", "deleted another", "posted elsewhere by no program"]


@pytest.mark.parametrize("what", HIDING)
async def test_where_the_list_proves_nothing_the_owner_is_asked(desk: Desk, what: str) -> None:
    desk.server.reset("gotosocial")
    desk.server.clock = timedelta(seconds=-5)  # these two are older
    desk.server.commit("Old.")
    desk.server.commit("Older.")
    desk.server.clock = timedelta()
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["500"] * 9
    desk.server.hidden = "election" if what == "hidden" else ""
    desk.server.lags = 1 if what == "lags" else 0
    if what in ("hidden", "lags"):
        await desk.approve(draft, now)
    else:
        desk.server.plan = ["503"] * 9
        await desk.approve(draft, now)
        if what == "deleted":  # it came, was seen, and deleted, while the bot was away
            desk.restart()
            now += 14 * MINUTE
        elif what == "deleted another":
            del desk.server.statuses[0]
        else:
            del desk.server.commit("A text nobody knows.")["application"]
    assert await desk.minutes(draft, now) is State.UNKNOWN
    assert desk.server.posts() == 1


async def test_a_post_elsewhere_does_not_hinder(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["503"]
    await desk.approve(draft, now)
    desk.server.commit("Something else, from the phone.", program="Phone")
    assert await desk.minutes(draft, now) is State.PUBLISHED
    assert desk.server.texts.count(TEXT) == 1


@pytest.mark.parametrize("family", ["mastodon", "gotosocial", "akkoma"])
async def test_a_status_that_its_owner_edited_meanwhile_is_it_all_the_same(
    desk: Desk, family: str
) -> None:
    desk.server.reset(family)
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["late"]
    await desk.approve(draft, now)
    await desk.server.committed()
    desk.server.edit("On the ferry alone.")
    desk.restart()
    assert await desk.minutes(draft, now) is State.PUBLISHED
    assert desk.server.texts == ["On the ferry alone."]


@pytest.mark.parametrize("hours", [-30, -1, 1, 30])
async def test_the_servers_clock_does_not_matter(desk: Desk, hours: int) -> None:
    desk.server.clock, now = timedelta(hours=hours), datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["late"]
    await desk.approve(draft, now)
    await desk.server.committed()
    assert await desk.minutes(draft, now) is State.PUBLISHED
    assert desk.server.posts() == 1


async def test_a_kill_between_two_parts_is_settled(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft("The harbour master has opinions about fog. " * 30)
    desk.server.plan = ["ok", "late"]
    await desk.approve(draft, now)
    await desk.server.committed()
    desk.restart()
    assert await desk.minutes(draft, now) is State.PUBLISHED
    assert desk.server.texts == list(reversed(draft.candidates[0].parts))


async def test_a_kill_before_anything_was_sent_asks_nobody(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    account = f"{desk.server.url} @ann"
    text = draft.candidates[0].fingerprint
    assert await desk.store.decisions.claim(draft.id, 0, text, (account,), now)
    desk.restart()
    assert await desk.minutes(draft, now + 3 * 60 * MINUTE) is State.PUBLISHED
    assert desk.server.posts() == 1


async def test_what_no_server_takes_for_a_day_is_given_back(desk: Desk) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    desk.server.plan = ["429"] * 999
    assert "Nothing is posted yet" in await desk.approve(draft, now)
    ((given, error),) = await desk.publishing.settle(now + DAY + MINUTE)
    assert given.state is State.PENDING
    assert "did not take it for a day" in str(error)


async def test_the_owners_word_that_it_is_there_is_kept_in_one_step(desk: Desk) -> None:
    """A kill right after the word must not leave a draft that looks unsent."""
    now = datetime.now(UTC)
    desk.server.reset("sharkey")
    draft = await desk.draft()
    desk.server.plan = ["lost"]
    await desk.approve(draft, now)
    assert await desk.minutes(draft, now) is State.UNKNOWN
    assert await desk.store.decisions.owner_found(draft.id, 0, TEXT, now)
    desk.restart()
    assert await desk.minutes(draft, now) is State.PUBLISHED
    assert desk.server.posts() == 1


# The account that an approval is for.


@pytest.mark.parametrize("how", ["later", "now"])
async def test_an_approval_is_for_the_account_of_then(desk: Desk, how: str) -> None:
    now = datetime.now(UTC)
    draft = await desk.draft()
    text, name = draft.candidates[0].fingerprint, f"{desk.server.url} @ann"
    if how == "later":
        await desk.publishing.post_later(draft, 0, text, now + MINUTE, now)
    await desk.connect("@bob")
    if how == "later":
        ((given, error),) = await desk.publishing.settle(now + 2 * MINUTE)
    else:
        with pytest.raises(UserError) as e:
            await desk.publishing.approve(draft, 0, text, now, (name,))
        given, error = await desk.again(draft), e.value
    assert given.state is State.PENDING
    assert f"approved this for {name}" in str(error)
    assert desk.server.posts() == 0


# Families: limits, lengths, languages.

LIMITS = {
    "mastodon": (500, False),
    "gotosocial": (500, False),
    "akkoma": (5000, False),
    "pixelfed": (1500, False),
    "sharkey": (3000, False),
    "fedibird": (500, False),
    "friendica": (200000, False),
    "glitch": (500, False),
    "silent": (500, True),
}


@pytest.mark.parametrize("family", KINDS)
async def test_every_family_says_how_long_a_status_may_be(desk: Desk, family: str) -> None:
    desk.server.reset(family)
    account = await desk.accounts.of(OWNER, Network.MASTODON)
    assert isinstance(account, Mastodon)
    server = await account.server()
    assert (server.max_chars, server.is_assumed) == LIMITS[family]


LONG = {
    "Hindi": "नमस्ते दुनिया यह एक लम्बी कहानी है जिसमें कोहरा और चाय है। " * 20,
    "families": "👨‍👩‍👧‍👦 " * 150,
    "links": "https://example.org/a/road/that/goes/on/and/on/and/on/and/ends " * 20,
    "handles": "@ann@a-long-name-of-a-server.example says hello. " * 20,
}


@pytest.mark.parametrize("what", LONG)
async def test_a_thread_is_cut_as_its_server_counts(desk: Desk, what: str) -> None:
    for family in ("mastodon", "gotosocial", "fedibird", "silent"):
        desk.server.reset(family)
        desk.restart()
        draft = await desk.draft(LONG[what])
        assert await desk.approve(draft, datetime.now(UTC)) == "", family
        assert len(desk.server.texts) == len(draft.candidates[0].statuses), family


async def test_a_refusal_for_length_is_learnt_from(desk: Desk) -> None:
    """A server that calls itself Mastodon, and counts code points."""
    desk.server.reset("mastodon")
    latin = " ".join(f"Sentence {i} about the ferry." for i in range(18))
    draft = await desk.draft(f"{latin}\n\n{LONG['Hindi']}")
    desk.server.name, now = "gotosocial", datetime.now(UTC)
    assert "exceeds the limit" in await desk.approve(draft, now)
    begun = await desk.again(draft)
    assert begun.is_broken_thread
    assert await desk.approve(begun, now) == ""
    whole = " ".join(text.rpartition(" (")[0] for text in reversed(desk.server.texts))
    assert whole.split() == begun.candidates[0].text.split()
    assert all(len(text) <= 500 for text in desk.server.texts)


async def test_a_text_that_got_too_long_is_said_before_it_is_approved(desk: Desk) -> None:
    draft, now = await desk.draft(LONG["Hindi"][:900]), datetime.now(UTC)
    desk.server.name = "gotosocial"
    desk.restart()
    assert "characters as" in await desk.approve(draft, now)
    assert desk.server.posts() == 0


async def test_a_language_that_the_server_refuses_is_taken_off_the_draft(desk: Desk) -> None:
    desk.server.reset("gotosocial")
    draft, now = await desk.draft(style=Style(language="tlh")), datetime.now(UTC)
    assert "does not know the language “tlh”" in await desk.approve(draft, now)
    again = await desk.again(draft)
    assert (again.state, again.style.language) == (State.PENDING, None)
    assert await desk.approve(again, now) == ""


@pytest.mark.parametrize(
    ("version", "more", "family"),
    [
        ("4.5.0", {}, "mastodon"),
        ("4.1.0+hometown-1.1.1", {}, "mastodon"),
        ("4.4.0-beta.1+glitch", {}, "mastodon"),
        ("0.17.3+git-a1b2c3d", {}, "gotosocial"),
        ("4.3.0", {"source_url": "https://codeberg.org/x/gotosocial"}, "gotosocial"),
        ("2.7.2 (compatible; Pleroma 2.9.1)", {}, "pleroma"),
        ("2.7.2 (compatible; Akkoma 3.15.2-0-g1)", {}, "akkoma"),
        ("3.0.0 (compatible; Firefish 1.0.5)", {}, "firefish"),
        ("4.2.1 (compatible; Iceshrimp.NET/2025)", {}, "iceshrimp"),
        ("4.0.0 (not true; really snac2 2.70)", {}, "other"),
        ("takahe/0.11.0", {}, "other"),
        ("4.0.2 (compatible; Wildebeest 0.1.0)", {}, "other"),
        ("0.1", {"fedibird_capabilities": []}, "mastodon"),
        ("", {}, "other"),
    ],
)  # fmt: skip
async def test_a_family_is_known_by_its_version(
    version: str, more: dict[str, object], family: str
) -> None:
    assert server_of({"version": version, **more}).family.name == family


ODD: list[object] = [
    None,
    True,
    7,
    -1,
    "",
    "9" * 99,
    [],
    {},
    {"statuses": []},
    {"statuses": {"max_characters": []}},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_an_odd_limit_is_none(odd: object) -> None:
    server = server_of({"configuration": odd, "max_toot_chars": odd, "version": odd}, odd)
    assert (server.max_chars, server.is_assumed) == (500, True)


# What a look proves.

ITS = Status("9", "https://m.example/9")


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("Fog, and tea.", "Fog, and tea."),
        ("Fog.\n\nTea.", "Fog.\r\n\r\nTea.\r\n"),
        ("Fog with @ann@m.example", "Fog with @ann"),
        ("See https://example.org/a?b=c", "See https://example.org/a?b=c "),
        ("Fog -- “tea”", "Fog – &quot;tea&quot;"),
        ("🌫️🌫️", "🌫️🌫️"),
        ("Café", "Cafe\u0301"),
    ],
)
async def test_a_text_is_known_as_it_comes_back(text: str, back: str) -> None:
    assert is_same(text, plain_text(f"<p>{back}</p>"))
    assert not is_same(text, back + " and more")


async def test_only_what_agrees_in_all_proves_that_nothing_is_there() -> None:
    before = Before(frozenset({"1"}), 1)
    other = Listed(Status("2", ""), ("Another.",), is_all_known=True)

    def absent(
        *news: Listed, count: int | None, was: Before | None = before, whole: bool = True
    ) -> bool:
        return judge("Fog.", news, (), was, count, is_whole=whole).is_absent

    assert absent(count=1)
    assert absent(other, count=2)
    assert not absent(count=2)
    assert not absent(count=0)
    assert not absent(count=None)
    assert not absent(count=1, whole=False)
    assert not absent(count=1, was=None)
    assert not absent(replace(other, is_all_known=False), count=2)
    found = judge(
        "Fog.", [replace(other, status=ITS, texts=("Fog.",))], (), before, 2, is_whole=False
    )
    assert found.found == ITS


async def test_what_fits_by_the_largest_count_fits_everywhere() -> None:
    for text in (*LONG.values(), "plain"):
        assert largest_count(text, "cw") >= max(kind.length(text, "cw") for kind in KINDS.values())


async def test_a_slow_server_does_not_hold_up_another_persons_post(desk: Desk) -> None:
    async with Fediverse(slow_s=0.3) as slow:
        desk.more = frozenset({slow.url})
        desk.restart()
        await desk.connect("@eve", OTHER, slow)
        now, due = datetime.now(UTC), []
        for owner in (OTHER, OWNER):  # the slow one first
            draft = await desk.store.drafts.add(replace(await desk.draft(), owner_id=owner))
            text = draft.candidates[0].fingerprint
            await desk.publishing.post_later(draft, 0, text, now + MINUTE, now)
            due.append(draft)
        settling = asyncio.create_task(desk.publishing.settle(now + MINUTE))
        while not desk.server.texts:
            await asyncio.sleep(0.01)
        assert slow.texts == []
        assert {draft.state for draft, _ in await settling} == {State.PUBLISHED}


async def test_a_mastodon_that_is_asked_again_keeps_its_name(desk: Desk) -> None:
    account = Mastodon(desk.server.url, "canary-token", handle="@ann")
    assert await account.verify() == "@ann"
    assert account.name == f"{desk.server.url} @ann"
