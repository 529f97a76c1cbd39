"""Which questions go on from the one before."""

from __future__ import annotations

import pytest

from flows.follow_up import earlier_context, leans_on_earlier, subject
from flows.rank import question_weights
from tidewire.model.sentences import stem


@pytest.mark.parametrize(
    "question",
    [
        "And how is it evaluated?",
        "What about async?",
        "How about lambdas",
        "Why?",
        "Can you explain more?",
        "Can you give an example, please?",
        "Which exceptions do they raise?",
        "Does that work with classes?",
        "What is the return value of this?",
        "When should I use the other one?",
    ],
)
def test_question_that_points_back_leans_on_the_one_before(question: str) -> None:
    assert leans_on_earlier(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do decorators work?",
        "decorators?",
        "How do I bake bread?",
        "How does try finally work?",
        "How do I write a class that raises exceptions?",
        "How does one define a function?",
        "Is it possible to inherit from two classes?",
        "How does else work?",
        "What does android have to do with iterators?",
    ],
)
def test_question_that_names_its_subject_stands_alone(question: str) -> None:
    assert not leans_on_earlier(question)


def test_context_reaches_back_to_the_question_that_stands_alone() -> None:
    asked = ["How do decorators work?", "What is a generator?", "And how is it evaluated?"]
    assert earlier_context("Why?", asked) == "And how is it evaluated?\nWhat is a generator?"
    assert earlier_context("What is a lambda?", asked) is None
    assert earlier_context("Why?", []) is None


def test_asking_for_more_has_no_subject_of_its_own() -> None:
    assert subject("Can you give more examples?") == []
    assert subject("Can you explain lambda?") == ["explain", "lambda"]


def test_words_said_before_count_in_full_when_the_question_has_none() -> None:
    assert question_weights("Can you say more?", earlier="async generators") == {
        stem("async"): 1.0,
        stem("generators"): 1.0,
    }
