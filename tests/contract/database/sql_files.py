"""What the migrations say, statement by statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pglast
from pglast import ast

from tidewire.install.migration_files import packaged_folder, read_migrations

_DYNAMIC = re.compile(r"\$policy\$(.*?)\$policy\$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is written."""

    name: str
    lines: int
    text: str


@cache
def all_sql() -> str:
    """The text of all migrations, in order."""
    return "\n".join(file.sql for file in read_migrations(packaged_folder()))


def statements() -> Iterator[tuple[ast.Node, str]]:
    """Each statement with its text; a DO block's dynamic statements come after it."""
    for text in pglast.split(all_sql()):
        node = _parse(text)
        yield node, text
        if isinstance(node, ast.DoStmt):
            for dynamic in _DYNAMIC.findall(text):
                yield _parse(dynamic), dynamic


def _parse(text: str) -> ast.Node:
    (raw,) = pglast.parse_sql(text)
    assert raw.stmt is not None
    return raw.stmt


def functions() -> Iterator[Function]:
    """Every function that a migration creates, in order; a later one replaces an earlier."""
    for statement, text in statements():
        if isinstance(statement, ast.CreateFunctionStmt):
            name = ".".join(part.sval for part in statement.funcname or ())
            written = text[text.index("create") :] if "create" in text else text
            yield Function(name, len(written.strip().splitlines()), written)
