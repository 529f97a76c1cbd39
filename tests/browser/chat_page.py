"""The demo page as a person uses it, in a real Chromium."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from playwright.async_api import Locator, Page, expect

ANSWER_LIMIT_MS = 90_000


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One line of progress: `status` is the page's word for where the step is."""

    slug: str
    status: str


class ChatPage:
    """The page's controls by what they do."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def sign_up(self) -> None:
        """Make a new user and wait for the empty conversation."""
        await self.page.get_by_test_id("email").fill(f"reader-{uuid4().hex[:10]}@example.com")
        await self.page.get_by_test_id("password").fill("correct horse battery staple")
        await self.page.get_by_test_id("sign-up").click()
        await expect(self.page.get_by_test_id("question")).to_be_visible()

    async def ask(self, question: str) -> None:
        """Send a question and wait for its answer to be announced."""
        answers = self.page.get_by_test_id("answer")
        before = await answers.count()
        await self.page.get_by_test_id("question").fill(question)
        await self.page.get_by_test_id("ask").click()
        await expect(answers).to_have_count(before + 1)

    @property
    def answer(self) -> Locator:
        """The newest answer."""
        return self.page.get_by_test_id("answer").last

    async def run_id(self) -> str:
        run_id = await self.answer.get_attribute("data-run-id")
        assert run_id is not None
        return run_id

    async def answer_text(self) -> str:
        """The answer's characters as they stand in the document."""
        return await self.answer.evaluate("element => element.textContent") or ""

    async def grown_beyond(self, characters: int) -> str:
        """Wait until the answer is longer than that; return it."""
        handle = await self.page.wait_for_function(
            """length => {
              const answers = document.querySelectorAll('[data-testid="answer"]');
              const text = answers.length ? answers[answers.length - 1].textContent : '';
              return text.length > length ? text : false;
            }""",
            arg=characters,
            timeout=ANSWER_LIMIT_MS,
        )
        return str(await handle.json_value())

    async def finished(self) -> str:
        """Wait until the newest answer is complete; return its text."""
        await expect(self.answer).to_have_attribute(
            "data-status", "complete", timeout=ANSWER_LIMIT_MS
        )
        return await self.answer_text()

    async def steps(self) -> list[ShownStep]:
        """The progress of the newest answer, in the order shown."""
        found = await self.page.locator("article.answer").last.get_by_test_id("step").all()
        return [
            ShownStep(
                await step.get_attribute("data-step") or "",
                await step.get_attribute("data-status") or "",
            )
            for step in found
        ]

    async def source_count(self) -> int:
        return await self.page.locator("article.answer").last.get_by_test_id("source").count()
