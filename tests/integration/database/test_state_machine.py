"""Random lives of an engine: every call in any order, and every guarantee after every call.

TIDEWIRE_LONG_PROOF=1 plays many more and longer lives, other ones each time.
"""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from integration.database.proof.actors import Engine
from integration.database.proof.life import FLOWS
from integration.database.proof.time_rules import TimeRules
from integration.database.proof.user_rules import UserRules
from stack import Database

LONG = os.environ.get("TIDEWIRE_LONG_PROOF") == "1"
PROOF = settings(
    max_examples=1000 if LONG else 100,
    stateful_step_count=80 if LONG else 40,
    derandomize=not LONG,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class Lives(UserRules, TimeRules):
    """Two users and two workers."""


@pytest.mark.timeout(0 if LONG else 300)
async def test_no_order_of_calls_breaks_a_guarantee(database: Database) -> None:
    engine = Engine(database.dsn)
    try:
        versions = [engine.register(flow, steps) for flow, steps in FLOWS.items()]
        given = type("GivenLives", (Lives,), {"engine": engine, "versions": versions})
        await asyncio.to_thread(run_state_machine_as_test, given, settings=PROOF)
    finally:
        engine.close()
