"""Database sessions that race, and what they do: one call each, as a worker or as a user."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from registered_flows import definition

LEASE = timedelta(seconds=15)
WORKER_ID = UUID("00000000-0000-7000-8000-000000000001")
Item = dict[str, Any]
Answers = list[dict[str, Any]]

_COLUMNS = "select ordinal, answer, run_id::text as run_id, step_slug, detail from "


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, with jsonb as Python values."""

    connection: asyncpg.Connection

    async def call(self, function: str, *arguments: object) -> Answers:
        """Call a set function of the worker's API."""
        places = ", ".join(f"${number + 1}" for number in range(len(arguments)))
        rows = await self.connection.fetch(f"{_COLUMNS}tidewire.{function}({places})", *arguments)
        return [dict(row) for row in rows]

    async def value(self, statement: str, *arguments: object) -> Any:
        return await self.connection.fetchval(statement, *arguments)

    async def register(self, slug: str, *steps: dict[str, object]) -> str:
        """Register the worker and a flow that users may start; return its version."""
        worker = {"name": "tests", "pid": 1, "host": "tests", "queues": ["default"]}
        await self.value("select tidewire.register_worker($1, $2)", WORKER_ID, worker)
        flow = definition(slug, "authenticated", *steps)
        version = await self.value("select tidewire.register_flow($1, $2)", WORKER_ID, flow)
        return str(version)

    async def add_user(self) -> UUID:
        user_id = uuid4()
        statement = "insert into auth.users (id, email) values ($1, $2)"
        await self.connection.execute(statement, user_id, f"{user_id}@example.com")
        return user_id

    async def sign_in(self, user_id: UUID) -> None:
        """Let the client RPCs of this session be the user's."""
        claims = json.dumps({"sub": str(user_id), "role": "authenticated"})
        await self.value("select set_config('request.jwt.claims', $1, false)", claims)

    async def start(self, slug: str, user_id: UUID) -> str:
        answer = await self.value(
            "select tidewire.start_run_for($1, $2, $3)", user_id, slug, {"question": "Why?"}
        )
        return str(answer["run_id"])

    async def claim(self, version: str, quantity: int) -> Answers:
        """Lease steps; return their details."""
        rows = await self.call("claim_steps", WORKER_ID, ["default"], [version], LEASE, quantity)
        return [row["detail"] for row in rows if row["answer"] == "claimed"]

    async def complete(self, items: Sequence[Item]) -> Answers:
        return await self.call("complete_steps", WORKER_ID, list(items), LEASE, [], [], 0)

    async def append(self, items: Sequence[Item]) -> Answers:
        return await self.call("append_chunks", LEASE, list(items))

    async def send(self, thread_id: str, message_id: str, slug: str, on_busy: str) -> Any:
        """Send a chat message as the signed-in user."""
        message = {"id": message_id, "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
        return await self.value(
            "select public.send_message($1, $2, $3, $4)", thread_id, message, slug, on_busy
        )

    async def cancel(self, run_id: str) -> str:
        return str((await self.value("select public.cancel_run($1)", UUID(run_id)))["status"])

    async def log_types(self, run_id: str) -> list[str]:
        """The types of a run's log entries, in order; the indexes must be dense."""
        rows = await self.connection.fetch(
            "select chunk_index, chunk_data ->> 'type' as type from public.streaming_chunks"
            " where run_id = $1 order by chunk_index",
            UUID(run_id),
        )
        assert [row["chunk_index"] for row in rows] == list(range(len(rows)))
        return [row["type"] for row in rows]


async def refusal_or_answer(session: Session, thread: str, message: str, on_busy: str) -> Any:
    """What a send answers: its answer, or the code and the TW code that it is refused with."""
    try:
        return await session.send(thread, message, "one_step", on_busy)
    except asyncpg.PostgresError as error:
        return (error.sqlstate, error.detail)


def key(step: Mapping[str, Any], **more: object) -> Item:
    """One request item: what names a leased step, and what is done with it."""
    return {name: step[name] for name in ("run_id", "step_slug", "lease_token")} | more


def answers_of(rows: Answers) -> list[str]:
    """The answers of request items, in the order of the request."""
    items = [row for row in rows if row["ordinal"] is not None]
    return [row["answer"] for row in sorted(items, key=lambda row: row["ordinal"])]


def assert_ended_once(types: Sequence[str]) -> None:
    """A log has exactly one terminal entry and it is the last."""
    terminal = [kind for kind in types if kind in ("finish", "error", "abort")]
    assert len(terminal) == 1, types
    assert types[-1] == terminal[0], types


async def use_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
