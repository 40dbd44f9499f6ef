"""The client: its login, when it syncs the commands to Discord, and when it need not."""

import asyncio

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.chat.client import Bot, point_at
from bot.drafting import Drafting
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


async def test_every_command_is_offered_everywhere(stage: Stage, bot: Bot) -> None:
    offered = stage.sandbox.discord.applications.commands
    assert {command["name"] for command in offered} >= {"draft", "daily", "Draft about this"}
    for command in offered:
        assert command["contexts"] == [0, 1, 2]  # servers, the bot's direct messages, others'
        assert command["integration_types"] == [0, 1]  # added to a server, or to a person


async def test_the_login_is_tried_for_as_long_as_discord_is_away(drafting: Drafting) -> None:
    """The pauses once ended after 17 hours, and the bot connected without a login."""
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).split()[1])
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        point_at(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        scheduler = AsyncIOScheduler(timezone="UTC")
        async with Bot(drafting, scheduler, login_pauses_s=(0.0,)) as bot:
            serving = asyncio.create_task(bot.serve("a token"))
            async with asyncio.timeout(60):
                while len(asked) <= 2010 and not serving.done():  # aiohttp asks twice each time
                    await asyncio.sleep(0.01)
            assert not serving.done()
            serving.cancel()
            await asyncio.wait([serving])
    assert set(asked) == {b"/api/v10/users/@me"}


async def test_a_command_of_yesterday_is_answered(stage: Stage, bot: Bot) -> None:
    """A client that was not reloaded still offers what the bot no longer has."""
    applications = stage.sandbox.discord.applications
    applications.commands.append(applications.commands[0] | {"name": "gone", "options": []})
    await stage.sandbox.discord.slash("alice", "gone")
    told = await stage.until(lambda: stage.sandbox.discord.messages("alice"))
    assert "This command has changed" in told[0]["content"]
    assert told[0]["flags"] & 64
