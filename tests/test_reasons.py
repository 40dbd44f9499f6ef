"""A reason with ❌: asked for by buttons, stored, told to `feedback` and the report."""

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.draft import RejectionReason, State
from bot.language import translate
from bot.voice.rates import REASON_WORDS
from tests.stage import Stage, buttons

LANGUAGES = {
    "en-GB": ("not true", "not me", "dull", "wrong moment"),
    "de": ("nicht wahr", "nicht ich", "langweilig", "falscher Moment"),
}


async def _reject(stage: Stage, locale: str, by: str) -> dict[str, Any]:
    discord = stage.sandbox.discord
    discord.set_locale("alice", locale)
    await discord.slash("alice", "draft", topic="tea", count=1)
    message = await stage.dm()
    if by == "reaction":
        await discord.react("alice", message, "❌")
    else:
        reject = next(b for b in buttons(message) if b["custom_id"].endswith(":reject"))
        await discord.click("alice", message, reject["custom_id"])
    return await stage.story("❌")


@pytest.mark.parametrize(("locale", "by"), [("en-GB", "reaction"), ("de", "button")])
async def test_whoever_rejects_a_draft_may_say_why_and_change_their_mind(
    stage: Stage, bot: Bot, locale: str, by: str
) -> None:
    told = await _reject(stage, locale, by)
    labels = LANGUAGES[locale]
    assert [b["label"] for b in buttons(told)] == list(labels)
    assert (await bot.drafting.get(1)).reason is None
    for reason, label in zip(RejectionReason, labels, strict=True):
        await stage.press(told, label)
        shown = await stage.until(partial(_first_if, stage, label))
        assert (await bot.drafting.get(1)).reason is reason
        assert [b["label"] for b in buttons(shown) if b["style"] == 1] == [label]
    assert await stage.posted() == []
    assert await stage.answer(await stage.sandbox.discord.slash("alice", "export-me"))
    exported = next(c for c in reversed(stage.sandbox.discord.log) if c.files).files[0][1].decode()
    assert '"reason": "untimely"' in exported


def _first_if(stage: Stage, said: str) -> dict[str, Any] | None:
    first: dict[str, Any] = stage.sandbox.discord.dm_messages("alice")[0]
    return first if f": {said}." in first["content"] else None


async def test_a_reason_that_a_crash_interrupted_is_kept(stage: Stage) -> None:
    async with stage.running() as bot:
        await _reject(stage, "en-GB", "button")
        await bot.drafting.store.in_progress.add(1, "draft:1:dull", {}, datetime.now(UTC))
    async with stage.running() as bot:
        await stage.story("❌ Draft 1 is rejected: dull.")
        assert (await bot.drafting.get(1)).reason is RejectionReason.DULL


async def test_only_a_rejected_draft_has_a_reason(stage: Stage, bot: Bot) -> None:
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    await stage.press(await stage.dm(), "Post 1")
    await stage.story("✅")
    assert not await bot.drafting.store.decisions.give_reason(1, RejectionReason.DULL)
    assert (await bot.drafting.get(1)).state is State.PUBLISHED


def test_every_reason_has_its_words_in_both_languages() -> None:
    assert REASON_WORDS.keys() == set(RejectionReason)
    for locale, labels in LANGUAGES.items():
        assert tuple(translate(words, locale) for words in REASON_WORDS.values()) == labels
