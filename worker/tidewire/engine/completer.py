"""Hands results to the database, many at once, and takes the next steps in return."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence, Set
from typing import Any, Final, TypeVar

from tidewire.engine.attempt import Attempt
from tidewire.engine.claimer import Claimer
from tidewire.engine.failure import Failure
from tidewire.engine.result import Completion, FailedAttempt, Result
from tidewire.engine.slots import Slots
from tidewire.store import Answer, LoggedEntries, Reply, StepStore, is_transient
from tidewire.stream.alarm import Alarm

_log = logging.getLogger(__name__)

# Two calls at a time: while the database works on one batch, handlers fill the next.
_LANES: Final = 2
_MOST_RESULTS: Final = 500
_BUSY_TICK: Final = 0.005
# A worker with many results leaves this between its calls: a call for one of them costs the
# database nearly as much as one for ten. Alone, a result has nobody to wait for.
_LONGEST_GAP: Final = 0.005
_GAP_A_RESULT: Final = 0.0015
_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 1.0

AnyResult = TypeVar("AnyResult", bound=Result)


class Completer:
    """Batches results while the previous call is in flight.

    A result is given up only when the database says that the step is somebody else's.

    Args:
      published: told of entries once they are committed.
      settled: told of every attempt whose result has been answered.
      ended: told of runs of a thread whose log has ended.
    """

    def __init__(
        self,
        steps: StepStore,
        slots: Slots,
        *,
        published: Callable[[LoggedEntries], None],
        settled: Callable[[Attempt], None],
        ended: Callable[[str], None],
    ) -> None:
        self._steps, self._slots = steps, slots
        self._published, self._settled, self._ended = published, settled, ended
        self._claimer: Claimer | None = None
        self._completions: deque[Completion] = deque()
        self._failures: deque[FailedAttempt] = deque()
        self._alarm = Alarm()
        self._turn = asyncio.Lock()
        self._maps: set[tuple[str, str]] = set()
        self._calls = 0
        self._delayed = 0
        self._called_at = 0.0
        self._gap = 0.0

    def serve(self, claimer: Claimer) -> None:
        """Hand claimed steps to `claimer`."""
        self._claimer = claimer

    @property
    def active(self) -> bool:
        """Whether results wait or are on their way."""
        return bool(self._completions or self._failures or self._calls or self._delayed)

    def complete(self, completion: Completion) -> None:
        """Take the output of a finished attempt."""
        self._completions.append(completion)
        self._alarm.ring()

    def fail(self, attempt: Attempt, failure: Failure) -> None:
        """Take the failure of a finished attempt."""
        self._failures.append(FailedAttempt(attempt, failure))
        self._alarm.ring()

    async def run(self) -> None:
        """Call until cancelled."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(_LANES):
                lanes.create_task(self._lane())

    async def _lane(self) -> None:
        while True:
            async with self._turn:
                completions, failures = await self._next_batch()
                maps = _maps_of(completions) | _maps_of(failures)
                self._maps |= maps
                self._calls += 1
            try:
                if completions:
                    await self._complete(completions)
                if failures:
                    await self._fail(failures)
            finally:
                self._calls -= 1
                self._maps -= maps
                self._alarm.ring()
            if not self.active and self._claimer is not None:
                self._claimer.look()

    async def _next_batch(self) -> tuple[list[Completion], list[FailedAttempt]]:
        """Wait for results that this call may carry.

        Items of a map wait while another call holds their map: two calls at once would only tell
        each other that it is busy.
        """
        while True:
            while not (self._completions or self._failures):
                await self._alarm.wait()
            wait = self._called_at + self._gap - asyncio.get_running_loop().time()
            if wait > 0:
                await asyncio.sleep(wait)
            # Not all that waits: one lane with everything would leave the other without work.
            most = min(_MOST_RESULTS, max(1, self._slots.size // _LANES))
            completions = _taken(self._completions, most, self._maps)
            failures = _taken(self._failures, most, self._maps | _maps_of(completions))
            if completions or failures:
                self._called_at = asyncio.get_running_loop().time()
                self._gap = _gap_after(len(completions) + len(failures))
                return completions, failures
            await self._alarm.wait()

    async def _complete(self, completions: Sequence[Completion]) -> None:
        stopping = self._claimer is None or self._claimer.stopping
        asked = 0 if stopping else self._slots.reserve(max(1, self._slots.size // _LANES))
        items = [completion.item for completion in completions]
        called_at = time.monotonic()
        reply = await self._call(lambda: self._steps.complete(items, claim=asked), completions)
        if reply is None:
            self._slots.settle(asked)
            return
        if self._claimer is not None and not stopping:
            self._claimer.received(reply, asked, called_at)
        for place, completion in enumerate(completions):
            self._completed(completion, reply.answers.get(place))
        self._publish(reply, completions)

    async def _fail(self, failures: Sequence[FailedAttempt]) -> None:
        items = [failed.item for failed in failures]
        reply = await self._call(lambda: self._steps.fail(items), failures)
        if reply is None:
            return
        for place, failed in enumerate(failures):
            self._failed(failed, reply.answers.get(place))
        self._publish(reply, failures)

    async def _call(self, call: Callable[[], Any], results: Sequence[Result]) -> Reply | None:
        """Repeat the call until it is answered; None when the database will not have it."""
        backoff = _FIRST_BACKOFF
        while True:
            try:
                reply: Reply = await call()
                return reply
            except Exception as error:
                if not is_transient(error):
                    self._refused(results, error)
                    return None
                _log.warning("results not stored, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    def _refused(self, results: Sequence[Result], error: Exception) -> None:
        """One result spoils its batch: send each alone, and fail the one that does it."""
        if len(results) > 1:
            for result in results:
                result.alone = True
                self._again(result)
            return
        attempt = results[0].attempt
        _log.error("result refused", extra={"step": attempt.name}, exc_info=error)
        if isinstance(results[0], Completion):
            self.fail(attempt, Failure(repr(error), "the step's output was refused", False))
        else:
            self._settled(attempt)  # its lease runs out, and the database decides

    def _completed(self, completion: Completion, answer: Answer | None) -> None:
        attempt = completion.attempt
        match answer:
            case Answer("completed" | "duplicate"):
                self._settled(attempt)
            case Answer("busy"):
                self._later(completion)
            case Answer("invalid", detail):
                reason = str(detail.get("reason"))
                self.fail(
                    attempt, Failure(reason, f"step {attempt.step.step_slug}: {reason}", False)
                )
            case Answer("lease_lost" | "cancelled"):
                _log.info("result discarded", extra={"step": attempt.name, "answer": answer.name})
                self._settled(attempt)
            case _:
                _log.error("unexpected answer", extra={"step": attempt.name, "answer": str(answer)})
                self.fail(attempt, Failure(str(answer), "the step's output was refused", True))

    def _failed(self, failed: FailedAttempt, answer: Answer | None) -> None:
        if answer is not None and answer.name == "busy":
            self._later(failed)
            return
        if answer is not None and answer.name == "retrying" and self._claimer is not None:
            self._claimer.wake_in(answer.detail.get("available_in_ms", 0) / 1000)
        self._settled(failed.attempt)

    def _later(self, result: Result) -> None:
        """Send it again soon: its run is held by somebody else."""
        self._delayed += 1
        asyncio.get_running_loop().call_later(_BUSY_TICK, self._delay_over, result)

    def _delay_over(self, result: Result) -> None:
        self._delayed -= 1
        self._again(result)

    def _again(self, result: Result) -> None:
        if isinstance(result, Completion):
            self._completions.append(result)
        elif isinstance(result, FailedAttempt):
            self._failures.append(result)
        self._alarm.ring()

    def _publish(self, reply: Reply, results: Sequence[Result]) -> None:
        threaded = {r.attempt.step.run_id for r in results if r.attempt.step.thread_id is not None}
        for entries in reply.logged:
            self._published(entries)
            if entries.run_id in threaded and entries.end_the_log:
                self._ended(entries.run_id)


def _taken(waiting: deque[AnyResult], most: int, maps: Set[tuple[str, str]]) -> list[AnyResult]:
    """Take what one call may carry; a result that must go alone does. Items of `maps` stay."""
    taken: list[AnyResult] = []
    left: list[AnyResult] = []
    while waiting and len(taken) < most and not (taken and waiting[0].alone):
        result = waiting.popleft()
        if maps and result.map in maps:
            left.append(result)
            continue
        taken.append(result)
        if result.alone:
            break
    waiting.extendleft(reversed(left))
    return taken


def _gap_after(results: int) -> float:
    """Return how long to wait after the start of a call that carries so many results."""
    return min(_LONGEST_GAP, (results - 1) * _GAP_A_RESULT)


def _maps_of(results: Sequence[Result]) -> set[tuple[str, str]]:
    return {result.map for result in results if result.map is not None}
