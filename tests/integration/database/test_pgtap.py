"""The pgTAP files of supabase/tests, one test each."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.database.pgtap import TESTS, TapOutput, pgtap_files, run_pgtap


@pytest.mark.parametrize(
    "file", [pytest.param(file, id=str(file.relative_to(TESTS))) for file in pgtap_files()]
)
async def test_pgtap_file_passes(file: Path, pgtap_dsn: str) -> None:
    output = await run_pgtap(pgtap_dsn, file.read_text())  # noqa: ASYNC240
    print(f"\n# {file.relative_to(TESTS)}\n{output}")
    assert output.failures == [], f"\n{output}"


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["1..1", "not ok 1 - it holds"], None),
        (["1..2", "ok 1 - it holds"], None),
        (["1..1", "ok 1", "ok 2"], None),
        (["ok 1"], None),
        (["1..1", "ok 1"], "42601 syntax error"),
    ],
)
def test_output_that_is_no_full_success_is_a_failure(lines: list[str], error: str | None) -> None:
    assert TapOutput(lines, error).failures
