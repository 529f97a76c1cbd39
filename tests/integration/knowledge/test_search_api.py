"""The search as a flow calls it: through the project's API, with the secret key."""

from __future__ import annotations

import pytest
from postgrest.exceptions import APIError
from pydantic import TypeAdapter
from supabase import acreate_client

from flows.evidence import Hit
from flows.knowledge import seed
from stack import StackUnderTest


async def test_search_is_for_the_service_alone(stack: StackUnderTest) -> None:
    await seed(stack.db_url)
    if stack.embedded is not None:
        await stack.embedded.restart("api")  # the embedded API reads the schema when it starts
    service = await acreate_client(stack.api_url, stack.secret_key)
    visitor = await acreate_client(stack.api_url, stack.publishable_key)
    question = {"query": "context or manager", "quantity": 3}
    try:
        found = await service.rpc("search_passages", question).execute()
        with pytest.raises(APIError) as refused:
            await visitor.rpc("search_passages", question).execute()
    finally:
        await service.postgrest.aclose()
        await visitor.postgrest.aclose()
    hits = TypeAdapter(list[Hit]).validate_python(found.data)
    assert len(hits) == 3
    assert {"with", "context-managers"} & {hit.topic for hit in hits}
    assert refused.value.code == "42501"
