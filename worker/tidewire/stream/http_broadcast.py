"""Broadcasts by HTTP: for runs without a channel of their own."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import orjson

from tidewire.stream.payload import EVENT, topic_of

_log = logging.getLogger(__name__)

_TIMEOUT: Final = httpx.Timeout(5.0)
MOST_MESSAGES: Final = 50


class HttpBroadcast:
    """Sends many messages in one request, over kept connections."""

    def __init__(self, url: str, key: str) -> None:
        self._endpoint = f"{url.rstrip('/')}/realtime/v1/api/broadcast"
        self._client = httpx.AsyncClient(
            headers={"apikey": key, "content-type": "application/json"}, timeout=_TIMEOUT
        )

    async def send(self, payloads: Sequence[Mapping[str, Any]]) -> bool:
        """Send the payloads to their runs' topics; return whether the server took them."""
        messages = [
            {
                "topic": topic_of(payload["run_id"]),
                "event": EVENT,
                "payload": payload,
                "private": True,
            }
            for payload in payloads
        ]
        try:
            response = await self._client.post(
                self._endpoint, content=orjson.dumps({"messages": messages})
            )
        except httpx.HTTPError as error:
            _log.debug("broadcast failed", extra={"fault": repr(error)})
            return False
        return response.is_success

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
