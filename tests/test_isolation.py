"""Two people with two voices and two Mastodon accounts: neither reaches the other's.

Alice is also the operator. Each attempt goes over the wire, as far as Discord would let it come and
further: custom_ids, message ids and forms that no client would send.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from bot.chat.client import Bot
from bot.draft import Draft, Network
from bot.posting.vault import Vault
from bot.store.accounts import Connected
from bot.writing.composing import Request
from sandbox.interactions import COMPONENT, MODAL_SUBMIT, Interaction, new_interaction
from sandbox.world import EPHEMERAL, ChatMessage
from tests.stage import Json, Stage

REFUSED = re.compile(
    "somebody else's|is not yours|nobody drafts in another|Only the owner|Begin with /mastodon"
    "|no post of yours|not connecting an account|does not accept the handle"
    "|no connected Bluesky account|not connected a Bluesky account"
)
MINE, YOURS = "mara", "odd"  # the voices of Alice and of Bob


@pytest.fixture
async def both(stage: Stage, bot: Bot) -> dict[str, Draft]:
    """Each has a voice, an account and a draft, sent to them by the bot."""
    stage.add_voice(YOURS)
    store, now = bot.drafting.store, datetime.now(UTC)
    tokens, vault = stage.sandbox.mastodon_tokens, Vault.open(None, stage.database)
    for name, voice, username in (("alice", MINE, "you"), ("bob", YOURS, "bob")):
        user_id = int(stage.sandbox.people[name]["id"])
        await store.grants.give(voice, user_id, 0, now)
        token = vault.lock(tokens[username])
        account = Connected(stage.sandbox.mastodon_url, f"@{username}", token)
        await store.accounts.connect(user_id, account, now)
    alice, there = int(stage.sandbox.people["alice"]["id"]), stage.sandbox.bluesky
    app, did = vault.lock(stage.sandbox.app_passwords["you.test"]), there.did("you.test")
    hers = Connected(there.url, "@you.test", app, Network.BLUESKY, did)
    await store.accounts.connect(alice, hers, now)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", to="mastodon")
    await stage.dm()
    await stage.sandbox.discord.slash("bob", "draft", topic="fog")
    await stage.dm(user="bob")
    for name, topic in (("alice", "goose"), ("bob", "gull")):
        await bot.drafting.ask(int(stage.sandbox.people[name]["id"]), Request(topic, 4), now)
    drafts = [await bot.drafting.get(number) for number in (1, 2)]
    assert [d.voice for d in drafts] == [MINE, YOURS]
    return dict(zip(("alice", "bob"), drafts, strict=True))


def _message_of(stage: Stage, user: str) -> Json:
    return stage.sandbox.discord.dm_messages(user)[0]


def _forge(stage: Stage, user: str, kind: int, data: Json, below: str) -> Interaction:
    """An interaction no client would send: by one person, below the message of another."""
    discord = stage.sandbox.discord
    shown = discord.world.messages[_message_of(stage, below)["id"]]
    # discord.py drops a click on a button that the message does not have
    button = {"type": 2, "id": 2, "style": 1, "label": "!", "custom_id": data["custom_id"]}
    row = {"type": 1, "id": 1, "components": [button]}
    message = ChatMessage({**shown.data, "components": [row]})
    person = discord.people[user]
    record = new_interaction(discord.world, kind, person, data, in_dm=True, message=message)
    discord.callbacks.add(record)
    return record


def _button(custom_id: str) -> Json:
    return {"custom_id": custom_id, "component_type": 2, "id": 1}


def _form(custom_id: str, **fields: str) -> Json:
    rows = [
        {"type": 18, "id": i, "component": {"type": 4, "id": i, "custom_id": k, "value": v}}
        for i, (k, v) in enumerate(fields.items(), 1)
    ]
    return {"custom_id": custom_id, "components": rows}


Attempt = Callable[[Stage, str, Draft], Awaitable[Interaction | None]]  # who, the other's draft


def _other(user: str) -> str:
    return "bob" if user == "alice" else "alice"


def _clicks(action: str, *, below_own: bool) -> Attempt:
    async def attempt(stage: Stage, user: str, draft: Draft) -> Interaction:
        custom_id = f"draft:{draft.id}:{action}".format(draft.candidates[0].fingerprint)
        below = user if below_own else _other(user)
        return _forge(stage, user, COMPONENT, _button(custom_id), below)

    return attempt


def _submits(action: str, **fields: str) -> Attempt:
    async def attempt(stage: Stage, user: str, draft: Draft) -> Interaction:
        custom_id = f"draft:{draft.id}:{action}".format(draft.candidates[0].fingerprint)
        return _forge(stage, user, MODAL_SUBMIT, _form(custom_id, **fields), user)

    return attempt


def _tells(*, by_form: bool) -> Attempt:
    """The question of the other has the number of their draft."""

    async def attempt(stage: Stage, user: str, draft: Draft) -> Interaction:
        custom_id = f"tell:{draft.id}"
        if by_form:
            form = _form(custom_id, topic="", notes="the other's goose, at 7:40")
            return _forge(stage, user, MODAL_SUBMIT, form, user)
        return _forge(stage, user, COMPONENT, _button(custom_id), _other(user))

    return attempt


def _in_queue(what: str) -> Attempt:
    """A button or the menu of a queue, for the text of the other."""

    async def attempt(stage: Stage, user: str, draft: Draft) -> Interaction:
        if what != "pick":
            return _forge(stage, user, COMPONENT, _button(f"queue:{what}:{draft.id}"), user)
        menu = {"custom_id": "queue:pick", "component_type": 3, "values": [str(draft.id)]}
        return _forge(stage, user, COMPONENT, menu, user)

    return attempt


async def _goes_on(stage: Stage, user: str, draft: Draft) -> Interaction:
    """With the topic of the other's draft, by the button below one's results."""
    return _forge(stage, user, COMPONENT, _button(f"results:go:{draft.id}"), user)


def _reacts(emoji: str) -> Attempt:
    async def attempt(stage: Stage, user: str, draft: Draft) -> None:
        discord = stage.sandbox.discord
        message = discord.world.messages[str(draft.message_id)]
        discord.gateway.announce_reaction(
            "MESSAGE_REACTION_ADD", message, discord.people[user], emoji
        )
        await asyncio.sleep(0.2)

    return attempt


def _uses(command: str, **options: object) -> Attempt:
    """A command about the other's draft {id}, voice {voice}, or person {them}."""

    async def attempt(stage: Stage, user: str, draft: Draft) -> Interaction:
        people = stage.sandbox.people
        values = {
            "id": draft.id,
            "voice": draft.voice,
            "me": people[user]["id"],
            "them": people[_other(user)]["id"],
        }
        given = {k: str(v).format(**values) for k, v in options.items()}
        return await stage.sandbox.discord.slash(user, command, given)

    return attempt


async def _takes_over_a_connection(stage: Stage, user: str, draft: Draft) -> Interaction:
    """The other began to connect an account; the code is sent from here."""
    other = _other(user)
    asked = await stage.sandbox.discord.slash(
        other, "mastodon connect", instance=stage.sandbox.mastodon_url
    )
    await stage.answer(asked)
    return _forge(stage, user, MODAL_SUBMIT, _form("mastodon:code", code="mockcode_bob"), other)


async def _signs_in_as_the_other(stage: Stage, user: str, draft: Draft) -> Interaction:
    """With the handle of Alice's Bluesky account, or of Bob's, and no password of theirs."""
    handle = "you.test" if user == "bob" else "bob.test"
    form = _form("bluesky:connect", handle=handle, password="aaaa-bbbb-cccc-dddd")
    return _forge(stage, user, MODAL_SUBMIT, form, _other(user))


ATTEMPTS: dict[str, Attempt] = {
    "reaction 1": _reacts("1️⃣"),
    "reaction again": _reacts("🔁"),
    "reaction edit": _reacts("✏️"),
    "reaction reject": _reacts("❌"),
    "reaction queue": _reacts("➕"),
    "button approve": _clicks("approve:0:{}", below_own=False),
    "button reject": _clicks("reject", below_own=False),
    "forged approve": _clicks("approve:0:{}", below_own=True),
    "forged edit": _clicks("edit:0:{}", below_own=True),
    "forged later": _clicks("later:0:{}", below_own=True),
    "forged again": _clicks("again", below_own=True),
    "forged wish": _clicks("wish", below_own=True),
    "forged reject": _clicks("reject", below_own=True),
    "forged back": _clicks("back", below_own=True),
    "forged reason": _clicks("untrue", below_own=True),
    "forged queue": _clicks("queue:0:{}", below_own=True),
    "forged now": _clicks("now", below_own=True),
    "forged out": _clicks("out", below_own=True),
    "queue up": _in_queue("up"),
    "queue now": _in_queue("now"),
    "queue out": _in_queue("out"),
    "queue pick": _in_queue("pick"),
    "results go on": _goes_on,
    "forged there": _clicks("there", below_own=True),
    "forged absent": _clicks("absent", below_own=True),
    "forged show": _clicks("show", below_own=True),
    "form edit": _submits("edit:0:{}", text="Mine now."),
    "form later": _submits("later:0:{}", when="tomorrow 09:00", timezone="UTC"),
    "form wish": _submits("wish", wish="shorter"),
    "button tell": _tells(by_form=False),
    "form tell": _tells(by_form=True),
    "/draft notes": _uses("draft", notes="fed the goose at 7:40", voice="{voice}"),
    "/draft form": _uses("draft", voice="{voice}"),
    "/draft-again": _uses("draft-again", id="{id}"),
    "/draft voice": _uses("draft", topic="tea", voice="{voice}"),
    "/daily voice": _uses("daily set", time="09:00", timezone="UTC", voice="{voice}"),
    "/voice use": _uses("voice use", voice="{voice}"),
    "/voice grant to oneself": _uses("voice grant", user="{me}", voice="{voice}"),
    "/undo": _uses("undo"),
    "connection of another": _takes_over_a_connection,
    "Bluesky account of another": _signs_in_as_the_other,
}
OF_BOB_ONLY: dict[str, Attempt] = {
    "/bluesky show": _uses("bluesky show"),  # hers is connected, his is not
    "/bluesky disconnect": _uses("bluesky disconnect"),
    "/account use": _uses("account use", to="bluesky"),
    "/draft to": _uses("draft", topic="tea", to="mastodon bluesky"),
    # an operator may hear of a voice, and take it from its owner
    "/voice show": _uses("voice show", voice="{voice}"),
    "/voice revoke": _uses("voice revoke", user="{them}", voice="{voice}"),
}
TABLE = [(user, name, do) for name, do in ATTEMPTS.items() for user in ("alice", "bob")]
TABLE += [("bob", name, do) for name, do in OF_BOB_ONLY.items()]


async def _everything(stage: Stage, bot: Bot) -> dict[str, list[tuple[object, ...]]]:
    """All that is stored and posted, but for who was seen with which language."""
    db = bot.drafting.store.database
    tables = [row[0] for row in await db.rows("SELECT name FROM sqlite_schema WHERE type='table'")]
    kept = [t for t in tables if t not in ("people", "connections", "notes", "applications")]
    stored = {t: [tuple(row) for row in await db.rows(f"SELECT * FROM {t}")] for t in kept}
    voices = await db.rows("SELECT user_id, voice FROM people WHERE voice IS NOT NULL")
    posted = [(s["account"]["acct"], s["content"]) for s in await stage.posted()]
    return stored | {"voices": [tuple(v) for v in voices], "posted": posted}


async def _refusal(stage: Stage, record: Interaction) -> str:
    """What was answered for that person's eyes only."""

    def told() -> str | None:
        shown = [*record.followups, *([record.original] if record.original else [])]
        texts = [m["content"] for m in shown if m["flags"] & EPHEMERAL]
        return next((text for text in texts if text), None)

    text: str = await stage.until(told)
    return text


@pytest.mark.parametrize("attempts", [TABLE[i::4] for i in range(4)], ids=range(4))
async def test_nobody_gets_at_what_is_anothers(
    stage: Stage, bot: Bot, both: dict[str, Draft], attempts: list[tuple[str, str, Attempt]]
) -> None:
    before = await _everything(stage, bot)
    for user, name, attempt in attempts:
        record = await attempt(stage, user, both[_other(user)])
        if record:
            told = await _refusal(stage, record)
            assert REFUSED.search(told), f"{user}: {name}: {told}"
            assert record.modal is None
        assert await _everything(stage, bot) == before, f"{user}: {name}"


async def test_nobody_says_what_another_wrote(
    stage: Stage, bot: Bot, both: dict[str, Draft]
) -> None:
    discord, secret = stage.sandbox.discord, "fed the goose at 7:40, Barbara knows"
    for user, before in both.items():
        message = await discord.say(_other(user), secret, where="guild")
        await discord.menu(user, "Say this in my voice", message)
        await stage.dm(2, user)
        (draft, _) = await bot.drafting.store.drafts.of_owner(before.owner_id)
        assert (draft.topic, draft.notes, draft.voice) == (secret, None, before.voice)


async def test_side_by_side_each_posts_in_their_own_voice_to_their_own_account(
    stage: Stage, bot: Bot, both: dict[str, Draft]
) -> None:
    discord = stage.sandbox.discord
    await asyncio.gather(*(discord.react(user, _message_of(stage, user), "1️⃣") for user in both))
    await stage.until(
        lambda: all(_message_of(stage, user)["content"].startswith("✅") for user in both)
    )
    posted = {s["account"]["acct"]: s["content"] for s in await stage.posted()}
    assert posted.keys() == {"you", "bob"}
    assert both["alice"].candidates[0].text in posted["you"]
    assert both["bob"].candidates[0].text in posted["bob"]
    for user, other in (("alice", "bob"), ("bob", "alice")):
        told = await stage.says(user, "drafts")
        listed = str(discord.messages(user)[-1])
        topic = both[user].topic
        assert topic is not None
        assert topic in told + listed
        record = await discord.slash(user, "export-me")
        await stage.answer(record)
        exported = next(c for c in reversed(discord.log) if c.files).files[0][1].decode()
        assert str(discord.people[user]["id"]) in exported
        assert str(discord.people[other]["id"]) not in exported
