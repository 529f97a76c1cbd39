"""What a worker does again when dead letters are replayed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine_view import Runs, StartWorker
from tidewire import Flow, PermanentStepError
from tidewire.store import OperatorStore


def _translation(calls: Counter[str]) -> Flow:
    """Return a flow of which `translate` fails as long as `calls["outage"]` is set."""
    flow = Flow("translation")

    @flow.step()
    async def fetch(input: dict[str, Any]) -> str:
        calls["fetch"] += 1
        return str(input["text"])

    @flow.step()
    async def translate(fetch: str) -> str:
        calls["translate"] += 1
        if calls["outage"]:
            raise PermanentStepError("the service is down")
        return fetch.upper()

    return flow


async def test_replayed_runs_go_on_from_the_step_that_failed(
    start_worker: StartWorker, runs: Runs
) -> None:
    calls = Counter({"outage": 1})
    await start_worker(_translation(calls))
    origins = [await runs.start("translation", {"text": text}) for text in ("ebb", "flood")]
    for origin in origins:
        assert (await runs.finished(origin))["status"] == "failed"
    calls["outage"] = 0
    operator = OperatorStore(runs.database)

    replayed = await operator.replay_dead_letters(flow_slug="translation", step_slug="translate")

    assert {str(run.origin) for run in replayed} == set(origins)
    outputs = [(await runs.finished(str(run.run_id)))["output"] for run in replayed]
    assert sorted(outputs) == ["EBB", "FLOOD"]
    assert (calls["fetch"], calls["translate"]) == (2, 4)
    assert await operator.replay_dead_letters() == []
    assert [(await runs.run(origin))["status"] for origin in origins] == ["failed", "failed"]
