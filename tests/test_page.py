"""The sandbox's page in a real browser: draft, react, timeline."""

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.client import Bot
from tests.fakes.llm import TEXTS
from tests.stage import Stage

CHROMIUM = shutil.which("chromium")
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

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
    pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"]),
]


async def _look_at(page: Page, panel: str) -> None:
    """On a phone one panel shows at a time; the tabs change it."""
    tab = page.locator(f'.tabs button[data-panel="{panel}"]')
    if await tab.is_visible():
        await tab.click()


async def _draft_react_timeline(page: Page, stage: Stage, shot: str) -> None:
    await page.goto(stage.sandbox.url)
    await page.fill("#topic", "tea")
    await page.click("#send")
    await _look_at(page, "dm")
    message = page.locator(".dm .message[data-id]").first
    await expect(message).to_contain_text(TEXTS[1], timeout=10_000)
    await expect(message.locator('.reaction[data-emoji="❌"]')).to_be_visible(timeout=10_000)
    await page.screenshot(path=SHOTS / f"{shot}-draft.png")
    await message.locator('.reaction[data-emoji="2️⃣"]').click()
    await expect(message).to_contain_text("is posted", timeout=10_000)
    await _look_at(page, "timeline")
    status = page.locator(".timeline .status[data-id]")
    await expect(status).to_have_count(1, timeout=10_000)
    await expect(status).to_contain_text(TEXTS[1])
    await page.screenshot(path=SHOTS / f"{shot}-posted.png")


async def test_a_person_drafts_reacts_and_sees_the_status(
    stage: Stage, bot: Bot, width: int
) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = await browser.new_page(viewport={"width": width, "height": 800})
            problems: list[str] = []
            page.on("pageerror", lambda e: problems.append(str(e)))
            page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
            await _draft_react_timeline(page, stage, str(width))
            assert problems == []
        finally:
            await browser.close()
    (status,) = await stage.posted()
    assert TEXTS[1] in status["content"]
