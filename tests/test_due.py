"""A post for later goes out at its second, also after a restart, also two at once."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.chat.client import Bot
from bot.draft import State
from bot.store import Store
from tests.stage import Stage


async def _schedule(stage: Stage, bot: Bot, in_s: float, count: int = 1) -> datetime:
    """Drafts of alice's for one moment; people name minutes, so this calls what ⏰ calls."""
    for number in range(1, count + 1):
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.dm(number)
    now = datetime.now(UTC)
    at = now + timedelta(seconds=in_s)
    for number in range(1, count + 1):
        draft = await bot.drafting.get(number)
        text = draft.candidates[0].fingerprint
        await bot.drafting.publishing.post_later(draft, 0, text, at, now)
        bot.following.plan(await bot.drafting.get(number))
    return at


async def _was_tried_at(bot: Bot, draft_id: int, at: datetime) -> bool:
    """Whether posting began in the second at which it was due: the rest is up to the server."""
    draft = await bot.drafting.get(draft_id)
    assert draft.attempted_at
    return timedelta(0) <= draft.attempted_at - at < timedelta(seconds=1)


async def test_a_post_for_later_is_planned_to_the_second(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    opened = await stage.press(await stage.dm(), "Post later")
    await stage.fill(opened, when="tomorrow 9:00", timezone="Europe/Berlin")
    await stage.story("⏰")
    draft = await bot.drafting.get(1)
    await stage.until(lambda: draft.post_at in [j.next_run_time for j in bot.scheduler.get_jobs()])


async def test_a_post_goes_out_at_its_second(stage: Stage, bot: Bot) -> None:
    at = await _schedule(stage, bot, 2)
    assert await stage.posted() == []
    await stage.story("✅")
    assert await _was_tried_at(bot, 1, at)


async def test_two_posts_of_one_second_both_go_out_at_it_and_once(stage: Stage, bot: Bot) -> None:
    at = await _schedule(stage, bot, 2, count=2)
    await stage.story("✅ Draft 1")
    await stage.story("✅ Draft 2", 2)
    assert await _was_tried_at(bot, 1, at)
    assert await _was_tried_at(bot, 2, at)
    assert len(await stage.posted()) == 2


async def test_a_post_goes_out_at_its_second_after_a_restart(stage: Stage) -> None:
    async with stage.running() as bot:
        at = await _schedule(stage, bot, 6)
    async with stage.running() as bot:
        assert await stage.posted() == []
        await stage.story("✅")
        assert await _was_tried_at(bot, 1, at)


async def test_a_post_that_was_due_while_the_bot_was_away_goes_out_at_the_start(
    stage: Stage,
) -> None:
    async with stage.running() as bot:
        await _schedule(stage, bot, 3600)
    async with Store.open(stage.database) as store:
        earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        await store.database.write("UPDATE drafts SET post_at = ?", (earlier,))
    async with stage.running() as bot:
        await stage.story("✅")
        assert len(await stage.posted()) == 1
        assert (await bot.drafting.get(1)).state is State.PUBLISHED


async def test_a_post_that_was_taken_back_does_not_go_out(stage: Stage, bot: Bot) -> None:
    await _schedule(stage, bot, 1)
    await bot.drafting.publishing.take_back(await bot.drafting.get(1), datetime.now(UTC))
    await asyncio.sleep(2)
    assert await stage.posted() == []
