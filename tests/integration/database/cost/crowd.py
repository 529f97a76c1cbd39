"""Rows of others, by the hundred thousand: copies of what the API made, written set by set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

# Ids below those of the clock, in order: new runs go to the right of the old, as in life.
RUN_ID = "('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"
USERS = 1000
# Of the runs of others, every tenth is an earlier one of the caller's own.
USER_ID = f"""case when n % 10 = 0 then '00000000-0000-4000-8000-000000000001'
  else md5('other ' || n % {USERS}) end::uuid"""

_COLUMNS = """
select array_agg(quote_ident(a.attname) order by a.attnum)
from pg_attribute a
where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped
  and a.attgenerated = '' and a.attidentity = ''
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Copies rows of one run to many. Connects as superuser: no trigger looks at each row."""

    connection: asyncpg.Connection

    async def prepare(self) -> None:
        """Leave statistics to the test: nothing analyzes a table unless the test does."""
        await self.connection.execute(
            "set session_replication_role = replica; set synchronous_commit = off;"
        )
        for table in ("flow_runs", "flow_steps", "streaming_chunks", "flow_messages"):
            await self.connection.execute(
                f"alter table public.{table} set (autovacuum_enabled = false)"
            )

    async def copy(self, table: str, where: str, copies: range, **changed: str) -> None:
        """Copy the rows that `where` names, once a number of `copies`.

        Args:
          changed: by column, its value in a copy, an expression over the number `n`.
        """
        columns: list[str] = await self.connection.fetchval(_COLUMNS, table)
        values = [changed.get(column, f"t.{column}") for column in columns]
        await self.connection.execute(
            f"insert into {table} ({', '.join(columns)})"
            f" select {', '.join(values)}"
            f" from generate_series({copies.start}, {copies.stop - 1}) n, {table} t"
            f" where {where} order by n"
        )

    async def copy_run(self, run_id: str, copies: range, *, steps_alone: bool = False) -> None:
        """Copy a run with its steps and, unless told not to, its log, thread and messages."""
        run_is = f"run_id = '{UUID(run_id)}'"
        template = f"t.{run_is}"
        owner: Mapping[str, str] = {"user_id": USER_ID, "thread_id": "'t' || n"}
        if steps_alone:
            owner = {"user_id": USER_ID}
        run = {"run_id": RUN_ID, "message_id": f"{RUN_ID}::text"}
        await self.copy("public.flow_runs", template, copies, **run, **owner)
        await self.copy("public.flow_steps", template, copies, run_id=RUN_ID)
        if steps_alone:
            return
        await self.copy("public.streaming_chunks", template, copies, run_id=RUN_ID)
        of_run = f"(select r.user_id, r.thread_id from public.flow_runs r where {run_is})"
        thread = f"(t.user_id, t.thread_id) = {of_run}"
        await self.copy("public.flow_threads", thread, copies, **owner)
        await self.copy(
            "public.flow_messages",
            template,
            copies,
            run_id=RUN_ID,
            message_id=f"case t.role when 'user' then 'm' || n else {RUN_ID}::text end",
            **owner,
        )

    async def add_users(self) -> None:
        """The others themselves."""
        await self.connection.execute(
            "insert into auth.users (id, email)"
            f" select {USER_ID}, n || '@example.com' from generate_series(0, {USERS - 1}) n"
            " where n % 10 > 0"
        )
