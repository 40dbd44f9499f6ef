"""The sandbox's page in a real browser: all of the bot, as somebody without a Discord tries it."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from bot.chat.client import Bot
from bot.writing.composing import Request
from tests.fakes.llm import TEXTS
from tests.stage import Stage
from tests.test_results import post_many

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: `make chromium`")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = Path("build/screenshots")  # to look at afterwards
WIDTHS = pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
STICKS_OUT = """() => [...document.querySelectorAll('.panel, dialog')].flatMap((box) =>
  [...box.querySelectorAll('*')]
    .filter((e) => e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1)
    .map((e) => e.outerHTML.slice(0, 100)))"""
LONG = " ".join(f"This is sentence {n} of the harbour's long report." for n in range(1, 25))

pytestmark = needs_chromium
expect.set_options(timeout=15_000)


@dataclass
class Visitor:
    """Somebody at the page."""

    page: Page
    width: int

    async def look_at(self, panel: str) -> None:
        """On a phone one panel shows at a time; the tabs change it."""
        tab = self.page.locator(f'.tabs button[data-panel="{panel}"]')
        if await tab.is_visible():
            await tab.click()

    async def become(self, name: str) -> None:
        await self.page.click(f'[data-person="{name}"]')

    async def send(self, command: str, **options: str) -> None:
        """Send a slash command, or a message (""); optional options are folded away at first."""
        await self.look_at("channel")
        if await self.page.input_value("#command") != command:
            await self.page.select_option("#command", command)
        for name, value in options.items():
            field = self.page.locator(f'#options [name="{name}"]')
            if not await field.is_visible():
                await self.page.click("#options summary")
            if await field.evaluate("f => f.tagName") == "SELECT":
                await field.select_option(value)
            else:
                await field.fill(value)
        await self.page.click("#send")

    @property
    def told(self) -> Locator:
        """The last answer in #general."""
        return self.page.locator(".channel .message").last

    async def dm(self, number: int) -> Locator:
        """A direct message, once the bot has put all reactions below it."""
        await self.look_at("dm")
        message = self.page.locator(".dm .message:not(.ephemeral)").nth(number - 1)
        await expect(message.locator('.reaction[data-emoji="❌"]')).to_be_visible()
        return message

    async def fill(self, **fields: str) -> None:
        """Fill in the form that is open, and send it."""
        form = self.page.locator("#modal")
        for name, text in fields.items():
            await form.locator(f'[data-custom-id="{name}"]').fill(text)
        await form.locator('[type="submit"]').click()
        await expect(form).to_be_hidden()

    async def press(self, within: Locator, label: str) -> None:
        await within.get_by_role("button", name=label).click()

    async def statuses(self, count: int) -> Locator:
        await self.look_at("timeline")
        found = self.page.locator(".timeline .status")
        await expect(found).to_have_count(count)
        return found

    async def shoot(self, name: str) -> None:
        """Keep a picture; nothing is wider than the place it has."""
        assert await self.page.evaluate(STICKS_OUT) == []
        await self.page.screenshot(path=SHOTS / f"{self.width}-{name}.png")


@pytest.fixture
async def visitor(stage: Stage, bot: Bot, width: int) -> AsyncIterator[Visitor]:
    """A visitor of a sandbox with a bot; the page must not have complained in the end."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = await browser.new_page(
                viewport={"width": width, "height": 800},
                timezone_id="Europe/Berlin",
                reduced_motion="reduce",
            )
            problems: list[str] = []
            page.on("pageerror", lambda e: problems.append(str(e)))
            page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
            await page.goto(stage.sandbox.url)
            yield Visitor(page, width)
            assert problems == []
        finally:
            await browser.close()


@WIDTHS
async def test_the_example_is_sent_and_the_form_asks_for_more(
    visitor: Visitor, stage: Stage, bot: Bot
) -> None:
    page, form = visitor.page, visitor.page.locator("#modal")
    stage.llm.texts = iter(
        [
            "45 minutes late again. Captain Okafor apologised by megaphone. 12 on board,"
            " nobody minded.",
            "Ferry late. Captain Okafor apologised by megaphone to all of Port Almond.",
            "The ferry has opinions about punctuality, and a megaphone. 12 of us minded nothing.",
            "Fed the goose at 7:40. It says thanks, in its way.",
        ]
        * 6
    )
    await visitor.shoot("start")
    await page.click("#example")
    await expect(page.locator("#topic")).to_have_value("ferry")
    await visitor.shoot("example")
    await page.click("#send")
    draft = await visitor.dm(1)
    await expect(draft).to_contain_text("about ferry")
    await expect(draft).to_contain_text("Your notes: 45 minutes late again")
    await expect(draft.locator(".embed-footer").first).to_contain_text("3 of 3 facts")
    await expect(draft).to_contain_text("missing: ")
    await expect(draft).to_contain_text("⚠️ added: Port Almond")
    await draft.scroll_into_view_if_needed()
    await visitor.shoot("facts")

    await visitor.send("draft")
    await expect(form).to_be_visible()
    await expect(form.locator("label")).to_contain_text(["Topic", "What is it to say?"])
    await form.locator("textarea").fill("fed the goose at 7:40")
    await visitor.shoot("form")
    await form.locator('[type="submit"]').click()
    await expect(form).to_be_hidden()
    await expect(await visitor.dm(2)).to_contain_text("from your notes")
    assert (await bot.drafting.get(2)).notes == "fed the goose at 7:40"


@WIDTHS
async def test_alice_edits_posts_and_takes_back(visitor: Visitor, stage: Stage) -> None:
    page = visitor.page
    await page.locator("#topic").press_sequentially("ket")
    await page.locator("#suggestions li", has_text="kettle").click()
    await visitor.send("draft", count="2", content_warning="tea")
    first = await visitor.dm(1)
    await expect(first).to_contain_text("about kettle")
    await expect(first.locator(".embed")).to_have_count(2)
    await visitor.shoot("draft")

    await visitor.press(first, "Edit")
    await visitor.press(page.locator(".dm .ephemeral"), "Edit 1")
    await expect(page.locator("#modal textarea")).to_have_value(TEXTS[0])
    await visitor.shoot("edit")
    await visitor.fill(text="The kettle is mine.")
    await expect(first).to_contain_text("edited by you")
    await visitor.press(first, "Post 1")
    await expect(first).to_contain_text("is posted")
    statuses = await visitor.statuses(1)
    await statuses.locator("summary", has_text="tea").click()
    await expect(statuses).to_contain_text("The kettle is mine.")
    await visitor.send("undo")
    await expect(visitor.told).to_contain_text("deleted again")
    await visitor.statuses(0)

    await visitor.send("draft", topic="fog", count="1")
    second = await visitor.dm(2)
    await visitor.press(second, "Post later")
    await visitor.shoot("later")
    await visitor.fill(when="tomorrow 9:00", timezone="Europe/Berlin")
    await expect(second).to_contain_text("will be posted")
    await expect(second.locator("time.moment")).to_contain_text(["9:00", "in "])
    await visitor.press(second, "Take it back")
    await visitor.press(second, "Edit")
    await visitor.fill(text=LONG)
    await expect(second).to_contain_text("a thread of 3")
    await second.locator('.reaction[data-emoji="1️⃣"]').click()
    await expect(second).to_contain_text("posted as a thread")
    parts = await visitor.statuses(3)
    await expect(parts.first).to_contain_text("sentence 1 of")
    await expect(page.locator(".status.part")).to_have_count(2)
    await visitor.shoot("thread")
    await visitor.look_at("dm")
    await second.locator(".palette summary").click()
    await second.get_by_role("button", name="React with ↩️").click()
    await expect(second).to_contain_text("is deleted again")
    await visitor.statuses(0)
    assert await stage.posted() == []


@WIDTHS
async def test_a_queue_is_filled_and_looked_through(visitor: Visitor, bot: Bot) -> None:
    page = visitor.page
    await visitor.send("queue slots", timezone="Europe/Berlin")
    await expect(visitor.told).to_contain_text("So I propose what many do: Mon–Fri 09:00")
    await visitor.shoot("slots")
    await visitor.press(visitor.told, "Use these")
    await expect(visitor.told).to_contain_text("Your slots: Mon–Fri 09:00 (Europe/Berlin)")
    for number, topic in ((1, "tea"), (2, "fog")):
        await visitor.send("draft", topic=topic, count="1")
        draft = await visitor.dm(number)
        await visitor.press(draft, "Queue")
        await expect(draft).to_contain_text("is in your queue: it will be posted")
    await visitor.shoot("queued")
    await visitor.send("queue show")
    await expect(visitor.told).to_contain_text("2 texts are in your queue")
    await visitor.shoot("queue")
    await visitor.told.locator("select").select_option("2")
    await expect(visitor.told).to_contain_text("Text 2 of 2")
    await visitor.shoot("queue-text")
    await visitor.press(visitor.told, "Earlier")
    await expect(visitor.told).to_contain_text("Text 1 of 2")
    await visitor.press(visitor.told, "Post now")
    await expect(visitor.told).to_contain_text("1 text is in your queue")
    await visitor.statuses(1)
    await visitor.look_at("dm")
    draft = page.locator(".dm .message:not(.ephemeral)").nth(0)
    await draft.get_by_role("button", name="Take it back").click()
    await draft.get_by_role("button", name="Reject").click()
    await draft.get_by_role("button", name="dull").click()
    await expect(draft).to_contain_text("is rejected: dull")
    await visitor.shoot("reasons")
    assert (await bot.drafting.get(1)).reason == "dull"


@WIDTHS
async def test_a_draft_goes_to_both_networks_and_results_tell_what_came_of_posts(
    visitor: Visitor, stage: Stage, bot: Bot
) -> None:
    page = visitor.page
    await visitor.send("bluesky connect")
    await expect(page.locator("#modal")).to_be_visible()
    await visitor.shoot("connect")
    await visitor.fill(handle="you.test", password=stage.sandbox.app_passwords["you.test"])
    await expect(visitor.told).to_contain_text("Connected: @you.test on Bluesky")
    await visitor.send("account use", to="both")
    await visitor.send("draft", topic="tea", count="1")
    draft = await visitor.dm(1)
    await visitor.press(draft, "Edit")
    await visitor.fill(text=LONG[:450])
    await expect(draft).to_contain_text("of 300 characters · a thread of 2")
    await visitor.shoot("both")
    await visitor.press(draft, "Post 1")
    await expect(page.locator(".dm")).to_contain_text("The same as draft 1, for Bluesky.")
    statuses = await visitor.statuses(3)
    await expect(statuses.filter(has_text="🦋 Bluesky")).to_have_count(2)
    await visitor.shoot("both-posted")

    await post_many(stage, bot.drafting.store, datetime.now(UTC) - timedelta(days=2))
    await visitor.send("results", timezone="Europe/Berlin")
    await expect(visitor.told).to_contain_text("One topic to go on with: tea.")
    await visitor.shoot("results")
    at = page.locator('#options [name="timezone"]')
    await at.focus()
    about = page.locator("#command-description")
    await expect(about).to_have_text("timezone: Whose hours count, such as Europe/Berlin")
    await at.blur()
    await expect(about).to_contain_text("What came of your posts")


@WIDTHS
async def test_bob_needs_a_grant_and_an_account_of_his_own(visitor: Visitor, stage: Stage) -> None:
    page = visitor.page
    await visitor.become("bob")
    await visitor.send("draft", topic="tea")
    await expect(visitor.told).to_contain_text("nobody drafts in another person's voice")
    await visitor.send("mastodon connect")
    async with page.context.expect_page() as opened:
        await visitor.told.get_by_role("link", name="Open").click()
    server = await opened.value
    await server.get_by_role("button", name="@bob").click()
    code = (await server.locator("p").inner_text()).partition("code: ")[2]
    await server.close()
    await visitor.press(visitor.told, "Enter the code")
    await visitor.fill(code=code)
    await expect(visitor.told).to_contain_text("@bob")
    used = page.locator(".channel .used", has_text="/mastodon connect")
    await expect(used).to_be_visible()
    await visitor.shoot("connected")

    await visitor.become("alice")
    await visitor.send("voice grant", user="Bob", voice="mara")
    await expect(visitor.told).to_contain_text("is @Bob's now")
    await visitor.send("", text="The pier is closed.")

    await visitor.become("bob")
    said = page.locator(".channel .message", has_text="The pier is closed.")
    await said.locator(".apps summary").click()
    await visitor.shoot("apps")
    await visitor.press(said, "Draft about this")
    draft = await visitor.dm(1)
    await expect(draft).to_contain_text("about The pier is closed.")
    await draft.locator('.reaction[data-emoji="2️⃣"]').click()
    await expect(draft).to_contain_text("is posted")
    await expect(await visitor.statuses(1)).to_contain_text(["@bob"])
    await page.click('[data-account="you"]')
    await visitor.statuses(0)
    await page.click('[data-account="bob"]')
    await visitor.statuses(1)
    (status,) = await stage.posted()
    assert status["account"]["username"] == "bob"


@pytest.mark.parametrize("width", [1280])
async def test_the_bot_speaks_german_and_hands_over_what_it_knows(
    visitor: Visitor, stage: Stage, bot: Bot
) -> None:
    page, alice = visitor.page, int(stage.sandbox.people["alice"]["id"])
    for number in range(7):
        await bot.drafting.write_draft(alice, Request(f"topic {number}", 1), datetime.now(UTC))
    await page.select_option("#locale", "de")
    await expect(page.locator('#command option[value="draft"]')).to_have_text("/entwurf")
    await visitor.send("drafts")
    await expect(visitor.told).to_contain_text("7 Entwürfe")
    await expect(visitor.told).to_contain_text("topic 6")
    await expect(visitor.told.locator("time.moment").first).to_contain_text("vor")
    await visitor.press(visitor.told, "▶")
    await expect(visitor.told).to_contain_text("topic 1")
    await visitor.shoot("german")
    await page.select_option("#where", "dm")
    await visitor.send("export-me")
    async with page.expect_download() as downloading:
        await page.locator(".dm").get_by_role("link", name="write-my-posts.json").click()
    saved = await (await downloading.value).path()
    assert len(json.loads(saved.read_text("utf-8"))["drafts"]) == 7
