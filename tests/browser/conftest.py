"""Fixtures: the running product, and a page of it in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from browser.chat_page import ChatPage
from browser.site import Site, running_site
from stack import StackUnderTest

# Without the flags about the network, Chromium looks up hosts of its own at every start.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def site(
    stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    async with running_site(stack, tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium: the one that CHROMIUM names, else an installed one."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def chat(
    chromium: Browser, site: Site, request: pytest.FixtureRequest
) -> AsyncIterator[ChatPage]:
    """A signed-up user in front of an empty conversation; no error may reach the console."""
    context = await chromium.new_context()
    page: Page = await context.new_page()
    crashes: list[str] = []
    page.on("pageerror", lambda error: crashes.append(str(error)))
    await page.goto(site.page_url)
    chat = ChatPage(page)
    await chat.sign_up()
    yield chat
    if os.environ.get("TIDEWIRE_SCREENSHOTS"):
        folder = Path(os.environ["TIDEWIRE_SCREENSHOTS"])
        await page.screenshot(path=folder / f"{request.node.name}.png", full_page=True)
    await context.close()
    assert crashes == []
