"""Loads the demo's knowledge base: `DATABASE_URL=… python -m flows.knowledge`.

The text is the language reference of the Python that runs this command. A database that holds it
already is left alone, so the command can run at every start.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import asyncpg

from flows.passages import split_topics
from flows.reference import edition, load_topics, topic_url

_SCHEMA: Final = Path(__file__).with_name("knowledge.sql")
_MARK: Final = "Tidewire knowledge base: "
# Raised when passages are cut differently or the tables change, so that old ones are replaced.
_REVISION: Final = 2


async def seed(dsn: str) -> int:
    """Bring the knowledge base up to date in one transaction.

    Returns:
      How many passages were loaded; 0 when they were there already.

    Raises:
      RuntimeError: the project has a table `passages` of its own, which is left untouched.
    """
    # No statement cache, so that a transaction pooler may stand in between.
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        async with connection.transaction():
            return await _seed(connection)
    finally:
        await connection.close()


async def _seed(connection: asyncpg.Connection[asyncpg.Record]) -> int:
    wanted = f"{_MARK}{edition()}, revision {_REVISION}"
    await connection.execute(
        "select pg_catalog.pg_advisory_xact_lock("
        "pg_catalog.hashtextextended('tidewire.knowledge', 0))"
    )
    found = await connection.fetchrow(
        "select pg_catalog.obj_description(c, 'pg_class') as mark "
        "from pg_catalog.to_regclass('public.passages') c where c is not null"
    )
    if found is not None and not (found["mark"] or "").startswith(_MARK):
        raise RuntimeError(
            "table public.passages must be the demo's own, got one without its comment; "
            "rename it or use another project"
        )
    if found is not None and found["mark"] == wanted:
        return 0
    if found is not None:
        await connection.execute("drop table public.passages")
    await connection.execute(_SCHEMA.read_text())
    rows = [
        (number, p.topic, p.title, p.content, topic_url(p.topic))
        for number, p in enumerate(split_topics(load_topics()), start=1)
    ]
    await connection.copy_records_to_table(
        "passages",
        schema_name="public",
        columns=["passage_id", "topic", "title", "content", "url"],
        records=rows,
    )
    quoted = wanted.replace("'", "''")
    await connection.execute(f"comment on table public.passages is '{quoted}'")
    await connection.execute("notify pgrst, 'reload schema'")
    return len(rows)


def main() -> None:
    """Seed the database of DATABASE_URL and say what was done."""
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        sys.exit("knowledge: DATABASE_URL must name the project's database, got nothing")
    try:
        loaded = asyncio.run(seed(dsn))
    except (RuntimeError, OSError, asyncpg.PostgresError) as error:
        sys.exit(f"knowledge: {error}")
    done = f"loaded {loaded} passages of the" if loaded else "already holds the"
    sys.stdout.write(f"knowledge: {done} {edition()}\n")


if __name__ == "__main__":
    main()
