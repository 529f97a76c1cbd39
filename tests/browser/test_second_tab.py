"""Two tabs on one thread: what is asked in either is there in both, without a reload."""

from __future__ import annotations

from playwright.async_api import expect

from browser.chat_page import ChatPage
from browser.ledger import read_ledger
from browser.site import Site


async def turns(chat: ChatPage) -> list[str]:
    """Every question and answer of the thread, in the order shown."""
    return await chat.page.locator(
        '[data-testid="asked"], [data-testid="answer"]'
    ).all_text_contents()


async def test_a_question_asked_in_one_tab_streams_in_the_other_and_both_end_equal(
    chat: ChatPage, site: Site
) -> None:
    first = chat
    second = ChatPage(await first.page.context.new_page())
    await second.page.goto(first.page.url)
    await expect(second.page.get_by_test_id("question")).to_be_visible()

    async with site.worker():
        await first.ask("How does the with statement work?")
        await second.page.get_by_test_id("question").fill("a draft of the second tab")
        early = await second.grown_beyond(20)
        assert await second.answer.get_attribute("data-status") == "streaming"
        text = await first.finished()
        assert await second.finished() == text
        assert text.startswith(early)
        assert await second.page.get_by_test_id("question").input_value() == (
            "a draft of the second tab"
        )

        await second.ask("What is a generator expression?")
        await expect(first.page.get_by_test_id("answer")).to_have_count(2)
        await first.finished()
        await second.finished()

    assert await turns(first) == await turns(second)
    ledger = await read_ledger(site.stack, await first.run_id())
    assert await first.answer_text() == ledger.log_text
