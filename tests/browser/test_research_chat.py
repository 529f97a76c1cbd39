"""The main job in a real browser: the page shows what the database kept, whatever dies."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from browser.chat_page import ChatPage
from browser.ledger import Ledger, read_ledger
from browser.site import Site, kill

QUESTION = "How does the with statement work, and what do context managers do on exceptions?"


async def settled_ledger(site: Site, run_id: str) -> Ledger:
    """The run's ledger once its log is folded into the message."""
    async with asyncio.timeout(30):
        while True:
            ledger = await read_ledger(site.stack, run_id)
            if ledger.message_status not in (None, "streaming"):
                return ledger
            await asyncio.sleep(0.1)


async def assert_the_page_is_exact(chat: ChatPage, site: Site) -> Ledger:
    """Text on the page = text in the log = the run's output = the folded message."""
    shown = await chat.finished()
    ledger = await settled_ledger(site, await chat.run_id())
    ledger.assert_exact()
    assert ledger.status == "completed"
    assert ledger.message_status == "complete"
    assert shown
    assert shown == ledger.log_text
    assert shown == ledger.output["text"]
    assert shown == ledger.message_text
    return ledger


def sentences(text: str) -> list[str]:
    """Sentences long enough that saying one twice cannot be chance."""
    found = [sentence.strip() for sentence in re.split(r"(?<=[.!?])\s+", text)]
    return [sentence for sentence in found if len(sentence) > 40]


async def test_a_question_shows_four_steps_and_a_streamed_answer_that_is_equal_everywhere(
    chat: ChatPage, site: Site
) -> None:
    async with site.worker(linger_ms=0):  # every delta of the model is a chunk of its own
        await chat.ask(QUESTION)
        early = await chat.grown_beyond(20)
        ledger = await assert_the_page_is_exact(chat, site)
        steps = await chat.steps()

    assert ledger.log_text.startswith(early)
    assert len(early) < len(ledger.log_text) / 2
    assert ledger.deltas >= 200
    assert [(step.slug, step.status) for step in steps] == [
        ("search", "completed"),
        ("rerank", "completed"),
        ("extract", "completed"),
        ("generate", "completed"),
    ]
    assert await chat.source_count() > 0


async def test_a_second_question_in_the_thread_is_answered_with_the_first_in_mind(
    chat: ChatPage, site: Site
) -> None:
    async with site.worker():
        await chat.ask("What is a generator expression?")
        first = await chat.finished()
        await chat.ask("And how is it evaluated?")
        second = (await assert_the_page_is_exact(chat, site)).log_text
        await chat.page.reload()
        await chat.finished()
        shown = await chat.page.get_by_test_id("answer").all_text_contents()

    assert "generator" in second.lower()
    assert shown == [first, second]


@pytest.mark.parametrize("model", ["plain", "repeating"])
async def test_a_killed_worker_is_taken_over_and_no_sentence_stands_twice(
    model: str, chat: ChatPage, site: Site
) -> None:
    async with site.worker(model=model) as first:
        await chat.ask(QUESTION)
        await chat.grown_beyond(200)
        async with site.worker(model=model):
            before = len(await chat.answer_text())
            kill(first)
            killed_at = time.monotonic()
            await chat.grown_beyond(before + 100)
            taken_over_after = time.monotonic() - killed_at
            ledger = await assert_the_page_is_exact(chat, site)

    assert ledger.attempts["generate"] == 2
    assert taken_over_after < 20
    said = sentences(ledger.log_text)
    assert len(said) == len(set(said))


async def test_reloading_twice_in_mid_answer_loses_and_repeats_nothing(
    chat: ChatPage, site: Site
) -> None:
    async with site.worker():
        await chat.ask(QUESTION)
        for _ in range(2):
            before = await chat.grown_beyond(len(await chat.answer_text()) + 150)
            await chat.page.reload()
            # What had been read is there again, at once and unchanged.
            assert (await chat.grown_beyond(len(before) - 1)).startswith(before)
        ledger = await assert_the_page_is_exact(chat, site)
    assert ledger.attempts["generate"] == 1


async def test_an_answer_goes_on_while_realtime_is_down_for_20_seconds(
    chat: ChatPage, site: Site
) -> None:
    embedded = site.stack.embedded
    if embedded is None:
        pytest.skip("stopping Realtime needs the embedded stack")
    async with site.worker():
        await chat.ask(QUESTION)
        before = await chat.grown_beyond(150)
        await embedded.stop("realtime")
        try:
            # The table alone carries the answer on.
            await chat.grown_beyond(len(before) + 100)
            await asyncio.sleep(20)
        finally:
            await embedded.start("realtime")
        await assert_the_page_is_exact(chat, site)


async def test_stopping_keeps_what_was_said_and_says_that_it_was_stopped(
    chat: ChatPage, site: Site
) -> None:
    async with site.worker():
        await chat.ask(QUESTION)
        await chat.grown_beyond(100)
        await chat.page.get_by_role("button", name="Stop").click()
        ledger = await settled_ledger(site, await chat.run_id())

    ledger.assert_exact()
    assert ledger.status == "cancelled"
    assert ledger.chunks[-1] == {"type": "abort", "reason": "cancelled"}
    assert await chat.answer_text() == ledger.log_text == ledger.message_text
