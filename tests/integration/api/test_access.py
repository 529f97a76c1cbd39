"""G8 over the real REST API: a user reads only their own, and writes through the RPCs alone."""

from __future__ import annotations

import httpx
import pytest
from postgrest.exceptions import APIError

from accounts import Account, SignUp
from registered_flows import RegisteredFlows
from stack import StackUnderTest

TABLES = ["flow_runs", "flow_steps", "streaming_chunks", "flow_threads", "flow_messages"]
VISIBLE_STEP_COLUMNS = "run_id,step_slug,item_index,status,attempt"


async def ask(account: Account, flow: str, thread_id: str = "thread-1") -> dict[str, str]:
    """Send a chat message as the user and return what the RPC answered."""
    message = {"id": "question-1", "role": "user", "parts": [{"type": "text", "text": "Why?"}]}
    arguments = {"thread_id": thread_id, "message": message, "flow_slug": flow}
    answer = await account.client.rpc("send_message", arguments).execute()
    assert isinstance(answer.data, dict)
    return {key: str(value) for key, value in answer.data.items()}


async def rows(account: Account, table: str) -> list[object]:
    columns = VISIBLE_STEP_COLUMNS if table == "flow_steps" else "*"
    return list((await account.client.table(table).select(columns).execute()).data)


@pytest.mark.parametrize("table", TABLES)
async def test_owner_reads_their_own_rows_and_another_user_reads_none(
    table: str, sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner, other = await sign_up(), await sign_up()
    await ask(owner, registered_flows.open_to_users)

    assert await rows(owner, table)
    assert await rows(other, table) == []


async def test_another_user_gets_the_same_answer_for_a_run_as_for_none(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner, other = await sign_up(), await sign_up()
    run_id = (await ask(owner, registered_flows.open_to_users))["run_id"]
    nobodys = "01900000-0000-7000-8000-000000000000"

    for function in ("read_log", "cancel_run", "retry_run", "regenerate"):
        with pytest.raises(APIError) as theirs:
            await other.client.rpc(function, {"run_id": run_id}).execute()
        with pytest.raises(APIError) as absent:
            await other.client.rpc(function, {"run_id": nobodys}).execute()
        assert theirs.value.code == "PT404"
        assert theirs.value.details == "TW003"
        assert theirs.value.message == f"run {run_id} not found"
        assert absent.value.message == f"run {nobodys} not found"
        assert theirs.value.hint == absent.value.hint


async def test_a_flow_for_the_service_looks_to_users_like_none(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    user = await sign_up()
    answers = []
    for slug in (registered_flows.for_service, "no_such_flow"):
        with pytest.raises(APIError) as refused:
            await user.client.rpc("start_run", {"flow_slug": slug, "input": {}}).execute()
        message = refused.value.message
        assert message is not None
        answers.append((refused.value.code, refused.value.details, message.replace(slug, "X")))
    assert answers[0] == answers[1] == ("PT404", "TW003", "flow 'X' not found")


@pytest.mark.parametrize(
    "column", ["output", "checkpoint_data", "lease_token", "lease_expires_at", "error", "worker_id"]
)
async def test_owner_cannot_read_what_a_step_keeps_from_users(
    column: str, sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    await ask(owner, registered_flows.open_to_users)
    with pytest.raises(APIError) as refused:
        await owner.client.table("flow_steps").select(column).execute()
    assert refused.value.code == "42501"


@pytest.mark.parametrize("table", TABLES)
async def test_owner_cannot_write_the_tables_directly(
    table: str, sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner = await sign_up()
    await ask(owner, registered_flows.open_to_users)
    key = {"flow_threads": "thread_id", "flow_messages": "thread_id"}.get(table, "run_id")
    before = await rows(owner, table)
    for write in (
        owner.client.table(table).insert({key: "01900000-0000-7000-8000-000000000000"}),
        owner.client.table(table)
        .update({key: "01900000-0000-7000-8000-000000000000"})
        .neq(key, "01900000-0000-7000-8000-0000000000aa"),
        owner.client.table(table).delete().neq(key, "01900000-0000-7000-8000-0000000000aa"),
    ):
        with pytest.raises(APIError) as refused:
            await write.execute()
        assert refused.value.code == "42501"
    assert await rows(owner, table) == before


async def test_users_cannot_reach_the_schema_of_the_worker(
    stack: StackUnderTest, sign_up: SignUp
) -> None:
    user = await sign_up()
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        for path, profile in (
            ("/rest/v1/rpc/claim_steps", "tidewire"),
            ("/rest/v1/rpc/claim_steps", "public"),
            ("/rest/v1/rpc/maintain", "tidewire"),
        ):
            answer = await http.post(
                path,
                json={},
                headers={
                    "apikey": stack.publishable_key,
                    "authorization": f"Bearer {user.access_token}",
                    "content-profile": profile,
                },
            )
            assert answer.status_code in (403, 404, 406), (path, profile, answer.text)


@pytest.mark.parametrize("table", TABLES)
async def test_anon_can_read_nothing(table: str, stack: StackUnderTest) -> None:
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        answer = await http.get(f"/rest/v1/{table}", headers={"apikey": stack.publishable_key})
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "42501"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("start_run", {"flow_slug": "unserved_open", "input": {}}),
        ("send_message", {"thread_id": "t", "message": {}, "flow_slug": "unserved_open"}),
        ("cancel_run", {"run_id": "01900000-0000-7000-8000-000000000000"}),
        ("retry_run", {"run_id": "01900000-0000-7000-8000-000000000000"}),
        ("regenerate", {"run_id": "01900000-0000-7000-8000-000000000000"}),
        ("read_log", {"run_id": "01900000-0000-7000-8000-000000000000"}),
    ],
)
async def test_anon_can_call_nothing(
    function: str, arguments: dict[str, object], stack: StackUnderTest
) -> None:
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        answer = await http.post(
            f"/rest/v1/rpc/{function}", json=arguments, headers={"apikey": stack.publishable_key}
        )
    assert answer.status_code == 401, answer.text
    assert answer.json()["code"] == "42501"
