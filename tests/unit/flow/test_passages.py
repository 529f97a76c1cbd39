"""How the reference is cut into passages."""

from __future__ import annotations

import re

import pytest

from flows.passages import split_topics
from flows.reference import load_topics
from tidewire.model.sentences import split_sentences

PASSAGES = split_topics(load_topics())


def test_passages_are_short_enough_to_quote_and_long_enough_to_understand() -> None:
    lengths = sorted(len(passage.content.split()) for passage in PASSAGES)
    assert 100 <= lengths[len(lengths) // 2] <= 200
    assert lengths[int(len(lengths) * 0.98)] <= 240
    assert all(passage.title and passage.content.strip() for passage in PASSAGES)


def test_no_long_paragraph_is_in_two_passages() -> None:
    paragraphs = [
        " ".join(paragraph.split())
        for passage in PASSAGES
        for paragraph in passage.content.split("\n\n")
    ]
    long = [paragraph for paragraph in paragraphs if len(paragraph) >= 60]
    assert len(long) == len(set(long))


def test_splitting_is_the_same_every_time() -> None:
    topics = load_topics()
    assert split_topics(topics) == split_topics(dict(reversed(topics.items())))


def content(paragraph: str) -> str:
    """What becomes of a topic that is one paragraph."""
    [passage] = split_topics({"t": f"Heading\n*******\n\n{paragraph}\n"})
    return passage.content


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (
            "The namespace is saved whenever the body has been executed. [5] A\nclass is created.",
            "The namespace is saved whenever the body has been executed. A\nclass is created.",
        ),
        (
            "If the subject of the match is not a sequence [2], then the pattern fails at once.",
            "If the subject of the match is not a sequence, then the pattern fails at once.",
        ),
        (
            'They are connected by the identity "divmod(x, y) == (x//y, x%y)". [2].',
            'They are connected by the identity "divmod(x, y) == (x//y, x%y)".',
        ),
        (
            "The absolute value is smaller than that of the second operand [1].",
            "The absolute value is smaller than that of the second operand.",
        ),
        (
            "[12] The exception is propagated to the invocation stack unless\n    it is caught.",
            "The exception is propagated to the invocation stack unless\n    it is caught.",
        ),
    ],
)
def test_footnote_marks_are_not_part_of_a_passage(written: str, kept: str) -> None:
    assert content(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        'The first item "a[1]" and the list "x in [1], y" are code, which stays as it was written.',
        "A subscript such as a[1] or f(x)[2] that stands in the text without quotes is kept too.",
        ">>> lists = [[] for i in range(3)]\n>>> lists[0].append(3)\n>>> lists\n[[3], [3], [3]]",
        "   def first(items):\n       return [1] + items[0:1] + [2], {items[0]: [3]}, (items, [4])",
    ],
)
def test_subscripts_and_lists_in_code_are_kept(written: str) -> None:
    assert content(written) == written.strip("\n")


def test_no_sentence_of_the_reference_can_be_taken_for_a_citation() -> None:
    quotable = [s for passage in PASSAGES for s in split_sentences(passage.content)]
    prose = [re.sub(r'"[^"]*"', "", sentence) for sentence in quotable]
    assert [sentence for sentence in prose if re.search(r"\[\d+\]", sentence)] == []


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("*__class_getitem__* versus *__getitem__*", "__class_getitem__ versus __getitem__"),
        ("The purpose of *object.name*", "The purpose of object.name"),
        ('"except*" clause', "except* clause"),
        ("a * b * c", "a * b * c"),
    ],
)
def test_names_in_titles_are_not_marked_as_emphasized(heading: str, title: str) -> None:
    said = "What is said here is long enough to be kept as a passage of its own."
    [passage] = split_topics({"t": f"{heading}\n{'=' * len(heading)}\n\n{said}\n"})
    assert passage.title == title
