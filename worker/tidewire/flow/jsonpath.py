"""What a jsonpath refers to. Its grammar is Postgres's to judge, when the flow is registered."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Final

# Comments and texts are taken whole, so that a dollar sign inside them means nothing. A bare name
# before a parenthesis is a method, such as $.size().
_TOKEN: Final = re.compile(
    r"""
    /\*.*?\*/
    | \$\s*\.\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*")
        | (?P<bare>[^\s?%$.\[\]{}()|&!=<>@\#,*:\-+/\\"]++)(?!\s*\()
      )
    | "(?:[^"\\]|\\.)*"
    """,
    re.VERBOSE | re.DOTALL,
)


def check_path(option: str, path: object, known: Collection[str]) -> None:
    """Check a jsonpath over the object that holds the run's input and the dependencies' outputs.

    Args:
      option: what the path is for, as the error names it.
      path: the jsonpath as the developer wrote it.
      known: the keys that the object may have.

    Raises:
      ValueError: it is no text, or refers to a key that the object never has.
    """
    if not isinstance(path, str) or not path.strip():
        raise ValueError(f"{option} must be a jsonpath such as $.input.size > 3, got {path!r}")
    for name in top_level_names(path):
        if name not in known:
            raise ValueError(
                f"{option} must refer to {' or '.join(known)}, got $.{name} in {path!r}; "
                "name a step in after= to depend on it without taking its output"
            )


def top_level_names(path: str) -> list[str]:
    """Return the keys that `path` asks of the root, in the order of their places."""
    found = []
    for token in _TOKEN.finditer(path):
        if token["quoted"]:
            found.append(_unquoted(token["quoted"]))
        elif token["bare"]:
            found.append(token["bare"])
    return found


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:  # jsonpath knows escapes that JSON has not
        return text[1:-1]
