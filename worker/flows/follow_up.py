"""Tells questions that go on from the one before from questions that stand alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tidewire.model.sentences import keywords

_OPENING: Final = re.compile(
    r"\s*(?:and|but|or|also|what about|how about|what if)\b", re.IGNORECASE
)
# "That", "this" and "one" point back only in some places: "does that raise", "which one", but
# not "a class that raises" or "how does one raise". "It" in "is it possible to" means nothing.
_POINTING_BACK: Final = re.compile(
    r"\b(?:its|itself|they|them|their|theirs|these|those)\b"
    r"|\bit\b(?!\s+(?:possible|necessary|allowed|true|safe|ok|okay|better|best|worth|take)\b)"
    r"|(?:^|\b(?:is|are|was|were|do|does|did|can|could|will|would|should|has|about|of|with|for|in"
    r"|to|from|by|on|like|why|how|when|after|before|use|explain|mean))\s*\b(?:that|this)\b"
    r"|\b(?:the|this|that|which|other|another|first|second|last|former|latter)\s+ones?\b",
    re.IGNORECASE,
)
# Asks for more of the same whatever it was about, so it names no subject.
_MORE: Final = """
again another better brief briefly clarify detail details differently elaborate example examples
explain further give happen happens mean means more please really say shorter show simpler simply
thanks yes
"""
_ASKING_FOR_MORE: Final = frozenset(_MORE.split())


def leans_on_earlier(question: str) -> bool:
    """Whether `question` cannot be understood without the one before it."""
    return bool(
        _OPENING.match(question) or _POINTING_BACK.search(question) or not subject(question)
    )


def subject(question: str) -> list[str]:
    """Return the words that say what `question` is about; none for "can you say more?"."""
    words = keywords(question)
    return [] if _ASKING_FOR_MORE.issuperset(words) else words


def earlier_context(question: str, asked: Sequence[str]) -> str | None:
    """Return the earlier questions that `question` goes on from, the latest first, as one text.

    Args:
      question: what is asked now.
      asked: the questions before it in the thread, oldest first.

    Returns:
      None for a question that stands alone: what was asked before has no bearing on it.
    """
    context: list[str] = []
    current = question
    for earlier in reversed(asked):
        if not leans_on_earlier(current):
            break
        context.append(earlier)
        current = earlier
    return "\n".join(context) or None
