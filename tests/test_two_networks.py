"""A draft for Bluesky, or for both networks with one approval, through the wire."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.client import Bot
from bot.draft import State
from tests.stage import Json, Stage, texts

LONG = "The harbour master has opinions about fog 🌫️, and shares them. " * 6  # over 300, under 500
SAID = {  # of /bluesky and /account, in each language
    "en-GB": (
        *("Connected: @you.test", "go on to Mastodon", "Bluesky from now on", "is public"),
        "back, too",
    ),
    "de": (
        *("Verbunden: @you.test", "gehen weiter zu", "an zu: Bluesky", "öffentlich"),
        "Auch der",
    ),
}


async def _connected(stage: Stage, use: str | None = None) -> None:
    told = await stage.connect_bluesky("alice", "you.test")
    assert "Connected: @you.test" in told
    if use:
        await stage.says("alice", "account use", to=use)


async def _there(stage: Stage) -> dict[str, list[str]]:
    """Texts of each network, oldest first."""
    mastodon = [s for s in await stage.posted() if s["visibility"] != "bluesky"]
    return {
        "mastodon": [s["content"].removeprefix("<p>").removesuffix("</p>") for s in mastodon][::-1],
        "bluesky": [p["value"]["text"] for p in stage.sandbox.bluesky.posts("you.test")],
    }


async def _twin(stage: Stage) -> Json:
    """The message about the draft for the second network."""
    message: Json = await stage.until(
        lambda: next(
            (
                m
                for m in stage.sandbox.discord.dm_messages("alice")
                if "The same as draft 1, for Bluesky." in m["content"]
            ),
            None,
        )
    )
    return message


@pytest.mark.parametrize("locale", SAID)
async def test_an_account_is_connected_shown_chosen_and_disconnected(
    stage: Stage, bot: Bot, locale: str
) -> None:
    stage.sandbox.discord.set_locale("alice", locale)
    connected, where, used, public, revoked = SAID[locale]
    told = await stage.connect_bluesky("alice", "you.test")
    assert connected in told and where in told
    assert used in await stage.says("alice", "account use", to="bluesky")
    shown = await stage.says("alice", "bluesky show")
    assert "@you.test" in shown and "300" in shown and public in shown
    gone = await stage.says("alice", "bluesky disconnect")
    assert (
        revoked in gone and stage.sandbox.bluesky.app[stage.sandbox.bluesky.did("you.test")] == {}
    )
    assert "Bluesky" in await stage.says("alice", "account use", to="mastodon bluesky")


@pytest.mark.parametrize(("locale", "said"), [("en-GB", "Do it with"), ("de", "Das geht mit")])
async def test_whoever_has_no_account_at_all_hears_of_both_networks(
    stage: Stage, bot: Bot, locale: str, said: str
) -> None:
    bob = stage.sandbox.people["bob"]["id"]
    for owner in (stage.sandbox.people["alice"]["id"], bob):
        await stage.says("alice", "voice grant", user=owner)
    stage.sandbox.discord.set_locale("bob", locale)
    for command, options in (("draft", {"topic": "tea"}), ("bluesky show", {})):
        told = await stage.says("bob", command, **options)
        assert said in told and "/bluesky " in told and "/mastodon " in told
    await stage.connect_bluesky("bob", "bob.test")
    told = await stage.says("bob", "draft", topic="tea", to="mastodon")
    assert said in told and "/bluesky " not in told


async def test_a_main_password_is_refused_and_not_kept(stage: Stage, bot: Bot) -> None:
    stage.sandbox.app_passwords["you.test"] = "main-password"
    assert "not an app password" in await stage.connect_bluesky("alice", "you.test")
    assert await bot.drafting.store.accounts.owners() == []


async def test_a_draft_for_bluesky_is_posted_there_alone_and_undone(stage: Stage, bot: Bot) -> None:
    await _connected(stage)
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", to="bluesky")
    message = await stage.dm()
    assert "It goes to Bluesky." in message["content"]
    assert "of 300 characters" in message["embeds"][0]["footer"]["text"]
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    posted = await stage.story("✅")
    assert "https://bsky.app/profile/did:plc:" in posted["content"]
    assert await _there(stage) == {"mastodon": [], "bluesky": [texts(message)[0]]}
    await stage.press(posted, "Undo")
    await stage.story("↩️")
    assert (await _there(stage))["bluesky"] == []


async def test_one_approval_posts_to_both_and_each_is_undone_by_itself(
    stage: Stage, bot: Bot
) -> None:
    await _connected(stage, "mastodon bluesky")
    await stage.sandbox.discord.slash("alice", "draft", topic="tea")
    message = await stage.dm()
    assert "It goes to Mastodon and Bluesky." in message["content"]
    await stage.sandbox.discord.react("alice", message, "1️⃣")
    first, twin = await stage.story("✅"), await _twin(stage)
    assert twin["content"].startswith("✅") and "bsky.app" in twin["content"]
    assert "bsky.app" not in first["content"]
    text = texts(message)[0]
    assert await _there(stage) == {"mastodon": [text], "bluesky": [text]}
    await stage.press(twin, "Undo")
    await stage.until(lambda: not stage.sandbox.bluesky.posts("you.test"))
    assert (await _there(stage))["mastodon"] == [text]
    approvals = await bot.drafting.store.decisions.approvals(
        "mara", datetime.min.replace(tzinfo=UTC)
    )
    assert approvals.approved == 1  # one decision, not two


async def test_a_text_too_long_for_one_place_is_a_thread_there_and_shown_as_it_will_stand(
    stage: Stage, bot: Bot
) -> None:
    await _connected(stage, "mastodon bluesky")
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    await stage.fill(await stage.press(await stage.dm(), "Edit"), text=LONG)
    await stage.until(
        lambda: "Part 2 of 2" in texts(stage.sandbox.discord.dm_messages("alice")[0])[0]
    )
    message = await stage.dm()
    (shown,) = texts(message)
    here, _, there = shown.partition("Bluesky")
    assert LONG.strip() in here and "Part 1 of 2" in there
    await stage.press(message, "Post 1")
    await stage.story("✅")
    await _twin(stage)
    posted = await _there(stage)
    assert posted["mastodon"] == [LONG.strip()]
    one, two = posted["bluesky"]
    assert one.endswith("(1/2)") and two.endswith("(2/2)")
    assert one in shown and two in shown
    assert stage.sandbox.bluesky.posts("you.test")[1]["value"]["reply"]


@pytest.mark.parametrize("to", ["bluesky", "mastodon bluesky"])
@pytest.mark.parametrize(
    "asked", [{"visibility": "private"}, {"content_warning": "spiders"}], ids=str
)
async def test_what_bluesky_cannot_do_is_refused_before_anything_is_written(
    stage: Stage, bot: Bot, to: str, asked: dict[str, str]
) -> None:
    await _connected(stage)
    told = await stage.says("alice", "draft", topic="tea", to=to, **asked)
    assert "Mastodon alone" in told
    assert await bot.drafting.store.drafts.of_owner(int(stage.sandbox.people["alice"]["id"])) == []


async def test_of_two_places_one_may_refuse_and_its_owner_hears_which(
    stage: Stage, bot: Bot
) -> None:
    await _connected(stage, "mastodon bluesky")
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    message = await stage.dm()
    stage.proxy.fault("POST", "/api/v1/statuses", 422)
    await stage.press(message, "Post 1")
    twin = await _twin(stage)
    assert twin["content"].startswith("✅")
    open_again = await stage.story("✍️")
    assert "Mastodon refused" in open_again["content"]
    assert await _there(stage) == {"mastodon": [], "bluesky": texts(message)}
    await stage.press(open_again, "Post 1")
    await stage.story("✅")
    assert await _there(stage) == {"mastodon": texts(message), "bluesky": texts(message)}


async def test_for_later_goes_to_both_and_what_is_taken_back_to_neither(
    stage: Stage, bot: Bot
) -> None:
    await _connected(stage, "mastodon bluesky")
    now = datetime.now(UTC)
    for number in (1, 2):
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.dm(number)
        draft = await bot.drafting.get(number)
        text = draft.candidates[0].fingerprint
        due = now + timedelta(hours=number)
        names = await bot.drafting.accounts.names(draft.owner_id, draft.networks)
        await bot.drafting.publishing.post_later(draft, 0, text, due, now, names)
    await bot.drafting.publishing.take_back(await bot.drafting.get(2), now)
    assert len((await bot.drafting.get(1)).accounts) == 2
    await bot.following.sweep(now + timedelta(hours=3))
    await _twin(stage)
    text = (await bot.drafting.get(1)).candidates[0].text
    assert await _there(stage) == {"mastodon": [text], "bluesky": [text]}
    assert (await bot.drafting.get(2)).state is State.PENDING


async def test_a_queued_text_goes_to_both_at_its_slot_once(stage: Stage, bot: Bot) -> None:
    await _connected(stage, "mastodon bluesky")
    await stage.says("alice", "queue slots", at="9:00", timezone="Europe/Berlin")
    await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
    await stage.press(await stage.dm(), "Queue")
    await stage.story("➕")
    draft = await bot.drafting.get(1)
    assert len(draft.accounts) == 2 and draft.slot and draft.post_at == draft.slot
    await asyncio.gather(*(bot.following.sweep(draft.slot) for _ in range(2)))
    await stage.story("✅")
    await _twin(stage)
    text = draft.candidates[0].text
    assert await _there(stage) == {"mastodon": [text], "bluesky": [text]}
    await bot.following.listen(draft.slot + timedelta(days=1, minutes=5))
    rows = await bot.drafting.store.database.rows("SELECT draft_id, state FROM echoes")
    assert sorted(map(tuple, rows)) == [(1, "read"), (2, "read")]


async def test_who_has_the_bot_forget_them_takes_its_app_password_away(
    stage: Stage, bot: Bot
) -> None:
    await _connected(stage)
    there = stage.sandbox.bluesky
    assert list(there.app[there.did("you.test")]) == ["write-my-posts"]
    asked = await stage.answer(await stage.sandbox.discord.slash("alice", "forget-me"))
    clicked = await stage.sandbox.discord.click("alice", asked, "forget-me:yes")
    await stage.until(lambda: "is deleted" in (clicked.original or {"content": ""})["content"])
    assert "did not confirm" not in (clicked.original or {"content": ""})["content"]
    assert there.app[there.did("you.test")] == {}
    assert await bot.drafting.store.accounts.owners() == []


async def test_after_a_crash_the_second_place_is_not_forgotten(stage: Stage) -> None:
    """Killed right after the claim: the next start posts both, each once."""
    async with stage.running() as bot:
        await _connected(stage, "mastodon bluesky")
        await stage.sandbox.discord.slash("alice", "draft", topic="tea", count=1)
        await stage.dm()
        draft = await bot.drafting.get(1)
        accounts = bot.drafting.accounts
        for network in draft.networks:
            await (await accounts.of(draft.owner_id, network)).identify()
        names = await accounts.names(draft.owner_id, draft.networks)
        print_ = draft.candidates[0].fingerprint
        assert await bot.drafting.store.decisions.claim(1, 0, print_, names, datetime.now(UTC))
    async with stage.running():
        await stage.story("✅")
        await _twin(stage)
        text = draft.candidates[0].text
        assert await _there(stage) == {"mastodon": [text], "bluesky": [text]}
