"""/results through the wire: what came of posts, what to go on with, the weekly message."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.chat.cogs.results import ResultsCommand
from bot.draft import Candidate, Draft, Echo, Status
from bot.store import Store
from bot.store.echoes import DueEcho
from sandbox.world import EPHEMERAL
from tests.stage import Json, Stage, buttons

DAY, WEEK = timedelta(days=1), timedelta(days=7)
ACCOUNT = "https://m.example @you"
SAID: dict[str, dict[str, Any]] = {
    "en-GB": {
        "nothing": "A day and a week after a post I look what came of it: `/draft` writes one.",
        "soon": "Nothing is counted yet. I look <t:",
        "sums": "1 post, within a day of it: 1 boost, 2 favourites, 0 replies.",
        "few": "1 post: too few to say what did well. Every difference may be chance.",
        "guess": "One topic to go on with, though it is a guess: **tea**.",
        "tell": "Tell me",
        "again": "1 of them was counted again after a week: 3 of all became 4.",
        "better": "· **tea**: 6 posts, 8.8 × (5.4 to 14.6",
        "better ends": "), does better than your others",
        "hours": "By the hour (Asia/Tokyo):\n· **18–21**: 10 posts, ",
        "sure": "One topic to go on with: **tea**.",
        "lost": "1 post has no count: it is from before I counted",
        "zone": "I do not know your time zone. Name it once: `/results weekly: on",
        "on": "Every Monday at 09:00 (Europe/Berlin) I tell you what came of your posts",
        "week": "📊 Your week.\n2 posts, within a day of each: ",
        "week sure": "**tea** does better than your others.",
        "off": "The weekly message is off.",
    },
    "de": {
        "nothing": "Einen Tag und eine Woche nach einem Beitrag sehe ich nach, was aus ihm wurde",
        "soon": "Noch ist nichts gezählt. Ich sehe <t:",
        "sums": "1 Beitrag, binnen eines Tages: 1-mal geteilt, 2 Favoriten, 0 Antworten.",
        "few": "1 Beitrag: zu wenig, um zu sagen, was gut lief. Jeder Unterschied kann Zufall",
        "guess": "Ein Thema, mit dem es weitergehen kann, auch wenn es geraten ist: **tea**.",
        "tell": "Erzähl es mir",
        "again": "1 davon wurde nach einer Woche noch einmal gezählt: Aus 3 von allem wurden 4.",
        "better": "· **tea**: 6 Beiträge, 8,8 × (5,4 bis 14,6",
        "better ends": "), läuft besser als deine anderen",
        "hours": "Nach Uhrzeit (Asia/Tokyo):\n· **18–21**: 10 Beiträge, ",
        "sure": "Ein Thema, mit dem es weitergehen kann: **tea**.",
        "lost": "1 Beitrag hat keine Zahlen: Er ist älter als das Zählen",
        "zone": "Ich kenne deine Zeitzone nicht. Nenne sie einmal: `/ergebnisse wöchentlich: an",
        "on": "Jeden Montag um 09:00 (Europe/Berlin) sage ich dir, was aus deinen Beiträgen wurde",
        "week": "📊 Deine Woche.\n2 Beiträge, je binnen eines Tages: ",
        "week sure": "**tea** läuft besser als deine anderen.",
        "off": "Die wöchentliche Nachricht ist aus.",
    },
}


def _weekly(bot: Bot) -> ResultsCommand:
    cog = bot.get_cog("ResultsCommand")
    assert isinstance(cog, ResultsCommand)
    return cog


async def _shown(stage: Stage, user: str = "alice", **options: object) -> Json:
    message = await stage.answer(await stage.sandbox.discord.slash(user, "results", options))
    assert message["flags"] & EPHEMERAL
    return message


async def _posted(
    store: Store, owner_id: int, topic: str | None, at: datetime, count: int | None
) -> Draft:
    """A draft that was posted then, and what came of it within a day, if that was counted."""
    candidate = Candidate(f"About {topic}.", 12)
    draft = await store.drafts.add(Draft(owner_id, "mara", topic, (candidate,), 500, at))
    await store.drafts.shown(draft, 1, 10**6 + draft.id)
    assert await store.decisions.claim(draft.id, 0, candidate.fingerprint, (ACCOUNT,), at)
    status = Status(str(draft.id), f"https://m.example/@you/{draft.id}")
    await store.decisions.posted(draft.id, 0, status, candidate.text, at)
    await store.decisions.mark_published(draft.id)
    if count is not None:
        due = DueEcho(draft.id, 1, owner_id, ACCOUNT, status, at, 1, 0)
        await store.echoes.keep(due, Echo(0, count, 0), at + DAY)
    return draft


async def post_many(stage: Stage, store: Store, newest: datetime) -> None:
    """Post and count twelve of alice's, every third day: tea does well, fog does not."""
    owner = int(stage.sandbox.people["alice"]["id"])
    counts = [30, 2, 44, 3, 25, 5, 60, 4, 38, 2, 41, 6]
    for number, count in enumerate(counts):
        at = newest - 3 * DAY * (len(counts) - 1 - number) - timedelta(hours=3 * (number < 2))
        await _posted(store, owner, "fog" if number % 2 else "tea", at, count)


@pytest.mark.parametrize("locale", SAID)
async def test_one_post_is_counted_and_says_what_to_go_on_with(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    empty = await _shown(stage)
    assert said["nothing"] in empty["content"] and buttons(empty) == []
    await discord.slash("alice", "draft", topic="tea", count=1)
    await discord.react("alice", await stage.dm(), "1️⃣")
    await stage.story("✅")
    soon = await _shown(stage)
    assert said["soon"] in soon["content"]

    (status,) = await stage.posted()
    assert stage.sandbox.mastodon
    for name in stage.sandbox.mastodon_tokens:
        reader = stage.sandbox.mastodon.client(name)
        await asyncio.to_thread(reader.status_favourite, status["id"])
    await asyncio.to_thread(reader.status_reblog, status["id"])
    now = datetime.now(UTC)
    await bot.following.listen(now + DAY)
    shown = await _shown(stage)
    for what in ("sums", "few", "guess"):
        assert said[what] in shown["content"]
    opened = await stage.press(shown, said["tell"])
    await stage.until(lambda: opened.modal)
    assert '"value": "tea"' in json.dumps(opened.modal)
    await stage.fill(opened, topic="tea", notes="fed the goose at 7:40")
    assert (await stage.dm(2))["embeds"]

    await asyncio.to_thread(stage.sandbox.mastodon.client("bob").status_bookmark, status["id"])
    await stage.sandbox.discord.until(lambda: True)
    reply = stage.sandbox.mastodon.client("bob").status_post
    await asyncio.to_thread(reply, "@you so true", in_reply_to_id=status["id"])
    await bot.following.listen(now + WEEK + timedelta(minutes=1))
    assert said["again"] in (await _shown(stage))["content"]


@pytest.mark.parametrize("locale", SAID)
async def test_what_did_well_is_told_and_once_a_week_by_itself(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord, store = SAID[locale], stage.sandbox.discord, bot.drafting.store
    discord.set_locale("alice", locale)
    monday = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)  # 9:00 in Berlin
    newest = datetime.now(UTC).replace(hour=10, minute=0) - 2 * DAY
    await post_many(stage, store, newest)
    owner = int(stage.sandbox.people["alice"]["id"])
    await _posted(store, owner, "gull", newest - 40 * DAY, None)
    await _posted(store, int(stage.sandbox.people["bob"]["id"]), "secret", newest, 999)

    assert said["zone"] in (await _shown(stage, weekly="on"))["content"]
    told = (await _shown(stage, timezone="Asia/Tokyo"))["content"]
    for what in ("better", "better ends", "hours", "sure", "lost"):
        assert said[what] in told
    assert "secret" not in told and "999" not in told

    assert said["on"] in (await _shown(stage, weekly="on", timezone="Europe/Berlin"))["content"]
    await store.database.write("UPDATE people SET results_at = ?", (monday.isoformat(),))
    await store.database.write(
        "UPDATE statuses SET posted_at = ? WHERE draft_id = 12", ((monday - 3 * DAY).isoformat(),)
    )
    await store.database.write(
        "UPDATE statuses SET posted_at = ? WHERE draft_id = 11", ((monday - 4 * DAY).isoformat(),)
    )
    cog = _weekly(bot)
    await cog.tell_weekly(monday - timedelta(minutes=1))
    assert discord.dm_messages("alice") == []
    await asyncio.gather(cog.tell_weekly(monday), cog.tell_weekly(monday))
    (message,) = discord.dm_messages("alice")
    assert message["content"].startswith(said["week"])
    assert said["week sure"] in message["content"] and said["sure"] in message["content"]
    await cog.tell_weekly(monday + WEEK + DAY)  # nothing was posted since
    assert len(discord.dm_messages("alice")) == 1
    assert discord.dm_messages("bob") == []
    assert said["off"] in (await _shown(stage, weekly="off"))["content"]
    assert await store.people.results_due(monday + 99 * WEEK) == {}


async def test_a_weekly_message_that_cannot_be_sent_waits_for_the_next_command(
    stage: Stage,
) -> None:
    """It was due while the bot was away, and alice takes no messages."""
    now = datetime.now(UTC)
    alice = int(stage.sandbox.people["alice"]["id"])
    async with Store.open(stage.database) as store:
        await store.people.met(alice, "en-GB")
        await store.people.want_results(alice, now - 2 * DAY)
        await post_many(stage, store, now - 3 * DAY)
    stage.sandbox.discord.close_dms("alice")
    async with stage.running() as bot:
        people = bot.drafting.store.people
        for _ in range(100):
            if unsaid := await people.unsaid(alice, now):
                break
            await asyncio.sleep(0.05)
        assert unsaid[0].startswith("📊 Your week.")
        assert await people.results_due(now) == {}
        told = await stage.sandbox.discord.slash("alice", "daily show")
        await stage.until(lambda: any("📊 Your week." in m["content"] for m in told.followups))


@pytest.mark.parametrize("command", ["daily set", "queue slots", "results"])
async def test_a_time_zone_is_found_by_a_part_of_its_name(
    stage: Stage, bot: Bot, command: str
) -> None:
    found = await stage.sandbox.discord.autocomplete("alice", command, "timezone", "europe/ber")
    assert [choice["value"] for choice in found] == ["Europe/Berlin"]
