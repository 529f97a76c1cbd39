"""`scripts/bench engine`: the engine's bars of DESIGN.md, section 9, broadcast off."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import psutil
import typer
import uvloop
from rich.console import Console

from bench import baseline
from bench.claims import CLAIMS
from bench.ground import Ground, embedded_ground
from bench.latency import LATENCY
from bench.measurement import Figure, Measurement, Values
from bench.report import Report, shown
from bench.runs import MeasurementFailed
from bench.sizes import FULL, QUICK, Sizes
from bench.streams import CHUNKS, HELD_RUN
from bench.throughput import BURST, QUEUED, STARTED
from bench.wide_map import MAP
from tidewire.errors import DatabaseRefused, StackError, TidewireError

# Claims come last: their large tables would keep the server busy during the others.
MEASUREMENTS: Final = (QUEUED, BURST, STARTED, LATENCY, MAP, CHUNKS, HELD_RUN, CLAIMS)
_NAMES: Final = ", ".join(measurement.name for measurement in MEASUREMENTS)
_WIDTH: Final = 132


class Servers(StrEnum):
    """Which Postgres to measure on."""

    EIGHTEEN = "18"
    SIXTEEN = "16"
    BOTH = "both"

    @property
    def versions(self) -> list[int]:
        return [18, 16] if self is Servers.BOTH else [int(self.value)]


class Bench:
    """Makes measurements on one server and keeps their figures.

    Args:
      say: told what is being done and what came out.
    """

    def __init__(
        self, ground: Ground, sizes: Sizes, rounds: int, say: Callable[[str], None]
    ) -> None:
        self._ground, self._sizes, self._rounds, self._say = ground, sizes, rounds, say
        self._baseline = [Figure(metric) for metric in baseline.METRICS]
        self._figures: list[Figure] = []
        self._skipped: dict[str, str] = {}
        self._failed: dict[str, str] = {}

    async def measure(self, measurements: Sequence[Measurement]) -> None:
        """Make every measurement that can be made, each in as many rounds.

        One that fails keeps none of its figures, and the others their own.

        Raises:
          NotDurable: the server does not wait for the disk.
        """
        for measurement in measurements:
            reason = measurement.missing()
            if reason is not None:
                self._skipped[measurement.name] = reason
                self._say(f"{measurement.name}: skipped, {reason}")
                continue
            try:
                await self._measure(measurement)
            except (MeasurementFailed, StackError, DatabaseRefused, TimeoutError) as error:
                lines = [repr(error), *getattr(error, "__notes__", [])]
                self._failed[measurement.name] = lines[0]
                self._say("\n".join([f"{measurement.name}: failed", *lines]))

    def report(self, server: str, facts: dict[str, Any]) -> Report:
        figures = [figure for figure in (*self._baseline, *self._figures) if figure.values]
        return Report(server, self._rounds, figures, self._skipped, self._failed, facts)

    async def _measure(self, measurement: Measurement) -> None:
        figures = [Figure(metric) for metric in measurement.metrics]
        self._say(f"{measurement.name} …")
        async with measurement.open(self._ground, self._sizes) as make_round:
            for number in range(1, self._rounds + 1):
                began = time.monotonic()
                plain = await baseline.measure_baseline(self._ground, self._sizes)
                values = await make_round()
                for figure in self._baseline:
                    figure.add(plain[figure.metric.key], plain)
                for figure in figures:
                    figure.add(values[figure.metric.key], plain)
                self._say(
                    f"{measurement.name} {number}/{self._rounds}: {_said(figures, values)}"
                    f" ({time.monotonic() - began:.0f} s)"
                )
        self._figures += figures


def _said(figures: Sequence[Figure], values: Values) -> str:
    said = [f"{f.metric.key} {shown(values[f.metric.key], f.metric.unit)}" for f in figures]
    return ", ".join(said)


async def _measure_on(
    version: int, measurements: Sequence[Measurement], sizes: Sizes, rounds: int
) -> Report:
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    facts: dict[str, Any] = {
        "cpus": os.cpu_count(),
        "load_before": round(psutil.getloadavg()[0], 2),
        "full_size": sizes == FULL,
    }

    def say(line: str) -> None:
        seconds = time.monotonic() - began
        console.out(f"{seconds:4.0f} s  Postgres {version}, {line}")

    # Twice a second, because the spinner takes its time from what is measured.
    with console.status(f"measuring on Postgres {version}", refresh_per_second=2):
        async with embedded_ground(version) as ground:
            bench = Bench(ground, sizes, rounds, say)
            await bench.measure(measurements)
            server = f"Postgres {ground.version}"
    facts["seconds"] = round(time.monotonic() - began, 1)
    return bench.report(server, facts)


def _chosen(only: Sequence[str] | None) -> list[Measurement]:
    known = {measurement.name for measurement in MEASUREMENTS}
    for name in only or ():
        if name not in known:
            raise typer.BadParameter(f"--only must be one of {_NAMES}, got {name}")
    return [measurement for measurement in MEASUREMENTS if not only or measurement.name in only]


def _show(report: Report) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    if report.figures:
        console.print(report.table())
    for remark in report.remarks():
        console.out(remark)
    facts = report.facts
    console.out(
        f"{facts['cpus']} CPUs, load {facts['load_before']} before; {facts['seconds']:.0f} s"
        + ("" if facts["full_size"] else "; small sizes: the bars do not apply")
    )


def main(
    postgres: Annotated[Servers, typer.Option(help="Which Postgres.")] = Servers.EIGHTEEN,
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {_NAMES}; may be repeated.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, to see it work.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures here.")
    ] = None,
) -> None:
    """Measure the engine on the embedded Postgres, fsync on, beside plain figures.

    Exit codes: 0 measured, whether or not bars are reached; 1 something could not be measured.
    """
    measurements, sizes = _chosen(only), QUICK if quick else FULL
    reports: list[Report] = []
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            for version in postgres.versions:
                reports.append(runner.run(_measure_on(version, measurements, sizes, rounds)))
                _show(reports[-1])
                if json_file is not None:
                    documents = [report.document() for report in reports]
                    json_file.write_text(json.dumps(documents, indent=2) + "\n")
    except TidewireError as error:
        typer.echo(f"bench: {error}", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(any(report.failed for report in reports))


if __name__ == "__main__":
    typer.run(main)
