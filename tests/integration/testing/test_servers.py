"""Where the helper finds a Postgres, and what it leaves there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import pytest_asyncio

from integration.local.programs import all_end, family
from tidewire import ConfigurationError, Flow
from tidewire.local.ports import free_port
from tidewire.local.postgres import Postgres
from tidewire.local.sql import connection
from tidewire.testing import FlowTester, run_flow

ADA = UUID(int=1)
_HERE = Path(__file__).parent
_VERSION = int(os.environ.get("TIDEWIRE_TEST_POSTGRES", "18"))


@pytest.fixture
def one_step() -> Flow:
    flow = Flow("one")

    @flow.step()
    async def only(input: int) -> int:
        return input

    return flow


@asynccontextmanager
async def _test_program(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `embedded_program.py`, which knows of no server."""
    known = {k: v for k, v in os.environ.items() if k != "TIDEWIRE_TEST_DATABASE_URL"}
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        str(_HERE / "embedded_program.py"),
        *arguments,
        env={**known, "PYTHONPATH": os.pathsep.join(sys.path), **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
        await program.communicate(b"")


async def _line(program: asyncio.subprocess.Process) -> str:
    assert program.stdout is not None
    return (await program.stdout.readline()).decode().strip()


def _server_folder(processes: list[psutil.Process]) -> Path:
    """Return the folder that the janitor among the processes is to remove."""
    commands = [process.cmdline() for process in processes]
    return next(Path(command[-1]) for command in commands if command[-2].endswith("janitor.py"))


@pytest.mark.parametrize("ending", ["exit", "kill"])
async def test_embedded_server_ends_with_its_process_and_leaves_no_file(ending: str) -> None:
    async with _test_program() as program:
        # Two runs on two event loops, and one server for both.
        assert await _line(program) == "completed 0, completed 1"
        processes = family(program.pid)
        assert sum("-D" in process.cmdline() for process in processes) == 1
        folder = _server_folder(processes)
        assert folder.is_dir()
        if ending == "exit":
            said, complained = await program.communicate(b"")
            assert (program.returncode, said, complained) == (0, b"", b"")
        else:
            program.send_signal(signal.SIGKILL)
            await program.wait()
        assert await all_end(processes)
    assert not folder.exists()


async def test_missing_extra_is_named_with_its_remedy() -> None:
    async with _test_program("--without-extra") as program:
        said, complained = await program.communicate(b"")
    assert program.returncode == 0, complained.decode()
    assert "pip install 'tidewire[local]'" in said.decode()
    assert "TIDEWIRE_TEST_DATABASE_URL" in said.decode()


async def test_named_server_wins_over_the_environment(
    one_step: Flow, test_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEWIRE_TEST_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    assert (await run_flow(one_step, 1, database_url=test_server)).output == 1
    with pytest.raises(ConfigurationError, match="could not be reached"):
        await run_flow(one_step, 1)
    with pytest.raises(ConfigurationError, match="URL is malformed") as raised:
        await run_flow(one_step, 1, database_url="postgresql://a:hunter2/@[b")
    assert "hunter2" not in str(raised.value)


class PlainServer(Postgres):
    """A server that knows nothing of Supabase: its superuser is the only role."""

    async def _bootstrap(self) -> None:
        return


@pytest_asyncio.fixture(loop_scope="session")
async def plain_server(tmp_path: Path) -> AsyncIterator[PlainServer]:
    async with PlainServer(tmp_path, port=free_port(), version=_VERSION) as server:
        yield server


async def _with_role(server: Postgres, attributes: str) -> str:
    """Make a role on the server, and return the URL by which it connects."""
    async with connection(server.dsn("supabase_admin")) as admin:
        await admin.execute(f"create role tester login {attributes} password 'secret'")
    return f"postgresql://tester:secret@127.0.0.1:{server.port}/postgres"


async def test_role_may_be_an_ordinary_one_on_a_server_that_knows_nothing_of_supabase(
    one_step: Flow, plain_server: PlainServer
) -> None:
    url = await _with_role(plain_server, "createdb createrole bypassrls")
    async with FlowTester(one_step, database_url=url) as tester:
        run = await tester.start("one", 1)
        assert (await run.finished()).check().output == 1
        assert await tester.rows("select auth.uid() as me", as_user=ADA) == [{"me": ADA}]
    async with connection(url) as session:
        left = await session.fetch("select datname from pg_database where datname like 'tide%'")
    assert [row["datname"].rpartition("_")[0] for row in left] == ["tidewire_template"]


@pytest.mark.parametrize("attributes", ["", "createdb"])
async def test_role_that_may_not_make_what_is_needed_is_refused_with_the_remedy(
    one_step: Flow, plain_server: PlainServer, attributes: str
) -> None:
    url = await _with_role(plain_server, attributes)
    with pytest.raises(ConfigurationError, match="CREATEDB, CREATEROLE and BYPASSRLS"):
        await run_flow(one_step, 1, database_url=url)
    async with connection(url) as session:
        left = await session.fetch("select datname from pg_database where datname like 'tide%'")
    assert left == []
