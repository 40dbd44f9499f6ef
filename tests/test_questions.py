"""What somebody wants said, through the wire and in both languages: option, form, menu, daily."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest

from bot.chat.client import Bot
from bot.chat.cogs.daily import Daily
from bot.chat.questions import MAX_NOTES
from bot.drafting import Drafting
from bot.store.questions import KEPT
from bot.store.schedules import Schedule
from bot.voice import VOICE_FILE, Voice, VoicePost, save_posts
from bot.writing.composing import Request
from tests.conftest import OWNER
from tests.stage import Stage, buttons

Json = dict[str, Any]  # Discord's message JSON
NOTES = "fed the goose at 7:40\ntook Barbara along; 45 people, no quorum"
KEEPS = "Fed the goose at 7:40. Barbara came, 45 people too, and no quorum."
ADDS = "Fed the goose at 7:40 with Barbara and 45 people of Newbrook. No quorum."
MISSES = "Fed the goose. No quorum, as ever, said Barbara."

LOCALES = pytest.mark.parametrize("locale", ["en-GB", "de"])
# English is what is looked up: each sentence stands here as a person reads it
SAID = {
    "en-GB": {
        "title": "A post of yours",
        "topic field": "Topic",
        "notes field": "What is it to say?",
        "placeholder": "Facts, figures, names, an opinion, a rough text",
        "empty": "Give a topic, or tell me what it is to say: either is enough.",
        "kept": "What you typed is kept: the button opens the form again.",
        "tell": "Tell me",
        "gone": "This is told already, or it was long ago. /draft asks you again.",
        "from": "Draft 1 from your notes",
        "notes": "Your notes: fed the goose at 7:40 took Barbara",
        "all": "3 of 3 facts ·",
        "added": "3 of 3 facts · ⚠️ added: Newbrook ·",
        "missing": "1 of 3 facts · missing: 7:40, 45 ·",
        "topic": "about **goose**",
        "other": "This message is somebody else's, so I wrote about it as a topic.",
        "long": f"has 1001 characters, and I can say {MAX_NOTES} at once",
        "untrained": "was trained before voices could write from notes",
        "year": "☀️ On this day in 2021 you wrote about **goose**.",
        "posts": "☀️ You have written 1 post about **goose**.",
        "chosen": "☀️ **the regatta** is one of the topics you chose.",
        "nothing": "☀️ It is time for a post.",
        "asks": "What is there to tell today?",
        "alone": "Here is a draft on the topic alone: what it says is made up.",
        "set": "I ask you in your direct messages what there is to tell about a topic of yours;",
        "both": "about a topic of yours, with a draft on the topic alone; the next time",
        "off": "The daily suggestion is off.",
        "no end": "There was no daily suggestion to end.",
        "none": "There is no daily suggestion.",
    },
    "de": {
        "title": "Ein Beitrag von dir",
        "topic field": "Thema",
        "notes field": "Was soll er sagen?",
        "placeholder": "Fakten, Zahlen, Namen, eine Meinung, ein roher Text",
        "empty": "Nenne ein Thema, oder sag mir, was der Beitrag sagen soll",
        "kept": "Was du getippt hast, ist noch da: Der Knopf öffnet das Formular wieder.",
        "tell": "Erzähl es mir",
        "gone": "Das ist schon erzählt, oder es ist lange her. /entwurf fragt dich wieder.",
        "from": "Entwurf 1 aus deinen Notizen",
        "notes": "Deine Notizen: fed the goose at 7:40 took Barbara",
        "all": "3 von 3 Angaben ·",
        "added": "3 von 3 Angaben · ⚠️ hinzugefügt: Newbrook ·",
        "missing": "1 von 3 Angaben · fehlt: 7:40, 45 ·",
        "topic": "über **goose**",
        "other": "Diese Nachricht ist von jemand anderem, darum habe ich sie als Thema genommen.",
        "long": f"hat 1001 Zeichen, und auf einmal kann ich {MAX_NOTES} sagen",
        "untrained": "Notizen",  # as `notes` says it
        "year": "☀️ An diesem Tag im Jahr 2021 hast du über **goose** geschrieben.",
        "posts": "☀️ Du hast 1 Beitrag über **goose** geschrieben.",
        "chosen": "☀️ **the regatta** ist eines der Themen, die du gewählt hast.",
        "nothing": "☀️ Zeit für einen Beitrag.",
        "asks": "Was gibt es heute zu erzählen?",
        "alone": "Hier ist ein Entwurf allein zum Thema: Was darin steht, ist erfunden.",
        "set": "frage ich dich in deinen Direktnachrichten, was es über eines deiner Themen zu",
        "both": "gibt, mit einem Entwurf allein zum Thema; das nächste Mal",
        "off": "Der tägliche Vorschlag ist aus.",
        "no end": "Es gab keinen täglichen Vorschlag zu beenden.",
        "none": "Es gibt keinen täglichen Vorschlag.",
    },
}


def _footers(message: Json) -> list[str]:
    return [embed["footer"]["text"] for embed in message["embeds"]]


async def _told(stage: Stage, part: str, user: str = "alice") -> Json:
    """The message that says so, once it is there."""
    seen = stage.sandbox.discord.messages
    found: Json = await stage.until(
        lambda: next((m for m in seen(user) if part in m["content"]), None)
    )
    return found


def _labels(modal: Json) -> list[str]:
    return [part["label"] for part in modal["components"]]


def _fields(modal: Json) -> dict[str, str]:
    """The texts that a form opens with."""
    fields = [part["component"] for part in modal["components"]]
    return {field["custom_id"]: field.get("value") or "" for field in fields}


@LOCALES
async def test_a_form_asks_what_to_say_and_keeps_it_until_the_draft_is_there(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    stage.llm.texts = iter([KEEPS, ADDS, MISSES, KEEPS + " Noted."] * 9)
    opened = await discord.slash("alice", "draft", count=3, instruction="dry", language="en")
    await stage.until(lambda: opened.modal)
    assert opened.modal
    assert opened.modal["title"] == said["title"]
    assert _labels(opened.modal) == [said["topic field"], said["notes field"]]
    notes = opened.modal["components"][1]["component"]
    assert (notes["style"], notes["placeholder"]) == (2, said["placeholder"])
    refused = await stage.answer(await discord.submit("alice", opened, {}))
    assert said["empty"] in refused["content"] and said["kept"] in refused["content"]

    again = await stage.press(refused, said["tell"])
    stage.llm.failures = [(401, {})]
    failed = await stage.answer(await stage.fill(again, topic="", notes=NOTES))
    assert "LLM_API_KEY" in failed["content"] and said["kept"] in failed["content"]
    again = await stage.press(failed, said["tell"])
    await stage.until(lambda: again.modal)
    assert again.modal
    assert _fields(again.modal) == {"topic": "", "notes": NOTES}
    await stage.fill(again)

    message = await stage.dm()
    for part in (said["from"], said["notes"], "dry"):
        assert part in message["content"]
    assert len(message["embeds"]) == 3
    draft = await bot.drafting.get(1)
    assert (draft.topic, draft.notes, draft.style.language) == (None, NOTES, "en")
    assert "Barbara" in stage.llm.asked[-1]["messages"][-1]["content"]
    late = await stage.answer(await stage.press(failed, said["tell"]))
    assert said["gone"] in late["content"]


@LOCALES
async def test_what_became_of_the_notes_stands_under_every_text(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    stage.llm.texts = chain([KEEPS, ADDS, MISSES, KEEPS + " Noted."], repeat(KEEPS))
    await discord.slash("alice", "draft", topic="goose", notes=NOTES)
    message = await stage.dm()
    assert said["topic"] in message["content"] and said["notes"] in message["content"]
    under = {e["description"].replace("\\", ""): e["footer"]["text"] for e in message["embeds"]}
    for text, expected in ((KEEPS, "all"), (ADDS, "added"), (MISSES, "missing")):
        assert under[text].startswith(said[expected]), under[text]

    await bot.drafting.edit(await bot.drafting.get(1), 0, ADDS, datetime.now(UTC))
    await bot.messages.update(await bot.drafting.get(1))
    message = await stage.dm()
    edited = _footers(message)[0]
    assert edited.startswith(said["added"])
    await stage.press(message, buttons(message)[0]["label"])
    assert _footers(await stage.story("✅")) == [edited]


async def test_what_a_text_on_a_bare_topic_adds_is_marked(stage: Stage, bot: Bot) -> None:
    stage.llm.texts = iter([KEEPS, MISSES])
    await stage.sandbox.discord.slash("alice", "draft", topic="goose", count=1)
    (under,) = _footers(await stage.dm())
    assert under.startswith("⚠️ added: 7:40, 45 ·"), under


async def test_new_ones_are_written_of_the_same_notes(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    await discord.slash("alice", "draft", topic="goose", notes=NOTES)
    await stage.press(await stage.dm(), "New ones")
    wished = await stage.press(await stage.dm(2), "New ones, with a wish")
    await stage.fill(wished, wish="shorter")
    await stage.dm(3)
    await stage.press(await stage.dm(3), "Reject")
    await stage.story("❌", 3)
    choices = await discord.autocomplete("alice", "draft-again", "id", "goose")
    assert [c["value"] for c in choices] == [3, 2, 1]
    await stage.says("alice", "draft-again", id=3)
    await stage.dm(4)
    drafts = [await bot.drafting.get(number) for number in (1, 2, 3, 4)]
    assert {(d.topic, d.notes) for d in drafts} == {("goose", NOTES)}
    assert [d.instruction for d in drafts] == [None, None, "shorter", "shorter"]
    assert all("Barbara" in str(asked["messages"]) for asked in stage.llm.asked)


async def test_notes_stand_where_a_topic_would(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    await discord.slash("alice", "draft", notes=NOTES, count=1)
    await stage.dm()
    choices = await discord.autocomplete("alice", "draft-again", "id", "barbara")
    assert [c["name"] for c in choices] == ["1: " + " ".join(NOTES.split()) + " (open)"]
    listed = await stage.answer(await discord.slash("alice", "drafts"))
    assert "fed the goose at 7:40 took Barbara" in listed["embeds"][0]["description"]
    opened = await discord.slash("alice", "draft")
    stage.llm.failures = [(401, {})]
    await stage.answer(await stage.fill(opened, notes="Barbara knows more"))
    exported = await stage.answer(await discord.slash("alice", "export-me"))
    assert exported["attachments"]
    (sent,) = [c for c in discord.log if c.files]
    for known in ("took Barbara along", "Barbara knows more"):
        assert known in sent.files[0][1].decode()
    forget = await stage.answer(await discord.slash("alice", "forget-me"))
    clicked = await discord.click("alice", forget, "forget-me:yes")
    await stage.until(lambda: "is deleted" in (clicked.original or {"content": ""})["content"])
    kept = b"".join(file.read_bytes() for file in stage.database.parent.glob("bot.db*"))
    assert b"Barbara" not in kept


@LOCALES
async def test_ones_own_message_is_said_and_anothers_stays_a_topic(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    own = await discord.say("alice", NOTES, where="guild")
    await discord.menu("alice", "Say this in my voice", own)
    assert said["notes"] in (await stage.dm())["content"]
    other = await discord.say("bob", NOTES, where="guild")
    answered = await stage.answer(await discord.menu("alice", "Say this in my voice", other))
    assert said["other"] in answered["content"]
    await stage.dm(2)
    drafts = [await bot.drafting.get(number) for number in (1, 2)]
    assert [(d.topic, d.notes) for d in drafts] == [(None, NOTES), (" ".join(NOTES.split()), None)]
    long = await discord.say("alice", "x" * (MAX_NOTES + 1), where="guild")
    answered = await stage.answer(await discord.menu("alice", "Say this in my voice", long))
    assert said["long"] in answered["content"]
    mine = await bot.drafting.store.drafts.of_owner(drafts[0].owner_id)
    assert len(mine) == 2


async def test_who_takes_no_direct_messages_is_told_all_the_same(stage: Stage, bot: Bot) -> None:
    discord = stage.sandbox.discord
    discord.close_dms("alice")
    other = await discord.say("bob", NOTES, where="guild")
    await discord.menu("alice", "Say this in my voice", other)
    assert "Draft 1" in (await _told(stage, "for your eyes only"))["content"]
    assert await _told(stage, "somebody else's, so I wrote about it as a topic")


@LOCALES
async def test_a_voice_of_before_says_that_it_must_be_trained_again(
    stage: Stage, bot: Bot, locale: str
) -> None:
    voice = Voice.load(stage.voice)
    replace(voice, counts={"train": 3, "validation": 0}).save(stage.voice)
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    assert said["untrained"] in await stage.says("alice", "draft", notes=NOTES)
    await discord.slash("alice", "draft", topic="goose")
    assert said["topic"] in (await stage.dm())["content"]


class Days:
    """Alice's daily suggestions, one after the other on the same day."""

    def __init__(self, stage: Stage, bot: Bot) -> None:
        self.stage, self.bot, self.minute = stage, bot, 0
        self.alice = int(stage.sandbox.people["alice"]["id"])

    async def comes(self, **wanted: Any) -> Json:
        """The message of the suggestion that such a schedule sends."""
        store, daily = self.bot.drafting.store, self.bot.get_cog("daily")
        assert isinstance(daily, Daily)
        now, before = datetime.now(UTC), len(self.stage.sandbox.discord.dm_messages("alice"))
        self.minute += 1
        await store.schedules.set(
            Schedule(self.alice, f"00:{self.minute:02}", "UTC", now, **wanted)
        )
        await daily.suggest(self.alice)
        return self.stage.sandbox.discord.dm_messages("alice")[before]


def _posts(folder: Path, *posts: VoicePost) -> None:
    """Give a voice other posts."""
    save_posts(folder, posts)
    (folder / VOICE_FILE).touch()


@LOCALES
async def test_the_daily_suggestion_says_why_it_comes_and_asks(
    stage: Stage, bot: Bot, locale: str
) -> None:
    said, discord = SAID[locale], stage.sandbox.discord
    discord.set_locale("alice", locale)
    await stage.says("alice", "voice show")  # the bot knows her language by now
    today = datetime.now(UTC)
    _posts(
        stage.voice,
        VoicePost(f"2019-{today:%m-%d}T23:00:00+00:00", "A goose came by and stayed.", ("goose",)),
        VoicePost(f"2021-{today:%m-%d}T08:00:00+00:00", "The goose is still here.", ("goose",)),
    )
    _posts(stage.add_voice("odd"), VoicePost(None, "The goose left without a word.", ("goose",)))
    _posts(stage.add_voice("mute"), VoicePost(None, "Nothing to report from the pier.", ()))
    days = Days(stage, bot)
    rows: dict[str, dict[str, Any]] = {
        "year": {},
        "posts": {"voice": "odd"},
        "chosen": {"topics": ("the regatta",)},
        "nothing": {"voice": "mute"},
    }
    for why, wanted in rows.items():
        message = await days.comes(**wanted)
        assert message["content"] == f"{said[why]}\n{said['asks']}"
        assert [b["label"] for b in buttons(message)] == [said["tell"]]
    assert stage.llm.asked == []

    both = await days.comes(drafts=True, topics=("goose",))
    assert both["content"].splitlines()[1:] == [said["asks"], said["alone"]]
    assert said["topic"] in (await stage.dm(6))["content"]
    voice = Voice.load(stage.voice)
    replace(voice, counts={"train": 3, "validation": 0}).save(stage.voice)
    alone = await days.comes(topics=("goose",))
    assert alone["content"].splitlines()[1:] == [said["alone"]]
    assert buttons(alone) == []
    assert said["topic"] in (await stage.dm(8))["content"]


@LOCALES
async def test_daily_is_set_in_ones_language(stage: Stage, bot: Bot, locale: str) -> None:
    said = SAID[locale]
    stage.sandbox.discord.set_locale("alice", locale)
    where = {"time": "9:00", "timezone": "Europe/Berlin"}
    assert said["set"] in await stage.says("alice", "daily set", **where)
    assert said["both"] in await stage.says("alice", "daily set", drafts=True, **where)
    assert said["both"] in await stage.says("alice", "daily show")
    assert said["off"] in await stage.says("alice", "daily off")
    assert said["no end"] in await stage.says("alice", "daily off")
    assert said["none"] in await stage.says("alice", "daily show")


async def test_tell_me_opens_the_form_with_the_topic_also_after_a_restart(stage: Stage) -> None:
    async with stage.running() as bot:
        message = await Days(stage, bot).comes(topics=("the regatta",))
    async with stage.running():
        opened = await stage.press(message, "Tell me")
        await stage.until(lambda: opened.modal)
        assert opened.modal
        assert _fields(opened.modal) == {"topic": "the regatta", "notes": ""}
    async with stage.running() as bot:
        told = await stage.answer(await stage.fill(opened, notes=NOTES))
        assert "Draft 1 is in" in told["content"]
        draft = await bot.drafting.get(1)
        assert (draft.topic, draft.notes) == ("the regatta", NOTES)
        first = await stage.until(
            lambda: next((m for m in stage.sandbox.discord.dm_messages("alice")), None)
        )
        await stage.until(lambda: not stage.sandbox.discord.dm_messages("alice")[0]["components"])
        assert first["content"] == message["content"]


async def test_what_was_asked_about_rests_and_is_forgotten_in_the_end(drafting: Drafting) -> None:
    now = datetime.now(UTC)
    first = await drafting.ask(OWNER, Request("Tea", 4), now - KEPT - timedelta(seconds=1))
    assert (await drafting.store.drafts.topics_used(OWNER)).keys() == {"tea"}
    second = await drafting.ask(OWNER, Request("fog", 4), now)
    assert (await drafting.store.drafts.topics_used(OWNER)).keys() == {"fog"}
    assert await drafting.store.questions.get(first.id) is None
    assert await drafting.store.questions.get(second.id) == second
