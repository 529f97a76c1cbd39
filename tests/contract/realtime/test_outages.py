"""The server outlives its database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from contract.realtime.conftest import prepare
from contract.realtime.server import running_server
from tidewire.local.keys import Keys, load_or_make_keys
from tidewire.local.ports import free_port
from tidewire.local.postgres import Postgres

TOPIC = "realtime:room:outage"


async def test_transaction_that_holds_replication_back_stops_nothing_else(
    postgres: Postgres, keys: Keys, tmp_path: Path, sql: asyncpg.Connection
) -> None:
    dsn = postgres.dsn("supabase_admin")
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute("select pg_current_xact_id()")
    async with running_server(
        dsn, keys, tmp_path, replicating=False, replication_wait_ms=50
    ) as server:
        async with server.client() as client:
            config = {"private": True, "broadcast": {"self": True}}
            await client.join(TOPIC, config, access_token=server.token())
            await client.broadcast(TOPIC, "said", {})
            assert (await client.receive())[3] == "broadcast"
        await asyncio.wait_for(server.process.stop(), 4)
    await transaction.rollback()


async def test_server_without_its_database_carries_public_channels(
    keys: Keys, tmp_path: Path
) -> None:
    dsn = f"postgresql://supabase_admin@127.0.0.1:{free_port()}/postgres"
    async with (
        running_server(dsn, keys, tmp_path, replicating=False, replication_wait_ms=50) as server,
        server.client() as client,
    ):
        await client.join("realtime:public", {"broadcast": {"self": True}})
        await client.broadcast("realtime:public", "said", {})
        assert (await client.receive())[3] == "broadcast"


async def test_broadcasts_of_the_database_resume_after_it_restarts(tmp_path: Path) -> None:
    async with Postgres(
        tmp_path / "state", port=free_port(), settings={"fsync": "off"}
    ) as postgres:
        await prepare(postgres)
        keys = load_or_make_keys(postgres.state / "keys.json")
        dsn = postgres.dsn("supabase_admin")
        async with running_server(dsn, keys, tmp_path) as server, server.client() as client:
            config = {"private": True, "broadcast": {"self": True}}
            await client.join(TOPIC, config, access_token=server.token())
            await postgres.stop()
            await server.until_replication(False)
            await client.assert_silent()
            refused = await client.join(
                f"{TOPIC}:2", {"private": True}, ref="2", access_token=server.token()
            )
            assert refused["response"]["reason"] == (
                "UnableToConnectToProject: Realtime was unable to connect to the project database"
            )
            await postgres.start()
            await server.until_ready()
            connection = await asyncpg.connect(postgres.dsn("postgres"))
            await connection.execute("select realtime.send('{}', 'back', 'room:outage')")
            await connection.close()
            assert (await client.receive())[4]["event"] == "back"
            await client.broadcast(TOPIC, "said", {})
            assert (await client.receive())[4]["event"] == "said"
