"""The sentence a user gets when something went wrong, also if Discord itself is the trouble."""

from typing import Any

import discord
import pytest
from discord import app_commands

from bot.chat.answers import sentence_for
from bot.chat.client import Bot
from bot.errors import Refused, UserError
from tests.stage import Stage

UNKNOWN = {"code": 10062, "message": "Unknown interaction"}


class _Answer:
    """As much of an HTTP response as discord.py's exceptions look at."""

    status = 404
    reason = "Not Found"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("There is no draft {id}.", id=3), "There is no draft 3."),
        (Refused("No."), "No."),
        (app_commands.CommandOnCooldown(app_commands.Cooldown(1, 9), 1.2), "again in 1 second."),
        (app_commands.CommandOnCooldown(app_commands.Cooldown(1, 9), 7.6), "again in 8 seconds."),
        (app_commands.CommandNotFound("x", []), "This command has changed"),
        (discord.NotFound(_Answer(), UNKNOWN), "I was too slow for Discord"),  # type: ignore[arg-type]  # a stand-in
        (discord.NotFound(_Answer(), "canary"), "Discord did not take my answer"),  # type: ignore[arg-type]  # as above
        (ZeroDivisionError("canary"), "Something went wrong on my side"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_is_a_sentence_without_its_inside(error: Exception, told: str) -> None:
    assert told in sentence_for(error)
    assert "canary" not in sentence_for(error)


async def _told(stage: Stage, user: str, start: str) -> dict[str, Any]:
    def seen() -> dict[str, Any] | None:
        messages = stage.sandbox.discord.messages(user)
        return next((m for m in messages if m["content"].startswith(start)), None)

    message: dict[str, Any] = await stage.until(seen)
    return message


async def test_an_answer_that_got_through_although_it_seemed_to_fail_is_followed_up(
    stage: Stage, bot: Bot
) -> None:
    stage.sandbox.discord.fail("POST", "/interactions/.*", 502, is_after_work=True)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")  # the retry gets 40060
    told = await _told(stage, "alice", "Discord did not take my answer")
    assert told["flags"] & 64
    assert stage.sandbox.discord.messages("bob") == []


async def test_an_interaction_that_expired_is_let_go_and_the_next_one_works(
    stage: Stage, bot: Bot
) -> None:
    stage.sandbox.discord.fail("POST", "/interactions/.*", 404, UNKNOWN, times=2)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    log = stage.sandbox.discord.log
    await stage.until(lambda: [c.status for c in log if "/callback" in c.path] == [404, 404])
    await stage.sandbox.discord.slash("alice", "draft", topic="fog")
    assert await stage.dm()


async def test_a_button_of_a_draft_that_is_gone_is_answered(stage: Stage, bot: Bot) -> None:
    """discord.py itself only logs what a button raises."""
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    await bot.drafting.store.database.write("DELETE FROM drafts")
    button = message["components"][0]["components"][0]["custom_id"]
    await stage.sandbox.discord.click("alice", message, button)
    assert await _told(stage, "alice", "This draft is not stored any more")
