"""Runs pgTAP files: installs pgTAP where its extension is missing and reads what it prints."""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pglast

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "supabase" / "tests"
SEED = ROOT / "supabase" / "seed.sql"
# The packaged Postgres has no pgTAP; this archive of the embedded API's packages does.
_ARCHIVE = ROOT / "worker/tidewire/local/node/node_modules/@electric-sql/pglite/dist/pgtap.tar.gz"
_SCRIPT = "share/postgresql/extension/pgtap--1.3.5.sql"

_PLAN = re.compile(r"1\.\.(\d+)$")
_OUTCOME = re.compile(r"(not )?ok \d+")
_TAP = re.compile(r"(1\.\.\d+$|(not )?ok \d+|#)")


@dataclass(frozen=True, slots=True)
class TapOutput:
    """What one file printed, as TAP lines, and why it did not finish, if it did not."""

    lines: list[str]
    error: str | None = None

    @property
    def failures(self) -> list[str]:
        """What is wrong, one line each; empty when the file passed."""
        plans = [match for line in self.lines if (match := _PLAN.match(line))]
        outcomes = [match for line in self.lines if (match := _OUTCOME.match(line))]
        problems = [match.string for match in outcomes if match.group(1)]
        if self.error is not None:
            problems.append(self.error)
        elif len(plans) != 1:
            problems.append(f"a file must plan once, got {len(plans)} plans")
        elif len(outcomes) != int(plans[0].group(1)):
            problems.append(f"{plans[0].group(1)} tests must run, got {len(outcomes)}")
        return problems

    def __str__(self) -> str:
        return "\n".join([*self.lines, *([f"Bail out! {self.error}"] if self.error else [])])


def pgtap_files() -> list[Path]:
    """Every pgTAP file, in order."""
    return sorted(TESTS.rglob("*.test.sql"))


async def prepare(dsn: str) -> None:
    """Install pgTAP in schema extensions, as `supabase test db` does, and apply seed.sql."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set client_min_messages = warning")
        await connection.execute("set search_path = extensions, pg_catalog")
        await connection.execute(_pgtap_script())
        await connection.execute("reset search_path")
        await connection.execute(SEED.read_text())
    finally:
        await connection.close()


def _pgtap_script() -> str:
    with tarfile.open(_ARCHIVE) as archive:
        script = archive.extractfile(_SCRIPT)
        assert script is not None
        lines = script.read().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("\\"))


async def run_pgtap(dsn: str, script: str) -> TapOutput:
    """Run a file's text statement by statement, as psql would, in a session of its own."""
    connection = await asyncpg.connect(dsn, statement_cache_size=0)
    lines: list[str] = []
    try:
        for statement in pglast.split(script):
            try:
                rows = await connection.fetch(statement)
            except asyncpg.PostgresError as error:
                where = statement.strip().splitlines()[0]
                return TapOutput(lines, f"{error.sqlstate} {error} in: {where}")
            lines += [
                line
                for row in rows
                if len(row) == 1 and isinstance(row[0], str)
                for line in row[0].splitlines()
                if _TAP.match(line)
            ]
    finally:
        await connection.close()
    return TapOutput(lines)
