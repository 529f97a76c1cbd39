"""What a role can reach in schemas public and tidewire, asked of the catalogue."""

from __future__ import annotations

import asyncpg

# Extensions bring functions of their own into public; those are the project's business.
_NOT_FROM_EXTENSIONS = """
not exists (
  select from pg_depend d
  where d.classid = '{catalogue}'::regclass and d.objid = o.oid and d.deptype = 'e'
)
"""
_OURS = "('public'::regnamespace, 'tidewire'::regnamespace)"

FUNCTIONS = f"""
select o.oid::regprocedure::text
from pg_proc o
where o.pronamespace in {_OURS} and has_function_privilege($1, o.oid, 'execute')
  and {_NOT_FROM_EXTENSIONS.format(catalogue="pg_proc")}
"""
TABLES = f"""
select o.oid::regclass::text, operation
from pg_class o,
  unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'] || case
    when current_setting('server_version_num')::int >= 170000 then array['MAINTAIN'] else '{{}}'
  end) operation
where o.relnamespace in {_OURS} and o.relkind in ('r', 'p', 'v', 'm')
  and has_table_privilege($1, o.oid, operation)
"""
COLUMNS = f"""
select o.oid::regclass::text, a.attname::text, operation
from pg_class o
join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped,
  unnest(array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) operation
where o.relnamespace in {_OURS} and o.relkind in ('r', 'p', 'v', 'm')
  and has_column_privilege($1, o.oid, a.attnum, operation)
  and not has_table_privilege($1, o.oid, operation)
"""
SEQUENCES = f"""
select o.oid::regclass::text, operation
from pg_class o, unnest(array['USAGE', 'SELECT', 'UPDATE']) operation
where o.relnamespace in {_OURS} and o.relkind = 'S' and has_sequence_privilege($1, o.oid, operation)
"""
SCHEMAS = """
select o.nspname::text, operation
from pg_namespace o, unnest(array['USAGE', 'CREATE']) operation
where o.nspname in ('public', 'tidewire') and has_schema_privilege($1, o.oid, operation)
"""


async def ask(connection: asyncpg.Connection, question: str, role: str) -> set[object]:
    """The rows of a question about a role: names alone, or tuples."""
    rows = await connection.fetch(question, role)
    return {row[0] if len(row) == 1 else tuple(row) for row in rows}


async def everything(connection: asyncpg.Connection, roles: tuple[str, ...]) -> set[object]:
    """All that the roles can reach, as one set to compare."""
    found: set[object] = set()
    for question in (FUNCTIONS, TABLES, COLUMNS, SEQUENCES, SCHEMAS):
        for role in roles:
            found |= {(role, answer) for answer in await ask(connection, question, role)}
    return found
