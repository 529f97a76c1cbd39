"""Every function of the worker's API and every client RPC, as a call whose cost is measured."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from integration.database.cost.pages import Arguments, Arrange, Case
from integration.database.sessions import LEASE, WORKER_ID, Session, key
from registered_flows import step

USER_ID = UUID("00000000-0000-4000-8000-000000000001")
FLOW = "three_steps"
STEPS = [step("write", stream=True), step("check", "write"), step("show", "check", publish=True)]
INPUT = {"question": "Why?"}
TEXT = [
    {"type": "text-start", "id": "write.1"},
    {"type": "text-delta", "id": "write.1", "delta": "sea "},
]
MESSAGE = {"id": "question", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
ITEM = object()


async def version_of(session: Session, flow: str = FLOW) -> str:
    statement = "select current_version from tidewire.flows where flow_slug = $1"
    return str(await session.value(statement, flow))


async def started(session: Session) -> UUID:
    """A run that is before all others in the line."""
    run = await session.value(
        "select tidewire.start_run_for($1, $2, $3, p_priority => 1000)", USER_ID, FLOW, INPUT
    )
    return UUID(run["run_id"])


async def leased(session: Session) -> dict[str, Any]:
    run_id = await started(session)
    (claimed,) = await session.claim(await version_of(session), 1)
    assert claimed["run_id"] == str(run_id)
    return claimed


async def written(session: Session) -> dict[str, Any]:
    """A leased step with some text in the log."""
    claimed = await leased(session)
    await session.append([key(claimed, first_sequence=0, chunks=TEXT)])
    return claimed


async def expired(session: Session) -> None:
    claimed = await written(session)
    await session.connection.execute(
        "update public.flow_steps set lease_expires_at = now() - interval '1 s'"
        " where run_id = $1 and lease_expires_at is not null",
        UUID(claimed["run_id"]),
    )


async def overdue(session: Session) -> None:
    await session.connection.execute(
        "update public.flow_runs set deadline_at = now() - interval '1 s' where run_id = $1",
        await started(session),
    )


async def answered(session: Session) -> UUID:
    """A chat message whose answer has ended, and is not folded yet."""
    sent = await session.send("thread", "question", FLOW, "reject")
    await session.cancel(sent["run_id"])
    return UUID(sent["run_id"])


def called(name: str, function: str, *arguments: object, before: Arrange | None = None) -> Case:
    """A call with fixed arguments, after something else."""

    async def arrange(session: Session) -> Arguments:
        if before is not None:
            await before(session)
        return list(arguments)

    return Case(name, arrange, _statement(function, len(arguments)))


def on_run(name: str, function: str, arrange: Arrange, *more: object) -> Case:
    """A call about a run that was arranged."""

    async def run_id_of(session: Session) -> Arguments:
        made = await arrange(session)
        return [made if isinstance(made, UUID) else UUID(made["run_id"]), *more]

    return Case(name, run_id_of, _statement(function, 1 + len(more)))


def write(function: str, *arguments: object, **more: object) -> Case:
    """A batched write of one leased step; ITEM stands where its items go."""

    async def arrange(session: Session) -> Arguments:
        items = [key(await leased(session), **more)]
        return [items if argument is ITEM else argument for argument in arguments]

    return Case(function, arrange, _statement(f"tidewire.{function}", len(arguments)))


def _statement(function: str, arguments: int) -> str:
    return f"select * from {function}({', '.join(f'${n + 1}' for n in range(arguments))})"


async def _claiming(session: Session) -> Arguments:
    await started(session)
    return [WORKER_ID, ["default"], [await version_of(session)], LEASE, 20]


async def _completing(session: Session) -> Arguments:
    items = [key(await leased(session), output="done", first_sequence=0, chunks=TEXT)]
    return [WORKER_ID, items, LEASE, ["default"], [await version_of(session)], 5]


async def _reading_step(session: Session) -> Arguments:
    claimed = await written(session)
    return [UUID(claimed["run_id"]), claimed["step_slug"], -1, claimed["lease_token"]]


async def _everything_due(session: Session) -> None:
    await answered(session)
    await expired(session)
    await overdue(session)


async def _as_owner(session: Session) -> UUID:
    claimed = await written(session)
    await session.connection.execute("set local role authenticated")
    return UUID(claimed["run_id"])


async def _owners_run(session: Session) -> Arguments:
    return [await _as_owner(session)]


CALLS = [
    called("start_run", "public.start_run", FLOW, INPUT),
    called("start_run in a thread", "public.start_run", FLOW, INPUT, None, "thread", "key"),
    called("send_message", "public.send_message", "thread", MESSAGE, FLOW, "reject"),
    called(
        "send_message after an answer", "public.send_message", "thread", MESSAGE | {"id": "next"},
        FLOW, "cancel", before=answered,
    ),
    on_run("cancel_run", "public.cancel_run", written),
    on_run("read_log", "public.read_log", written, -1, 100_000),
    Case("claim_steps", _claiming, _statement("tidewire.claim_steps", 5)),
    write("extend_leases", WORKER_ID, LEASE, ITEM),
    write("append_chunks", LEASE, ITEM, first_sequence=0, chunks=TEXT),
    write("save_checkpoint", LEASE, ITEM, data={"seen": 1}, first_sequence=0, chunks=TEXT),
    write("complete_steps", WORKER_ID, ITEM, LEASE, [], [], 0, output="done"),
    Case("complete_steps and claim", _completing, _statement("tidewire.complete_steps", 6)),
    write("fail_steps", WORKER_ID, ITEM, retryable=True),
    write("release_steps", WORKER_ID, ITEM),
    Case("read_step_text", _reading_step, _statement("tidewire.read_step_text", 4)),
    called("rescue_expired_steps", "tidewire.rescue_expired_steps", 100, before=expired),
    on_run("thread_messages", "tidewire.thread_messages", answered),
    called("fold_messages", "tidewire.fold_messages", before=answered),
    called("maintain", "tidewire.maintain", before=_everything_due),
    called("maintain with nothing to do", "tidewire.maintain"),
    Case(
        "an owner's read of the steps", _owners_run,
        "select step_slug, status, attempt from public.flow_steps where run_id = $1",
    ),
    Case(
        "an owner's read of a log", _owners_run,
        "select * from public.streaming_chunks where run_id = $1 and chunk_index > 0"
        " order by chunk_index limit 1000",
    ),
]  # fmt: skip
