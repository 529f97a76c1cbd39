"""The programs of the stack that speak HTTP: what starts each, and when it is ready."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from tidewire.errors import StackError
from tidewire.local.keys import Keys
from tidewire.local.node_runtime import NodeRuntime
from tidewire.local.ports import HOST
from tidewire.local.process import Process, Program

_START_LIMIT = timedelta(seconds=60)
_PROBE_PAUSE = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class Part:
    """A program and the address that answers 200 once it serves."""

    program: Program
    health_url: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen. `proxy` is the one that clients know."""

    proxy: int
    api: int
    realtime: int


def api_part(
    ports: Ports,
    keys: Keys,
    node: NodeRuntime,
    *,
    dsn: str,
    auth_admin_dsn: str,
    site_url: str,
    logs: Path,
) -> Part:
    environment = {
        "DO_NOT_TRACK": "1",
        "NODE_ENV": "production",
        "TIDEWIRE_API_PORT": str(ports.api),
        "TIDEWIRE_API_DSN": dsn,
        "TIDEWIRE_AUTH_ADMIN_DSN": auth_admin_dsn,
        "TIDEWIRE_JWT_SECRET": keys.jwt_secret,
        "TIDEWIRE_PUBLISHABLE_KEY": keys.publishable_key,
        "TIDEWIRE_SECRET_KEY": keys.secret_key,
        "TIDEWIRE_SITE_URL": site_url,
    }
    program = Program(
        "api", node.command("api.mjs"), logs / "api.log", environment, directory=node.folder
    )
    return Part(program, _health(ports.api))


def realtime_part(ports: Ports, keys: Keys, *, dsn: str, logs: Path) -> Part:
    environment = {
        "TIDEWIRE_REALTIME_DSN": dsn,
        "TIDEWIRE_JWT_SECRET": keys.jwt_secret,
        "TIDEWIRE_PUBLISHABLE_KEY": keys.publishable_key,
        "TIDEWIRE_SECRET_KEY": keys.secret_key,
    }
    argv = [sys.executable, "-m", "tidewire.local.realtime"]
    argv += ["--host", HOST, "--port", str(ports.realtime)]
    return Part(
        Program("realtime", argv, logs / "realtime.log", environment), _health(ports.realtime)
    )


def proxy_part(ports: Ports, keys: Keys, node: NodeRuntime, *, logs: Path) -> Part:
    environment = {
        "NODE_ENV": "production",
        "TIDEWIRE_PROXY_PORT": str(ports.proxy),
        "TIDEWIRE_API_PORT": str(ports.api),
        "TIDEWIRE_REALTIME_PORT": str(ports.realtime),
        "TIDEWIRE_PUBLISHABLE_KEY": keys.publishable_key,
        "TIDEWIRE_SECRET_KEY": keys.secret_key,
        "TIDEWIRE_ANON_KEY": keys.anon_key,
        "TIDEWIRE_SERVICE_ROLE_KEY": keys.service_role_key,
    }
    program = Program(
        "proxy", node.command("proxy.mjs"), logs / "proxy.log", environment, directory=node.folder
    )
    return Part(program, _health(ports.proxy))


async def wait_until_ready(process: Process, health_url: str) -> None:
    """Ask until the program answers.

    Raises:
      StackError: it ended or stayed silent; the message carries the end of its log.
    """
    deadline = time.monotonic() + _START_LIMIT.total_seconds()
    async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
        while process.running and time.monotonic() < deadline:
            try:
                if (await client.get(health_url)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(_PROBE_PAUSE.total_seconds())
    state = "does not answer" if process.running else f"ended with code {process.exit_code}"
    raise StackError(f"{process.program.name} {state}:\n{process.log_tail()}")


def _health(port: int) -> str:
    return f"http://{HOST}:{port}/health"
