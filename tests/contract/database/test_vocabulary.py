"""Codes and statuses are the same in SQL, Python, the protocol and TypeScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import tidewire.errors
from contract.database.sql_files import all_sql
from stack import Database

SPEC = Path(__file__).parents[3] / "transport_spec"
PROTOCOL = SPEC / "PROTOCOL.md"
RUN_STATUSES = {"queued", "running", "completed", "failed", "cancelled"}
STEP_STATUSES = RUN_STATUSES | {"waiting", "scheduled", "skipped"}
TERMINAL = {"completed", "failed", "cancelled"}
CODE = re.compile(r"\bTW\d{3}\b")


def codes_in(text: str) -> set[str]:
    return set(CODE.findall(text))


def raised_codes() -> set[str]:
    """Codes that a statement raises, as opposed to those that comments explain."""
    bare = re.sub(r"--[^\n]*", "", all_sql())
    return codes_in(bare)


def statuses_in_constraint(definition: str) -> set[str]:
    return set(re.findall(r"'([a-z]+)'::text", definition))


@pytest.fixture
async def status_constraints(database: Database) -> dict[str, set[str]]:
    connection = await asyncpg.connect(database.dsn)
    try:
        rows = await connection.fetch(
            "select conrelid::regclass::text as table_name, pg_get_constraintdef(oid) as law"
            " from pg_constraint where conname = 'status_is_known'"
        )
    finally:
        await connection.close()
    return {row["table_name"]: statuses_in_constraint(row["law"]) for row in rows}


def test_every_code_in_sql_is_explained_in_its_table_of_codes() -> None:
    table = all_sql().split("-- Lock order", 1)[0]
    assert raised_codes() <= codes_in(table)


def test_every_code_in_sql_is_an_exception_in_python() -> None:
    known = {
        code
        for value in vars(tidewire.errors).values()
        if isinstance(value, type) and issubclass(value, tidewire.errors.TidewireError)
        for code in codes_in(f"{value.__doc__} {getattr(value, 'code', '')}")
    }
    tree = codes_in(tidewire.errors.__doc__ or "")
    assert codes_in(all_sql()) <= known | tree


def test_every_code_in_sql_has_a_line_in_the_protocol() -> None:
    rows = {
        match.group(1): match.group(2).strip()
        for match in re.finditer(r"^\| (TW\d{3}) \| ([^|]+)\|", PROTOCOL.read_text(), re.MULTILINE)
    }
    assert codes_in(all_sql()) == set(rows)
    for status, code in re.findall(r"refuse\(\s*(\d{3}),\s*'(TW\d{3})'", all_sql()):
        assert rows[code] == status, code


def test_every_code_in_sql_is_known_to_the_client() -> None:
    union = (SPEC / "client/src/errors.ts").read_text().split("export type TidewireCode", 1)[1]
    assert codes_in(all_sql()) == codes_in(union.split(";", 1)[0]) - {"TW000"}


def test_clients_are_told_every_code_that_a_client_function_raises() -> None:
    schema = json.loads((SPEC / "schemas/refusal.schema.json").read_text())
    refused = {code for _, code in re.findall(r"refuse\(\s*(\d{3}),\s*'(TW\d{3})'", all_sql())}
    assert refused <= set(schema["properties"]["details"]["enum"])


async def test_statuses_in_the_database_are_the_vocabulary(
    status_constraints: dict[str, set[str]],
) -> None:
    assert status_constraints["flow_runs"] == RUN_STATUSES
    assert status_constraints["flow_steps"] == STEP_STATUSES


def test_statuses_in_the_protocol_are_the_vocabulary() -> None:
    line = re.search(r"^Run status: `([a-z ]+)`", PROTOCOL.read_text(), re.MULTILINE)
    assert line is not None
    assert set(line.group(1).split()) == RUN_STATUSES


def schema_statuses(node: object, path: str = "") -> Iterator[tuple[str, set[str]]]:
    match node:
        case {"enum": list(values)} if path.endswith("/status"):
            yield path, set(values)
        case dict():
            for key, value in node.items():
                yield from schema_statuses(value, f"{path}/{key}")


def test_statuses_in_the_schemas_are_the_vocabulary() -> None:
    found = {
        (file.name, path): values
        for file in sorted((SPEC / "schemas").glob("*-answer.schema.json"))
        for path, values in schema_statuses(json.loads(file.read_text()))
    }
    assert found
    for place, values in found.items():
        assert values in (RUN_STATUSES, TERMINAL), place


def test_statuses_in_typescript_are_the_vocabulary() -> None:
    source = (SPEC / "client/src/chunk.ts").read_text()
    union = source.split("export type RunStatus =", 1)[1].split(";", 1)[0]
    assert set(re.findall(r'"([a-z]+)"', union)) == RUN_STATUSES


def test_progress_statuses_in_sql_are_those_of_the_protocol() -> None:
    schema = json.loads((SPEC / "schemas/data-progress.schema.json").read_text())
    allowed = set(schema["properties"]["data"]["properties"]["status"]["enum"])
    called = re.findall(r"progress_chunk\(\s*\w+\.step_slug,\s*'([a-z]+)'", all_sql())
    built = re.findall(r"'step', \w+\.step_slug, 'status', '([a-z]+)'", all_sql())
    written = {*called, *built}
    assert {"started", "completed", "skipped", "waiting"} <= written <= allowed
    assert {"retrying", "failed"} <= allowed
