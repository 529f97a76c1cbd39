"""Conditions are jsonpaths over the run's input and the outputs of dependencies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tidewire.errors import FlowDefinitionError
from tidewire.flow import Cache, Flow
from tidewire.flow.jsonpath import top_level_names


def conditional(**options: Any) -> dict[str, Any]:
    """The definition of a step that depends on two others and has `options`."""
    flow = Flow("conditional")

    @flow.step()
    def score() -> int:
        return 1

    @flow.step()
    def words() -> list[str]:
        return []

    @flow.step(after=("words",), **options)
    def answer(score: int) -> None: ...

    definition: dict[str, Any] = flow.shape().definition()["steps"][-1]
    return definition


def test_condition_may_refer_to_the_input_and_to_any_dependency() -> None:
    when = '$.score > 3 && $.input.wide == true && $."words".size() > 0'
    definition = conditional(when=when, otherwise="fail", on_exhausted="skip_dependents")
    assert definition["when"] == when
    assert (definition["otherwise"], definition["on_exhausted"]) == ("fail", "skip_dependents")


@pytest.mark.parametrize("when", ["", "  ", 5, True, lambda: True])
def test_condition_that_is_no_text_is_refused(when: Any) -> None:
    with pytest.raises(
        FlowDefinitionError,
        match=r"flow conditional, step answer: when must be a jsonpath such as .*, got",
    ):
        conditional(when=when)


@pytest.mark.parametrize("when", ["$.answer", '$."answer" == 1', "$.input ? (@.x > $ . answer)"])
def test_condition_on_what_is_no_dependency_is_refused(when: str) -> None:
    with pytest.raises(
        FlowDefinitionError,
        match=r"flow conditional, step answer: when must refer to input or score or words, got "
        r"\$\.answer in .*; name a step in after= to depend on it",
    ):
        conditional(when=when)


def test_cache_key_on_what_is_no_dependency_is_refused() -> None:
    with pytest.raises(
        FlowDefinitionError, match=r"step answer: cache key must refer to .*, got \$\.user in"
    ):
        conditional(cache=Cache(fresh=timedelta(hours=1), key="$.user"))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("$", []),
        ("$.a", ["a"]),
        ("$ . a.b.c", ["a"]),
        ("strict $.a[*] ? (@.b == $.c)", ["a", "c"]),
        ('$."a b".c', ["a b"]),
        (r'$."a\u0062"', ["ab"]),
        ("$.size() > 1", []),
        ("$.a.size() > 1", ["a"]),
        ("$.*", []),
        ("$[0].a", []),
        ("$.**.a", []),
        ('$.a == "costs $.b"', ["a"]),
        (r'$.a == "say \"$.b\""', ["a"]),
        ("$.a /* not $.b */ > 1", ["a"]),
        ('$.a like_regex "^$.b"', ["a"]),
        ("exists($.a)||exists($.b)", ["a", "b"]),
        ("$.größe", ["größe"]),
    ],
)
def test_names_asked_of_the_root_are_found(path: str, names: list[str]) -> None:
    assert top_level_names(path) == names
