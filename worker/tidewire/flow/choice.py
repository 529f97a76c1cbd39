"""Options that are one of a few words."""

from __future__ import annotations

from collections.abc import Sequence


def check_choice(option: str, value: object, choices: Sequence[str]) -> None:
    """Raise ValueError if `value` is none of `choices`."""
    if value not in choices:
        *firsts, last = choices
        raise ValueError(f"{option} must be {', '.join(firsts)} or {last}, got {value!r}")
