"""Random flows, and a plain account of what a run of each must come to."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import floor
from typing import Any
from zlib import crc32

from registered_flows import step

OUTPUTS: list[Any] = [None, 0, False, "", [], {}, 5, "text", [1, None, 0], [[], "x"], {"a": [1]}]
CACHE = {"fresh_ms": 600_000, "scope": "owner", "key": None}
Step = dict[str, Any]


class ItFails(Exception):
    """The run fails, whatever else its steps do."""


@dataclass
class Graph:
    """A flow with conditions and outcomes, and how often each of its attempts fails.

    Attributes:
      run_input: the list that its runs are given.
      steps: their definitions, in order.
    """

    slug: str
    run_input: list[int]
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def make(cls, slug: str, seed: int) -> Graph:
        choice = random.Random(seed)
        graph = cls(slug, [choice.randrange(10) for _ in range(choice.randrange(5))])
        for number in range(choice.randrange(3, 12)):
            graph.steps.append(graph._step(f"s{number}", choice))
        return graph

    def _step(self, slug: str, choice: random.Random) -> Step:
        earlier = [step["slug"] for step in self.steps]
        deps = choice.sample(earlier, min(len(earlier), choice.choice([0, 1, 1, 2, 3])))
        fates, weights = ["skip", "skip_dependents", "fail"], [5, 3, 0.3]
        more: Step = {
            "max_attempts": 1,
            "otherwise": choice.choices(fates, weights)[0],
            "on_exhausted": choice.choices(fates, weights)[0],
            "tolerance": choice.choice([0, 0.29, 0.5, 1]),
            "publish": choice.random() < 0.3,
            "priority": choice.randrange(3),
        }
        if choice.random() < 0.4:
            over = ["input", *(dep for dep in deps if self._is_list(dep))]
            more["over"] = choice.choice(over)
        if choice.random() < 0.3:
            paths = ["$.input[0] > 4", *(f"$.{dep}" for dep in deps)]
            more["when"] = choice.choice([*paths, *(f"exists($.{dep})" for dep in deps)])
        if choice.random() < 0.3:
            more["cache"] = CACHE
        return step(slug, *deps, **more)

    def _is_list(self, slug: str) -> bool:
        """Whether a map over this step finds a list, or by a rare chance none."""
        step = next(step for step in self.steps if step["slug"] == slug)
        return "over" in step or isinstance(self.outcome(slug, None), list) or slug == "s1"

    def outcome(self, slug: str, item: Any) -> Any:
        """What the handler returns; ItFails itself when it raises. The same each time."""
        number = crc32(f"{self.slug}/{slug}/{item!r}".encode())
        return ItFails if number % 7 == 0 else OUTPUTS[number % len(OUTPUTS)]

    def account(self) -> Account | None:
        """What a run comes to; None when it fails."""
        account = Account(self)
        try:
            for step in self.steps:
                account.settle(step)
        except ItFails:
            return None
        return account


class Account:
    """What has become of the steps of a run so far."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.statuses: dict[str, str] = {}
        self.outputs: dict[str, Any] = {}
        self._cascading: set[str] = set()

    def settle(self, step: Step) -> None:
        slug = step["slug"]
        if self._cascading.intersection(step["deps"]):
            self._meet("skip_dependents", slug)
        elif not self._holds(step):
            self._meet(step["otherwise"], slug)
        else:
            output = self._mapped(step) if "over" in step else self.graph.outcome(slug, None)
            if output is ItFails:
                self._meet(step["on_exhausted"], slug)
            else:
                self.statuses[slug], self.outputs[slug] = "completed", output

    def source(self, step: Step) -> Any:
        """What a map runs over."""
        over = step["over"]
        return self.graph.run_input if over == "input" else self.outputs.get(over, [])

    def is_kept(self, step: Step) -> bool:
        """Whether the output is in the cache afterwards. That of an empty map needs none."""
        kept = "cache" in step and step["slug"] in self.outputs
        return kept and ("over" not in step or self.source(step) != [])

    def run_output(self) -> Any:
        taken = {dep for step in self.graph.steps for dep in step["deps"]}
        leaves = [step["slug"] for step in self.graph.steps if step["slug"] not in taken]
        if len(leaves) == 1:
            return self.outputs.get(leaves[0])
        return {slug: self.outputs[slug] for slug in leaves if slug in self.outputs}

    def _meet(self, fate: str, slug: str) -> None:
        if fate == "fail":
            raise ItFails
        self.statuses[slug] = "skipped"
        if fate == "skip_dependents":
            self._cascading.add(slug)

    def _holds(self, step: Step) -> bool:
        path = step.get("when")
        if path is None:
            return True
        if path.startswith("$.input"):
            return bool(self.graph.run_input) and self.graph.run_input[0] > 4
        if path.startswith("exists"):
            return path[len("exists($.") : -1] in self.outputs
        value = self.outputs.get(path[len("$.") :])
        return value is not None and value is not False

    def _mapped(self, step: Step) -> Any:
        source = self.source(step)
        if not isinstance(source, list):
            raise ItFails
        results = [self.graph.outcome(step["slug"], element) for element in source]
        failed = sum(result is ItFails for result in results)
        if failed > floor(step["tolerance"] * len(results) + 1e-9):
            return ItFails
        return [None if result is ItFails else result for result in results]
