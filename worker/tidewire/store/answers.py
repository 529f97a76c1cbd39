"""What the batched functions answer, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# run_id as text: ids are only compared and sent back, and making UUID objects costs more.
COLUMNS: Final = "select ordinal, answer, run_id::text as run_id, step_slug, detail from "

_TERMINAL_TYPES: Final = frozenset({"finish", "error", "abort"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one item of a request."""

    name: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LoggedEntries:
    """Entries that a call wrote to a run's log, in order and without a gap."""

    run_id: str
    first_index: int
    chunks: Sequence[Mapping[str, Any]]
    broadcast: bool

    @property
    def end_the_log(self) -> bool:
        """Whether the last of them is the run's terminal entry."""
        return bool(self.chunks) and self.chunks[-1].get("type") in _TERMINAL_TYPES


@dataclass(frozen=True, slots=True)
class LeasedStep:
    """A step under lease, with all that is needed to execute it.

    Attributes:
      item_index: place of the item in the list that a map runs over; -1 for a step that is no map.
      run_input: None unless the step takes it.
      inputs: the outputs that the step takes, by slug; those of skipped steps are not there.
      item: the element that an item of a map is for.
      sleeps: what the step has slept already, by name.
    """

    run_id: str
    step_slug: str
    item_index: int
    flow_slug: str
    flow_version: str
    attempt: int
    max_attempts: int
    lease_token: int
    timeout_ms: float
    user_id: str | None
    thread_id: str | None
    message_id: str
    run_input: Any
    inputs: Mapping[str, Any]
    checkpoint: Mapping[str, Any] | None
    last_sequence: int
    last_index: int | None
    open_parts: Sequence[Mapping[str, str]]
    broadcast: bool
    item: Any = None
    sleeps: Mapping[str, str] | None = None

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> LeasedStep:
        """Make one of a claimed row's detail."""
        return cls(
            detail["run_id"],
            detail["step_slug"],
            detail["item_index"],
            detail["flow_slug"],
            detail["flow_version"],
            detail["attempt"],
            detail["max_attempts"],
            detail["lease_token"],
            detail["timeout_ms"],
            detail["user_id"],
            detail["thread_id"],
            detail["message_id"],
            detail["run_input"],
            detail["inputs"],
            detail["checkpoint"],
            detail["last_sequence"],
            detail["last_index"],
            detail["open_parts"],
            detail["broadcast"],
            detail["item"],
            detail["sleeps"],
        )

    @property
    def is_item(self) -> bool:
        """Whether it is one item of a map."""
        return self.item_index >= 0

    def key(self) -> dict[str, Any]:
        """Return what every write about this step presents, the fencing token included."""
        return {
            "run_id": self.run_id,
            "step_slug": self.step_slug,
            "item_index": self.item_index,
            "lease_token": self.lease_token,
        }


@dataclass(frozen=True, slots=True)
class NothingReady:
    """A claim found fewer steps than it asked for.

    Attributes:
      next_available: seconds until a delayed step becomes ready, if one is known.
      busy: ready steps were locked by somebody else; ask again in a few milliseconds.
    """

    next_available: float | None
    busy: bool


@dataclass(slots=True)
class Reply:
    """Everything that one batched call answered, apart by kind.

    Attributes:
      answers: by position of the item in the request.
      nothing_ready: None when the claim was filled, or nothing was asked for.
    """

    answers: dict[int, Answer] = field(default_factory=dict)
    logged: list[LoggedEntries] = field(default_factory=list)
    claimed: list[LeasedStep] = field(default_factory=list)
    nothing_ready: NothingReady | None = None


def read_reply(rows: Sequence[Any]) -> Reply:
    """Sort the rows of a batched call by what they say."""
    reply = Reply()
    for ordinal, name, run_id, _step_slug, detail in rows:
        if ordinal is not None:
            reply.answers[ordinal] = Answer(name, detail or {})
        elif name == "claimed":
            reply.claimed.append(LeasedStep.of(detail))
        elif name == "logged":
            entries = LoggedEntries(
                run_id, detail["first_index"], detail["chunks"], detail["broadcast"]
            )
            reply.logged.append(entries)
        elif name == "idle":
            reply.nothing_ready = _nothing_ready(detail)
    return reply


def _nothing_ready(detail: Mapping[str, Any]) -> NothingReady:
    wait = detail["next_available_in_ms"]
    return NothingReady(None if wait is None else max(0.0, wait / 1000), detail["busy"])
