"""`scripts/bench engine` measures what it says, and nothing on a server that forgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.baseline import METRICS
from bench.durability import problem
from bench.engine import Bench
from bench.ground import Ground
from bench.latency import LATENCY
from bench.measurement import Figure, Metric, at_least, at_most
from bench.sizes import QUICK
from stack import _TEMPLATE, StackUnderTest

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


async def test_a_measurement_gives_every_figure_it_names_in_every_round(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    if stack.embedded is None:
        pytest.skip("measures on the embedded Postgres")
    ground = Ground(stack.embedded.postgres, template=_TEMPLATE, folder=tmp_path)
    sizes = replace(QUICK, baseline_seconds=0.1, warm_up_runs=5, timed_runs=3)
    said: list[str] = []
    bench = Bench(ground, sizes, 2, said.append)

    await bench.measure([LATENCY])
    report = bench.report("Postgres", {})

    figures = report.document()["figures"]
    assert [figure["key"] for figure in figures] == [m.key for m in (*METRICS, *LATENCY.metrics)]
    for figure in figures:
        assert len(figure["values"]) == 2
        assert 0 < figure["min"] <= figure["median"] <= figure["max"]
    assert all(figure["ratio"]["median"] > 0 for figure in figures if "ratio" in figure)
    assert report.table().row_count == len(figures)
    assert said[-1].startswith("latency 2/2: start_p50 ")


def test_the_median_decides_about_a_bar() -> None:
    figure = Figure(Metric("rate", "a rate", "/s", at_least(10), "commits_1"))
    for value in (9, 11, 12):
        figure.add(value, {"commits_1": 2})
    assert figure.reached
    assert figure.ratio == 5.5
    assert not at_most(10).reached_by(figure.median)


@pytest.mark.parametrize("setting", DURABLE)
def test_a_server_that_does_not_wait_for_the_disk_is_refused(setting: str) -> None:
    assert problem(DURABLE, "ext4") is None
    assert problem(DURABLE | {setting: "off"}, "ext4") == f"{setting} must be on, got off"


def test_a_server_in_memory_is_refused() -> None:
    assert "must lie on a disk, got tmpfs" in str(problem(DURABLE, "tmpfs"))
