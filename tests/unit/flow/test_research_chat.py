"""The demo's flow, step by step, over passages of the real reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from flows.evidence import Hit, RankedPassage
from flows.extracts import extract_sentences
from flows.passages import split_topics
from flows.prompt import prompt
from flows.rank import question_weights, rank
from flows.reference import load_topics, topic_url
from flows.research_chat import research_chat
from tidewire.model import ChatMessage, read_documents
from tidewire.model.offline.answer import compose
from tidewire.model.offline.conversation import read_conversation
from tidewire.model.sentences import keywords, stem, terms

QUESTION = "How does a context manager handle exceptions raised inside a with statement?"
PASSAGES = split_topics(load_topics())
HITS = [
    Hit(passage_id=number, topic=p.topic, title=p.title, content=p.content, url=topic_url(p.topic))
    for number, p in enumerate(PASSAGES)
]


def search(words: Sequence[str], quantity: int) -> list[Hit]:
    """The passages that hold most of the words."""
    wanted = set(map(stem, words))
    found = [(len(wanted & set(terms(hit.content))), hit) for hit in HITS]
    found.sort(key=lambda pair: -pair[0])
    return [hit for count, hit in found[:quantity] if count]


@dataclass
class ScriptedContext:
    """The context of one run: a thread, a knowledge base and a model that are known."""

    messages: list[dict[str, Any]]
    queries: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    asked: list[ChatMessage] = field(default_factory=list)

    @property
    def thread(self) -> Any:
        return SimpleNamespace(messages=self._messages)

    @property
    def supabase(self) -> Any:
        return SimpleNamespace(rpc=self._rpc)

    @property
    def stream(self) -> Any:
        return SimpleNamespace(sources=self._sources)

    @property
    def model(self) -> Any:
        return SimpleNamespace(stream_text=self._stream_text)

    async def progress(self, message: str, counts: dict[str, int] | None = None) -> None:
        assert message

    async def _messages(self, max_tokens: int | None = None) -> list[dict[str, Any]]:
        return self.messages

    def _rpc(self, name: str, arguments: dict[str, Any]) -> Any:
        assert name == "search_passages"
        self.queries.append(arguments["query"])
        hits = search(arguments["query"].split(" or "), arguments["quantity"])
        rows = [hit.model_dump() | {"rank": 0.5} for hit in hits]

        async def execute() -> Any:
            return SimpleNamespace(data=rows)

        return SimpleNamespace(execute=execute)

    async def _sources(self, entries: list[dict[str, Any]]) -> None:
        self.published += entries

    async def _stream_text(self, messages: Sequence[ChatMessage]) -> Any:
        self.asked = list(messages)
        text = compose(read_conversation(messages))
        return SimpleNamespace(text=text, finish_reason="stop", usage=None)


def message(message_id: str, text: str, role: str = "user") -> dict[str, Any]:
    return {"id": message_id, "role": role, "parts": [{"type": "text", "text": text}]}


async def run(context: ScriptedContext, question: dict[str, Any]) -> dict[str, Any]:
    """Run the flow as a worker does: every value passes between the steps as JSON."""
    outputs: dict[str, Any] = {}
    for slug, step in research_chat.steps.items():
        inputs = {dep: outputs[dep] for dep in step.shape.deps}
        call = step.bind(context, {"message": question}, inputs)
        outputs[slug] = step.encode_output(await call())
    return outputs


async def test_question_is_answered_from_the_passages_with_citations() -> None:
    question = message("m1", QUESTION)
    context = ScriptedContext([question])
    outputs = await run(context, question)
    answer = outputs["generate"]
    assert len(answer["text"].split()) >= 220
    assert "[1]" in answer["text"]
    assert [source["number"] for source in answer["sources"]] == list(
        range(1, len(answer["sources"]) + 1)
    )
    assert [entry["title"] for entry in context.published] == [
        source["title"] for source in answer["sources"]
    ]
    assert "with" in {passage["topic"] for passage in outputs["rerank"]}
    assert context.published[0]["url"].startswith("https://docs.python.org/3")


async def test_follow_up_is_searched_with_the_words_of_the_question_before() -> None:
    thread = [
        message("m1", "How do generators work with yield?"),
        message("a1", "They suspend.", "assistant"),
        message("m2", "And what about async?"),
    ]
    context = ScriptedContext(thread)
    await run(context, thread[-1])
    assert context.queries == ["async", "async or generators or yield"]
    assert [m.role for m in context.asked] == ["system", "user", "assistant", "user"]
    assert context.asked[1].content == "How do generators work with yield?"


async def converse(*questions: str) -> tuple[ScriptedContext, dict[str, Any]]:
    """Ask one after the other in one thread; return the last run."""
    thread: list[dict[str, Any]] = []
    for number, question in enumerate(questions):
        thread.append(message(f"m{number}", question))
        context = ScriptedContext(list(thread))
        outputs = await run(context, thread[-1])
        thread.append(message(f"a{number}", outputs["generate"]["text"], "assistant"))
    return context, outputs


@pytest.mark.parametrize(
    "question", ["How do I bake bread?", "And how do I bake bread?", "How do I bake and eat it?"]
)
async def test_question_that_nothing_answers_gets_no_answer_about_the_one_before(
    question: str,
) -> None:
    context, outputs = await converse("How do decorators work?", question)
    assert outputs["search"] == []
    assert context.published == []
    assert "cannot answer" in outputs["generate"]["text"]


async def test_new_question_is_searched_and_answered_as_in_a_fresh_thread() -> None:
    new = "How does try finally work?"
    context, outputs = await converse("How does the modulo operator work?", new)
    fresh, outputs_when_fresh = await converse(new)
    assert context.queries == fresh.queries == ["try or finally"]
    assert outputs["extract"] == outputs_when_fresh["extract"]
    assert "finally" in outputs["generate"]["text"]


async def test_pronoun_keeps_the_subject_over_several_questions() -> None:
    context, outputs = await converse(
        "What is a generator expression?", "And how is it evaluated?", "Can you give an example?"
    )
    assert context.queries == ["evaluated or generator or expression"]
    assert "generator" in outputs["generate"]["text"].lower()


async def test_no_two_sources_of_an_answer_look_the_same() -> None:
    context, outputs = await converse("How does try finally work?")
    shown = [(source["title"], source["url"]) for source in outputs["generate"]["sources"]]
    assert len(outputs["rerank"]) > len(shown) == len(set(shown))
    assert len(context.published) == len(shown)


async def test_question_that_nothing_answers_is_still_answered_honestly() -> None:
    question = message("m1", "zzyzx quuxly?")
    context = ScriptedContext([question])
    outputs = await run(context, question)
    assert outputs["extract"] == []
    assert context.published == []
    assert "cannot answer" in outputs["generate"]["text"]


def test_flow_is_open_to_users_and_streams_its_last_step() -> None:
    definition = research_chat.shape().definition()
    assert definition["access"] == "authenticated"
    assert [step["slug"] for step in definition["steps"]] == [
        "search",
        "rerank",
        "extract",
        "generate",
    ]
    assert [step["stream"] for step in definition["steps"]] == [False, False, False, True]


@pytest.mark.parametrize("seed", ["1", "2"])
def test_definition_is_the_same_in_every_process(seed: str) -> None:
    program = (
        "import json; from flows.research_chat import research_chat as flow; "
        "print(json.dumps(flow.shape().definition()), end='')"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "worker"}
    printed = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    assert printed == json.dumps(research_chat.shape().definition())


def test_ranking_prefers_words_that_stand_together() -> None:
    filler = "Some other text that says little about anything in particular, at length."
    apart = Hit(passage_id=1, topic="a", title="A", content=f"context {filler} {filler} manager")
    near = Hit(passage_id=2, topic="b", title="B", content=f"{filler} context manager {filler}")
    noise = Hit(passage_id=3, topic="c", title="C", content=filler)
    ranked = rank([apart, near, noise], question_weights("context manager"), 3)
    assert [passage.passage_id for passage in ranked] == [2, 1]


def test_ranking_does_not_let_one_topic_take_all_places() -> None:
    ranked = rank(search(keywords(QUESTION), 40), question_weights(QUESTION), 8)
    assert len(ranked) == 8
    assert len({passage.topic for passage in ranked}) >= 3


def test_ranking_of_nothing_is_nothing() -> None:
    assert rank([], question_weights(QUESTION), 8) == []


def test_earlier_question_counts_less_than_the_present_one() -> None:
    weights = question_weights("and async?", earlier="async generators")
    assert weights[stem("async")] > weights[stem("generators")] > 0


def test_extract_keeps_telling_sentences_and_what_follows_them() -> None:
    [passage] = rank(
        [
            Hit(
                passage_id=7,
                topic="t",
                title="T",
                content="Nothing of note. The lease expires. Then it is taken over. More text.",
            )
        ],
        question_weights("lease"),
        1,
    )
    [extract] = extract_sentences([passage], question_weights("lease"), most=5)
    assert extract.sentences == ["The lease expires.", "Then it is taken over."]
    assert extract.source_id == "passage-7"
    assert extract_sentences([passage], {"absent"}, most=5) == []


def test_extracts_of_one_title_and_address_are_one_source() -> None:
    hits = [
        Hit(passage_id=1, topic="a", title="T", content="The lease expires.", url="u"),
        Hit(passage_id=2, topic="b", title="Other", content="A lease is a right.", url="u"),
        Hit(passage_id=3, topic="a", title="T", content="Each lease ends.", url="u"),
    ]
    passages = [RankedPassage(**hit.model_dump(), score=1) for hit in hits]
    extracts = extract_sentences(passages, {"leas"}, most=5)
    assert [(e.number, e.source_id, e.sentences) for e in extracts] == [
        (1, "passage-1", ["The lease expires.", "Each lease ends."]),
        (2, "passage-2", ["A lease is a right."]),
    ]


def test_prompt_carries_documents_that_can_be_read_back() -> None:
    ranked = rank(search(keywords(QUESTION), 40), question_weights(QUESTION), 8)
    extracts = extract_sentences(ranked, question_weights(QUESTION), most=8)
    messages = prompt(QUESTION, extracts, [])
    documents = read_documents(messages[-1].content)
    assert [document.number for document in documents] == [e.number for e in extracts]
    assert "`with`" in messages[-1].content
    assert [document.text for document in documents] == [" ".join(e.sentences) for e in extracts]
    assert messages[-1].content.endswith(QUESTION)


@pytest.mark.parametrize("topic", sorted(load_topics()))
def test_address_of_a_topic_is_a_page_of_the_documentation_or_none(topic: str) -> None:
    url = topic_url(topic)
    assert url is None or url.startswith("https://docs.python.org/3.")


def test_address_of_an_unknown_topic_is_none() -> None:
    assert topic_url("gardening") is None
