"""Brings a run to where transitions meet, and tells afterwards what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from integration.database.sessions import Session, assert_ended_once
from integration.database.transitions import OVERDUE, RESCUE, Scene, Transition
from registered_flows import step

# At once again after a failure, so that what a retry looks like does not depend on the jitter.
EASY: dict[str, object] = {"backoff_base_ms": 0, "backoff_cap_ms": 0, "max_attempts": 5}

_STATE = """
select jsonb_build_object(
  'run', (
    select jsonb_build_object(
      'status', r.status, 'remaining', r.remaining_steps, 'output', r.output, 'error', r.error
    )
    from public.flow_runs r
    where r.run_id = $1
  ),
  'steps', (
    select jsonb_agg(
      jsonb_build_array(
        s.step_slug, s.item_index, s.status, s.attempt, s.lease_token, s.remaining_deps,
        s.last_sequence, s.open_parts, s.checkpoint_data, s.output
      )
      order by s.step_slug, s.item_index
    )
    from public.flow_steps s
    where s.run_id = $1
  ),
  'log', (
    select jsonb_agg(c.chunk_data - 'messageId' - 'messageMetadata' order by c.chunk_index)
    from public.streaming_chunks c
    where c.run_id = $1
  )
)
"""


class Stage:
    """Where scenes are played: a user who is signed in everywhere, and a flow of each shape."""

    def __init__(self, session: Session, others: list[Session]) -> None:
        self._session, self._others = session, others
        self._versions: dict[str, str] = {}

    @classmethod
    async def arrange(cls, session: Session, *others: Session) -> Stage:
        stage = cls(session, list(others))
        stage._versions = {
            "ends": await session.register("ends", step("write", **EASY)),
            "last_try": await session.register(
                "last_try", step("write", **(EASY | {"max_attempts": 2}))
            ),
            "goes_on": await session.register(
                "goes_on", step("write", **EASY), step("check", "write", **EASY)
            ),
        }
        return stage

    @asynccontextmanager
    async def scene(self, flow: str, *cast: Transition) -> AsyncIterator[Scene]:
        """A run for the cast to meet in; nothing remains of it afterwards."""
        user_id = await self._session.add_user()
        for session in (self._session, *self._others):
            await session.sign_in(user_id)
        run_id = await self._session.start(flow, user_id)
        version = self._versions[flow]
        (late,) = await self._session.claim(version, 1)
        await self.expire(run_id)
        await self._session.call("rescue_expired_steps", 10)
        (lease,) = await self._session.claim(version, 1)
        if RESCUE in cast:
            await self.expire(run_id)
        if OVERDUE in cast:
            await self._session.connection.execute(
                "update public.flow_runs set deadline_at = now() - interval '1 s'"
            )
        try:
            yield Scene(run_id, user_id, version, lease, late)
        finally:
            await self._session.connection.execute("delete from auth.users where id = $1", user_id)

    async def expire(self, run_id: str) -> None:
        """Let the leases of a run be over, as those of a dead worker are."""
        await self._session.connection.execute(
            "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
            " where run_id = $1 and status = 'running'",
            UUID(run_id),
        )

    async def state(self, scene: Scene) -> dict[str, Any]:
        """All that a run is, without ids and times. Its log must be dense and end at most once."""
        types = await self._session.log_types(scene.run_id)
        state: dict[str, Any] = await self._session.value(_STATE, UUID(scene.run_id))
        if state["run"] is not None:
            if state["run"]["status"] in ("completed", "failed", "cancelled"):
                assert_ended_once(types)
            else:
                assert not {"finish", "error", "abort"} & set(types), types
        return state
