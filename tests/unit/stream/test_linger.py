"""The project's Realtime quota is kept whatever the number of streams."""

from __future__ import annotations

import pytest

from tidewire.stream.budget import Budget
from tidewire.stream.linger import Linger, slack


def test_one_stream_lingers_as_configured() -> None:
    assert Linger(0.05, quota=100).window(1) == 0.05


@pytest.mark.parametrize("streams", [5, 50, 500])
def test_many_streams_widen_the_window_so_that_the_quota_holds(streams: int) -> None:
    window = Linger(0.05, quota=100).window(streams)
    assert streams / window * 2 <= 100


def test_without_a_quota_the_window_never_widens() -> None:
    assert Linger(0, quota=0).window(10_000) == 0


def test_chunks_share_a_commit_only_when_nearly_due() -> None:
    assert slack(0) == 0
    assert slack(0.05) == 0.01


def test_budget_holds_the_rate_after_a_burst() -> None:
    budget = Budget(100)
    sent = sum(budget.take(second / 100) for second in range(6000))
    assert sent <= 100 / 2 * 60


def test_budget_says_when_the_next_message_may_go() -> None:
    budget = Budget(2)
    now = 0.0
    while budget.take(now):
        pass
    assert budget.take(budget.next_at(now) + 0.001)


def test_unlimited_budget_never_refuses() -> None:
    budget = Budget(0)
    assert all(budget.take(0.0) for _ in range(10_000))
