"""Every command and statement of docs/control.md works on a run that failed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import asyncpg
import pytest

from integration.worker.test_command import complaint
from integration.worker.test_repeats_command import failed
from stack import Database

__all__ = ["failed"]

PAGE = (Path(__file__).parents[3] / "docs" / "control.md").read_text()
RUN = "01a20d12-9a0c-7b8d-a104-fd32b5a31f84"
COMMANDS = re.findall(r"^\$ tidewire (.*)$", PAGE, re.MULTILINE)
STATEMENTS = [
    line
    for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]


def test_page_has_commands_and_statements() -> None:
    assert (len(COMMANDS), len(STATEMENTS)) == (4, 3)


@pytest.mark.parametrize("command", COMMANDS)
async def test_command_makes_a_run(command: str, database: Database, failed: str) -> None:
    code, printed = await complaint(database.dsn, *shlex.split(command.replace(RUN, failed)))
    assert (code, failed in printed or "created" in printed) == (0, True), printed


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_statement_makes_a_run(
    statement: str,
    database: Database,
    failed: str,
) -> None:
    connection = await asyncpg.connect(database.dsn)
    try:
        await connection.execute(statement.replace(RUN, failed))
        made = await connection.fetchval(
            "select count(*) from public.flow_runs where origin_run_id = $1", failed
        )
    finally:
        await connection.close()
    assert made == 1
