"""Whatever meets whatever on one step, the end is as if one had come after the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from integration.database.conftest import OpenSession
from integration.database.meeting import blocked_or_done
from integration.database.scenes import Stage
from integration.database.sessions import Session
from integration.database.transitions import (
    AGAIN,
    COMPLETE,
    LATE,
    OVERDUE,
    PRESENT,
    RESCUE,
    Scene,
    Transition,
)

ROUNDS = 4
Outcome = tuple[dict[str, str], dict[str, Any]]


def meets(first: Transition) -> list[Transition]:
    """Whom a transition meets in its own test: itself, those after it, and the late ones.

    A deadline's maintenance rescues as well, in parts, so the two have no serial order.
    """
    others = [*PRESENT[PRESENT.index(first) :], *LATE]
    return [other for other in others if {first, other} != {OVERDUE, RESCUE}]


@pytest.mark.parametrize("first", PRESENT, ids=str)
async def test_two_calls_that_race_end_as_one_after_the_other(
    first: Transition, open_session: OpenSession
) -> None:
    play = await Play.arrange(open_session)
    for second in meets(first):
        for flow in ["goes_on", *(["ends"] if COMPLETE in (first, second) else [])]:
            serial = [
                await play.one_after_the_other(flow, first, second),
                await play.one_after_the_other(flow, second, first),
            ]
            for _ in range(ROUNDS):
                assert await play.at_once(flow, first, second) in serial, f"{first}, {second}"


@pytest.mark.parametrize("commits", [True, False], ids=["commits", "is undone"])
@pytest.mark.parametrize("first", [*PRESENT, *LATE], ids=str)
async def test_a_call_that_meets_another_in_its_transaction_ends_as_if_it_came_after(
    first: Transition, commits: bool, open_session: OpenSession
) -> None:
    play = await Play.arrange(open_session)
    for second in [*PRESENT, *LATE]:
        if (first.is_late and second.is_late) or {first, second} == {OVERDUE, RESCUE}:
            continue
        if commits:
            serial = await play.one_after_the_other("goes_on", first, second)
        else:
            serial = await play.one_after_the_other("goes_on", second, cast=(first, second))
        met = await play.in_its_transaction("goes_on", first, second, commits)
        assert met == serial, f"{second} meets {first}"


class Play:
    """Two callers, and a third who watches."""

    def __init__(self, stage: Stage, one: Session, other: Session, watcher: Session) -> None:
        self._stage, self._one, self._other, self._watcher = stage, one, other, watcher

    @classmethod
    async def arrange(cls, open_session: OpenSession) -> Play:
        one, other, watcher = [await open_session() for _ in range(3)]
        return cls(await Stage.arrange(watcher, one, other), one, other, watcher)

    async def one_after_the_other(
        self, flow: str, *calls: Transition, cast: tuple[Transition, ...] = ()
    ) -> Outcome:
        """Play the calls in their order; who found nothing comes again at the end."""
        async with self._stage.scene(flow, *(cast or calls)) as scene:
            answers = [(call, await call.call(self._one, scene)) for call in calls]
            return await self._outcome(scene, answers)

    async def at_once(self, flow: str, first: Transition, second: Transition) -> Outcome:
        """Let both calls race."""
        async with self._stage.scene(flow, first, second) as scene:
            one, other = await asyncio.gather(
                first.call(self._one, scene), second.call(self._other, scene)
            )
            return await self._outcome(scene, [(first, one), (second, other)])

    async def in_its_transaction(
        self, flow: str, first: Transition, second: Transition, commits: bool
    ) -> Outcome:
        """Begin the second call while the first has not committed; then commit or undo that."""
        async with self._stage.scene(flow, first, second) as scene:
            transaction = self._one.connection.transaction()
            await transaction.start()
            one = await first.call(self._one, scene)
            task = asyncio.create_task(second.call(self._other, scene))
            await blocked_or_done(self._watcher, self._other, task)
            await (transaction.commit() if commits else transaction.rollback())
            other = await task
            answers = [(first, one), (second, other)] if commits else [(second, other)]
            return await self._outcome(scene, answers)

    async def _outcome(self, scene: Scene, answers: list[tuple[Transition, str]]) -> Outcome:
        final = []
        for transition, answer in answers:
            again = answer in AGAIN
            final.append(await transition.call(self._one, scene) if again else answer)
        names = [transition.name for transition, _ in answers]
        said = dict(sorted(zip(names, final, strict=True)))
        if len(set(names)) < len(names):
            said = {names[0]: " and ".join(sorted(final))}
        return said, await self._stage.state(scene)
