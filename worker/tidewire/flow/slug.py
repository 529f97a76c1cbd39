"""The names that flows and steps may have."""

from __future__ import annotations

import re
from typing import Final

SLUG: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")

# A step's published output is the log entry `data-<slug>`, and a step's slug is a parameter name
# of later steps: these would collide with entries and parameters that mean something else.
RESERVED_STEP_SLUGS: Final = frozenset(
    {
        "child_run",
        "ctx",
        "flow",
        "input",
        "item",
        "partial_response",
        "progress",
        "reset",
        "run",
        "sources",
    }
)


def slug_problem(slug: object, *, reserved: frozenset[str] = frozenset()) -> str | None:
    """Return why `slug` cannot be used, or None when it can."""
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        return f"slug must match ^[a-z][a-z0-9_]{{0,62}}$, got {slug!r}"
    if slug in reserved:
        return f"slug must not be one of the reserved words {', '.join(sorted(reserved))}"
    return None
