"""Logs: readable on a terminal, one JSON object a line otherwise, never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.logging import RichHandler

from tidewire.errors import ConfigurationError
from tidewire.settings import Settings

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Their lines name URLs with keys in them, or say again what ours say.
_QUIET: Final = ("httpx", "httpcore", "httpx2", "httpcore2", "openai", "realtime", "websockets")
_SHORTEST_SECRET: Final = 6


def configure_logging(settings: Settings) -> None:
    """Set up the root logger as the settings say; without a say, by whether there is a terminal.

    Raises:
      ConfigurationError: TIDEWIRE_LOG_LEVEL names no level.
    """
    level = logging.getLevelNamesMapping().get(settings.log_level.upper())
    if level is None:
        raise ConfigurationError(
            f"TIDEWIRE_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, got {settings.log_level}"
        )
    as_json = not sys.stderr.isatty() if settings.log_json is None else settings.log_json
    handler: logging.Handler
    if as_json:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter(settings.secrets()))
    else:
        handler = RichHandler(show_path=False, rich_tracebacks=False, markup=False)
        handler.setFormatter(ReadableFormatter(settings.secrets()))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class Redaction:
    """Replaces known secrets in text."""

    def __init__(self, secrets: Sequence[str]) -> None:
        # Longest first, so that a secret that holds another one is replaced as a whole.
        known = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        self._secrets = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "[secret]")
        return text


class ReadableFormatter(logging.Formatter):
    """The message, then its facts."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(message)s")
        self._redact = Redaction(secrets)

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        first, _, rest = super().format(record).partition("\n")
        text = f"{first} {facts}".rstrip() + (f"\n{rest}" if rest else "")
        return self._redact(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the facts."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._redact = Redaction(secrets)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        } | _facts(record)
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return self._redact(orjson.dumps(line, default=str).decode())


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}
