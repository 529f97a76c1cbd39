"""Runs handlers: each attempt is one task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import orjson

from tidewire.engine.attempt import Asleep, Attempt, HandedBack, Leases
from tidewire.engine.catalog import Catalog, ServedStep
from tidewire.engine.completer import Completer
from tidewire.engine.context import StepContext
from tidewire.engine.failure import AttemptTimedOut, Failure, failure_of
from tidewire.engine.handback import Handback
from tidewire.engine.result import Completion
from tidewire.engine.services import Services
from tidewire.engine.slots import Slots
from tidewire.engine.threads import HandlerThreads
from tidewire.errors import LeaseLost, PayloadTooLarge, RunCancelled
from tidewire.store import LeasedStep, StepStore, is_transient
from tidewire.stream.earlier import EarlierParts, resume
from tidewire.stream.flusher import Flusher
from tidewire.stream.pending import PendingStream

_log = logging.getLogger(__name__)

_BACKOFF: Final = 0.2


class Executor:
    """Decodes inputs, calls handlers within their time limits, and hands results on.

    Args:
      freed: called when an attempt has ended without a result to hand on.
      due_in: told in how many seconds a step will be ready again.
    """

    def __init__(
        self,
        catalog: Catalog,
        leases: Leases,
        slots: Slots,
        *,
        steps: StepStore,
        completer: Completer,
        flusher: Flusher,
        services: Services,
        freed: Callable[[], None],
        due_in: Callable[[float], None],
    ) -> None:
        self._catalog, self._leases, self._slots = catalog, leases, slots
        self._steps, self._completer, self._flusher = steps, completer, flusher
        self._services, self._freed, self._due_in = services, freed, due_in
        self._handback = Handback(steps)
        self.threads = HandlerThreads()

    def start(self, step: LeasedStep, lease_until: float) -> None:
        """Begin an attempt. Returns at once."""
        attempt = Attempt(step, lease_until=lease_until)
        self._leases.add(attempt)
        self._slots.enter()
        loop = asyncio.get_running_loop()
        attempt.task = loop.create_task(self._execute(attempt, loop))
        attempt.task.add_done_callback(_report)

    async def _execute(self, attempt: Attempt, loop: asyncio.AbstractEventLoop) -> None:
        """Make one attempt, and leave its result with the completer or nowhere."""
        stream = self._flusher.open(attempt.step, attempt)
        handed_on = False
        try:
            handed_on = await self._attempt(attempt, stream, loop)
        except asyncio.CancelledError:
            if attempt.stopped is not None:
                handed_on = await self._stopped(attempt, stream)
            elif attempt.task is not None and attempt.task.cancelling():
                raise
            else:
                error = RuntimeError("the handler cancelled itself")
                handed_on = await self._failed(attempt, stream, error)
        except Exception as error:
            handed_on = await self._failed(attempt, stream, error)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as exit_:
            # A handler that exits ends itself, not the worker and everybody else's steps.
            raised = RuntimeError(f"the handler raised {exit_!r}")
            handed_on = await self._failed(attempt, stream, raised)
        finally:
            attempt.finished = True
            stream.seal()
            self._flusher.close(stream)
            self._slots.leave()
            if not handed_on:
                self._leases.remove(attempt)
                self._freed()

    async def _attempt(
        self, attempt: Attempt, stream: PendingStream, loop: asyncio.AbstractEventLoop
    ) -> bool:
        step = attempt.step
        served = self._catalog.find(step.flow_version, step.step_slug)
        earlier = await self._earlier(attempt, served) if step.last_sequence else None
        ctx = StepContext(
            attempt, stream, self._services, loop, earlier, impersonal=served.impersonal
        )
        call = served.step.bind(ctx, step.run_input, step.inputs, step.item)
        limit = max(0.001, step.timeout_ms / 1000)
        scope = asyncio.timeout(limit)
        try:
            async with scope:
                if served.is_async:
                    value = await call()
                else:
                    value = await self.threads.call(call, name=attempt.name)
        except TimeoutError as error:
            if not scope.expired():
                raise
            attempt.expired = True
            allowed = served.step.shape.timeout.total_seconds()
            raise AttemptTimedOut(
                f"step {step.step_slug} took longer than {allowed:g} s"
            ) from error
        if attempt.stopped is not None:
            # The handler swallowed its cancellation; its result is not wanted all the same.
            return await self._stopped(attempt, stream)
        output = self._encoded(served.step.encode_output(value), step.step_slug)
        batch = None
        ctx.close_stream()
        if stream.touched:
            batch = await stream.hold()
        attempt.finished = True
        self._completer.complete(Completion(attempt, output, batch))
        return True

    async def _earlier(self, attempt: Attempt, served: ServedStep) -> EarlierParts:
        step = attempt.step
        while True:
            try:
                texts = await self._steps.read_text(step)
                break
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("earlier text not read, will retry", extra={"fault": repr(error)})
            await asyncio.sleep(_BACKOFF)
        return resume(
            step.step_slug,
            texts,
            step.open_parts,
            restart=served.restarts,
            last_sequence=step.last_sequence,
        )

    async def _failed(self, attempt: Attempt, stream: PendingStream, error: Exception) -> bool:
        """Record a failure, with all that was streamed before it in the log."""
        if isinstance(error, LeaseLost | RunCancelled) or attempt.stopped is not None:
            return await self._stopped(attempt, stream)
        step = attempt.step
        served = self._catalog.find(step.flow_version, step.step_slug)
        failure = failure_of(error, step.step_slug, served.step.never_retry)
        _log.warning(
            "attempt failed",
            extra={"step": attempt.name, "attempt": step.attempt, "fault": repr(error)},
        )
        try:
            await stream.flush()
        except (asyncio.CancelledError, Exception):
            if attempt.stopped is None:
                raise
            return await self._stopped(attempt, stream)
        return self._fail(attempt, failure)

    async def _stopped(self, attempt: Attempt, stream: PendingStream) -> bool:
        """End an attempt that was told to stop, for whatever reason."""
        match attempt.stopped:
            case LeaseLost() | RunCancelled() | None:
                _log.info(
                    "attempt stopped",
                    extra={"step": attempt.name, "reason": type(attempt.stopped).__name__},
                )
                return False
            case HandedBack():
                await self._handback.release(attempt, stream)
                return False
            case Asleep() as asleep:
                if await self._handback.sleep(attempt, stream, asleep):
                    self._due_in(asleep.milliseconds / 1000)
                return False
            case error:
                return self._fail(attempt, failure_of(error, attempt.step.step_slug))

    def _encoded(self, output: Any, step_slug: str) -> bytes:
        encoded = orjson.dumps(output)
        if len(encoded) > self._services.payload_bytes:
            raise PayloadTooLarge(
                f"output of step {step_slug} must be at most {self._services.payload_bytes} bytes, "
                f"got {len(encoded)}"
            )
        return encoded

    def _fail(self, attempt: Attempt, failure: Failure) -> bool:
        attempt.finished = True
        self._completer.fail(attempt, failure)
        return True


def _report(task: asyncio.Task[None]) -> None:
    """Log what no attempt should raise. Its lease runs out, and the database decides."""
    if not task.cancelled() and task.exception() is not None:
        _log.error("attempt broke off", exc_info=task.exception())
