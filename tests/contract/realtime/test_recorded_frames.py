"""The server answers the recorded frames of the hosted server, byte for byte."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from contract.realtime.replay import Line, Replay, fresh_tokens, read_lines
from contract.realtime.server import RealtimeServer

FRAMES = Path(__file__).with_name("frames")
RECORDS = {"v1": read_lines(FRAMES / "v1.jsonl"), "v2": read_lines(FRAMES / "v2.jsonl")}

SCENARIOS = [
    "heartbeat",
    "join_public_self_ack",
    "join_public_noack_two_clients",
    "join_private_ok",
    "db_send_public",
    "join_private_denied",
    "service_role_private",
    "access_token",
    "join_bad_tokens",
    "unknown_event",
    "replication_ready",
    "http_connect_errors",
    "v2_binary",
    "channel_limit",
]
OUT_OF_SCOPE = {
    "presence": "tidewire does not use presence: tracking is answered with an error",
    "presence_private": "as above",
    "replay": "tidewire recovers from its tables, never by replay",
}
# Single lines left out, by (scenario, connection).
NOT_REPLAYED = {
    ("http_connect_errors", "unknown tenant"): "the embedded server serves one project alone",
}


def lines_of(version: str, scenario: str) -> list[Line]:
    return [
        line
        for line in RECORDS[version]
        if line["scenario"] == scenario and (scenario, line.get("conn")) not in NOT_REPLAYED
    ]


@pytest.mark.parametrize("version", RECORDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_scenario_is_answered_as_recorded(
    realtime: RealtimeServer, sql: asyncpg.Connection, version: str, scenario: str
) -> None:
    lines = lines_of(version, scenario)
    assert lines
    if scenario == "channel_limit":
        lines = with_unlogged_joins(lines)
    await Replay(realtime, sql, fresh_tokens(realtime)).run(lines)


def with_unlogged_joins(lines: list[Line]) -> list[Line]:
    """Return the lines with the first 98 joins, of which the record only speaks in a note."""
    first = next(line for line in lines if line["dir"] == "out")
    reply = next(line for line in lines if line["dir"] == "in")
    start = lines.index(first)
    earlier = [
        {**line, "raw": line["raw"].replace("99", str(number))}
        for number in range(1, 99)
        for line in (first, reply)
    ]
    return [*lines[:start], *earlier, *lines[start:]]


def test_every_recorded_scenario_is_replayed_or_excused() -> None:
    recorded = {line["scenario"] for lines in RECORDS.values() for line in lines}
    assert recorded == {*SCENARIOS, *OUT_OF_SCOPE}
