"""What the database says of a run, recounted by itself for comparison with what a page shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from stack import StackUnderTest

TERMINAL = {"finish", "error", "abort"}


@dataclass(frozen=True, slots=True)
class Ledger:
    """One run: its status, its log in order, its output and its folded message."""

    status: str
    indexes: list[int]
    chunks: list[dict[str, Any]]
    output: Any
    message_status: str | None
    message_parts: list[dict[str, Any]]
    attempts: dict[str, int]

    @property
    def log_text(self) -> str:
        return "".join(c["delta"] for c in self.chunks if c["type"] == "text-delta")

    @property
    def message_text(self) -> str:
        return "".join(part["text"] for part in self.message_parts if part["type"] == "text")

    @property
    def deltas(self) -> int:
        return sum(chunk["type"] == "text-delta" for chunk in self.chunks)

    def assert_exact(self) -> None:
        """G2 and the end of the log: dense from 0, one terminal entry, and that one last."""
        assert self.indexes == list(range(len(self.indexes)))
        terminal = [chunk["type"] for chunk in self.chunks if chunk["type"] in TERMINAL]
        assert len(terminal) == 1, terminal
        assert self.chunks[-1]["type"] in TERMINAL
        assert self.chunks[0]["type"] == "start"


async def read_ledger(stack: StackUnderTest, run_id: str) -> Ledger:
    connection = await asyncpg.connect(stack.db_url, statement_cache_size=0)
    try:
        run = await connection.fetchrow(
            "select status, output, message_id from public.flow_runs where run_id = $1", run_id
        )
        assert run is not None
        log = await connection.fetch(
            "select chunk_index, chunk_data from public.streaming_chunks where run_id = $1"
            " order by chunk_index",
            run_id,
        )
        message = await connection.fetchrow(
            "select status, parts from public.flow_messages where message_id = $1",
            run["message_id"],
        )
        steps = await connection.fetch(
            "select step_slug, attempt from public.flow_steps where run_id = $1", run_id
        )
    finally:
        await connection.close()
    return Ledger(
        status=run["status"],
        indexes=[row["chunk_index"] for row in log],
        chunks=[json.loads(row["chunk_data"]) for row in log],
        output=None if run["output"] is None else json.loads(run["output"]),
        message_status=None if message is None else message["status"],
        message_parts=[] if message is None else json.loads(message["parts"]),
        attempts={row["step_slug"]: row["attempt"] for row in steps},
    )
