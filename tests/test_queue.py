"""The queue through the wire: slots, ➕, what waits, pauses, restarts; each text posted once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from discord.utils import format_dt

from bot.chat.client import Bot
from bot.draft import Draft, Network, State
from bot.drafting import Drafting
from bot.errors import UserError
from bot.language import translate
from bot.posting.slots import Slots
from bot.sentences import say, say_n
from bot.store import Store
from bot.store.dossier import erase, export
from bot.visible import inline
from bot.voice import VoicePost, save_posts
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.stage import Stage, buttons

Json = dict[str, Any]  # Discord's message JSON
SAID = {
    "en-GB": {
        "zone": "I do not know your time zone",
        "proposed": "From the hours at which your archive was posted I propose every day 13:30",
        "usual": "So I propose what many do: Mon–Fri 09:00",
        "use": "Use these",
        "mine": "Your slots: every day 13:30 (Europe/Berlin)",
        "queue": "Queue",
        "which": "Which text of draft 1 do you want in your queue?",
        "queued": "➕ Draft 1 is in your queue",
        "close": "Less than an hour lies between it and draft 1",
        "page": "2 texts are in your queue.",
    },
    "de": {
        "zone": "Ich kenne deine Zeitzone nicht",
        "proposed": "Nach den Stunden, zu denen dein Archiv entstand, schlage ich vor: jeden Tag",
        "usual": "Darum schlage ich das Übliche vor: Mo–Fr 09:00",
        "use": "Diese nehmen",
        "mine": "Deine Zeitpunkte: jeden Tag 13:30 (Europe/Berlin)",
        "queue": "In die Warteschlange",
        "which": "Welchen Text von Entwurf 1 willst du in deiner Warteschlange?",
        "queued": "➕ Entwurf 1 steht in deiner Warteschlange",
        "close": "Weniger als eine Stunde liegt zwischen ihm und Entwurf 1",
        "page": "2 Texte stehen in deiner Warteschlange.",
    },
}


def _write_archive(stage: Stage) -> None:
    """Posts from 13:00 to 14:00 in Berlin, on every day of nine weeks."""
    noon = datetime(2025, 7, 1, 11, 12, 7, tzinfo=UTC)
    days = [(noon + timedelta(days=n)).isoformat() for n in range(63)]
    save_posts(stage.voice, [VoicePost(day, f"Post {day}.", ("tea",)) for day in days])


async def _drafts(stage: Stage, count: int, texts: int = 1) -> None:
    for number in range(1, count + 1):
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=texts)
        await stage.dm(number)


async def _message(stage: Stage, part: str) -> Json:
    """The newest message to alice that says so."""
    found: Json = await stage.until(
        lambda: next(
            (m for m in stage.sandbox.discord.messages("alice")[::-1] if part in m["content"]), None
        )
    )
    return found


async def _slots(stage: Stage, at: str) -> None:
    told = await stage.says("alice", "queue slots", at=at, timezone="Europe/Berlin")
    assert told.startswith("Your slots: ")


@pytest.mark.parametrize("locale", SAID)
async def test_a_text_goes_into_the_next_free_slot_and_out_at_it(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    await _drafts(stage, 1, texts=2)
    assert said["zone"] in await stage.says("alice", "queue slots")
    told = await stage.says("alice", "queue slots", timezone="Europe/Berlin")
    assert said["usual"] in told
    _write_archive(stage)
    (stage.voice / "voice.json").touch()
    await stage.says("alice", "queue slots")
    await stage.press(await _message(stage, said["proposed"]), said["use"])
    await _message(stage, said["mine"])

    first, *_ = discord.dm_messages("alice")
    await stage.press(first, said["queue"])
    await stage.press(await _message(stage, said["which"]), f"{said['queue']} 2")
    await stage.story(said["queued"])
    draft = await bot.drafting.get(1)
    at = next(Slots.parse("13:30", "Europe/Berlin").after(datetime.now(UTC)))
    assert (draft.state, draft.chosen, draft.post_at) == (State.SCHEDULED, 1, at)
    await bot.following.sweep(at - timedelta(seconds=1))
    assert await stage.posted() == []

    await discord.slash("alice", "draft", topic="fog", count=1)
    await discord.react("alice", await stage.dm(2), "➕")
    await _message(stage, said["queued"].replace("1", "2"))
    await discord.slash("alice", "draft", topic="goose", count=1)
    opened = await discord.click("alice", await stage.dm(3), await _custom_id(bot, 3, "later"))
    soon = (at + timedelta(minutes=40)).isoformat()
    await stage.fill(opened, when=soon, timezone="UTC")
    await _message(stage, said["close"])
    await stage.says("alice", "queue show")
    await _message(stage, said["page"])

    await asyncio.gather(bot.following.sweep(at), bot.following.sweep(at))
    assert [d.state for d in [await bot.drafting.get(n) for n in (1, 2, 3)]] == [
        State.PUBLISHED,
        State.SCHEDULED,
        State.SCHEDULED,
    ]
    assert len(await stage.posted()) == 1


async def _custom_id(bot: Bot, draft_id: int, action: str) -> str:
    draft = await bot.drafting.get(draft_id)
    return f"draft:{draft_id}:{action}:0:{draft.candidates[0].fingerprint}"


def _said(locale: str, text: str, **values: object) -> str:
    return translate(say(text, **values), locale)


def _count(locale: str, n: int) -> str:
    one, many = "{n} text is in your queue.", "{n} texts are in your queue."
    return translate(say_n(one, many, n=n), locale)


async def _fill(stage: Stage, bot: Bot, count: int, at: str) -> list[Draft]:
    """Put as many drafts into alice's queue by the button ➕."""
    await _drafts(stage, count)
    await stage.says("alice", "queue slots", at=at, timezone="Europe/Berlin")
    for number in range(1, count + 1):
        custom_id = await _custom_id(bot, number, "queue")
        await stage.sandbox.discord.click(
            "alice", stage.sandbox.discord.dm_messages("alice")[number - 1], custom_id
        )
        await stage.story("➕", number)
    return await _waiting(bot)


async def _pick(stage: Stage, locale: str, draft_id: int, count: int) -> Json:
    """A page of the queue, turned into one of its texts."""
    await stage.says("alice", "queue show")
    page = await _message(stage, _count(locale, count))
    await stage.sandbox.discord.click("alice", page, "queue:pick", [str(draft_id)])
    await stage.until(lambda: _said(locale, "Post now") in _labels(stage, page))
    return _same(stage, page)


@pytest.mark.parametrize("locale", SAID)
async def test_what_waits_is_moved_posted_now_and_taken_out_by_buttons(
    stage: Stage, bot: Bot, locale: str
) -> None:
    discord = stage.sandbox.discord
    discord.set_locale("alice", locale)
    await _drafts(stage, 1)
    await discord.react("alice", discord.dm_messages("alice")[0], "➕")
    await _message(stage, _said(locale, _NO_SLOTS))
    await bot.drafting.reject(await bot.drafting.get(1), datetime.now(UTC))
    await stage.says("alice", "queue slots", at="9:00 9:30", timezone="Europe/Berlin")
    await _message(stage, _said(locale, "⚠️ Some of them come within an hour of each other."))
    for number in (2, 3):
        await discord.slash("alice", "draft", topic="tea", count=1)
        await discord.react("alice", await stage.dm(number), "➕")
        await stage.story("➕", number)
    before = [draft.post_at for draft in await _waiting(bot)]
    old, text = [await _pick(stage, locale, 3, 2) for _ in range(2)]
    labels = ("▲ Earlier", "Post now", "Take it out", "Back to the queue")
    assert [b["label"] for b in buttons(text)] == [_said(locale, label) for label in labels]
    await stage.press(text, _said(locale, "▲ Earlier"))
    await stage.until(lambda: _said(locale, "▼ Later") in _labels(stage, text))
    assert [(d.id, d.post_at) for d in await _waiting(bot)] == [(3, before[0]), (2, before[1])]
    await stage.press(_same(stage, text), _said(locale, "Post now"))
    page = await _message(stage, _count(locale, 1))
    assert page["content"].startswith("✅")
    await stage.press(old, _said(locale, "Take it out"))  # an old button deletes no post
    state = say("posted")
    await _message(stage, _said(locale, "This draft is {state} by now.", state=state))
    assert len(await stage.posted()) == 1
    await stage.press(await _pick(stage, locale, 2, 1), _said(locale, "Take it out"))
    await stage.story("✍️", 2)
    assert await _waiting(bot) == []


@pytest.mark.parametrize("locale", SAID)
async def test_a_paused_queue_posts_nothing_also_after_a_restart(stage: Stage, locale: str) -> None:
    stage.sandbox.discord.set_locale("alice", locale)
    async with stage.running() as bot:
        await _fill(stage, bot, 2, "9:00 18:00")
        await stage.says("alice", "queue pause")
        paused = _said(locale, "⏸️ It is paused: nothing goes out until you go on.")
        page = await _message(stage, paused)
        await stage.story("⏸️")
        await stage.story("⏸️", 2)
        assert [d.post_at for d in await _waiting(bot)] == [None, None]
    async with stage.running() as bot:
        await bot.following.sweep(datetime.now(UTC) + timedelta(days=3))
        assert await stage.posted() == []
        await stage.press(_same(stage, page), _said(locale, "Go on"))
        await stage.story("➕")
        await stage.until(lambda: _said(locale, "Pause") in _labels(stage, page))
        await stage.press(_same(stage, page), _said(locale, "Pause"))
        await stage.story("⏸️")
        await stage.says("alice", "queue resume")
        await stage.story("➕", 2)
        coming = Slots.parse("9:00 18:00", "Europe/Berlin").after(datetime.now(UTC))
        waiting = await _waiting(bot)
        assert [d.post_at for d in waiting] == [next(coming), next(coming)]
        planned = [job.next_run_time for job in bot.scheduler.get_jobs()]
        assert all(draft.post_at in planned for draft in waiting)


_NO_SLOTS = (
    "Your queue has no slots yet. `/queue slots` proposes some, from the hours at which you have"
    " posted so far."
)


def _same(stage: Stage, message: Json) -> Json:
    """The message as it is now."""
    messages: list[Json] = stage.sandbox.discord.messages("alice")
    return next(m for m in messages if m["id"] == message["id"])


def _labels(stage: Stage, message: Json) -> list[str]:
    return [str(button.get("label")) for button in buttons(_same(stage, message))]


async def test_what_was_decided_about_a_queue_outlives_a_crash(stage: Stage) -> None:
    async with stage.running() as bot:
        await _drafts(stage, 3)
        await _slots(stage, "9:00")
        now = datetime.now(UTC)
        for number in (1, 2):
            draft = await bot.drafting.get(number)
            await bot.drafting.queue.put(draft, 0, draft.candidates[0].fingerprint, now)
        left = ("draft:1:now", "draft:2:out", await _custom_id(bot, 3, "queue"))
        for number, custom_id in enumerate(left, 1):
            await bot.drafting.store.in_progress.add(number, custom_id, {}, now)
    async with stage.running() as bot:
        while await bot.drafting.store.in_progress.all():
            await stage.until(lambda: True)
        after = [(await bot.drafting.get(number)).state for number in (1, 2, 3)]
        assert after == [State.PUBLISHED, State.PENDING, State.SCHEDULED]
        assert len(await stage.posted()) == 1


async def _waiting(bot: Bot) -> list[Draft]:
    return await bot.drafting.queue.texts(int((await bot.drafting.get(1)).owner_id))


@pytest.mark.parametrize("locale", SAID)
async def test_after_weeks_without_a_post_a_queue_asks_before_it_goes_on_and_can_be_ended(
    stage: Stage, bot: Bot, locale: str
) -> None:
    stage.sandbox.discord.set_locale("alice", locale)
    await _drafts(stage, 2)
    await stage.press(await stage.dm(), _said(locale, "Post {number}", number=1))
    await stage.story("✅")
    await stage.says("alice", "queue slots", at="mon-fri 9:00", timezone="Europe/Berlin")
    await stage.press(await stage.dm(2), SAID[locale]["queue"])
    await stage.story("➕", 2)
    await stage.says("alice", "queue pause")
    long_ago = datetime.now(UTC) - timedelta(days=15)
    await bot.drafting.store.database.write(
        "UPDATE statuses SET posted_at = ?", (long_ago.isoformat(),)
    )
    first = (await bot.drafting.get(2)).approved.text
    asked = await stage.says("alice", "queue resume")
    question = say(_SURE, date=format_dt(long_ago, "D"), text=inline(first, 300))
    assert asked == translate(question, locale)
    assert (await bot.drafting.get(2)).post_at is None
    await stage.press(await _message(stage, asked), _said(locale, "Go on"))
    await stage.story("➕", 2)
    waiting = await _until_planned(stage, bot, 2)
    assert waiting.post_at

    ended = await stage.says("alice", "queue off")
    assert _said(locale, "Your queue is off. `/queue slots` starts it again.") in ended
    many = "The {n} texts that waited are open again, as drafts."
    opened = say_n("The text that waited is open again, as a draft.", many, n=1)
    assert translate(opened, locale) in ended
    await stage.story("✍️", 2)
    assert (await bot.drafting.get(2)).state is State.PENDING
    await bot.following.sweep(waiting.post_at + timedelta(minutes=1))
    assert len(await stage.posted()) == 1
    for command in ("queue show", "queue off"):
        assert await stage.says("alice", command) == _said(locale, _NO_SLOTS)


_SURE = (
    "Nothing of yours was posted since {date}. Are the texts of your queue still right? The"
    " first one says: {text}"
)
_MISSED = (
    "A slot of your queue went by without me, or without your server. So its texts moved on to the"
    " next slots, in their order: `/queue show`."
)


async def _until_planned(stage: Stage, bot: Bot, draft_id: int) -> Draft:
    while (draft := await bot.drafting.get(draft_id)).post_at is None:
        await stage.until(lambda: True)
    return draft


@pytest.mark.parametrize("locale", SAID)
async def test_slots_that_went_by_while_the_bot_was_away_are_not_made_up_for_at_once(
    stage: Stage, locale: str
) -> None:
    stage.sandbox.discord.set_locale("alice", locale)
    async with stage.running() as bot:
        await _drafts(stage, 3)
        await stage.says("alice", "queue slots", at="9:00 18:00", timezone="Europe/Berlin")
        now = datetime.now(UTC)
        for number in (1, 2, 3):
            draft = await bot.drafting.get(number)
            text = draft.candidates[0].fingerprint
            await bot.drafting.queue.put(draft, 0, text, now)
    async with Store.open(stage.database) as store:
        for number, hours in ((1, 12), (2, 3)):
            past = (now - timedelta(hours=hours)).isoformat()
            await store.database.write(
                "UPDATE drafts SET slot = ?1, post_at = ?1 WHERE id = ?2", (past, number)
            )
    async with stage.running() as bot:
        await _message(stage, _said(locale, _MISSED))
        coming = Slots.parse("9:00 18:00", "Europe/Berlin").after(datetime.now(UTC))
        assert [d.id for d in await _waiting(bot)] == [1, 2, 3]
        assert [d.post_at for d in await _waiting(bot)] == [next(coming) for _ in range(3)]
        assert await stage.posted() == []


async def test_many_at_once_take_a_slot_each_and_approval_holds_the_text(
    drafting: Drafting,
) -> None:
    now = datetime.now(UTC)
    slots = Slots.parse("mon 9:00", "UTC")
    drafts = [await drafting.write_draft(OWNER, Request("tea", 1), now) for _ in range(4)]
    with pytest.raises(UserError, match="has no slots yet"):
        await drafting.queue.put(drafts[0], 0, drafts[0].candidates[0].fingerprint, now)
    await drafting.queue.use(OWNER, slots, now)
    with pytest.raises(UserError, match="has changed since it was shown"):
        await drafting.queue.put(drafts[0], 0, "0" * 8, now)
    await asyncio.gather(
        *(drafting.queue.put(d, 0, d.candidates[0].fingerprint, now) for d in drafts)
    )
    waiting = await drafting.queue.texts(OWNER)
    weeks = slots.after(now)
    assert [d.post_at for d in waiting] == [next(weeks) for _ in range(4)]
    assert {d.account for d in waiting} == {
        (await drafting.accounts.of(OWNER, Network.MASTODON)).name
    }
    await drafting.publishing.take_back(waiting[1], now)  # the free slot is the next one's
    new = await drafting.write_draft(OWNER, Request("fog", 1), now)
    await drafting.queue.put(new, 0, new.candidates[0].fingerprint, now)
    assert (await drafting.get(new.id)).post_at == waiting[1].post_at
    moved = await drafting.queue.use(OWNER, Slots.parse("tue 8:00", "Asia/Tokyo"), now)
    assert [d.id for d in moved] == [waiting[0].id, new.id, waiting[2].id, waiting[3].id]
    assert not any(o.is_alike for o in await drafting.queue.overlaps(moved[0]))
    twice = await drafting.write_draft(OWNER, Request("tea", 1), now)
    same = moved[0].approved.text.replace(".", "!")
    await drafting.edit(twice, 0, same, now)
    await drafting.queue.put(
        twice, 0, (await drafting.get(twice.id)).candidates[0].fingerprint, now
    )
    assert (await export(drafting.store.database, OWNER))["queues"][0]["timezone"] == "Asia/Tokyo"
    alike = await drafting.queue.overlaps(await drafting.get(twice.id))
    assert [o.other.id for o in alike if o.other and o.is_alike] == [moved[0].id]
    await erase(drafting.store.database, OWNER)
    assert await drafting.store.queues.of(OWNER) is None
