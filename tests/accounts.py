"""Fixtures: users of the stack, each with a real supabase client that is signed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest_asyncio
from supabase import AsyncClient, acreate_client

from stack import StackUnderTest

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Account:
    """A signed-in user."""

    user_id: str
    email: str
    access_token: str
    client: AsyncClient


SignUp = Callable[[], Awaitable[Account]]


@pytest_asyncio.fixture(loop_scope="session")
async def sign_up(stack: StackUnderTest) -> AsyncIterator[SignUp]:
    """Makes users; their sessions end with the test."""
    clients: list[AsyncClient] = []

    async def make() -> Account:
        client = await acreate_client(stack.api_url, stack.publishable_key)
        clients.append(client)
        email = f"user-{uuid4().hex[:12]}@example.com"
        answer = await client.auth.sign_up({"email": email, "password": PASSWORD})
        assert answer.user is not None
        assert answer.session is not None
        return Account(answer.user.id, email, answer.session.access_token, client)

    yield make
    for client in clients:
        await close_client(client)


async def close_client(client: AsyncClient) -> None:
    """Close what a supabase client holds open."""
    await client.remove_all_channels()
    await client.realtime.close()
    await client.auth.close()
    if client._postgrest is not None:
        await client._postgrest.aclose()
