"""The flow on README's first screen is a flow."""

from __future__ import annotations

import re
from pathlib import Path

import mypy.api
import pytest

from tidewire import Flow

ROOT = Path(__file__).parents[3]


@pytest.fixture
def example() -> str:
    """The first Python block of the README."""
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_example_defines_a_flow_whose_steps_depend_as_its_text_says(example: str) -> None:
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    flow = names["support"]
    assert isinstance(flow, Flow)
    definition = flow.shape().definition()
    assert definition["access"] == "authenticated"
    assert [(step["slug"], step["deps"]) for step in definition["steps"]] == [
        ("search", []),
        ("generate", ["search"]),
    ]


def test_example_satisfies_a_strict_type_checker(example: str, tmp_path: Path) -> None:
    module = tmp_path / "support.py"
    module.write_text(example)
    report, problems, code = mypy.api.run(["--strict", str(module)])
    assert code == 0, report + problems
