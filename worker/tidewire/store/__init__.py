"""The only door to the database: one method per SQL function, and nothing else."""

from __future__ import annotations

from tidewire.store.answers import Answer, LeasedStep, LoggedEntries, NothingReady, Reply
from tidewire.store.database import Database
from tidewire.store.faults import is_transient
from tidewire.store.listener import Listener
from tidewire.store.log import LogStore
from tidewire.store.maintenance import MaintenanceStore
from tidewire.store.operating import MovedRun, OperatorStore, StrandedRun
from tidewire.store.runs import RunStore
from tidewire.store.steps import StepStore
from tidewire.store.workers import WorkerStore

__all__ = [
    "Answer",
    "Database",
    "LeasedStep",
    "Listener",
    "LogStore",
    "LoggedEntries",
    "MaintenanceStore",
    "MovedRun",
    "NothingReady",
    "OperatorStore",
    "Reply",
    "RunStore",
    "StepStore",
    "StrandedRun",
    "WorkerStore",
    "is_transient",
]
