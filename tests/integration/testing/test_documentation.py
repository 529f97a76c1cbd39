"""The examples of docs/testing.md are tests, and they pass."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import mypy.api
import pytest

_PAGE = Path(__file__).parents[3] / "docs" / "testing.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """All Python blocks of the page as one module."""
    blocks = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    module = tmp_path / "test_support.py"
    module.write_text("\n\n".join(blocks))
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nfilterwarnings = error\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    return module


async def test_examples_pass(example: Path, test_server: str) -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        example.name,
        cwd=example.parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TIDEWIRE_TEST_DATABASE_URL": test_server,
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()
    assert "3 passed" in said.decode()


def test_examples_satisfy_a_strict_type_checker(example: Path) -> None:
    report, problems, code = mypy.api.run(["--strict", str(example)])
    assert code == 0, report + problems
