"""How much of everything a run of the benchmark does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of DESIGN.md, section 9, where it names them.

    Attributes:
      draining_seconds: how long a worker may take for the queued runs.
      churned_steps: claimed after the old snapshot was taken and before claims are timed.
      paced_seconds: how long streams are watched with a run held, and how long without.
    """

    baseline_seconds: float = 0.5
    warm_up_runs: int = 100
    queued_runs: int = 5000
    draining_seconds: float = 6.0
    starting_seconds: float = 3.0
    timed_runs: int = 60
    map_items: int = 10_000
    live_streams: int = 200
    stream_seconds: float = 2.5
    paced_streams: int = 50
    paced_seconds: float = 3.0
    finished_steps: int = 1_000_000
    many_queued: int = 100_000
    few_queued: int = 1500
    churned_steps: int = 10_000
    claims: int = 60


FULL: Final = Sizes()
# To see that everything works. Too small to be held against a bar.
QUICK: Final = Sizes(
    baseline_seconds=0.2,
    queued_runs=500,
    starting_seconds=1.0,
    timed_runs=15,
    map_items=500,
    live_streams=40,
    stream_seconds=1.0,
    paced_streams=10,
    paced_seconds=1.0,
    finished_steps=30_000,
    many_queued=5000,
    few_queued=500,
    churned_steps=500,
    claims=20,
)
