"""The flow that docs/flows.md builds is a flow, and the page knows every option."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import mypy.api
import pytest

from tidewire import Flow
from tidewire.flow import StepShape

PAGE = (Path(__file__).parents[3] / "docs" / "flows.md").read_text()
CODE = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture(scope="module")
def steps() -> dict[str, StepShape]:
    """The page's steps, whose code is run from top to bottom."""
    names: dict[str, Any] = {}
    exec(compile(CODE, "docs/flows.md", "exec", dont_inherit=True), names)
    brief = names["brief"]
    assert isinstance(brief, Flow)
    return {step.slug: step for step in brief.shape().steps}


def test_graph_is_the_one_that_the_text_tells_of(steps: dict[str, StepShape]) -> None:
    deps = {slug: step.deps for slug, step in steps.items()}
    assert deps["plan"] == deps["budget"] == ()
    assert deps["announce"] == ("plan", "budget")
    assert steps["announce"].edges.takes == ("plan",)
    assert deps["fetch"] == ("plan",)
    assert deps["answer"] == ("facts", "study", "picture")


def test_maps_are_over_what_the_text_says(steps: dict[str, StepShape]) -> None:
    maps = {slug: step.over.source for slug, step in steps.items() if step.over}
    assert maps == {"fetch": "plan", "shorten": "fetch"}
    assert steps["fetch"].edges.takes == ("input",)


def test_steps_that_the_text_calls_skipped_may_be_skipped(steps: dict[str, StepShape]) -> None:
    skipped = [slug for slug, step in steps.items() if step.may_be_skipped]
    assert skipped == ["study", "picture"]


def test_steps_with_a_cache_are_given_what_the_text_says(steps: dict[str, StepShape]) -> None:
    cached = {slug: step.edges.takes for slug, step in steps.items() if step.cache}
    assert cached == {"exchange_rates": (), "related": ("input", "exchange_rates")}


@pytest.mark.parametrize("decorator", [Flow.step, Flow.map, Flow])
def test_page_tells_of_every_option(decorator: Any) -> None:
    options = set(inspect.signature(decorator).parameters) - {"self", "slug"}
    assert [name for name in options if not re.search(rf"`{name}`|\b{name}=", PAGE)] == []


def test_page_satisfies_a_strict_type_checker(tmp_path: Path) -> None:
    module = tmp_path / "brief.py"
    module.write_text(CODE)
    report, problems, code = mypy.api.run(["--strict", str(module)])
    assert code == 0, report + problems
