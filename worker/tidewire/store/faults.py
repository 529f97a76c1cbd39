"""What a failed call to the database means, decided in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from tidewire.errors import (
    ConfigurationError,
    Conflict,
    DatabaseRefused,
    FlowDefinitionError,
    InvalidArgument,
    LimitReached,
    NotFound,
    NotSignedIn,
    PayloadTooLarge,
    ThreadBusy,
    TidewireError,
    UnknownWorker,
)

_BY_CODE: Final[dict[str, type[TidewireError]]] = {
    "TW001": InvalidArgument,
    "TW003": NotFound,
    "TW004": Conflict,
    "TW005": ThreadBusy,
    "TW006": PayloadTooLarge,
    "TW007": NotSignedIn,
    "TW008": LimitReached,
    "TW009": FlowDefinitionError,
    "TW010": UnknownWorker,
}
# A pooler in transaction mode hands every statement to another session, where what was prepared
# before does not exist, or exists already.
_POOLER_STATES: Final = ("26000", "42P05", "08P01")
# Classes: connection exceptions, insufficient resources, operator intervention (restart, kill),
# system errors, and serialization failures or deadlocks, which the next try resolves.
_TRANSIENT_CLASSES: Final = ("08", "53", "57", "58", "40")
# Classes: a login that is refused, and a database that does not exist.
_WRONG_URL_STATES: Final = ("28", "3D")
_NO_SCHEMA: Final = "3F000"
_NO_FUNCTION: Final = "42883"
_LOCK_NOT_AVAILABLE: Final = "55P03"


def is_transient(error: BaseException) -> bool:
    """Whether the same call may succeed later: the network, a restart, a lack of connections."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state in _POOLER_STATES:
            return False
        return state.startswith(_TRANSIENT_CLASSES) or state == _LOCK_NOT_AVAILABLE
    # asyncpg raises InterfaceError for a connection that was closed under a caller, and
    # InternalClientError for one that broke in the middle of the protocol.
    return isinstance(
        error,
        OSError | TimeoutError | EOFError | asyncpg.InterfaceError | asyncpg.InternalClientError,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn refusals of the database into errors of ours; leave transient faults as they are."""
    try:
        yield
    except asyncpg.PostgresError as error:
        mapped = _mapped(error)
        if mapped is None:
            raise
        raise mapped from error


def _mapped(error: asyncpg.PostgresError) -> TidewireError | None:
    state = error.sqlstate or ""
    code = error.detail if state.startswith("PT") else state
    kind = _BY_CODE.get(code or "")
    if kind is not None:
        return kind(str(error.args[0]) if error.args else str(error))
    if state.startswith(("TW", "PT")):
        return DatabaseRefused(str(error))
    if state.startswith(_WRONG_URL_STATES):
        return ConfigurationError(f"DATABASE_URL: {error.args[0]}")
    if state == _NO_SCHEMA or (state == _NO_FUNCTION and "tidewire." in str(error)):
        return ConfigurationError(
            f"{error.args[0]}: bring the database up to this version with `tidewire migrate`"
        )
    if state in _POOLER_STATES:
        return ConfigurationError(
            "DATABASE_URL leads through a transaction pooler: set TIDEWIRE_TRANSACTION_POOLER=true"
        )
    return None
