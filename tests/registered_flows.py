"""Fixtures: flows that are registered in the stack's database without any worker serving them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from stack import StackUnderTest


@dataclass(frozen=True, slots=True)
class RegisteredFlows:
    """Slugs by who may start them, and the worker id that registered them."""

    open_to_users: str
    for_service: str
    worker_id: UUID


def step(slug: str, *deps: str, **more: object) -> dict[str, object]:
    """One step of a flow definition, with the defaults of the Python package."""
    return {
        "slug": slug,
        "deps": list(deps),
        "max_attempts": 3,
        "timeout_ms": 600_000,
        "backoff_base_ms": 1000,
        "backoff_cap_ms": 60_000,
        **more,
    }


def definition(slug: str, access: str, *steps: dict[str, object]) -> dict[str, object]:
    """A flow definition as `register_flow` takes it."""
    return {
        "slug": slug,
        "label": "1",
        "access": access,
        "timeout_ms": 86_400_000,
        "input_schema": None,
        "steps": list(steps),
    }


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def registered_flows(stack: StackUnderTest) -> RegisteredFlows:
    """Two flows of two steps: one open to users, one for trusted code alone."""
    flows = RegisteredFlows("unserved_open", "unserved_service", uuid4())
    connection = await asyncpg.connect(stack.db_url, statement_cache_size=0)
    try:
        await connection.execute(
            "select tidewire.register_worker($1, $2)",
            flows.worker_id,
            json.dumps({"name": "tests", "pid": 1, "host": "tests", "queues": ["default"]}),
        )
        for slug, access in (
            (flows.open_to_users, "authenticated"),
            (flows.for_service, "service"),
        ):
            await connection.execute(
                "select tidewire.register_flow($1, $2)",
                flows.worker_id,
                json.dumps(definition(slug, access, step("first"), step("second", "first"))),
            )
    finally:
        await connection.close()
    return flows
