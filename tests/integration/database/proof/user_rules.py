"""What users and trusted code do: start, send, cancel, read, and go away."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from integration.database.proof.life import FLOWS, USERS, Life
from integration.database.proof.snapshot import ACTIVE

names = st.sampled_from(USERS)
owners = st.sampled_from([*USERS, None])
flows = st.sampled_from(sorted(FLOWS))


class UserRules(Life):
    """Every call of a client, and what each must answer."""

    @initialize(
        flows=st.lists(flows, min_size=1, max_size=4), owner=owners, messages=st.integers(0, 3)
    )
    def begin(self, flows: list[str], owner: str | None, messages: int) -> None:
        """Have something to work on, and a thread with runs in line."""
        for flow in flows:
            self.start(flow, owner, None, 0)
            self.laws_hold()
        for _ in range(messages):
            self.send("ada", "t1", "queue")
            self.laws_hold()

    @rule(
        flow=flows,
        owner=owners,
        key=st.sampled_from([None, "k1", "k2"]),
        number=st.integers(0, 1),
    )
    def start(self, flow: str, owner: str | None, key: str | None, number: int) -> None:
        user_id = self.known.users[owner] if owner else None
        start = ("tidewire.start_run_for", user_id, flow, {"n": number}, None, None, key)
        first = self.known.keys.get((owner, flow, key)) if key else None
        if first is not None and first[1] != number:
            self.refused(("PT409", "TW004"), *start)
            return
        answer = self.call(self.engine.value, *start)
        assert answer["created"] is (first is None)
        if first is not None:
            assert answer["run_id"] == first[0]
            self.nothing_changed()
        elif key:
            self.known.keys[owner, flow, key] = (answer["run_id"], number)
        assert answer["run_id"] in self.after.runs

    @rule(pick=st.integers(0, 3), number=st.integers(0, 1))
    def start_again(self, pick: int, number: int) -> None:
        if not self.known.keys:
            return
        owner, flow, key = sorted(self.known.keys, key=str)[pick % len(self.known.keys)]
        self.start(flow, owner, key, number)

    @rule(
        name=names,
        thread=st.sampled_from(["t1", "t2"]),
        on_busy=st.sampled_from(["reject", "queue", "queue", "cancel"]),
    )
    def send(self, name: str, thread: str, on_busy: str) -> None:
        self.engine.sign_in(self.known.users[name])
        message_id = f"m{self.known.number()}"
        active = self._active(name, thread)
        if active and on_busy == "reject":
            self.refused(("PT409", "TW005"), *_send(thread, message_id, on_busy))
            return
        answer = self.call(self.engine.value, *_send(thread, message_id, on_busy))
        assert answer["created"] is True
        self.known.sent[name, thread] = (message_id, answer["run_id"])
        assert self.after.runs[answer["run_id"]]["held"] is (bool(active) and on_busy == "queue")
        left = [run_id for run_id in active if self.after.is_active(run_id)]
        assert left == ([] if on_busy == "cancel" else active)

    @rule(pick=st.integers(0, 3), on_busy=st.sampled_from(["reject", "queue", "cancel"]))
    def send_again(self, pick: int, on_busy: str) -> None:
        if not self.known.sent:
            return
        sent = sorted(self.known.sent.items())
        (name, thread), (message_id, run_id) = sent[pick % len(sent)]
        self.engine.sign_in(self.known.users[name])
        answer = self.call(self.engine.value, *_send(thread, message_id, on_busy))
        assert (answer["created"], answer["run_id"]) == (False, run_id)
        self.nothing_changed()

    @rule(pick=st.integers(0, 9), name=names)
    def cancel(self, pick: int, name: str) -> None:
        # Those first that there is something to cancel of, the latest last.
        likely = sorted(
            self.before.runs.items(),
            key=lambda each: (each[1]["status"] not in ACTIVE, each[1]["user_id"] is None),
        )
        if not likely:
            return
        run_id, run = likely[pick % len(likely)]
        self.engine.sign_in(self.known.users[name])
        if run["user_id"] != self.known.users[name]:
            self.refused(("PT404", "TW003"), "public.cancel_run", run_id)
            return
        answer = self.call(self.engine.value, "public.cancel_run", run_id)
        assert answer["status"] == self.after.runs[run_id]["status"]
        if run["status"] in ACTIVE:
            assert answer["status"] == "cancelled"
        else:
            self.nothing_changed()

    @rule(pick=st.integers(0, 3), page=st.sampled_from([1, 150, 1000, 1_000_000]))
    def read(self, pick: int, page: int) -> None:
        """G3: pages after a cursor give every entry once, in order, up to the head."""
        longest = sorted(self.before.runs, key=lambda each: -len(self.before.logs[each]))
        if not longest:
            return
        run_id = longest[pick % len(longest)]
        run = self.before.runs[run_id]
        self.engine.sign_in(run["user_id"] or self.known.users["ada"])
        if run["user_id"] is None:
            self.refused(("PT404", "TW003"), "public.read_log", run_id, -1, page)
            return
        log, cursor = self.before.logs[run_id], -1
        while True:
            told = self.engine.value("public.read_log", run_id, cursor, page)
            for entry in told["entries"]:
                assert entry["first_index"] == cursor + 1
                covered = [kept.chunk for kept in log[cursor + 1 : entry["index"] + 1]]
                if len(covered) > 1:
                    covered = [covered[0] | {"delta": "".join(c["delta"] for c in covered)}]
                assert covered == [entry["chunk"]]
                cursor = entry["index"]
            assert told["next_after"] == cursor
            if cursor == told["head"]:
                break
        assert (cursor, told["status"]) == (len(log) - 1, run["status"])

    @rule(name=names)
    def delete_user(self, name: str) -> None:
        user_id = self.known.users[name]
        owned = {run_id for run_id, run in self.before.runs.items() if run["user_id"] == user_id}
        self.call(self.engine.delete_user, user_id)
        self.known.forget(name, owned)
        assert self.after.runs.keys() == self.before.runs.keys() - owned
        assert all(key[0] not in owned for key in self.after.steps)
        assert not owned & self.after.logs.keys()
        assert all(row["user_id"] != user_id for row in self.after.threads + self.after.messages)
        self.known.users[name] = self.engine.add_user()

    def _active(self, name: str, thread: str) -> list[str]:
        place = (self.known.users[name], thread)
        return [
            run_id
            for run_id, run in self.before.runs.items()
            if (run["user_id"], run["thread_id"]) == place and run["status"] in ACTIVE
        ]


def _send(thread: str, message_id: str, on_busy: str) -> tuple[str, str, object, str, str]:
    message = {"id": message_id, "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
    return ("public.send_message", thread, message, "answer", on_busy)
