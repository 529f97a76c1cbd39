"""The demo's flow: search, rerank and extract from the knowledge base, then generate an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from flows.evidence import Answer, Extract, Hit, RankedPassage, Source
from flows.extracts import extract_sentences
from flows.follow_up import earlier_context, subject
from flows.prompt import message_text, prompt
from flows.rank import question_weights, rank
from tidewire.flow import ChatInput, Context, Flow
from tidewire.model.sentences import keywords

_CANDIDATES: Final = 40
_PASSAGES: Final = 8
_SENTENCES_A_PASSAGE: Final = 8
_EARLIER_TOKENS: Final = 2000

research_chat = Flow("research_chat", input=ChatInput, access="authenticated", label="1")


@research_chat.step(timeout=timedelta(seconds=30))
async def search(ctx: Context, input: ChatInput) -> list[Hit]:
    """Find passages that hold any word of the question, or of those that it goes on from.

    A question whose own words are nowhere has no answer, whatever was asked before.
    """
    question = input.message.text
    earlier = await _earlier_context(ctx, input)
    own = subject(question)
    if earlier is None:
        hits = await _passages(ctx, own or keywords(question))
    else:
        hits = await _passages(ctx, own) if own else []
        if hits or not own:
            # Asked for alone too: among many words, the new one might be crowded out.
            hits += await _passages(ctx, [*own, *subject(earlier)])
    hits = list({hit.passage_id: hit for hit in hits}.values())
    await ctx.progress(f"{len(hits)} passages found", {"passages": len(hits)})
    return hits


@research_chat.step(publish=True, timeout=timedelta(seconds=30))
async def rerank(ctx: Context, input: ChatInput, search: list[Hit]) -> list[RankedPassage]:
    """Keep the passages that fit the question best."""
    wanted = question_weights(input.message.text, await _earlier_context(ctx, input))
    return rank(search, wanted, _PASSAGES)


@research_chat.step(publish=True, timeout=timedelta(seconds=30))
async def extract(ctx: Context, input: ChatInput, rerank: list[RankedPassage]) -> list[Extract]:
    """Keep the sentences that bear on the question, and say where they come from."""
    wanted = question_weights(input.message.text, await _earlier_context(ctx, input))
    extracts = extract_sentences(rerank, wanted, most=_SENTENCES_A_PASSAGE)
    if extracts:
        await ctx.stream.sources([_source_entry(e) for e in extracts])
    return extracts


@research_chat.step(stream=True, max_attempts=5)
async def generate(ctx: Context, input: ChatInput, extract: list[Extract]) -> Answer:
    """Stream the model's answer. A later attempt continues where the log ends."""
    thread = await ctx.thread.messages(max_tokens=_EARLIER_TOKENS)
    earlier = [message for message in thread if message["id"] != input.message.id]
    answer = await ctx.model.stream_text(prompt(input.message.text, extract, earlier))
    sources = [Source(**e.model_dump(exclude={"sentences"})) for e in extract]
    return Answer(text=answer.text, sources=sources)


async def _passages(ctx: Context, words: Sequence[str]) -> list[Hit]:
    # As alternatives: a question in plain words seldom has all of them in one passage.
    query = " or ".join(dict.fromkeys(words))
    found = await ctx.supabase.rpc(
        "search_passages", {"query": query, "quantity": _CANDIDATES}
    ).execute()
    return [Hit.model_validate(row) for row in found.data]


async def _earlier_context(ctx: Context, input: ChatInput) -> str | None:
    """Return what "and what about…" goes on from; None for a question that stands alone."""
    thread = await ctx.thread.messages(max_tokens=_EARLIER_TOKENS)
    asked = [m for m in thread if m["role"] == "user" and m["id"] != input.message.id]
    return earlier_context(input.message.text, [message_text(m) for m in asked])


def _source_entry(extract: Extract) -> dict[str, Any]:
    entry = {"sourceId": extract.source_id, "title": extract.title}
    return entry if extract.url is None else {**entry, "url": extract.url}
