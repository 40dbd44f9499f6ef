"""The gateway drills: every way a connection ends, and the reactions in between."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from bot.chat.client import CLOSED_FOR_GOOD, Bot, point_at
from bot.errors import ConfigError
from sandbox.gateway import Gateway
from tests.faults import Fault, Wire
from tests.stage import Stage, emoji

Json = dict[str, Any]  # Discord's message JSON
End = Callable[[Gateway], Awaitable[None]]
REACTION = "MESSAGE_REACTION_ADD"


def _closed(code: int) -> End:
    async def end(gateway: Gateway) -> None:
        await gateway.drop(code)

    return end


async def _cut(gateway: Gateway) -> None:
    gateway.cut()  # the client sees 1006


async def _asked_to_reconnect(gateway: Gateway) -> None:
    gateway.ask_to_reconnect()


async def _invalid_but_resumable(gateway: Gateway) -> None:
    gateway.invalidate(is_resumable=True)


async def _invalid(gateway: Gateway) -> None:
    gateway.invalidate(is_resumable=False)


async def _forgotten(gateway: Gateway) -> None:
    gateway.forget_sessions()
    await gateway.drop(4000)


RESUMED: dict[str, End] = {
    **{
        f"closed with {code}": _closed(code)
        for code in (1000, 1001, 4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)
    },
    "cut (1006)": _cut,
    "asked to reconnect (op 7)": _asked_to_reconnect,
}


def _has_sent_more(stage: Stage, op: int, before: int) -> bool:
    return _sent(stage, op) > before


def _sent(stage: Stage, op: int) -> int:
    """How often the bot sent this opcode: 2 identifies, 6 resumes."""
    return sum(received == op for received, _ in stage.sandbox.discord.gateway.received)


async def _first_draft(stage: Stage) -> Json:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    return await stage.dm()


async def _next(stage: Stage, number: int) -> Json:
    """The draft that 🔁 brought, and no other."""
    await stage.until(lambda: len(stage.sandbox.discord.dm_messages("alice")) >= number)
    message = await stage.dm(number)
    assert len(stage.sandbox.discord.dm_messages("alice")) == number
    return message


async def test_a_connection_that_ends_is_resumed_and_a_reaction_of_meanwhile_counts_once(
    stage: Stage, bot: Bot
) -> None:
    message, gateway = await _first_draft(stage), stage.sandbox.discord.gateway
    for number, (name, end) in enumerate(RESUMED.items(), 2):
        print(name)
        resumed = _sent(stage, 6)
        await end(gateway)
        await stage.sandbox.discord.react("alice", message, "🔁")
        message = await _next(stage, number)
        await stage.until(partial(_has_sent_more, stage, 6, resumed))
    assert _sent(stage, 2) == 1
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    await stage.story("✅", len(RESUMED) + 1)
    assert len(await stage.posted()) == 1


@pytest.mark.parametrize(
    "end", [_forgotten, _invalid, _invalid_but_resumable], ids=lambda end: end.__name__.strip("_")
)
async def test_a_session_that_is_lost_loses_no_reaction(stage: Stage, bot: Bot, end: End) -> None:
    message, gateway = await _first_draft(stage), stage.sandbox.discord.gateway
    await bot.wait_until_ready()
    await asyncio.sleep(0.3)  # it looks for missed reactions now, and finds none
    gateway.copies[REACTION] = 0  # nobody keeps it for later
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    gateway.copies[REACTION] = 1
    await end(gateway)
    told = await stage.sandbox.discord.until(
        lambda: [m for m in stage.sandbox.discord.dm_messages("alice") if "✅" in m["content"]], 20
    )
    assert len(told) == len(await stage.posted()) == 1
    assert _sent(stage, 2) == (1 if end is _invalid_but_resumable else 2)


async def test_a_reaction_that_arrives_twice_counts_once(stage: Stage, bot: Bot) -> None:
    message, gateway = await _first_draft(stage), stage.sandbox.discord.gateway
    gateway.copies[REACTION] = 2
    await stage.sandbox.discord.react("alice", message, "🔁")
    second = await _next(stage, 2)
    await stage.sandbox.discord.react("alice", second, "1️⃣")
    await stage.story("✅", 2)
    await asyncio.sleep(0.2)
    assert len(stage.sandbox.discord.dm_messages("alice")) == 2
    assert len(await stage.posted()) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (4014, "refuses the intents"),
        *(
            pytest.param(*one, marks=[] if one[0] == 4004 else [pytest.mark.slow])
            for one in CLOSED_FOR_GOOD.items()
        ),
    ],
)
async def test_a_connection_that_is_closed_for_good_ends_the_bot_with_a_sentence(
    stage: Stage, code: int, said: str
) -> None:
    with pytest.raises(ConfigError) as e:
        async with stage.running() as bot:
            await stage.sandbox.discord.gateway.drop(code)
            async with asyncio.timeout(10):
                while not bot.is_closed() and bot.is_connected:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.2)
    assert said in str(e.value)


@pytest.mark.slow
async def test_a_discord_that_was_down_for_a_while_finds_the_bot_back(stage: Stage) -> None:
    async with Wire(stage.sandbox.url, "Discord") as wire:
        point_at(wire.url)
        stage.sandbox.discord.gateway.resume_url = wire.url.replace("http", "ws") + "/gw/"
        async with stage.running():
            message = await _first_draft(stage)
            await wire.spoil("refused")
            stage.sandbox.discord.gateway.cut()
            await stage.sandbox.discord.react("alice", message, "1️⃣")
            await asyncio.sleep(2)
            await wire.mend()
            await stage.sandbox.discord.until(lambda: stage.sandbox.discord.is_ready, 20)
            await stage.story("✅")
    assert len(await stage.posted()) == 1


@pytest.mark.parametrize(
    ("fault", "only"),
    [
        pytest.param("refused", "", marks=pytest.mark.slow),
        pytest.param("garbage", "", marks=pytest.mark.slow),
        pytest.param("403", "", marks=pytest.mark.slow),
        ("503", "PUT .*/commands"),
    ],
    ids=["refused", "a page instead of JSON", "403", "503 when the commands are told"],
)
async def test_a_discord_that_fails_at_the_login_is_asked_again(
    stage: Stage, fault: Fault, only: str
) -> None:
    async with Wire(stage.sandbox.url, "Discord") as wire:
        point_at(wire.url)
        await wire.spoil(fault, only)
        mending = asyncio.get_running_loop().create_task(_mend_after(wire, 0.7))
        async with stage.running():
            message = await _first_draft(stage)
            assert "❌" in emoji(message)
        await mending


async def _mend_after(wire: Wire, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await wire.mend()
