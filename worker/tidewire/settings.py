"""Everything that is configured from outside, read once where the program is wired."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tidewire.errors import ConfigurationError

_TRANSACTION_POOLER_PORT: Final = 6543
_MOST_CHUNK_BYTES: Final = 262_144


class Settings(BaseSettings):
    """The environment, checked. Never print it whole: it holds secrets.

    A name set to the empty text counts as not set.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    supabase_url: str | None = Field(default=None, validation_alias="SUPABASE_URL")
    supabase_publishable_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"),
    )
    supabase_secret_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
    )
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    transaction_pooler: bool | None = Field(
        default=None, validation_alias="TIDEWIRE_TRANSACTION_POOLER"
    )
    database_connections: int = Field(
        default=5, ge=2, le=50, validation_alias="TIDEWIRE_DATABASE_CONNECTIONS"
    )

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    model: str | None = Field(
        default=None, validation_alias=AliasChoices("OPENAI_MODEL", "TIDEWIRE_MODEL")
    )
    model_prefill: bool = Field(default=False, validation_alias="TIDEWIRE_MODEL_PREFILL")

    slots: int = Field(default=200, ge=1, le=10_000, validation_alias="TIDEWIRE_SLOTS")
    lease_seconds: float = Field(
        default=15, ge=1, le=3600, validation_alias="TIDEWIRE_LEASE_SECONDS"
    )
    heartbeat_seconds: float = Field(
        default=5, gt=0, le=1200, validation_alias="TIDEWIRE_HEARTBEAT_SECONDS"
    )
    poll_seconds: float = Field(default=2, gt=0, le=60, validation_alias="TIDEWIRE_POLL_SECONDS")
    maintenance_seconds: float = Field(
        # With the lease of 15 s, a killed worker's steps are taken over within 20 s.
        default=2,
        gt=0,
        le=300,
        validation_alias="TIDEWIRE_MAINTENANCE_SECONDS",
    )
    shutdown_seconds: float = Field(
        default=30, ge=0, le=3600, validation_alias="TIDEWIRE_SHUTDOWN_SECONDS"
    )
    abandoned_threads: int = Field(
        default=4, ge=0, le=1000, validation_alias="TIDEWIRE_ABANDONED_THREADS"
    )

    linger_ms: float = Field(default=50, ge=0, le=5000, validation_alias="TIDEWIRE_LINGER_MS")
    stream_buffer_bytes: int = Field(
        default=1_048_576, ge=_MOST_CHUNK_BYTES, validation_alias="TIDEWIRE_STREAM_BUFFER_BYTES"
    )
    broadcast: bool = Field(default=True, validation_alias="TIDEWIRE_BROADCAST")
    realtime_quota: float = Field(default=100, ge=0, validation_alias="TIDEWIRE_REALTIME_QUOTA")

    state: Path = Field(default=Path(".tidewire"), validation_alias="TIDEWIRE_STATE")
    log_json: bool | None = Field(default=None, validation_alias="TIDEWIRE_LOG_JSON")
    log_level: str = Field(default="INFO", validation_alias="TIDEWIRE_LOG_LEVEL")

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Read the environment; `overrides` win, by field name.

        Raises:
          ConfigurationError: a setting is wrong. The message names its environment variable.
        """
        try:
            return cls(**overrides)
        except ValidationError as error:
            raise ConfigurationError("; ".join(_problems(cls, error))) from None

    @model_validator(mode="after")
    def _heartbeat_fits_the_lease(self) -> Self:
        if self.heartbeat_seconds * 3 > self.lease_seconds:
            raise ValueError(
                "TIDEWIRE_HEARTBEAT_SECONDS must be at most a third of TIDEWIRE_LEASE_SECONDS "
                f"({self.lease_seconds:g}), got {self.heartbeat_seconds:g}"
            )
        return self

    @model_validator(mode="after")
    def _urls_have_known_schemes(self) -> Self:
        if self.supabase_url and urlsplit(self.supabase_url).scheme not in ("http", "https"):
            raise ValueError("SUPABASE_URL must begin with http:// or https://")
        if self.database_url and _scheme(self.database_url) not in ("postgres", "postgresql"):
            raise ValueError("DATABASE_URL must begin with postgresql://")
        return self

    @property
    def lease(self) -> timedelta:
        """How long a lease lasts without a heartbeat."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def through_transaction_pooler(self) -> bool:
        """Whether statements may run on another session each: no LISTEN, nothing prepared.

        Supavisor and PgBouncer serve transaction mode on port 6543 at Supabase; another port
        needs TIDEWIRE_TRANSACTION_POOLER.
        """
        if self.transaction_pooler is not None:
            return self.transaction_pooler
        return urlsplit(self.dsn).port == _TRANSACTION_POOLER_PORT

    @property
    def dsn(self) -> str:
        """The database's connection string.

        Raises:
          ConfigurationError: DATABASE_URL is not set.
        """
        if self.database_url is None:
            raise ConfigurationError("DATABASE_URL must be set, got nothing")
        return self.database_url.get_secret_value()

    def secrets(self) -> list[str]:
        """Return every secret text, for the filter that keeps them out of logs."""
        held = [
            self.supabase_publishable_key,
            self.supabase_secret_key,
            self.database_url,
            self.openai_api_key,
        ]
        texts = [secret.get_secret_value() for secret in held if secret is not None]
        password = urlsplit(self.dsn).password if self.database_url is not None else None
        return texts if password is None else [*texts, password]


def _scheme(database_url: SecretStr) -> str:
    """Return the scheme of a URL that can be taken apart. Its parts may be the password's."""
    try:
        parts = urlsplit(database_url.get_secret_value())
        parts.port  # noqa: B018  reading it checks it
    except ValueError:
        raise ValueError(
            "DATABASE_URL must be postgresql://user:password@host:port/database, with special"
            " characters of the password percent-encoded, such as %2F for /"
        ) from None
    return parts.scheme


def _problems(settings: type[Settings], error: ValidationError) -> list[str]:
    """Return one readable line per problem, without the values: they may be secret."""
    lines = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        message = problem["msg"].removeprefix("Value error, ")
        name = str(problem["loc"][0]) if problem["loc"] else None
        lines.append(message if name is None else f"{_variable(settings, name)}: {message}")
    return lines


def _variable(settings: type[Settings], location: str) -> str:
    """Return the environment variable behind a validation error's location."""
    field = settings.model_fields.get(location)
    alias = location if field is None else field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias)
