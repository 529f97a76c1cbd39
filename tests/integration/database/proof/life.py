"""The random life of an engine: what every rule stands on, and what holds after every rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant

from integration.database.proof.actors import Engine, Known, Lease, Refused, moment
from integration.database.proof.laws import problems_between, problems_of
from integration.database.proof.snapshot import Row, key_of
from registered_flows import step

FLOWS: dict[str, list[dict[str, object]]] = {
    "chain": [step("a"), step("b", "a"), step("c", "b")],
    "diamond": [
        step("top"),
        step("left", "top"),
        step("right", "top"),
        step("end", "left", "right"),
    ],
    "fan_in": [*(step(f"part{n}") for n in range(5)), step("sum", *(f"part{n}" for n in range(5)))],
    "answer": [step("write", stream=True), step("show", "write", publish=True)],
    "fragile": [step("only", max_attempts=1)],
}
SHAPES: dict[str, dict[str, list[str]]] = {
    flow: {str(each["slug"]): list(each["deps"]) for each in steps}  # type: ignore[call-overload]
    for flow, steps in FLOWS.items()
}
USERS = ("ada", "bob")

REFUSALS = {"lease_lost", "cancelled", "duplicate", "gap", "busy"}
# Longer than any deadline: a run's, an attempt's, a backoff's.
LONG_AFTER = timedelta(days=2)


class Life(RuleBasedStateMachine):
    """`engine` and `versions` are given by the test, as attributes of a subclass.

    Attributes:
      before: everything as it was when the present rule began.
      after: everything as its last call left it.
      known: what workers and users were told.
    """

    engine: Engine
    versions: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.engine.reset()
        self.known = Known(users={name: self.engine.add_user() for name in USERS})
        self.before = self.after = self.engine.look()
        self._sound = True

    @invariant()
    def laws_hold(self) -> None:
        problems = problems_of(self.after, SHAPES) + problems_between(self.before, self.after)
        assert not problems, "\n".join(problems)
        for key, write in self.known.writes.items():
            assert self.after.deltas_of(key) == write.deltas
        self.before, self._sound = self.after, True

    def teardown(self) -> None:
        """G6: long after, and with nothing but maintenance, every run has ended."""
        if not self._sound:
            return  # a rule has failed, and that is what should be told
        self.engine.move_to(self.engine.now + LONG_AFTER)
        for _ in range(10):
            counts = self.call(self.engine.value, "tidewire.maintain")
            self.laws_hold()
            if not sum(counts.values()):
                break
        active = [run_id for run_id in self.after.runs if self.after.is_active(run_id)]
        assert not active, f"must have ended: {[self.after.runs[run_id] for run_id in active]}"
        assert all(message["status"] != "streaming" for message in self.after.messages)

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """Do one call and look at what it left."""
        self._sound = False
        answer = function(*arguments)
        self.after = self.engine.look()
        return answer

    def refused(self, why: tuple[str, str], function: str, *arguments: object) -> None:
        """One call that must be refused, and leave nothing."""
        with pytest.raises(Refused) as refusal:
            self.engine.value(function, *arguments)
        assert (refusal.value.code, refusal.value.detail) == why
        self.after = self.engine.look()
        self.nothing_changed()

    def nothing_changed(self) -> None:
        """Nothing but that steps whose time had come are ready now, which any call may see to."""
        promoted = {
            key: self.after.steps[key]
            for key, row in self.before.steps.items()
            if row["status"] == "scheduled" and self.after.steps[key]["status"] == "queued"
        }
        for key in promoted:
            assert moment(self.before.steps[key]["available_at"]) <= self.engine.now
        expected = replace(self.before, steps=self.before.steps | promoted)
        assert self.after == expected

    def chunks(self, lease: Lease, kinds: Sequence[str]) -> Row:
        """New chunks of a step, next in its sequence; nothing without kinds."""
        if not kinds:
            return {}
        part = {"id": f"{lease.key[1]}.1"}
        call = {"toolCallId": f"{lease.key[1]}.call"}
        made = {
            "open": {"type": "text-start", **part},
            "close": {"type": "text-end", **part},
            "call": {"type": "tool-input-available", "toolName": "look", "input": {}, **call},
            "result": {"type": "tool-output-available", "output": 1, **call},
            "note": {"type": "data-note", "data": "sea"},
        }
        chunks = [
            made.get(kind) or {"type": "text-delta", "delta": f"{self.known.number()} ", **part}
            for kind in kinds
        ]
        row = self.before.steps.get(lease.key)
        return {"chunks": chunks, "first_sequence": row["last_sequence"] if row else 0}

    def judge(
        self,
        leases: Sequence[Lease],
        rows: Sequence[Row],
        expected: Callable[[int, Row], str | tuple[str, ...]],
        done: str = "lease_lost",
    ) -> list[Row]:
        """The answers in order; they must be what the leases deserved before the call.

        G4: a write under a lost lease is refused, and a call that is refused changes nothing.

        Args:
          expected: what the item at a position gets, by its step's row, when its lease stands.
          done: what it gets when the step completed under this very lease.
        """
        answers = sorted((r for r in rows if r["ordinal"] is not None), key=lambda r: r["ordinal"])
        assert len(answers) == len(leases)
        for place, (lease, answer) in enumerate(zip(leases, answers, strict=True)):
            standing = lease.standing(self.before)
            right: str | tuple[str, ...] = standing
            if standing == "present":
                right = expected(place, self.before.steps[lease.key])
            elif standing == "done":
                right = done
            right = (right,) if isinstance(right, str) else right
            assert answer["answer"] in right, f"{lease} must get {right}, got {answer}"
        if all(row["answer"] in REFUSALS for row in rows):
            self.nothing_changed()
        return answers

    def acknowledge(self, lease: Lease, item: Row, answer: Row) -> None:
        """The chunks that came with a write are in the log, in a row, and where the answer says."""
        if "chunks" not in item:
            return
        run_id, chunks = lease.key[0], item["chunks"]
        head = self.before.runs[run_id]["next_index"]
        new = [(entry.step_slug, entry.chunk) for entry in self.after.logs[run_id][head:]]
        ours = [(lease.key[1], chunk) for chunk in chunks]
        places = [head + n for n in range(len(new)) if new[n : n + len(ours)] == ours]
        assert places, f"{chunks} must be in the log after {head}"
        first = (answer["detail"] or {}).get("first_index", places[0])
        assert first in places
        write = self.known.write(lease.key)
        write.chunks += chunks
        write.last_append, write.first_index = item, first

    def grant(self, worker: str, rows: Sequence[Row]) -> list[Lease]:
        """Leases out of claimed rows, each with all that the attempt goes on from."""
        told = {key_of(r["detail"]): r["detail"] for r in rows if r["answer"] == "claimed"}
        granted = [self._lease(worker, told[key]) for key in self.after.steps if key in told]
        assert len(granted) == [row["answer"] for row in rows].count("claimed")
        self.known.leases += granted
        return granted

    def _lease(self, worker: str, told: Row) -> Lease:
        lease = Lease(worker, key_of(told), told["lease_token"])
        assert (lease.key, lease.token) not in self.known.granted, "a token is held by one alone"
        self.known.granted.add((lease.key, lease.token))
        row, write = self.after.steps[lease.key], self.known.write(lease.key)
        assert lease.standing(self.after) == "present"
        assert (row["worker_id"], row["attempt"]) == (worker, told["attempt"])
        if lease.key in self.before.steps:
            assert row["attempt"] == self.before.steps[lease.key]["attempt"] + 1
        assert told["last_sequence"] == len(write.chunks)
        # G10: a checkpoint, once acknowledged, is seen by the next attempt.
        assert (told["checkpoint"] or {}).get("data") == write.checkpoint
        assert told["inputs"] == self._outputs_before(lease)
        assert told["run_input"] == self.after.runs[lease.key[0]]["input"]
        return lease

    def _outputs_before(self, lease: Lease) -> Row:
        run_id, step_slug, _ = lease.key
        deps = SHAPES[self.after.runs[run_id]["flow_slug"]][step_slug]
        return {dep: self.after.steps[run_id, dep, -1]["output"] for dep in deps}
