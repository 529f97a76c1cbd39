"""Python's own language reference, as every interpreter carries it, and where it is on the web."""

from __future__ import annotations

import platform
import sys
from typing import Final

_PAGES: Final = {
    "reference/compound_stmts.html": "async class compound else for function if try while with",
    "reference/simple_stmts.html": (
        "assert assignment augassign break continue del global import nonlocal pass raise return "
        "yield"
    ),
    "reference/expressions.html": (
        "atom-identifiers atom-literals attribute-references await binary bitwise booleans calls "
        "comparisons conversions dict exprlists in lambda lists operator-summary power shifting "
        "slicings subscriptions unary"
    ),
    "reference/datamodel.html": (
        "attribute-access callable-types context-managers customization numeric-types objects "
        "sequence-types specialnames types"
    ),
    "reference/executionmodel.html": "dynamic-features exceptions execmodel naming",
    "reference/lexical_analysis.html": (
        "floating id-classes identifiers imaginary integers numbers strings"
    ),
    "library/stdtypes.html": (
        "bltin-code-objects bltin-ellipsis-object bltin-null-object bltin-type-objects "
        "specialattrs string-methods truth typesfunctions typesmapping typesmethods typesmodules "
        "typesseq typesseq-mutable"
    ),
    "library/string.html": "formatstrings",
    "library/pdb.html": "debugger",
}
_PAGE_OF_TOPIC: Final = {topic: page for page, line in _PAGES.items() for topic in line.split()}


def load_topics() -> dict[str, str]:
    """Return the reference's topics: plain text by name."""
    from pydoc_data.topics import topics  # half a megabyte, wanted by the seed command alone

    return dict(topics)


def edition() -> str:
    """Return which reference this is."""
    return f"Python {platform.python_version()} language reference"


def topic_url(topic: str) -> str | None:
    """Return the page of the documentation that holds `topic`; None where it is not known."""
    page = _PAGE_OF_TOPIC.get(topic)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return None if page is None else f"https://docs.python.org/{version}/{page}"
