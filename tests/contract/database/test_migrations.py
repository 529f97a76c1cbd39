"""What no migration may do, read from their text."""

from __future__ import annotations

import re

from pglast import ast
from pglast.enums import ObjectType
from pglast.visitors import Visitor

from contract.database.sql_files import all_sql, functions, statements
from tidewire.install.migration_files import packaged_folder

LONGEST_FUNCTION = 60
# One statement each, which cutting up would only hide.
LONGER_ALLOWED = {
    "tidewire.check_definition",
    "tidewire.count_items",
    "tidewire.judge_steps",
    "tidewire.move_dependents",
    "tidewire.settle_runs",
    "tidewire.check_start",
    "public.send_message",
    "tidewire.judge_appends",
    "tidewire.write_appends",
    "tidewire.read_step_text",
    "tidewire.completion_drafts",
    "tidewire.record_failures",
    "tidewire.log_page",
    "tidewire.message_parts",
}
POLICY_STATEMENTS = (ast.CreatePolicyStmt, ast.DropStmt)
CHANGES_REALTIME = re.compile(
    r"\b(insert\s+into|update|delete\s+from|truncate|(alter|drop|create)(\s+\w+){1,4}|on)"
    r"\s+realtime\.",
    re.IGNORECASE,
)


class SchemasNamed(Visitor):
    """Collects the schemas of the relations and functions that a statement names."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def visit_RangeVar(self, _: object, node: ast.RangeVar) -> None:  # noqa: N802
        self.found.add(node.schemaname or "")

    def visit_ObjectWithArgs(self, _: object, node: ast.ObjectWithArgs) -> None:  # noqa: N802
        self.found.add((node.objname or ())[0].sval)


def schemas_named(statement: ast.Node) -> set[str]:
    visitor = SchemasNamed()
    visitor(statement)
    if isinstance(statement, ast.CreateFunctionStmt):
        visitor.found.add((statement.funcname or ())[0].sval)
    if isinstance(statement, ast.DropStmt):
        visitor.found |= {part.sval for name in statement.objects or () for part in name}
    return visitor.found


def test_file_names_are_a_timestamp_and_a_subject() -> None:
    for file in packaged_folder().glob("*.sql"):
        assert re.fullmatch(r"\d{14}_[a-z0-9_]+\.sql", file.name), file.name


def test_only_policies_are_made_or_dropped_in_schema_realtime() -> None:
    touching = [(node, text) for node, text in statements() if "realtime" in schemas_named(node)]
    assert touching, "the policies must be found"
    for node, text in touching:
        assert isinstance(node, POLICY_STATEMENTS), text
        if isinstance(node, ast.DropStmt):
            assert node.removeType == ObjectType.OBJECT_POLICY, text


def test_no_function_or_block_changes_schema_realtime() -> None:
    for node, text in statements():
        if isinstance(node, (ast.CreateFunctionStmt, ast.DoStmt)):
            bare = re.sub(r"\$policy\$.*?\$policy\$", "", text, flags=re.DOTALL)
            assert not CHANGES_REALTIME.search(bare), text


def test_no_statement_needs_to_run_outside_a_transaction() -> None:
    for node, text in statements():
        assert not isinstance(node, (ast.TransactionStmt, ast.VacuumStmt)), text
        assert not (isinstance(node, ast.IndexStmt) and node.concurrent), text


def test_migrations_leave_attributes_of_roles_to_the_project() -> None:
    for node, text in statements():
        assert not isinstance(node, (ast.AlterRoleStmt, ast.AlterRoleSetStmt)), text
    assert "password" not in all_sql().lower()


def test_functions_have_at_most_sixty_lines_unless_listed() -> None:
    latest = {function.name: function for function in functions()}
    long = {name for name, function in latest.items() if function.lines > LONGEST_FUNCTION}
    assert long <= LONGER_ALLOWED, long - LONGER_ALLOWED


def test_every_definer_function_says_why() -> None:
    for function in functions():
        for line in function.text.splitlines():
            if line.strip().startswith("security definer"):
                assert re.search(r"security definer -- \w+", line), function.name


def test_every_function_has_its_contract_above_it() -> None:
    lines = all_sql().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("create function"):
            assert lines[number - 1].startswith("--"), line
