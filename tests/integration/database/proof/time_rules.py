"""Time passes, and somebody maintains."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from integration.database.proof.actors import moment
from integration.database.proof.worker_rules import WorkerRules, workers

# Past a backoff, a lease, an attempt's deadline, a run's.
seconds = st.sampled_from([1, 1, 1, 5, 5, *[16] * 6, *[61] * 3, 620, 620, 86_500])


class TimeRules(WorkerRules):
    """What must happen though nobody asks."""

    @rule(worker=workers)
    def take_over(self, worker: str) -> None:
        """A worker dies, its leases expire, and another one takes its steps."""
        self.wait(16)
        self.laws_hold()
        self.maintain()
        self.laws_hold()
        self.claim(worker, 5)

    @rule(passed=seconds)
    def wait(self, passed: int) -> None:
        self.engine.move_to(self.engine.now + timedelta(seconds=passed))

    @rule()
    def maintain(self) -> None:
        now, runs = self.engine.now, self.before.runs
        expired = [
            key[0]
            for key, row in self.before.steps.items()
            if row["status"] == "running" and moment(row["lease_expires_at"]) < now
        ]
        in_time = [run_id for run_id in expired if moment(runs[run_id]["deadline_at"]) >= now]
        counts = self.call(self.engine.value, "tidewire.maintain")
        # A run past its deadline may be ended before anybody rescues its steps.
        assert len(in_time) <= counts["rescued"] <= len(expired)
        for run_id, run in self.after.runs.items():
            assert not (self.after.is_active(run_id) and moment(run["deadline_at"]) < now)
        for row in self.after.steps.values():
            if row["status"] == "running":
                assert moment(row["lease_expires_at"]) >= now
            assert row["status"] != "scheduled" or moment(row["available_at"]) > now
        for message in self.before.messages:
            if not self.before.is_active(message["run_id"]):
                assert self.after.message(message)["status"] != "streaming"
