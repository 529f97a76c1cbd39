"""What the Realtime server is told by its environment."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveInt, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class RealtimeSettings(BaseSettings):
    """Settings of one Realtime server. A limit of 0 means unlimited.

    The limits of hosted projects (100 events and joins a second, 200 users on the free plan) are
    off by default, since a development machine serves one person.
    """

    model_config = SettingsConfigDict(
        env_prefix="TIDEWIRE_REALTIME_", frozen=True, extra="ignore", populate_by_name=True
    )

    dsn: SecretStr
    jwt_secret: SecretStr = Field(validation_alias="TIDEWIRE_JWT_SECRET")
    publishable_key: SecretStr = Field(validation_alias="TIDEWIRE_PUBLISHABLE_KEY")
    secret_key: SecretStr = Field(validation_alias="TIDEWIRE_SECRET_KEY")

    max_events_per_second: NonNegativeInt = 0
    max_joins_per_second: NonNegativeInt = 0
    max_concurrent_users: NonNegativeInt = 0
    max_channels_per_client: PositiveInt = 100
    max_payload_size_kb: PositiveInt = 3000
    max_frame_bytes: PositiveInt = 5_000_000
    private_only: bool = False

    channel_error_backoff_ms: NonNegativeInt = 5000
    connect_error_backoff_ms: NonNegativeInt = 2000
    idle_timeout_ms: PositiveInt = 60_000
    # How long the port stays closed at the start for broadcasts from the database to flow.
    replication_wait_ms: NonNegativeInt = 5000
    # The largest broadcast is 3 MB: a reader may be a few of those behind before it is dropped.
    send_buffer_bytes: PositiveInt = 16 * 1024 * 1024

    @property
    def max_payload_bytes(self) -> int:
        """The size limit of a broadcast's payload, with the server's fixed allowance."""
        return self.max_payload_size_kb * 1000 + 500
