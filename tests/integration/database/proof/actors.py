"""Who calls the engine, and what each knows: workers their leases, users their runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg2
from psycopg2.extras import Json, RealDictCursor

from integration.database.proof.snapshot import QUERY, Row, Snapshot, StepKey
from registered_flows import definition

BEGINNING = datetime(2040, 1, 1, tzinfo=UTC)
WORKERS = tuple(str(UUID(int=number + 1)) for number in range(2))

# The clocks read a setting, so that moving time replans nothing.
_CLOCKS = """
create or replace function tidewire.clock () returns timestamptz
  language sql stable set search_path = ''
  as $$ select pg_catalog.current_setting('tests.now')::timestamptz $$;
create or replace function tidewire.wall_clock () returns timestamptz
  language sql volatile set search_path = ''
  as $$ select pg_catalog.current_setting('tests.now')::timestamptz $$;
"""


class Refused(Exception):
    """A call raised an error of its contract."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


class Engine:
    """One connection, on which every call is a transaction of its own, and the time."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg2.connect(dsn)
        self._connection.autocommit = True
        self.move_to(BEGINNING)
        self._execute("set synchronous_commit = off")
        self._execute(_CLOCKS)
        self._execute(f"prepare everything as {QUERY}")

    def close(self) -> None:
        self._connection.close()

    def reset(self) -> None:
        """Forget every run and user, go back to the beginning, and repeat the same jitter."""
        self._execute("delete from public.flow_runs; delete from auth.users; select setseed(0.5)")
        self.move_to(BEGINNING)

    def move_to(self, moment: datetime) -> None:
        self.now = moment
        self.value("set_config", "tests.now", moment.isoformat(), False)

    def register(self, flow: str, steps: Sequence[dict[str, object]]) -> str:
        """Register a flow for both workers; return its version."""
        for worker in WORKERS:
            about = {"name": worker, "pid": 1, "host": "tests", "queues": ["default"]}
            self.value("tidewire.register_worker", worker, about)
            document = definition(flow, "authenticated", *steps)
            version = self.value("tidewire.register_flow", worker, document)
        return str(version)

    def add_user(self) -> str:
        user_id = str(uuid4())
        self._execute("insert into auth.users (id, email) values (%s, %s)", user_id, user_id)
        return user_id

    def delete_user(self, user_id: str) -> None:
        self._execute("delete from auth.users where id = %s", user_id)

    def sign_in(self, user_id: str) -> None:
        claims = json.dumps({"sub": user_id, "role": "authenticated"})
        self.value("set_config", "request.jwt.claims", claims, False)

    def look(self) -> Snapshot:
        """Everything as it is now."""
        (row,) = self._execute("execute everything")
        return Snapshot.of(row["jsonb_build_object"])

    def value(self, function: str, *arguments: object) -> Any:
        """Call a function that returns one value."""
        (row,) = self._execute(f"select {_call(function, arguments)} as answer", *arguments)
        return row["answer"]

    def answers(self, function: str, *arguments: object) -> list[Row]:
        """Call a set function of the worker's API."""
        columns = "ordinal, answer, run_id::text as run_id, step_slug, detail"
        called = _call(f"tidewire.{function}", arguments)
        return self._execute(f"select {columns} from {called}", *arguments)

    def _execute(self, statement: str, *arguments: object) -> list[Row]:
        adapted = [Json(value) if _is_json(value) else value for value in arguments]
        with self._connection.cursor(cursor_factory=RealDictCursor) as cursor:
            try:
                cursor.execute(statement, adapted)
            except psycopg2.Error as error:
                if not (error.pgcode or "").startswith("PT"):
                    raise
                raise Refused(str(error.pgcode), str(error.diag.message_detail)) from error
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []


def _call(function: str, arguments: Sequence[object]) -> str:
    return f"{function}({', '.join(['%s'] * len(arguments))})"


def _is_json(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and not all(isinstance(element, str) for element in value)
    )


@dataclass(eq=False, slots=True)
class Lease:
    """What a worker was given, and presents for ever after."""

    worker: str
    key: StepKey
    token: int

    def item(self, **more: object) -> Row:
        run_id, step_slug, item_index = self.key
        named = {"run_id": run_id, "step_slug": step_slug, "item_index": item_index}
        return {**named, "lease_token": self.token, **more}

    def standing(self, seen: Snapshot) -> str:
        """How a write under this lease stands: present, done, cancelled or lease_lost."""
        row = seen.steps.get(self.key)
        if row is None or row["status"] == "cancelled":
            return "cancelled"
        if row["lease_token"] == self.token and row["status"] in ("running", "completed"):
            return "present" if row["status"] == "running" else "done"
        return "lease_lost"


@dataclass(slots=True)
class Acknowledged:
    """What the engine said it keeps of one step's writes."""

    chunks: list[Row] = field(default_factory=list)
    last_append: Row | None = None
    first_index: int | None = None
    checkpoint: Any = None

    @property
    def deltas(self) -> list[str]:
        return [chunk["delta"] for chunk in self.chunks if chunk["type"] == "text-delta"]


@dataclass(slots=True)
class Known:
    """All that the callers know."""

    leases: list[Lease] = field(default_factory=list)
    granted: set[tuple[StepKey, int]] = field(default_factory=set)
    writes: dict[StepKey, Acknowledged] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str | None, str, str], tuple[str, int]] = field(default_factory=dict)
    sent: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    made: int = 0

    def number(self) -> int:
        """A number that was never used before."""
        self.made += 1
        return self.made

    def write(self, key: StepKey) -> Acknowledged:
        return self.writes.setdefault(key, Acknowledged())

    def forget(self, name: str, owned: set[str]) -> None:
        """A user is gone, and their runs with them."""
        self.writes = {key: kept for key, kept in self.writes.items() if key[0] not in owned}
        self.keys = {key: kept for key, kept in self.keys.items() if key[0] != name}
        self.sent = {key: kept for key, kept in self.sent.items() if key[0] != name}


def moment(text: str) -> datetime:
    """A timestamp as jsonb spells it."""
    return datetime.fromisoformat(text)


LEASE = timedelta(seconds=15)
