"""What each call costs among few rows of others, and among ten times as many."""

from __future__ import annotations

from integration.database.cost.calls import CALLS, FLOW, USER_ID
from integration.database.cost.pages import touched
from integration.database.cost.place import Place, finished_answer
from integration.database.sessions import Session

TINY, FEW, MANY = 50, 2_000, 20_000
# Queued runs of others have numbers of their own, one for ten that have ended.
_QUEUED_FROM = 1_000_000

BASE = "few, analyzed"
SMALL_BEFORE = ["planned for few", "statistics of few", "analyzed"]
TINY_BEFORE = ["planned when tiny", "statistics of tiny tables"]
# By call, by state.
Costs = dict[str, dict[str, int]]


class Growth:
    """The calls of one session after another, while the rows of others become more."""

    def __init__(self, here: Place, finished: str, queued: str) -> None:
        self._here, self._finished, self._queued = here, finished, queued
        self._size = 0
        self.costs: Costs = {call.name: {} for call in CALLS}

    @classmethod
    async def arrange(cls, here: Place, session: Session) -> Growth:
        finished = await finished_answer(session)
        queued = await session.start(FLOW, USER_ID)
        await here.crowd.add_users()
        return cls(here, finished, queued)

    async def to(self, size: int) -> None:
        """Let there be `size` runs that have ended, and a tenth as many that wait."""
        await self._here.crowd.copy_run(self._finished, range(self._size, size))
        waiting = range(_QUEUED_FROM + self._size // 10, _QUEUED_FROM + size // 10)
        await self._here.crowd.copy_run(self._queued, waiting, steps_alone=True)
        self._size = size

    async def measure(self, state: str, session: Session) -> None:
        for call in CALLS:
            self.costs[call.name][state] = await touched(session, call)

    async def measure_afresh(self, state: str) -> None:
        async with self._here.session() as session:
            await self.measure(state, session)


async def grown_from_few(here: Place, old: Session) -> Costs:
    """The base, and costs among ten times the rows: with old plans, old statistics, new ones."""
    growth = await Growth.arrange(here, old)
    await growth.to(FEW)
    await here.analyze()
    await growth.measure(BASE, old)
    await growth.to(MANY)
    await growth.measure(SMALL_BEFORE[0], old)
    await growth.measure_afresh(SMALL_BEFORE[1])
    await here.analyze()
    await growth.measure_afresh(SMALL_BEFORE[2])
    return growth.costs


async def grown_from_tiny(here: Place, old: Session) -> Costs:
    """Costs with plans and statistics of tables of a page or two, which nobody analyzed since."""
    growth = await Growth.arrange(here, old)
    await growth.to(TINY)
    await here.analyze()
    for _ in range(2):  # a plan is kept from its sixth use on
        await growth.measure(TINY_BEFORE[0], old)
    await growth.to(MANY)
    await growth.measure(TINY_BEFORE[0], old)
    await growth.measure_afresh(TINY_BEFORE[1])
    return growth.costs
