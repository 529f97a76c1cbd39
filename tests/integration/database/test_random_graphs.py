"""Runs of random graphs, worked by three sessions at once, come to what a plain account says."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest

from integration.database.conftest import OpenSession
from integration.database.random_graphs import Graph, ItFails, Step
from integration.database.sessions import (
    LEASE,
    WORKER_ID,
    Answers,
    Session,
    answers_of,
    assert_ended_once,
    key,
)

GRAPHS, CALLERS = 80, 3
LEFT = "select count(*) from public.flow_runs where status in ('queued', 'running')"
STEPS = """
select s.step_slug, s.status, s.output, s.reused, (
  select c.chunk_data -> 'data' ->> 'status'
  from public.streaming_chunks c
  where c.run_id = s.run_id and c.chunk_data ->> 'type' = 'data-progress'
    and c.chunk_data ->> 'id' = s.step_slug
  order by c.chunk_index desc
  limit 1
) as said
from public.flow_steps s
where s.run_id = $1 and s.item_index = -1
"""


class Caller:
    """Works whatever it is given as the graphs say, some of it only at the second time."""

    def __init__(self, session: Session, graphs: dict[str, Graph], seed: int) -> None:
        self.session, self.graphs, self.choice = session, graphs, random.Random(seed)
        self.held: list[Step] = []

    async def work(self) -> None:
        for _ in range(5000):
            if not self.held and not await self.session.value(LEFT):
                return
            picked = self.choice.sample(self.held, self.choice.randint(0, len(self.held)))
            handed, worked = picked[: len(picked) // 8], picked[len(picked) // 8 :]
            await self._call("release_steps", handed)
            await self._call("fail_steps", [s for s in worked if self._output(s) is ItFails])
            await self._complete([s for s in worked if self._output(s) is not ItFails])
        raise AssertionError("every run must end")

    async def _complete(self, worked: list[Step]) -> None:
        claim = (LEASE, ["default"], list(self.graphs), self.choice.randint(1, 25))
        outputs = [{"output": self._output(leased)} for leased in worked]
        await self._call("complete_steps", worked, *claim, outputs=outputs)

    def _output(self, leased: Step) -> Any:
        graph = self.graphs[leased["flow_version"]]
        item = leased["item"] if leased["item_index"] >= 0 else None
        return graph.outcome(leased["step_slug"], item)

    async def _call(
        self, function: str, leased: list[Step], *more: Any, outputs: list[Step] | None = None
    ) -> None:
        items = [
            key(step, item_index=step["item_index"], **given)
            for step, given in zip(leased, outputs or [{}] * len(leased), strict=True)
        ]
        rows: Answers = await self.session.call(function, WORKER_ID, items, *more)
        answers = zip(leased, answers_of(rows), strict=True)
        done = [id(step) for step, answer in answers if answer != "busy"]
        self.held = [step for step in self.held if id(step) not in done]
        self.held += [row["detail"] for row in rows if row["answer"] == "claimed"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_runs_of_random_graphs_come_to_what_a_plain_account_says(
    seed: int, open_session: OpenSession
) -> None:
    sessions = [await open_session() for _ in range(CALLERS)]
    user_id = await sessions[0].add_user()
    graphs: dict[str, Graph] = {}
    for number in range(GRAPHS):
        graph = Graph.make(f"graph{number}", 1000 * seed + number)
        graphs[await sessions[0].register(graph.slug, *graph.steps)] = graph

    for again in (False, True):  # the second time out of the cache, as far as there is one
        run_ids = {}
        for graph in graphs.values():
            answer = await sessions[0].value(
                "select tidewire.start_run_for($1, $2, $3)", user_id, graph.slug, graph.run_input
            )
            run_ids[graph.slug] = UUID(answer["run_id"])
        callers = [Caller(s, graphs, 10 * seed + n) for n, s in enumerate(sessions)]
        await asyncio.gather(*(caller.work() for caller in callers))
        for graph in graphs.values():
            await assert_as_expected(sessions[0], graph, run_ids[graph.slug], again)


async def assert_as_expected(session: Session, graph: Graph, run_id: UUID, again: bool) -> None:
    run = await session.connection.fetchrow(
        "select status, output from public.flow_runs where run_id = $1", run_id
    )
    assert run is not None
    steps = await session.connection.fetch(STEPS, run_id)
    assert_ended_once(await session.log_types(str(run_id)))
    account = graph.account()
    if account is None:
        assert run["status"] == "failed", graph
        return
    assert {s["step_slug"]: s["status"] for s in steps} == account.statuses, graph
    assert {s["step_slug"]: s["said"] for s in steps} == account.statuses, graph
    completed = [s for s in steps if s["status"] == "completed"]
    assert {s["step_slug"]: s["output"] for s in completed} == account.outputs, graph
    assert (run["status"], run["output"]) == ("completed", account.run_output()), graph
    if again:
        reused = {s["step_slug"] for s in steps if s["reused"] == "cache"}
        assert reused == {s["slug"] for s in graph.steps if account.is_kept(s)}, graph
