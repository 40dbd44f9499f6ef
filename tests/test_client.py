"""The client: when it tells Discord the commands, and when it need not."""

import pytest

from bot.chat.client import Bot
from bot.store import Store
from tests.stage import Stage


def _told(stage: Stage) -> int:
    """How often the bot told Discord its commands."""
    calls = stage.sandbox.discord.log
    return len([c for c in calls if c.method == "PUT" and c.path.endswith("/commands")])


async def test_commands_are_told_once(stage: Stage) -> None:
    async with stage.running():
        assert _told(stage) == 1
        offered = stage.sandbox.discord.applications.offered()
        assert "draft" in {command["name"] for command in offered}
    async with stage.running():
        pass
    assert _told(stage) == 1


async def test_commands_are_told_again_if_their_definition_changed(stage: Stage) -> None:
    async with stage.running():
        pass
    async with Store.open(stage.database) as store:
        name = next(n for (n,) in await store.database.rows("SELECT name FROM notes"))
        assert name.startswith("commands of ")
        await store.set_note(name, "another definition")
    async with stage.running():
        assert _told(stage) == 2


@pytest.mark.parametrize("lost", ["all", "one"])
async def test_commands_discord_does_not_have_are_told_again(stage: Stage, lost: str) -> None:
    async with stage.running():
        pass
    applications = stage.sandbox.discord.applications
    whole = len(applications.commands)
    applications.commands = [] if lost == "all" else applications.commands[1:]
    async with stage.running():
        pass
    assert _told(stage) == 2
    assert len(applications.commands) == whole


async def test_a_command_of_yesterday_is_answered(stage: Stage, bot: Bot) -> None:
    """A client that was not reloaded still offers what the bot no longer has."""
    applications = stage.sandbox.discord.applications
    applications.commands.append(applications.commands[0] | {"name": "gone", "options": []})
    await stage.sandbox.discord.slash("alice", "gone")
    told = await stage.until(lambda: stage.sandbox.discord.messages("alice"))
    assert "This command has changed" in told[0]["content"]
    assert told[0]["flags"] & 64
