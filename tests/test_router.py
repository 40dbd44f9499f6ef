"""Buttons and forms of messages from an earlier version: their custom_ids work for ever."""

from functools import partial

import discord

from bot.chat.client import Bot
from sandbox.interactions import Interaction
from tests.stage import Stage

SHOWN = "967bc7dc"  # stands for the first text that the model of the tests writes
OPENS_A_FORM = (
    "mastodon:code",
    "draft:1:wish",
    f"draft:1:edit:0:{SHOWN}",
    f"draft:1:later:0:{SHOWN}",
)
IS_ANSWERED = {
    "draft:1:edit": "Which text of draft 1 do you want to edit?",
    "draft:1:later": "Which text of draft 1 do you want to post later?",
    "draft:1:show": "Draft 1 about **tea**",
    "draft:1:there": "This draft is open by now.",
    "draft:1:approve:3:00000000": "Text 4 has changed since it was shown",
    "draft:1:absent": "This draft is open by now.",
    "draft:1:approve:3:": "Text 4 has changed since it was shown",
    "drafts:all:0": "1 draft.",
    "drafts:pending:0": "1 draft: open.",
    "which-one:7:0": "This blind test is not stored any more.",
    "which-one:7:2": "This blind test is not stored any more.",
}


async def _press(stage: Stage, bot: Bot, custom_id: str) -> Interaction:
    """Click a button of this custom_id, in a message as an earlier version sent it."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="of yesterday", custom_id=custom_id))
    view.stop()
    alice = await bot.fetch_user(int(stage.sandbox.people["alice"]["id"]))
    sent = await alice.send("A message of yesterday", view=view)
    clicked = await stage.sandbox.discord.click("alice", {"id": str(sent.id)}, custom_id)
    await stage.until(lambda: clicked.answered is not None)
    return clicked


async def _said(stage: Stage, part: str) -> None:
    """Wait until a message says so."""
    await stage.until(
        lambda: any(part in m["content"] for m in stage.sandbox.discord.messages("alice"))
    )


async def test_buttons_of_yesterday_do_what_they_did(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=4)
    await stage.dm()
    for custom_id, said in IS_ANSWERED.items():
        await _press(stage, bot, custom_id)
        await _said(stage, said)
    for custom_id in OPENS_A_FORM:
        opened = await _press(stage, bot, custom_id)
        await stage.until(partial(getattr, opened, "modal"))
        assert opened.modal and opened.modal["custom_id"] == custom_id
    await _press(stage, bot, "draft:1:again")
    await _said(stage, "🔁 Draft 1 was replaced")
    await _said(stage, "✍️ Draft 2")
    await _press(stage, bot, "draft:2:reject")
    await _said(stage, "❌ Draft 2 is rejected")
    await _press(stage, bot, "forget-me:yes")
    await _said(stage, "Everything I had stored about you is deleted.")


async def test_what_is_posted_by_a_button_of_yesterday_is_deleted_by_another(
    stage: Stage, bot: Bot
) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    await stage.dm()
    await _press(stage, bot, f"draft:1:approve:0:{SHOWN}")
    await stage.story("✅")
    assert len(await stage.posted()) == 1
    await _press(stage, bot, "draft:1:back")
    await stage.story("↩️")
    assert await stage.posted() == []


async def test_forms_of_yesterday_are_taken_after_a_restart(stage: Stage) -> None:
    async with stage.running() as bot:
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.dm()
        edit = await _press(stage, bot, f"draft:1:edit:0:{SHOWN}")
        code = await _press(stage, bot, "mastodon:code")
        await stage.until(lambda: edit.modal and code.modal)
    async with stage.running():
        await stage.fill(edit, text="Mine.")
        await stage.until(lambda: "Mine." in str(stage.sandbox.discord.dm_messages("alice")))
        await stage.fill(code, code="a code")
        await _said(stage, "You are not connecting an account just now.")
