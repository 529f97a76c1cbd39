"""What holds of every snapshot, and between any two: the guarantees, recounted from the tables.

Each law yields what breaks it. The numbers are those of the guarantees in PROTOCOL.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from integration.database.proof.snapshot import (
    ACTIVE,
    OPEN,
    TERMINAL_TYPES,
    Entry,
    Snapshot,
)

# Dependencies by step, by flow.
Shapes = Mapping[str, Mapping[str, list[str]]]
DONE = ("completed", "skipped")

_RUN_MOVES = {
    "queued": {"running", "completed", "failed", "cancelled"},
    "running": {"completed", "failed", "cancelled"},
}
_STEP_MOVES = {
    "waiting": {"scheduled", "queued", "running", "cancelled", "skipped"},
    "scheduled": {"queued", "running", "cancelled", "skipped"},
    "queued": {"running", "cancelled", "skipped"},
    "running": {"queued", "scheduled", "completed", "failed", "cancelled", "skipped"},
}
_OPENS = {
    "text-start": "text",
    "reasoning-start": "reasoning",
    "tool-input-start": "tool",
    "tool-input-available": "tool",
}
_CLOSES = {
    "text-end": "text",
    "reasoning-end": "reasoning",
    "tool-output-available": "tool",
    "tool-output-error": "tool",
    "tool-input-error": "tool",
}


def problems_of(now: Snapshot, shapes: Shapes) -> list[str]:
    """What is wrong with a snapshot by itself."""
    return [problem for law in LAWS for problem in law(now, shapes)]


def problems_between(before: Snapshot, now: Snapshot) -> list[str]:
    """What is wrong with a move from one snapshot to the next."""
    return [problem for law in MOVES for problem in law(before, now)]


def log_is_dense(now: Snapshot, _: Shapes) -> Iterator[str]:
    """G2: indexes are dense from 0, and the head counts them."""
    for run_id, run in now.runs.items():
        if run["purged_at"] is None:
            indexes = [entry.index for entry in now.logs.get(run_id, [])]
            if indexes != list(range(run["next_index"])):
                yield f"log of {run_id} has indexes {indexes}, its head is {run['next_index']}"


def log_ends_once(now: Snapshot, _: Shapes) -> Iterator[str]:
    """G6: a terminal run's log has one terminal entry, the last; an active run's has none."""
    for run_id, run in now.runs.items():
        types = [entry.type for entry in now.logs.get(run_id, [])]
        ends = [index for index, kind in enumerate(types) if kind in TERMINAL_TYPES]
        if run["status"] in ACTIVE and ends:
            yield f"active run {run_id} has a terminal entry: {types}"
        elif run["status"] not in ACTIVE and run["purged_at"] is None and ends != [len(types) - 1]:
            yield f"{run['status']} run {run_id} must end once and last: {types}"
        if run["purged_at"] is None and types.count("start") != 1:
            yield f"log of {run_id} must start once: {types}"


def ended_runs_leave_nothing_open(now: Snapshot, _: Shapes) -> Iterator[str]:
    """G6: when a run has ended, so have its steps and the parts in its log."""
    for run_id, run in now.runs.items():
        if run["status"] in ACTIVE:
            continue
        for row in now.steps_of(run_id):
            if row["status"] in OPEN or row["open_parts"]:
                yield f"{run['status']} run {run_id} leaves open {row}"
        if still_open := open_parts(now.logs.get(run_id, [])):
            yield f"{run['status']} run {run_id} leaves parts open: {still_open}"


def steps_know_their_open_parts(now: Snapshot, _: Shapes) -> Iterator[str]:
    """A step's open parts are those that its entries in the log leave open."""
    for key, row in now.steps.items():
        recounted = open_parts(now.entries_of(key))
        if {(part["type"], part["id"]) for part in row["open_parts"]} != recounted:
            yield f"{key} must have open {recounted}, got {row['open_parts']}"


def counters_are_right(now: Snapshot, shapes: Shapes) -> Iterator[str]:
    """What a row counts down is what a recount finds."""
    for run_id, run in now.runs.items():
        if run["status"] not in ACTIVE:
            continue
        rows = {row["step_slug"]: row for row in now.steps_of(run_id) if row["item_index"] == -1}
        left = [slug for slug, row in rows.items() if row["status"] not in DONE]
        if run["remaining_steps"] != len(left):
            yield f"run {run_id} counts {run['remaining_steps']} steps, {left} are left"
        for slug, row in rows.items():
            deps = shapes[run["flow_slug"]][slug]
            waits_for = [dep for dep in deps if rows[dep]["status"] not in DONE]
            if row["remaining_deps"] != len(waits_for):
                yield f"{run_id}/{slug} counts {row['remaining_deps']}, waits for {waits_for}"
            ready = not waits_for and not run["held"]
            if ready != (row["status"] != "waiting"):
                yield f"{run_id}/{slug} is {row['status']}, waits for {waits_for}"


def every_claim_is_in_the_log(now: Snapshot, _: Shapes) -> Iterator[str]:
    """A step has started as often as its token was raised, and completed at most once."""
    for key, row in now.steps.items():
        if now.runs[key[0]]["purged_at"] is not None or key[2] != -1:
            continue
        said = Counter(
            entry.chunk["data"]["status"]
            for entry in now.entries_of(key)
            if entry.type == "data-progress"
        )
        if said["started"] != row["lease_token"]:
            yield f"{key} was claimed {row['lease_token']} times, its log says {dict(said)}"
        if said["completed"] != (row["status"] == "completed"):
            yield f"{key} is {row['status']}, its log says {dict(said)}"


def statuses_agree(now: Snapshot, _: Shapes) -> Iterator[str]:
    """A run's status and times follow from its steps'."""
    for run_id, run in now.runs.items():
        rows = now.steps_of(run_id)
        started = any(row["lease_token"] > 0 for row in rows)
        if run["status"] in ACTIVE and started != (run["status"] == "running"):
            yield f"run {run_id} is {run['status']}, started: {started}"
        if run["status"] == "completed" and any(row["status"] not in DONE for row in rows):
            yield f"run {run_id} completed before its steps"
        if run["status"] in ACTIVE and any(row["status"] == "failed" for row in rows):
            yield f"run {run_id} goes on after a step failed"


def a_thread_has_one_turn(now: Snapshot, _: Shapes) -> Iterator[str]:
    """Of a thread's active runs one has the turn, and whoever waits for it waits for one."""
    for thread in now.threads:
        runs = [
            run
            for run in now.runs.values()
            if run["thread_id"] == thread["thread_id"] and run["user_id"] == thread["user_id"]
            if run["status"] in ACTIVE
        ]
        turns = [run["run_id"] for run in runs if not run["held"]]
        if len(turns) > 1 or (runs and turns != [thread["active_run_id"]]):
            yield f"thread {thread['thread_id']} has the turns {turns}, says {thread}"


def terminal_runs_never_change(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """D10: what has ended is as it was, log included."""
    kept = ("status", "output", "error", "finished_at", "next_index", "remaining_steps")
    for run_id, run in before.runs.items():
        if run["status"] in ACTIVE or run_id not in now.runs:
            continue
        if any(run[column] != now.runs[run_id][column] for column in kept):
            yield f"ended run changed from {run} to {now.runs[run_id]}"
        if now.runs[run_id]["purged_at"] is None and before.logs[run_id] != now.logs[run_id]:
            yield f"log of ended run {run_id} changed"


def statuses_move_forward(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """Runs and steps take the ways that their state machines have."""
    for run_id, run in before.runs.items():
        status = now.runs.get(run_id, run)["status"]
        if status != run["status"] and status not in _RUN_MOVES.get(run["status"], ()):
            yield f"run {run_id} went from {run['status']} to {status}"
    for key, row in before.steps.items():
        status = now.steps.get(key, row)["status"]
        if status != row["status"] and status not in _STEP_MOVES.get(row["status"], ()):
            yield f"step {key} went from {row['status']} to {status}"


def what_is_written_stays(before: Snapshot, now: Snapshot) -> Iterator[str]:
    """G2, G4, G5: entries keep their index, tokens only rise, an output never changes."""
    for run_id, entries in before.logs.items():
        is_there = run_id in now.runs and now.runs[run_id]["purged_at"] is None
        if is_there and now.logs[run_id][: len(entries)] != entries:
            yield f"log of {run_id} was rewritten"
    for key, row in before.steps.items():
        after = now.steps.get(key, row)
        if (
            after["lease_token"] < row["lease_token"]
            or after["lease_token"] > row["lease_token"] + 1
        ):
            yield f"token of {key} went from {row['lease_token']} to {after['lease_token']}"
        if row["status"] == "completed" and after["output"] != row["output"]:
            yield f"output of {key} changed from {row['output']} to {after['output']}"


def open_parts(entries: list[Entry]) -> set[tuple[str, str]]:
    """The parts that entries leave open, as (type, id)."""
    parts: set[tuple[str, str]] = set()
    for entry in entries:
        part_id = entry.chunk.get("id") or entry.chunk.get("toolCallId")
        if entry.type in _OPENS:
            parts.add((_OPENS[entry.type], str(part_id)))
        elif entry.type in _CLOSES and not entry.chunk.get("preliminary"):
            parts.discard((_CLOSES[entry.type], str(part_id)))
    return parts


LAWS: list[Callable[[Snapshot, Shapes], Iterator[str]]] = [
    log_is_dense,
    log_ends_once,
    ended_runs_leave_nothing_open,
    steps_know_their_open_parts,
    counters_are_right,
    every_claim_is_in_the_log,
    statuses_agree,
    a_thread_has_one_turn,
]
MOVES: list[Callable[[Snapshot, Snapshot], Iterator[str]]] = [
    terminal_runs_never_change,
    statuses_move_forward,
    what_is_written_stays,
]
