"""The embedded Supabase as one object."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from tidewire.errors import StackError
from tidewire.local.http_parts import HttpPartName, HttpParts
from tidewire.local.keys import Keys, load_or_make_keys
from tidewire.local.node_runtime import NodeRuntime, node_runtime
from tidewire.local.parts import Part, Ports, api_part, proxy_part, realtime_part
from tidewire.local.ports import HOST, free_port, is_free
from tidewire.local.postgres import DEFAULT_VERSION, Postgres
from tidewire.local.sql import bootstrap_sql, run_sql
from tidewire.local.state import StateDirectory

DEFAULT_API_PORT = 54321
DEFAULT_PAGE_PORT = 54380
_Value = TypeVar("_Value")
_REALTIME_SCHEMA = Path(__file__).parent / "realtime" / "schema.sql"

PartName = Literal["postgres"] | HttpPartName
PARTS: tuple[PartName, ...] = ("postgres", "api", "realtime", "proxy")


class Stack:
    """Postgres, the REST and Auth API, Realtime, and the proxy in front of them.

    An async context manager: inside, all parts serve; afterwards, and whenever this process ends
    in any other way, none of their processes is left. Data and keys stay in `state` for the next
    time.

    Args:
      api_port, db_port: None picks a free one, 54321 and 54322 if it can; a number is taken as
        given.
      auto_grants: privileges on new objects of `public` as projects made before 2026-05-30
        have them.
    """

    def __init__(
        self,
        state: Path = Path(".tidewire"),
        *,
        api_port: int | None = None,
        db_port: int | None = None,
        postgres_version: int = DEFAULT_VERSION,
        auto_grants: bool = False,
        postgres_settings: Mapping[str, str] | None = None,
    ) -> None:
        self._state = StateDirectory(state)
        self._api_port = api_port
        self._db_port = db_port
        self._postgres_version = postgres_version
        self.auto_grants = auto_grants
        self._postgres_settings = postgres_settings
        self._postgres: Postgres | None = None
        self._keys: Keys | None = None
        self._ports: Ports | None = None
        self._http_parts: HttpParts | None = None
        self._published: dict[str, object] = {}

    @property
    def state(self) -> Path:
        return self._state.path

    @property
    def postgres(self) -> Postgres:
        return _known(self._postgres)

    @property
    def keys(self) -> Keys:
        return _known(self._keys)

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{_known(self._ports).proxy}"

    @property
    def db_url(self) -> str:
        """Where `postgres` connects: not a superuser, as on hosted Supabase."""
        return self.postgres.dsn()

    @property
    def superuser_url(self) -> str:
        """Where `supabase_admin` connects, who may do everything."""
        return self.postgres.dsn("supabase_admin")

    @property
    def publishable_key(self) -> str:
        return self.keys.publishable_key

    @property
    def secret_key(self) -> str:
        return self.keys.secret_key

    @property
    def jwt_secret(self) -> str:
        return self.keys.jwt_secret

    @property
    def guard_descriptors(self) -> tuple[int, ...]:
        """What guards of further programs inherit: the state stays taken until they have ended."""
        return (self._state.lock_descriptor,)

    @property
    def pids(self) -> dict[str, int]:
        """The pids of the parts that run now."""
        server = {} if self.postgres.pid is None else {"postgres": self.postgres.pid}
        return {**server, **_known(self._http_parts).pids}

    async def __aenter__(self) -> Self:
        await self._state.lock()
        try:
            await self._start_all()
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop_all()

    async def start(self, part: PartName) -> None:
        """Start a stopped part on its old port and wait until it serves.

        Raises:
          StackError: it runs already, or did not start.
        """
        if part == "postgres":
            await self.postgres.start()
        else:
            await _known(self._http_parts).start(part)
        self.publish()

    async def stop(self, part: PartName) -> None:
        """Stop one part and leave the others alone. Does nothing when it does not run."""
        if part == "postgres":
            await self.postgres.stop()
        else:
            await _known(self._http_parts).stop(part)
        self.publish()

    async def restart(self, part: PartName) -> None:
        await self.stop(part)
        await self.start(part)

    async def wait(self, part: PartName) -> int:
        """Wait until a running part has ended, by a crash or by `stop`; return its exit code."""
        if part == "postgres":
            return await self.postgres.wait()
        return await _known(self._http_parts).wait(part)

    def publish(self, **facts: object) -> None:
        """Keep `stack.json` up to date; `facts` are added for as long as the stack lives."""
        self._published.update(facts)
        self._state.publish(
            {
                "api_url": self.api_url,
                "db_url": self.db_url,
                "publishable_key": self.publishable_key,
                "secret_key": self.secret_key,
                "anon_key": self.keys.anon_key,
                "service_role_key": self.keys.service_role_key,
                "jwt_secret": self.jwt_secret,
                "pids": self.pids,
                **self._published,
            }
        )

    async def _start_all(self) -> None:
        self._keys = load_or_make_keys(self.state / "keys.json")
        node = await self._start_foundation()
        if self._api_port is not None and not is_free(self._api_port):
            raise StackError(f"port {self._api_port} is taken: free it, or let one be chosen")
        self._ports = Ports(
            proxy=self._api_port or free_port(DEFAULT_API_PORT),
            api=free_port(),
            realtime=free_port(),
        )
        parts = self._describe_parts(self._ports, self._keys, node)
        self._http_parts = HttpParts(parts, inherited=self.guard_descriptors)
        await self._http_parts.start_all()
        self.publish()

    async def _start_foundation(self) -> NodeRuntime:
        """Start Postgres while the npm packages are looked for, and installed where missing."""
        try:
            async with asyncio.TaskGroup() as starting:
                node = starting.create_task(node_runtime(self.state))
                starting.create_task(self._start_postgres())
        except* StackError as failures:
            raise failures.exceptions[0] from None
        return node.result()

    async def _start_postgres(self) -> None:
        self._postgres = Postgres(
            self.state,
            port=self._db_port,
            version=self._postgres_version,
            auto_grants=self.auto_grants,
            settings=self._postgres_settings,
            inherited=self.guard_descriptors,
        )
        await self._postgres.start()
        await run_sql(self.superuser_url, _REALTIME_SCHEMA.read_text())
        await run_sql(self.superuser_url, bootstrap_sql("realtime"))

    def _describe_parts(
        self, ports: Ports, keys: Keys, node: NodeRuntime
    ) -> dict[HttpPartName, Part]:
        logs = self.state / "logs"
        return {
            "api": api_part(
                ports,
                keys,
                node,
                dsn=self.postgres.dsn("authenticator"),
                auth_admin_dsn=self.postgres.dsn("supabase_auth_admin"),
                site_url=f"http://{HOST}:{DEFAULT_PAGE_PORT}",
                logs=logs,
            ),
            "realtime": realtime_part(ports, keys, dsn=self.superuser_url, logs=logs),
            "proxy": proxy_part(ports, keys, node, logs=logs),
        }

    async def _stop_all(self) -> None:
        """Stop clients before what they use, then give the state directory back."""
        try:
            if self._http_parts is not None:
                await self._http_parts.stop_all()
            if self._postgres is not None:
                await self._postgres.stop()
        finally:
            self._state.unlock()


def _known(value: _Value | None) -> _Value:
    if value is None:
        raise StackError("the stack must be started first")
    return value
