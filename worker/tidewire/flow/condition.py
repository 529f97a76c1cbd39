"""Whether a step is worked at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from tidewire.flow.choice import check_choice

Otherwise = Literal["skip", "skip_dependents", "fail"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold before a step is worked.

    Args:
      when: jsonpath over the run's input and the dependencies' outputs; None holds always.
      otherwise: what is done when it does not hold.

    Raises:
      ValueError: `otherwise` is none of its words.
    """

    when: str | None = None
    otherwise: Otherwise = "skip"

    def __post_init__(self) -> None:
        check_choice("otherwise", self.otherwise, get_args(Otherwise))
