"""A stack leaves no process behind, keeps its data, and shares its folder with nobody."""

from __future__ import annotations

import signal
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from integration.local.programs import all_end, family, published_facts, read_facts, tidewire
from tidewire.errors import StackError
from tidewire.local.stack import Stack


async def run_sql(dsn: str, sql: str) -> str | None:
    connection = await asyncpg.connect(dsn)
    try:
        found: str | None = await connection.fetchval(sql)
        return found
    finally:
        await connection.close()


def last_server_line(state: Path) -> str:
    return (state / "logs" / "postgres.log").read_text().splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_every_process_cleanly(tmp_path: Path, number: int) -> None:
    async with tidewire("stack", "--state", "state", folder=tmp_path) as program:
        await published_facts(program, tmp_path / "state")
        processes = family(program.pid)
        program.send_signal(number)
        assert await program.wait() == 0
        assert await all_end(processes)
    assert read_facts(tmp_path / "state") is None
    assert "database system is shut down" in last_server_line(tmp_path / "state")


async def test_killing_the_owner_stops_every_process_and_keeps_the_data(tmp_path: Path) -> None:
    async with tidewire("stack", "--state", "state", folder=tmp_path) as program:
        facts = await published_facts(program, tmp_path / "state")
        await run_sql(facts["db_url"], "create table public.kept (id int)")
        processes = family(program.pid)
        assert {process.pid for process in processes} >= set(facts["pids"].values())
        program.kill()
        await program.wait()
        assert await all_end(processes)
    assert "database system is shut down" in last_server_line(tmp_path / "state")
    async with Stack(tmp_path / "state") as again:
        assert again.secret_key == facts["secret_key"]
        assert await run_sql(again.db_url, "select to_regclass('public.kept')::text") == "kept"


async def test_killing_the_guards_stops_what_they_guard(tmp_path: Path) -> None:
    async with tidewire("stack", "--state", "state", folder=tmp_path) as program:
        await published_facts(program, tmp_path / "state")
        processes = family(program.pid)
        guards = psutil.Process(program.pid).children()
        program.kill()
        for guard in guards:
            guard.kill()
        assert await all_end(processes)
    async with Stack(tmp_path / "state"):
        pass


async def test_a_second_stack_on_the_same_folder_is_refused_by_pid(tmp_path: Path) -> None:
    async with Stack(tmp_path) as first:
        with pytest.raises(StackError, match=f"already runs on .* as pid {psutil.Process().pid}"):
            await Stack(tmp_path).__aenter__()
        assert read_facts(tmp_path) is not None
        assert await run_sql(first.db_url, "select 'served'") == "served"


async def test_a_postmaster_file_of_another_program_does_not_prevent_a_start(
    tmp_path: Path,
) -> None:
    async with Stack(tmp_path) as stack:
        data = stack.postgres.data
    (data / "postmaster.pid").write_text(f"{psutil.Process().pid}\n{data}\n0\n54322\n\n127.0.0.1\n")
    async with Stack(tmp_path) as stack:
        assert await run_sql(stack.db_url, "select 'served'") == "served"


async def test_a_part_that_is_down_is_answered_for_and_comes_back(tmp_path: Path) -> None:
    async with Stack(tmp_path) as stack:
        headers = {"apikey": stack.publishable_key}
        async with httpx.AsyncClient(base_url=stack.api_url, headers=headers) as client:
            for part in ("api", "realtime"):
                await stack.stop(part)
                assert part not in stack.pids
            assert (await client.get("/auth/v1/health")).status_code == 503
            broadcast = await client.post("/realtime/v1/api/broadcast", json={"messages": []})
            assert broadcast.status_code == 503
            assert broadcast.json()["message"] == "realtime is not running"
            await stack.start("api")
            await stack.start("realtime")
            assert (await client.get("/auth/v1/health")).status_code == 200
            await stack.restart("postgres")
            signed_up = await client.post(
                "/auth/v1/signup", json={"email": "a@example.com", "password": "correct-horse"}
            )
            assert signed_up.status_code == 200


async def test_a_crashed_part_is_started_again_by_the_command(tmp_path: Path) -> None:
    async with tidewire("stack", "--state", "state", folder=tmp_path) as program:
        before = await published_facts(program, tmp_path / "state")
        psutil.Process(before["pids"]["api"]).kill()
        after = await published_facts(
            program,
            tmp_path / "state",
            until=lambda facts: facts["pids"].get("api", 0) not in (0, before["pids"]["api"]),
        )
        async with httpx.AsyncClient(base_url=after["api_url"]) as client:
            headers = {"apikey": after["publishable_key"]}
            assert (await client.get("/auth/v1/health", headers=headers)).status_code == 200


async def test_secrets_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    async with Stack(tmp_path):
        for name in ("keys.json", "stack.json"):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0
        process = psutil.Process()
        assert not any("sb_secret_" in " ".join(part.cmdline()) for part in process.children(True))
