"""Text that Postgres and JSON can store."""

from __future__ import annotations

import re
from typing import Any, Final

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_HIGH_SURROGATES: Final = range(0xD800, 0xDC00)
_REPLACEMENT: Final = "\ufffd"


def storable_text(text: str) -> str:
    """Return `text` with surrogate pairs joined; lone ones and NUL become U+FFFD."""
    if text.isascii():
        return text.replace("\x00", _REPLACEMENT) if "\x00" in text else text
    if _UNSTORABLE.search(text) is None:
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", _REPLACEMENT)


def storable(value: Any) -> Any:
    """Return JSON `value` with every text in it made storable."""
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


class DeltaText:
    """Makes the deltas of one part storable, joining a character that was cut in two."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, delta: str) -> str:
        """Return what can be logged now; a high surrogate at the end waits for its other half."""
        if self._half:
            delta, self._half = self._half + delta, ""
        if delta and ord(delta[-1]) in _HIGH_SURROGATES:
            delta, self._half = delta[:-1], delta[-1]
        return storable_text(delta)

    def end(self) -> str:
        """Return what was still waiting: its other half never came."""
        half, self._half = self._half, ""
        return _REPLACEMENT if half else ""
