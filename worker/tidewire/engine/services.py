"""What handlers of one worker share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tidewire.errors import ConfigurationError
from tidewire.model import ChatMessage, ModelEvent
from tidewire.settings import Settings
from tidewire.store import LoggedEntries, LogStore, RunStore

if TYPE_CHECKING:
    from supabase import AsyncClient


class LanguageModel(Protocol):
    """A chat model; `tidewire.model` has the adapters."""

    def stream(
        self, messages: Sequence[ChatMessage], *, partial: str = ""
    ) -> AsyncGenerator[ModelEvent, None]:
        """Yield the answer as it comes; the last event is a Finish."""


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by the contexts of all attempts.

    Attributes:
      model: None when no model is configured.
      payload_bytes: the most that an output or a checkpoint may have as JSON.
      published: told of entries once they are committed.
    """

    log: LogStore
    runs: RunStore
    model: LanguageModel | None
    supabase: SupabaseDoor
    published: Callable[[LoggedEntries], None]
    payload_bytes: int


class SupabaseDoor:
    """Makes the Supabase client when the first handler asks for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: AsyncClient | None = None

    def client(self) -> AsyncClient:
        """Return the client with the secret key: row level security does not apply to it.

        Raises:
          ConfigurationError: the URL or the key is not set.
        """
        if self._client is None:
            url, key = self._settings.supabase_url, self._settings.supabase_secret_key
            if url is None or key is None:
                raise ConfigurationError("SUPABASE_URL and SUPABASE_SECRET_KEY must be set")
            # Here, because importing it takes half a second, which many workers need not spend.
            from supabase import AsyncClient

            self._client = AsyncClient(url, key.get_secret_value())
        return self._client

    async def close(self) -> None:
        """Close the client's connections, if it was ever made."""
        client, self._client = self._client, None
        if client is None:
            return
        closings: list[Any] = [client.postgrest.aclose, client.auth.close]
        for close in closings:
            await close()
        await client.realtime.close()
