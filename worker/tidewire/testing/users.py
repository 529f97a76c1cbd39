"""Users of a test's database, and what they see and do."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from tidewire.store import Database
from tidewire.store.faults import translated


class Users:
    """Makes users, and runs statements with their rights."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: UUID) -> None:
        """Make a user unless there is one of that id."""
        await self._database.fetch(
            "insert into auth.users (id, email) values ($1, $2) on conflict do nothing",
            user_id,
            f"{user_id}@example.com",
        )

    async def rows(self, user_id: UUID, statement: str, arguments: tuple[Any, ...]) -> list[Any]:
        """Run a statement as the API does for a signed-in user: with their role and claims."""
        claims = {"sub": str(user_id), "role": "authenticated"}
        connection = await self._database.connect()
        try:
            with translated():
                async with connection.transaction():
                    await connection.execute("set local role authenticated")
                    await connection.execute(
                        "select set_config('request.jwt.claims', $1, true)", json.dumps(claims)
                    )
                    return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()
