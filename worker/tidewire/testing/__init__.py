"""Runs flows against a real Postgres inside a test, with time that can be moved.

Only tests import it; nothing of the worker does.
"""

from __future__ import annotations

from tidewire.testing.errors import NotReached, RunFailed
from tidewire.testing.result import RunResult, StepResult
from tidewire.testing.run import Run
from tidewire.testing.scripted_model import ScriptedModel
from tidewire.testing.tester import FlowTester, run_flow

__all__ = [
    "FlowTester",
    "NotReached",
    "Run",
    "RunFailed",
    "RunResult",
    "ScriptedModel",
    "StepResult",
    "run_flow",
]
