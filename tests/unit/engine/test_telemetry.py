"""Log lines carry their facts, and never a secret."""

from __future__ import annotations

import json
import logging
import sys

from tidewire.telemetry import JsonFormatter, ReadableFormatter

_SECRETS = ["sb_secret_abcdef", "postgresql://u:sb_secret_abcdef@h/db"]


def _record(message: str, **facts: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "tidewire", "levelname": "INFO", "msg": message})
    record.__dict__.update(facts)
    return record


def test_json_line_holds_the_message_and_its_facts() -> None:
    line = json.loads(JsonFormatter([]).format(_record("claimed", run="r1", count=3)))
    assert (line["message"], line["run"], line["count"]) == ("claimed", "r1", 3)


def test_readable_line_ends_with_the_facts() -> None:
    assert ReadableFormatter([]).format(_record("claimed", run="r1")) == "claimed run=r1"


def test_secrets_are_replaced_in_messages_facts_and_tracebacks() -> None:
    try:
        raise OSError(f"cannot reach {_SECRETS[1]}")
    except OSError:
        error = sys.exc_info()
    record = _record(f"key {_SECRETS[0]}", url=_SECRETS[1], exc_info=error)
    for formatter in (JsonFormatter(_SECRETS), ReadableFormatter(_SECRETS)):
        line = formatter.format(record)
        assert "sb_secret_abcdef" not in line
        assert "[secret]" in line
