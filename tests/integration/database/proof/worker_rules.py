"""What workers do, with the leases they have and with those they lost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import rule

from integration.database.proof.actors import LEASE, WORKERS, Lease, moment
from integration.database.proof.life import Life
from integration.database.proof.snapshot import Row, StepKey

_KINDS = st.sampled_from(["open", "delta", "delta", "close", "call", "result", "note"])
kinds = st.lists(_KINDS, min_size=1, max_size=4)
maybe_kinds = st.one_of(st.lists(_KINDS, max_size=0), kinds)
picks = st.lists(st.integers(0, 10), min_size=1, max_size=4)
workers = st.sampled_from(WORKERS)


class WorkerRules(Life):
    """Every call of a worker, as a batch that mixes present leases and lost ones."""

    @rule(worker=workers, quantity=st.integers(1, 5))
    def claim(self, worker: str, quantity: int) -> None:
        ready = {key for key, row in self.before.steps.items() if self._is_ready(row)}
        rows = self.call(self.engine.answers, "claim_steps", worker, *self._claimed(quantity))
        granted = self.grant(worker, rows)
        assert {lease.key for lease in granted} <= ready
        assert len(granted) == min(quantity, len(ready))
        assert [row["answer"] for row in rows].count("idle") == (len(granted) < quantity)

    @rule(worker=workers, rounds=st.integers(1, 3), more=maybe_kinds)
    def serve(self, worker: str, rounds: int, more: list[str]) -> None:
        """Do and complete what is ready, as on a good day, so that others meet late stages."""
        for _ in range(rounds):
            had = len(self.known.leases)
            self.claim(worker, 5)
            self.laws_hold()
            if len(self.known.leases) == had:
                return
            self.complete(list(range(len(self.known.leases) - had)), more, 0)
            self.laws_hold()

    @rule(picked=picks, more=maybe_kinds, quantity=st.sampled_from([0, 0, 1, 2]))
    def complete(self, picked: list[int], more: list[str], quantity: int) -> None:
        if not (leases := self.leases(picked)):
            return
        items = [
            x.item(output={"made": self.known.number()}, **self.chunks(x, more)) for x in leases
        ]
        queues, versions, lease, claimed = self._claimed(quantity)
        rows = self.call(
            self.engine.answers, "complete_steps",
            leases[0].worker, items, lease, queues, versions, claimed,
        )  # fmt: skip
        answers = self.judge(leases, rows, lambda _, __: "completed", done="duplicate")
        for lease_, item, answer in zip(leases, items, answers, strict=True):
            if answer["answer"] == "completed":
                self.acknowledge(lease_, item, answer)
                assert self.after.steps[lease_.key]["output"] == item["output"]
        self.grant(leases[0].worker, rows)

    @rule(picked=picks, more=maybe_kinds, retryable=st.sampled_from([True, True, False]))
    def fail(self, picked: list[int], more: list[str], retryable: bool) -> None:
        if not (leases := self.leases(picked)):
            return
        told = {"error": "Traceback", "message": "it broke", "retryable": retryable}
        items = [x.item(**told, **self.chunks(x, more)) for x in leases]
        rows = self.call(self.engine.answers, "fail_steps", leases[0].worker, items)

        def expected(_: int, row: Row) -> str:
            return "retrying" if retryable and row["attempt"] < row["max_attempts"] else "failed"

        for lease, item, answer in zip(
            leases, items, self.judge(leases, rows, expected), strict=True
        ):
            if answer["answer"] in ("retrying", "failed"):
                self.acknowledge(lease, item, answer)
            if answer["answer"] == "failed":
                assert self.after.runs[lease.key[0]]["status"] == "failed"

    @rule(picked=picks, more=kinds, place=st.sampled_from(["next", "next", "again", "gap"]))
    def append(self, picked: list[int], more: list[str], place: str) -> None:
        if not (leases := self.leases(picked)):
            return
        items = [x.item(**self._placed(x, more, place)) for x in leases]
        rows = self.call(self.engine.answers, "append_chunks", LEASE, items)

        def expected(nth: int, row: Row) -> str:
            first, size = items[nth]["first_sequence"], len(items[nth]["chunks"])
            if first == row["last_sequence"]:
                return "appended"
            return "duplicate" if first + size == row["last_sequence"] else "gap"

        for lease, item, answer in zip(
            leases, items, self.judge(leases, rows, expected), strict=True
        ):
            if answer["answer"] == "appended":
                self.acknowledge(lease, item, answer)
            elif answer["answer"] == "duplicate":
                assert answer["detail"]["first_index"] == self.known.write(lease.key).first_index

    @rule(picked=picks, more=maybe_kinds)
    def checkpoint(self, picked: list[int], more: list[str]) -> None:
        if not (leases := self.leases(picked)):
            return
        items = [x.item(data={"at": self.known.number()}, **self.chunks(x, more)) for x in leases]
        rows = self.call(self.engine.answers, "save_checkpoint", LEASE, items)
        answers = self.judge(leases, rows, lambda _, __: "saved")
        for lease, item, answer in zip(leases, items, answers, strict=True):
            if answer["answer"] == "saved":
                self.acknowledge(lease, item, answer)
                self.known.write(lease.key).checkpoint = item["data"]
                assert answer["detail"]["index"] == self.after.steps[lease.key]["last_index"]

    @rule(picked=picks)
    def release(self, picked: list[int]) -> None:
        if not (leases := self.leases(picked, of_one_worker=True)):
            return
        items = [lease.item() for lease in leases]
        rows = self.call(self.engine.answers, "release_steps", leases[0].worker, items)
        answers = self.judge(leases, rows, lambda _, __: "released")
        for lease, answer in zip(leases, answers, strict=True):
            if answer["answer"] == "released":
                row, earlier = self.after.steps[lease.key], self.before.steps[lease.key]
                assert (row["status"], row["attempt"]) == ("queued", earlier["attempt"] - 1)

    @rule(picked=picks)
    def extend(self, picked: list[int]) -> None:
        if not (leases := self.leases(picked)):
            return
        items = [lease.item() for lease in leases]
        rows = self.call(self.engine.answers, "extend_leases", leases[0].worker, LEASE, items)

        def expected(_: int, row: Row) -> str | tuple[str, ...]:
            in_time = moment(row["attempt_deadline_at"]) + LEASE > self.engine.now
            return "extended" if in_time else ("busy", "lease_lost")

        for lease, answer in zip(leases, self.judge(leases, rows, expected), strict=True):
            if answer["answer"] == "extended":
                until = moment(self.after.steps[lease.key]["lease_expires_at"])
                latest = moment(self.after.steps[lease.key]["attempt_deadline_at"]) + LEASE
                assert until == min(self.engine.now + LEASE, latest)

    @rule()
    def come_late(self) -> None:
        """G4: whatever a zombie writes, whose lease is another's by now or nobody's, is refused."""
        lost = [7, 8, 9]
        for write in (
            partial(self.complete, lost, [], 0),
            partial(self.fail, lost, [], False),
            partial(self.append, lost, ["delta"], "next"),
            partial(self.checkpoint, lost, []),
            partial(self.release, lost),
            partial(self.extend, lost),
        ):
            write()
            self.laws_hold()

    def leases(self, picked: Sequence[int], *, of_one_worker: bool = False) -> list[Lease]:
        """At most one lease a step: numbers below 7 pick those that stand, the others lost ones.

        What Hypothesis draws must not hang on which steps the database chose. So no rule has a
        condition: without a lease that stands, one is claimed, and where none is, nothing is done.
        """
        if not any(lease.standing(self.before) == "present" for lease in self.known.leases):
            self.claim(WORKERS[0], 2)
            self.laws_hold()
        latest = self.known.leases[::-1]
        standing = [x for x in latest if x.standing(self.before) == "present"]
        lost = [x for x in latest if x.standing(self.before) != "present"]
        lost.sort(key=lambda x: not self._is_anothers(x))
        chosen: dict[StepKey, Lease] = {}
        for number in picked if latest else ():
            line = (standing or lost) if number < 7 else (lost or standing)
            lease = line[number % 7 % len(line)]
            chosen.setdefault(lease.key, lease)
        found = list(chosen.values())
        return [x for x in found if not of_one_worker or x.worker == found[0].worker]

    def _is_anothers(self, lost: Lease) -> bool:
        row = self.before.steps.get(lost.key)
        return row is not None and row["status"] == "running"

    def _claimed(self, quantity: int) -> tuple[object, ...]:
        """How many steps a call claims: queues, versions, lease and quantity."""
        return (["default"], self.versions, LEASE, quantity)

    def _is_ready(self, row: Row) -> bool:
        is_due = row["status"] == "scheduled" and moment(row["available_at"]) <= self.engine.now
        return is_due or row["status"] == "queued"

    def _placed(self, lease: Lease, more: list[str], place: str) -> Row:
        """An append that comes next, that was acknowledged already, or that skips some."""
        last = self.known.write(lease.key).last_append
        if place == "again" and last is not None:
            return {name: last[name] for name in ("chunks", "first_sequence")}
        made = self.chunks(lease, more)
        return made | {"first_sequence": made["first_sequence"] + (7 if place == "gap" else 0)}
