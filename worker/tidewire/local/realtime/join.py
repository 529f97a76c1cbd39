"""What a client asks for when it joins a channel."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from tidewire.local.realtime.tokens import Refusal, TokenRefused

_REFUSAL_CODES = {
    Refusal.MALFORMED: "MalformedJWT",
    Refusal.SIGNATURE: "JwtSignatureError",
    Refusal.SIGNER: "JwtSignerError",
    Refusal.CLAIMS: "InvalidJWTToken",
    Refusal.EXPIRED: "InvalidJWTToken",
}
_LARGEST_SUBSCRIPTION_ID = 2**27 - 1


class JoinRefused(Exception):
    """A join is answered with an error. The message is the reason the client is told."""


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """The parts of a join's payload that this server acts on. Invalid values count as absent."""

    private: bool
    ack: bool
    receive_own: bool
    replication_ready: bool
    replay: bool
    presence: bool
    access_token: str | None
    postgres_changes: list[dict[str, Any]]

    @classmethod
    def parse(cls, topic: str, payload: Any) -> JoinConfig:
        """Return the config of a join's payload.

        Raises:
          JoinRefused: the one shape that makes the hosted server fail.
        """
        payload = payload if isinstance(payload, dict) else {}
        config = payload.get("config")
        legacy = not isinstance(config, dict)
        config = config if isinstance(config, dict) else {}
        if isinstance(config.get("broadcast"), str):
            raise JoinRefused("UnknownErrorOnChannel: no function clause matching in Access.get/3")
        broadcast, presence = _map(config.get("broadcast")), _map(config.get("presence"))
        changes = [_legacy_change(topic)] if legacy else config.get("postgres_changes")
        return cls(
            private=_flag(config.get("private")),
            ack=_flag(broadcast.get("ack")),
            receive_own=_flag(broadcast.get("self")),
            replication_ready=_flag(broadcast.get("replication_ready")),
            replay=isinstance(broadcast.get("replay"), dict),
            presence=_flag(presence.get("enabled")),
            access_token=token_of(payload.get("access_token", payload.get("user_token"))),
            postgres_changes=_with_ids(changes),
        )


def token_of(value: Any) -> str | None:
    """Return the token a client presents; API keys and other values are none."""
    return value if isinstance(value, str) and not value.startswith("sb_") else None


def refused_token(error: TokenRefused) -> JoinRefused:
    """Return how a refused token refuses a join."""
    return JoinRefused(f"{_REFUSAL_CODES[error.refusal]}: {error.message}")


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _flag(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _legacy_change(topic: str) -> dict[str, Any]:
    """The change that clients before configs asked for by their topic's name alone."""
    return dict(zip(("schema", "table", "filter"), topic.split(":", 2), strict=False))


def _with_ids(changes: Any) -> list[dict[str, Any]]:
    if not isinstance(changes, list):
        return []
    return [
        {"id": zlib.crc32(repr(change).encode()) & _LARGEST_SUBSCRIPTION_ID, **change}
        for change in changes
        if isinstance(change, dict)
    ]
