"""Joins, leaves, tokens and odd messages on one socket."""

from __future__ import annotations

import pytest

from contract.realtime.server import USER_1, USER_2, RealtimeServer

TOPIC = "realtime:lobby"
PRIVATE = {"private": True}


async def test_second_join_is_answered_before_the_first_channel_closes(
    realtime: RealtimeServer,
) -> None:
    async with realtime.client() as client:
        await client.join(TOPIC, ref="1")
        assert (await client.join(TOPIC, ref="2"))["status"] == "ok"
        assert await client.receive() == [None, "1", TOPIC, "phx_close", {}]
        await client.broadcast(TOPIC, "still", {})
        await client.assert_silent()


async def test_leave_with_a_stale_join_ref_is_ignored(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        await client.join(TOPIC, ref="1")
        await client.send(TOPIC, "phx_leave", {}, ref="2", join_ref="0")
        await client.assert_silent()


@pytest.mark.parametrize("leaving", ["phx_leave", "socket"])
async def test_what_was_sent_before_leaving_is_relayed_however_long_its_check_takes(
    leaving: str, realtime: RealtimeServer
) -> None:
    topic = f"realtime:room:farewell-{leaving}"
    token = realtime.token()
    async with realtime.client() as listener:
        await listener.join(topic, PRIVATE, access_token=token)
        async with realtime.client() as speaker:
            await speaker.join(topic, PRIVATE, ref="1", access_token=token)
            await speaker.broadcast(topic, "farewell", {})
            if leaving == "phx_leave":
                await speaker.send(topic, "phx_leave", {}, ref="3", join_ref="1")
                replies = [await speaker.receive() for _ in range(2)]
                assert [frame[3] for frame in replies] == ["phx_reply", "phx_close"]
        assert (await listener.receive())[4]["event"] == "farewell"


async def test_leave_of_a_topic_never_joined_is_answered(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        await client.send(TOPIC, "phx_leave", {}, ref="2")
        assert (await client.receive())[4] == {"status": "ok", "response": {}}
        await client.assert_silent()


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("realtime:", "TopicNameRequired: You must provide a topic name"),
        ("lobby", "unmatched topic"),
        ("phoenix", "unmatched topic"),
    ],
)
async def test_topic_without_a_name_is_refused(
    realtime: RealtimeServer, topic: str, reason: str
) -> None:
    async with realtime.client() as client:
        assert await client.join(topic) == {"status": "error", "response": {"reason": reason}}


async def test_flags_may_be_text(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        await client.join(TOPIC, {"private": "false", "broadcast": {"self": "True", "ack": "TRUE"}})
        await client.broadcast(TOPIC, "said", {})
        assert (await client.receive())[3] == "broadcast"
        assert (await client.receive())[3] == "phx_reply"


async def test_join_without_config_asks_for_changes_by_its_topic(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        await client.send("realtime:public:todos", "phx_join", {})
        (change,) = (await client.receive())[4]["response"]["postgres_changes"]
    assert isinstance(change.pop("id"), int)
    assert change == {"schema": "public", "table": "todos"}


async def test_broadcast_config_that_is_text_fails_the_join(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        reply = await client.join(TOPIC, {"broadcast": "yes"})
    assert reply["response"]["reason"] == (
        "UnknownErrorOnChannel: no function clause matching in Access.get/3"
    )


async def test_replay_of_a_public_channel_is_refused(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        reply = await client.join(TOPIC, {"broadcast": {"replay": {"since": 1}}})
    assert reply["response"]["reason"] == (
        "UnableToReplayMessages: Replay is not allowed for public channels"
    )


async def test_presence_in_the_config_does_not_break_a_join(realtime: RealtimeServer) -> None:
    async with realtime.client() as client:
        reply = await client.join(
            "realtime:room:x",
            {"private": True, "presence": {"enabled": True, "key": "me"}},
            access_token=realtime.token(),
        )
        assert reply["status"] == "ok"
        assert (await client.receive())[3:] == ["presence_state", {}]


@pytest.mark.parametrize(
    "frame",
    [
        "{not json",
        "[]",
        '"text"',
        '{"topic":"phoenix","event":"heartbeat","payload":{}}',
        '{"topic":1,"event":"heartbeat","payload":{},"ref":"1"}',
        b"\x03\x01",
        b"\xff" * 40,
    ],
)
async def test_malformed_frame_is_dropped(realtime: RealtimeServer, frame: str | bytes) -> None:
    for vsn in ("1.0.0", "2.0.0"):
        async with realtime.client(vsn=vsn) as client:
            await client.socket.send(frame)
            await client.assert_silent()


@pytest.mark.parametrize("ref", [7, None, "x"])
async def test_ref_comes_back_as_it_was_sent(realtime: RealtimeServer, ref: object) -> None:
    async with realtime.client() as client:
        await client.send("phoenix", "heartbeat", {}, ref=ref)
        frame = await client.receive()
    assert frame[1] == ref


async def test_array_as_payload_crashes_the_channel_of_a_2_0_0_client(
    realtime: RealtimeServer,
) -> None:
    async with realtime.client(vsn="2.0.0") as client:
        await client.join(TOPIC)
        await client.send(TOPIC, "broadcast", [1], ref="2")
        assert await client.receive() == ["1", "1", TOPIC, "phx_error", {"reason": "channel_crash"}]
        await client.send(TOPIC, "broadcast", {}, ref="3")
        assert (await client.receive())[4]["response"] == {"reason": "unmatched topic"}


async def test_public_and_private_channels_of_one_name_share_nothing(
    realtime: RealtimeServer,
) -> None:
    token = realtime.token()
    async with realtime.client() as public, realtime.client() as private:
        await public.join("realtime:room:both")
        await private.join("realtime:room:both", PRIVATE, access_token=token)
        await public.broadcast("realtime:room:both", "said", {})
        await public.assert_silent()
        await private.assert_silent()


async def test_broadcast_to_a_channel_that_may_not_be_written_is_dropped_silently(
    realtime: RealtimeServer,
) -> None:
    topic, token = "realtime:room:readonly:x", realtime.token()
    config = {"private": True, "broadcast": {"ack": True, "self": True}}
    async with realtime.client() as client:
        assert (await client.join(topic, config, access_token=token))["status"] == "ok"
        await client.broadcast(topic, "said", {})
        # Messages of the channel wait for its write check; a leave is answered past it.
        await client.send(topic, "broadcast", {}, ref="3")
        await client.assert_silent()


async def test_expired_token_closes_the_channel(realtime: RealtimeServer) -> None:
    topic = "realtime:room:brief"
    async with realtime.client() as client:
        token = realtime.token(expires_in=1.5)
        assert (await client.join(topic, PRIVATE, access_token=token))["status"] == "ok"
        system = await client.receive()
        assert system[3] == "system"
        assert system[4]["message"] == "Token has expired 0 seconds ago"
        assert (await client.receive())[3] == "phx_close"
        await client.assert_silent()


async def test_fresh_token_keeps_the_channel_open(realtime: RealtimeServer) -> None:
    topic = "realtime:room:long"
    async with realtime.client() as client:
        await client.join(topic, PRIVATE, access_token=realtime.token(expires_in=1.5))
        fresh = {"access_token": realtime.token(expires_in=3)}
        await client.send(topic, "access_token", fresh, ref="2")
        system = await client.receive()
    # The first token would have been over long before: nothing came at its end.
    assert system[4]["message"] == "Token has expired 0 seconds ago"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("garbage", "The token provided is not a valid JWT"),
        ("wrong secret", ":signature_error"),
        ("no role", "Fields `role` and `exp` are required in JWT"),
        (
            "other user",
            f"You do not have permissions to read from this Channel topic: user:{USER_1}",
        ),
    ],
)
async def test_refused_token_closes_the_channel_with_the_reason(
    realtime: RealtimeServer, broken: str, message: str
) -> None:
    token = {
        "garbage": "garbage",
        "wrong secret": realtime.token(secret="another-secret-that-is-long-enough-for-hs256"),
        "no role": realtime.token(role=None),
        "other user": realtime.token(sub=USER_2),
    }[broken]
    topic = f"realtime:user:{USER_1}"
    async with realtime.client() as client:
        await client.join(topic, PRIVATE, access_token=realtime.token())
        await client.send(topic, "access_token", {"access_token": token}, ref="2")
        assert (await client.receive())[4]["message"] == message
        assert (await client.receive())[3] == "phx_close"
