"""Starting runs over the real REST API: refusals that name what was wrong, and idempotency."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import httpx
import jwt
import pytest
from postgrest.exceptions import APIError

from accounts import Account, SignUp
from registered_flows import RegisteredFlows
from stack import StackUnderTest


async def start(account: Account, **arguments: object) -> dict[str, object]:
    answer = await account.client.rpc("start_run", arguments).execute()
    assert isinstance(answer.data, dict)
    return dict(answer.data)


async def refusal(account: Account, function: str, **arguments: object) -> APIError:
    with pytest.raises(APIError) as refused:
        await account.client.rpc(function, arguments).execute()
    return refused.value


async def nothing_was_made(account: Account) -> bool:
    """Whether the user has no run, no thread and no message."""
    tables = ("flow_runs", "flow_threads", "flow_messages")
    found = [await account.client.table(table).select("*").execute() for table in tables]
    return all(answer.data == [] for answer in found)


async def test_an_idempotency_key_starts_one_run(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    user = await sign_up()
    arguments = {
        "flow_slug": registered_flows.open_to_users,
        "input": {"question": "Why?"},
        "idempotency_key": "order-66",
    }
    answers = await asyncio.gather(*(start(user, **arguments) for _ in range(5)))

    assert len({str(answer["run_id"]) for answer in answers}) == 1
    assert sorted(bool(answer["created"]) for answer in answers) == [False] * 4 + [True]
    assert len((await user.client.table("flow_runs").select("run_id").execute()).data) == 1


async def test_an_idempotency_key_with_another_input_is_a_conflict(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    user = await sign_up()
    flow = registered_flows.open_to_users
    await start(user, flow_slug=flow, input={"n": 1}, idempotency_key="k")
    error = await refusal(user, "start_run", flow_slug=flow, input={"n": 2}, idempotency_key="k")

    assert (error.code, error.details) == ("PT409", "TW004")
    assert error.message is not None
    assert "'k'" in error.message


async def test_idempotency_keys_of_two_users_do_not_meet(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    first, second = await sign_up(), await sign_up()
    arguments = {
        "flow_slug": registered_flows.open_to_users,
        "input": {},
        "idempotency_key": "shared",
    }
    theirs, mine = await start(first, **arguments), await start(second, **arguments)
    assert theirs["run_id"] != mine["run_id"]


async def test_a_run_id_of_somebody_else_is_refused_and_shows_nothing_of_it(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    owner, other = await sign_up(), await sign_up()
    run_id = str(uuid4())
    flow = registered_flows.open_to_users
    await start(owner, flow_slug=flow, input={"secret": "tide"}, run_id=run_id)
    error = await refusal(
        other, "start_run", flow_slug=flow, input={"secret": "tide"}, run_id=run_id
    )

    assert (error.code, error.details) == ("PT409", "TW004")
    assert error.message == f"run id {run_id} was used before with another input"
    assert await nothing_was_made(other)


@pytest.mark.parametrize(
    ("arguments", "code", "detail", "named"),
    [
        ({"flow_slug": "nowhere", "input": {}}, "PT404", "TW003", "nowhere"),
        ({"input": {"text": "x" * 2_000_000}}, "PT413", "TW006", "1048576"),
        ({"input": {}, "thread_id": "not a thread!"}, "PT400", "TW001", "not a thread!"),
        ({"input": {}, "idempotency_key": ""}, "PT400", "TW001", "idempotency_key"),
        ({"input": {}, "run_id": "not-a-uuid"}, "22P02", None, "not-a-uuid"),
    ],
)
async def test_a_bad_start_is_refused_by_name_and_makes_nothing(
    arguments: dict[str, object],
    code: str,
    detail: str | None,
    named: str,
    sign_up: SignUp,
    registered_flows: RegisteredFlows,
) -> None:
    user = await sign_up()
    call = {"flow_slug": registered_flows.open_to_users, **arguments}
    error = await refusal(user, "start_run", **call)

    assert error.code == code
    assert error.details == detail or detail is None
    assert error.message is not None
    assert named in error.message
    assert await nothing_was_made(user)


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({}, "message.id"),
        ({"id": "m"}, "message.role"),
        (
            {"id": "m", "role": "assistant", "parts": [{"type": "text", "text": "x"}]},
            "message.role",
        ),
        ({"id": "m", "role": "user", "parts": []}, "message.parts"),
        ("text", "message"),
    ],
)
async def test_a_bad_message_is_refused_by_name_and_makes_nothing(
    message: object, named: str, sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    user = await sign_up()
    error = await refusal(
        user,
        "send_message",
        thread_id="t",
        message=message,
        flow_slug=registered_flows.open_to_users,
    )
    assert (error.code, error.details) == ("PT400", "TW001")
    assert error.message is not None
    assert error.message.startswith(named)
    assert await nothing_was_made(user)


async def test_a_second_message_in_a_busy_thread_is_refused_naming_the_run(
    sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    user = await sign_up()

    def call(message_id: str) -> dict[str, object]:
        parts = [{"type": "text", "text": "Why?"}]
        return {
            "thread_id": "t",
            "message": {"id": message_id, "role": "user", "parts": parts},
            "flow_slug": registered_flows.open_to_users,
        }

    first = (await user.client.rpc("send_message", call("m1")).execute()).data
    again = (await user.client.rpc("send_message", call("m1")).execute()).data
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert again["run_id"] == first["run_id"]
    error = await refusal(user, "send_message", **call("m2"))
    assert (error.code, error.details) == ("PT409", "TW005")
    assert error.message == f"thread t has the active run {first['run_id']}"
    assert len((await user.client.table("flow_messages").select("*").execute()).data) == 2


async def test_wrong_and_expired_tokens_are_refused(
    stack: StackUnderTest, sign_up: SignUp, registered_flows: RegisteredFlows
) -> None:
    if stack.jwt_secret is None:
        pytest.skip("forging a token needs the stack's JWT secret")
    user = await sign_up()
    claims = {"sub": user.user_id, "role": "authenticated", "aud": "authenticated"}
    tokens = {
        "wrong": jwt.encode({**claims, "exp": 4_000_000_000}, "not the secret " * 4, "HS256"),
        "expired": jwt.encode({**claims, "exp": 1_000_000_000}, stack.jwt_secret, "HS256"),
        "malformed": "not.a.token",
    }
    async with httpx.AsyncClient(base_url=stack.api_url) as http:
        for name, token in tokens.items():
            answer = await http.post(
                "/rest/v1/rpc/start_run",
                json={"flow_slug": registered_flows.open_to_users, "input": {}},
                headers={"apikey": stack.publishable_key, "authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 401, (name, answer.text)
            assert "message" in answer.json() or "msg" in answer.json(), (name, answer.text)
    assert await nothing_was_made(user)
