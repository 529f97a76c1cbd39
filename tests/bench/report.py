"""What was measured, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.table import Table

from bench.measurement import Bar, Baseline, Figure

_NAMES: Final[dict[Baseline, str]] = {
    "commits_1": "commits/s on 1",
    "commits_8": "commits/s on 8",
    "round_trip": "round trips",
}


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one server.

    Attributes:
      skipped: why a measurement was not made, by its name.
      failed: the same for one that was tried.
      facts: what else a reader must know to judge the figures.
    """

    server: str
    rounds: int
    figures: Sequence[Figure]
    skipped: dict[str, str]
    failed: dict[str, str]
    facts: dict[str, Any]

    def table(self) -> Table:
        """Return the figures as a table: the median decides about a bar."""
        table = Table(title=self._title(), title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("figure")
        for name in ("min", "median", "max", "bar"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("reached", no_wrap=True)
        table.add_column("ratio, median", justify="right")
        for figure in self.figures:
            table.add_row(
                figure.metric.title,
                shown(min(figure.values)),
                f"[bold]{shown(figure.median, figure.metric.unit)}[/]",
                shown(max(figure.values)),
                _shown_bar(figure.metric.bar),
                {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[figure.reached],
                _shown_ratio(figure),
            )
        return table

    def remarks(self) -> list[str]:
        """Return what the table does not say, a line each."""
        return [
            *[f"{name} skipped: {reason}" for name, reason in self.skipped.items()],
            *[f"{name} failed: {reason}" for name, reason in self.failed.items()],
        ]

    def _title(self) -> str:
        rounds = "1 round" if self.rounds == 1 else f"{self.rounds} rounds"
        return f"{self.server}, {rounds}, fsync on"

    def document(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {
            "server": self.server,
            "rounds": self.rounds,
            **self.facts,
            "figures": [_figure_document(figure) for figure in self.figures],
            "skipped": self.skipped,
            "failed": self.failed,
        }


def shown(value: float, unit: str = "") -> str:
    """Return a number with three digits or all of its whole ones, and its unit."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{'' if unit in ('', '/s') else ' '}{unit}"


def _shown_bar(bar: Bar | None) -> str:
    if bar is None:
        return ""
    return f"{'≥' if bar.kind == 'at least' else '≤'} {bar.value:,g}"


def _shown_ratio(figure: Figure) -> str:
    against, ratio = figure.metric.against, figure.ratio
    return "" if against is None or ratio is None else f"{shown(ratio)} x {_NAMES[against]}"


def _figure_document(figure: Figure) -> dict[str, Any]:
    metric = figure.metric
    document: dict[str, Any] = {
        "key": metric.key,
        "title": metric.title,
        "unit": metric.unit,
        "values": figure.values,
        "min": min(figure.values),
        "median": figure.median,
        "max": max(figure.values),
    }
    if metric.bar is not None:
        bar = {"kind": metric.bar.kind, "value": metric.bar.value}
        document |= {"bar": bar, "reached": figure.reached}
    if metric.against is not None:
        document["ratio"] = {"to": metric.against, "median": figure.ratio}
    return document
