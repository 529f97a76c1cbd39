"""What row level security on `realtime.messages` lets a client do on a private topic."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from tidewire.local.realtime.tokens import Identity

_log = logging.getLogger(__name__)

# Local to the transaction, which is always rolled back: the role ends with it.
_BECOME_CLIENT = """
select set_config('realtime.topic', $1, true),
       set_config('request.jwt.claims', $2, true),
       set_config('request.jwt.claim.sub', $3, true),
       set_config('request.jwt.claim.role', $4, true),
       set_config('request.headers', $5, true),
       set_config('role', $4, true)
"""
_INSERT_PROBES = """
insert into realtime.messages (topic, extension)
select $1, unnest($2::text[]) returning id, extension
"""
_READ_PROBES = "select id from realtime.messages where id = any($1::uuid[])"
_WRITE_PROBE = "insert into realtime.messages (topic, extension) values ($1, 'broadcast')"

_CONNECTION_LOST = (
    OSError,  # and with it TimeoutError
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the session ended in the middle of the protocol
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


class AuthorizationUnavailable(Exception):
    """The database could not be asked. `reason` is what the client is told."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class ReadRights:
    """What of a private topic a client may receive."""

    broadcast: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and with which headers it connected."""

    identity: Identity
    headers: Mapping[str, str]


class TopicAuthorizer:
    """Asks the policies by trying: as the client, in a transaction that is rolled back."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read_rights(self, client: Client, topic: str, *, presence: bool) -> ReadRights:
        """Return what the client may read of `topic`; a policy that fails lets nothing be read.

        Raises:
          AuthorizationUnavailable: the database did not answer, or lacks today's partition.
        """
        extensions = ["broadcast", "presence"] if presence else ["broadcast"]
        async with self._transaction() as connection:
            probes = await _inserted_probes(connection, topic, extensions)
            try:
                await _become(connection, client, topic)
                rows = await connection.fetch(_READ_PROBES, list(probes))
            except asyncpg.QueryCanceledError as error:
                raise _canceled() from error
            except asyncpg.PostgresError as error:
                _raise_if_lost(error)
                _log.info("read policies refused a topic", extra={"error": str(error)})
                return ReadRights(broadcast=False, presence=False)
        readable = {probes[row["id"]] for row in rows}
        return ReadRights("broadcast" in readable, "presence" in readable)

    async def writable(self, client: Client, topics: Iterable[str]) -> Collection[str]:
        """Return those of `topics` to which the client may send broadcasts.

        Raises:
          AuthorizationUnavailable: the database did not answer.
        """
        allowed = set[str]()
        async with self._transaction() as connection:
            for topic in topics:
                nested = connection.transaction()
                await nested.start()
                try:
                    await _become(connection, client, topic)
                    await connection.execute(_WRITE_PROBE, topic)
                    allowed.add(topic)
                except asyncpg.QueryCanceledError as error:
                    raise _canceled() from error
                except asyncpg.PostgresError as error:
                    _raise_if_lost(error)
                await nested.rollback()
        return allowed

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy[Any]]:
        """A transaction that is always rolled back."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    yield connection
                finally:
                    if not connection.is_closed():
                        await transaction.rollback()
        except _CONNECTION_LOST as error:
            raise AuthorizationUnavailable(
                "UnableToConnectToProject",
                "Realtime was unable to connect to the project database",
            ) from error


async def _inserted_probes(
    connection: asyncpg.pool.PoolConnectionProxy[Any], topic: str, extensions: list[str]
) -> dict[Any, str]:
    try:
        rows = await connection.fetch(_INSERT_PROBES, topic, extensions)
    except asyncpg.CheckViolationError as error:
        raise AuthorizationUnavailable(
            "MissingPartition", "Realtime was unable to find the expected messages partition"
        ) from error
    return {row["id"]: row["extension"] for row in rows}


async def _become(
    connection: asyncpg.pool.PoolConnectionProxy[Any], client: Client, topic: str
) -> None:
    claims = client.identity.claims
    await connection.execute(
        _BECOME_CLIENT,
        topic,
        orjson.dumps(claims).decode(),
        str(claims.get("sub") or ""),
        client.identity.role,
        orjson.dumps(dict(client.headers)).decode(),
    )


def _raise_if_lost(error: asyncpg.PostgresError) -> None:
    if isinstance(error, _CONNECTION_LOST):
        raise error


def _canceled() -> AuthorizationUnavailable:
    return AuthorizationUnavailable("QueryCanceled", "Query was cancelled, please try again")
