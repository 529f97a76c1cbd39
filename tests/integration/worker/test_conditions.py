"""Steps that are skipped, by their condition or out of attempts, and what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine_view import Runs, StartWorker
from tidewire import Flow

NOTHING = timedelta()


def branching(otherwise: str) -> Flow:
    flow = Flow("branching")

    @flow.step()
    async def first(input: int) -> int:
        return input

    @flow.step(when="$.first ? (@ > 5)", otherwise=otherwise)  # type: ignore[arg-type]
    async def large(first: int) -> str:
        return "large"

    @flow.step()
    async def last(large: str | None) -> str:
        return large or "small"

    return flow


@pytest.mark.parametrize(
    ("otherwise", "run_input", "status", "output", "steps"),
    [
        ("skip", 9, "completed", "large", ["completed", "completed", "completed"]),
        ("skip", 1, "completed", "small", ["completed", "completed", "skipped"]),
        ("skip_dependents", 1, "completed", None, ["completed", "skipped", "skipped"]),
        ("fail", 1, "failed", None, ["completed", "cancelled", "failed"]),
    ],
)
async def test_condition_decides_what_becomes_of_a_step_and_its_dependents(
    otherwise: str,
    run_input: int,
    status: str,
    output: object,
    steps: list[str],
    start_worker: StartWorker,
    runs: Runs,
) -> None:
    await start_worker(branching(otherwise))
    run_id = await runs.start("branching", run_input)
    run = await runs.finished(run_id)
    found = [(await runs.step(run_id, slug))["status"] for slug in ("first", "last", "large")]
    assert (run["status"], run["output"], found) == (status, output, steps)
    if status == "failed":
        assert "large" in run["error"]


@pytest.mark.parametrize(
    ("on_exhausted", "status", "output"),
    [
        ("skip", "completed", "without"),
        ("skip_dependents", "completed", None),
        ("fail", "failed", None),
    ],
)
@pytest.mark.parametrize("mapped", [False, True])
async def test_step_out_of_attempts_does_as_it_says(
    mapped: bool,
    on_exhausted: str,
    status: str,
    output: object,
    start_worker: StartWorker,
    runs: Runs,
) -> None:
    flow, calls = Flow("exhausted"), 0

    async def fail() -> int:
        nonlocal calls
        calls += 1
        raise OSError("no line")

    if mapped:

        @flow.map("work", max_attempts=2, backoff=NOTHING, on_exhausted=on_exhausted)  # type: ignore[arg-type]
        async def work_on(item: int) -> int:
            return await fail()
    else:

        @flow.step("work", max_attempts=2, backoff=NOTHING, on_exhausted=on_exhausted)  # type: ignore[arg-type]
        async def work() -> int:
            return await fail()

    @flow.step()
    async def last(work: list[int] | int | None) -> str:
        return "without" if work is None else "with"

    await start_worker(flow)
    run = await runs.finished(await runs.start("exhausted", [1]))
    assert (run["status"], run["output"], calls) == (status, output, 2)


async def test_skip_cascade_over_a_layered_graph_skips_each_step_once(
    start_worker: StartWorker, runs: Runs
) -> None:
    flow = Flow("layers")

    async def work() -> None: ...

    flow.step("first", when="$.input.go", otherwise="skip_dependents")(work)
    above: tuple[str, ...] = ("first",)
    for layer in range(12):
        slugs = tuple(f"layer_{layer}_{place}" for place in range(3))
        for slug in slugs:
            flow.step(slug, after=above)(work)
        above = slugs
    await start_worker(flow)
    run_id = await runs.start("layers", {"go": False})
    assert (await runs.finished(run_id))["status"] == "completed"
    start, *skipped, finish = await runs.log(run_id)
    assert (start["type"], finish["type"]) == ("start", "finish")
    assert {chunk["data"]["status"] for chunk in skipped} == {"skipped"}
    assert sorted(chunk["id"] for chunk in skipped) == sorted(flow.steps)
